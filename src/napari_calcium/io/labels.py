"""Label images: where the cells lie, linked to the rows of the traces."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_calcium import __version__
from napari_calcium.io.errors import ReadError
from napari_calcium.io.tiff_pages import read_array
from napari_calcium.plurals import count_of
from napari_calcium.recording import LogEntry, Recording
from napari_calcium.rois import Rois

__all__ = ["link_labels", "read_image", "read_labels"]

_SHOWN = 5


def read_labels(path: str | Path) -> NDArray[np.int64]:
    """Read a label image: 0 is background, every other value one cell.

    Parameters
    ----------
    path : str or Path
        A TIFF with one plane of whole numbers; floats are fine as long as they are whole.

    Returns
    -------
    (height, width) int64

    Raises
    ------
    ReadError
        If it is no TIFF, a stack or a colour image, or has fractions or negative values.
    """
    path = Path(path)
    image = _plane(path, "a label image is one plane; give the one on which the cells are drawn")
    if image.dtype.kind == "f":
        if not (np.isfinite(image).all() and (image == np.floor(image)).all()):
            raise ReadError(
                f"{path.name}: labels are whole numbers, got fractions; is this the image itself?"
            )
    elif image.dtype.kind not in "iub":
        raise ReadError(f"{path.name}: labels are whole numbers, got {image.dtype}")
    if image.size and not 0 <= float(image.min()) <= float(image.max()) < 2**53:
        raise ReadError(
            f"{path.name}: labels are 0 for background and positive for cells, "
            f"got {image.min()} to {image.max()}"
        )
    return image.astype(np.int64)


def read_image(path: str | Path) -> NDArray[np.float32]:
    """Read a picture of the tissue, (height, width) float32; colours are averaged.

    Raises
    ------
    ReadError
        If it is no TIFF, or a stack.
    """
    path = Path(path)
    image = _plane(path, "a picture is one plane; give the mean image of the movie", colour=True)
    return np.ascontiguousarray(image, np.float32)


def _plane(path: Path, hint: str, *, colour: bool = False) -> NDArray[Any]:
    image = read_array(path)
    if image.ndim == 3 and image.shape[-1] in (3, 4) and image.dtype == np.uint8:
        if not colour:
            raise ReadError(
                f"{path.name}: this is a colour image, which has no labels; save the label image as 16 bit"
            )
        image = image[..., :3].mean(axis=-1)
    if image.ndim != 2:
        raise ReadError(f"{path.name}: got an image of shape {' × '.join(map(str, image.shape))}; {hint}")
    return image


def link_labels(
    recording: Recording, image: ArrayLike, *, by: Literal["auto", "label", "order"] = "auto"
) -> Recording:
    """Give the cells of a recording their places in a label image.

    Parameters
    ----------
    recording : Recording
        With a row for each label at least.
    image : (height, width) of integers
        0 is background.
    by : {"auto", "label", "order"}
        ``"label"``: a label belongs to the cell whose name ends in that number (``Mean12``, ``ROI 12``), or
        whose id it is where cells have no names. ``"order"``: the lowest label belongs to the first row.
        ``"auto"``: by label where every label has its cell and no cell is numbered 0 (which is background, so
        that such numbers are no labels); else by order, if there are as many labels as rows.

    Returns
    -------
    Recording
        With ROIs in the order of its rows. Cells may be left without a place when linked by label. The log
        entry ``"rois"`` says which way they were linked; earlier ROIs are replaced.

    Raises
    ------
    ReadError
        If they cannot be linked; it tells both counts, or the labels that belong to nobody.
    """
    values = np.asarray(image)
    labels = np.unique(values)
    labels = labels[labels != 0].astype(np.int64)
    rows, why = _rows_of(recording, labels, by)
    way = "label" if why != _IN_ORDER else "order"
    rois = Rois.from_labels(values, recording.roi_ids[rows]).take(np.argsort(rows, kind="stable"))
    notes = [f"{len(labels)} labels linked to {recording.n_rois} rows by {way}: {why}"]
    without = np.setdiff1d(np.arange(recording.n_rois), rows)
    if len(without):
        shown = ", ".join(recording.cell_name(int(recording.roi_ids[k])) for k in without[:_SHOWN])
        more = f" and {len(without) - _SHOWN} more" if len(without) > _SHOWN else ""
        number = count_of(len(without), "cell has", "cells have")
        notes.append(f"{number} no label and so no place: {shown}{more}")
    entry = LogEntry(
        stage="rois", settings={"by": way}, writes=("rois",), notes=tuple(notes), version=__version__
    )
    return recording.with_step(entry, rois=rois)


_IN_ORDER = "the lowest label is the first row"


def _rows_of(recording: Recording, labels: NDArray[np.int64], by: str) -> tuple[NDArray[np.int64], str]:
    """Return the row of each label, and by what it was found."""
    numbers, what = _numbers_of(recording)
    known = numbers is not None and len(labels) > 0 and bool(np.isin(labels, numbers).all())
    if numbers is not None and known and (by == "label" or (by == "auto" and 0 not in numbers)):
        order = np.argsort(numbers)
        return order[np.searchsorted(numbers, labels, sorter=order)], f"the labels are {what}"
    if by == "label":
        lost = labels if numbers is None else labels[~np.isin(labels, numbers)]
        shown = ", ".join(map(str, lost[:_SHOWN].tolist()))
        raise ReadError(
            f"{len(lost)} of {len(labels)} labels belong to none of the {recording.n_rois} rows "
            f"(labels {shown}); link by order, or number the cells as in the label image"
        )
    if len(labels) != recording.n_rois:
        raise ReadError(
            f"the label image has {len(labels)} labels but there are {recording.n_rois} rows of traces; "
            f"give the image these traces came from, or number the cells by their labels"
        )
    return np.arange(recording.n_rois), _IN_ORDER


def _numbers_of(recording: Recording) -> tuple[NDArray[np.int64] | None, str]:
    """Return the number each cell goes by, None where they have none or share some."""
    if not recording.cell_names:
        return recording.roi_ids, "the cells' numbers"
    found = [re.search(r"(\d{1,15})\D*$", name) for name in recording.cell_names]
    numbers = np.array([int(match.group(1)) for match in found if match], np.int64)
    unique = len(np.unique(numbers)) == recording.n_rois
    return (numbers if unique else None), "the numbers in the cells' names"
