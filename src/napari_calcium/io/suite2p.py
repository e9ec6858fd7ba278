"""suite2p's folder, of one plane or several: read it, and write the user's choice of cells back."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.atomic import replacing
from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.foreign import make_recording, source_of
from napari_calcium.io.suite2p_joined import joined
from napari_calcium.io.suite2p_plane import is_plane, read_choice, read_numbers, read_plane
from napari_calcium.recording import Recording

__all__ = ["find_suite2p", "is_from_suite2p", "read_suite2p", "write_iscell"]


def find_suite2p(path: str | Path) -> tuple[Path, ...]:
    """Return the folders of the planes that a path means; none if it has nothing to do with suite2p.

    Parameters
    ----------
    path : path
        A plane's folder, a file in it, the ``suite2p`` folder, or the folder in which that lies. The last two
        mean all planes, in the order of their numbers.
    """
    path = Path(path)
    if path.is_file():
        return (path.parent,) if path.suffix == ".npy" and is_plane(path.parent) else ()
    if is_plane(path):
        return (path,)
    for folder in (path, path / "suite2p"):
        found = [plane for plane in folder.glob("plane*") if is_plane(plane)]
        if found:
            return tuple(sorted(found, key=_number))
    return ()


def _number(plane: Path) -> tuple[int, str]:
    """Order planes as suite2p does: plane10 comes after plane9."""
    digits = re.search(r"\d{1,9}$", plane.name)
    return (int(digits[0]) if digits else 0, plane.name)


def read_suite2p(path: str | Path, settings: CsvSettings = CsvSettings()) -> Recording:
    """Read what suite2p extracted, of version 0.14 or 1.x.

    Parameters
    ----------
    path : path
        See :func:`find_suite2p`. Nothing in the folder is written to.
    settings : CsvSettings
        Its `frame_rate` overrules the file's; with `rejected_cells` ``"keep"`` ROIs that are no cells stay.

    Returns
    -------
    Recording
        Ids are the row numbers of suite2p's files; of several planes the numbers go on from plane to plane,
        as they do in suite2p's ``combined``. Traces, all in a.u.: ``"raw"`` (F, with neuropil),
        ``"neuropil"``, ``"corrected"`` (F minus the run's neuropil coefficient, 0.7 by default, times
        neuropil), ``"spikes"``. ROIs with suite2p's weights, measures and ``probability``; images placed in
        the whole field where suite2p had cropped them. Several planes lie side by side in one image, and
        the quality ``plane`` tells each cell's: see :func:`~napari_calcium.io.suite2p_joined.joined`.

    Raises
    ------
    ReadError
        In one line that names the file: missing, damaged, not fitting the others, or a hostile pickle.
    """
    started = time.perf_counter()
    folders = _planes(path)
    planes = []
    for folder in folders:
        try:
            planes.append(read_plane(folder))
        except ReadError as error:
            raise error if len(folders) == 1 else ReadError(f"{folder.name}/{error}") from None
    parts = planes[0] if len(planes) == 1 else joined(planes, [_number(folder)[0] for folder in folders])
    top = folders[0] if len(folders) == 1 else folders[0].parent
    parts.name = _name(top)
    if len(folders) > 1:
        parts.notes += _other_choice(top / "combined", parts.accepted)
    source = source_of(folders[0] / "F.npy", name=f"{folders[0].name}/F.npy")
    return make_recording(parts, top, source, settings, started)


def write_iscell(recording: Recording, path: str | Path) -> tuple[Path, ...]:
    """Write which ROIs are cells into suite2p's ``iscell.npy``, and change nothing else.

    Parameters
    ----------
    recording : Recording
        That was read from this folder, with ROIs whose `accepted` the user may have changed. ROIs that it
        lacks, since they were left out or deleted, keep their entry.
    path : path
        See :func:`find_suite2p`. Of several planes each has its own file, and so has ``combined`` if there.

    Returns
    -------
    tuple of path
        The files. Probabilities, further columns and the dtype stay; each is replaced whole or not at all,
        and none unless all fit.

    Raises
    ------
    ReadError
        If it is no folder of suite2p, or the ids do not fit it.
    ValueError
        If the recording has no ROIs.
    """
    folders = _planes(path)
    if recording.rois is None:
        raise ValueError("the recording has no ROIs, so there is no choice of cells to write")
    numbers = [len(read_numbers(folder / "F.npy")) for folder in folders]
    ids, total = recording.rois.ids, sum(numbers)
    top = folders[0] if len(folders) == 1 else folders[0].parent
    if len(ids) and not 0 <= ids.min() <= ids.max() < total:
        raise ReadError(
            f"{top.name}: the recording has ROI {int(ids.max())}, but the folder has {total}; "
            "write to the folder it was read from"
        )
    _check_origin(recording, folders)
    starts = np.cumsum([0, *numbers[:-1]]).tolist()
    tables: dict[Path, NDArray[Any]] = {}
    for folder, start, n_rois in zip(folders, starts, numbers, strict=True):
        here = (ids >= start) & (ids < start + n_rois)
        tables[folder] = read_choice(folder, n_rois)
        tables[folder][ids[here] - start, 0] = recording.rois.accepted[here]
    both = top / "combined"
    if len(folders) > 1 and is_plane(both) and len(read_numbers(both / "F.npy")) == total:
        tables[both] = read_choice(both, total)
        tables[both][ids, 0] = recording.rois.accepted
    return tuple(_replaced(folder / "iscell.npy", table) for folder, table in tables.items())


def is_from_suite2p(recording: Recording) -> bool:
    """Whether a recording was read from suite2p's folder, so that a choice of cells can go back there."""
    return recording.source is not None and recording.source.name.endswith("/F.npy")


def _check_origin(recording: Recording, folders: tuple[Path, ...]) -> None:
    """Refuse cells that have nothing to do with a folder: their numbers would mean others there."""
    source = recording.source
    if source is None or not is_from_suite2p(recording):
        raise ReadError(f"{recording.name} was not read from a folder of suite2p, so its cells are not there")
    here = source_of(folders[0] / "F.npy")
    if (source.sha256, source.size) != (here.sha256, here.size):
        name = folders[0].name if len(folders) == 1 else folders[0].parent.name
        raise ReadError(
            f"{name}: holds other traces than {recording.name}; write to the folder it was read from"
        )


def _replaced(file: Path, table: NDArray[Any]) -> Path:
    with replacing(file) as partial, partial.open("wb") as out:
        np.save(out, table, allow_pickle=False)
    return file


def _planes(path: str | Path) -> tuple[Path, ...]:
    found = find_suite2p(path)
    if not found:
        raise ReadError(f"{Path(path).name}: no folder of suite2p (F.npy and stat.npy)")
    return found


def _other_choice(combined: Path, accepted: NDArray[np.bool_] | None) -> list[str]:
    """Say where suite2p's window, which writes beside the planes, was used to choose other cells."""
    if accepted is None or not (combined / "iscell.npy").is_file():
        return []
    try:
        other = read_choice(combined, len(accepted))[:, 0] > 0
    except ReadError:
        return []
    n = int((other != accepted).sum())
    if not n:
        return []
    plural = "s" if n > 1 else ""
    return [
        f"the choice in combined differs from the planes' own for {n:,} ROI{plural}; open that folder for it"
    ]


def _name(folder: Path) -> str:
    """Name a recording after the folder that the user named, not after the ones that suite2p makes."""
    own = [p for p in folder.absolute().parts if p != "suite2p" and not p.startswith("plane")]
    name = own[-1] if len(own) > 1 else folder.name
    return name if folder.name in (name, "suite2p") else f"{name} {folder.name}"
