"""Regions of interest changed by hand: a change is a small setting, so that it can be undone and rerun."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BeforeValidator, Field, PlainSerializer
from scipy import sparse

from napari_calcium.rois import Rois
from napari_calcium.settings import Settings, SettingsError

__all__ = [
    "DeleteRois",
    "MergeRois",
    "RoiEdit",
    "SetFootprint",
    "SplitRoi",
    "apply_edits",
    "changed_ids",
    "footprint_runs",
    "ids_of",
    "mask_runs",
    "next_id",
    "run_mask",
]

Run = tuple[int, int, int]
"""Pixels of one row: y, first x, and the x after the last."""


def _runs_of(value: Any) -> Any:
    """Make runs of a line of text such as ``"12:4-9 13:4-8"``; leave anything else as it is."""
    if not isinstance(value, str):
        return value
    parts = [re.fullmatch(r"(\d+):(\d+)-(\d+)", part) for part in value.split()]
    if not all(parts):
        raise ValueError("rows of pixels are written like '12:4-9 13:4-8' (y:first x-x after the last)")
    return tuple(tuple(map(int, part.groups())) for part in parts if part is not None)


def _text_of(runs: Sequence[Run]) -> str:
    return " ".join(f"{y}:{first}-{stop}" for y, first, stop in runs)


Runs = Annotated[tuple[Run, ...], BeforeValidator(_runs_of), PlainSerializer(_text_of, return_type=str)]
"""Rows of pixels, written as one line of text: hundreds of cells stay readable in a file."""


class SetFootprint(Settings):
    """A footprint drawn by hand: of a new cell, or a new one for a cell that is there."""

    edit: Literal["set"] = "set"
    roi_id: int = Field(title="Cell", description="Id of the cell; a new one adds a cell.")
    runs: Runs = Field(
        title="Pixels", description="Rows of pixels: y, first x, and the x after the last, as 12:4-9 13:4-8."
    )


class MergeRois(Settings):
    """Several cells that are one."""

    edit: Literal["merge"] = "merge"
    roi_ids: tuple[int, ...] = Field(title="Cells", description="Ids of the cells, which are gone then.")
    into: int = Field(title="New cell", description="Id of the cell they become.")


class SplitRoi(Settings):
    """One cell that is two, on the two sides of a line."""

    edit: Literal["split"] = "split"
    roi_id: int = Field(title="Cell", description="Id of the cell, which is gone then.")
    line: tuple[float, float, float, float] = Field(
        title="Line", description="Two points of the line in pixels: y, x, y, x."
    )
    into: tuple[int, int] = Field(
        title="New cells", description="Ids of the part left of the line (seen along it) and of the other."
    )


class DeleteRois(Settings):
    """Cells that are none."""

    edit: Literal["delete"] = "delete"
    roi_ids: tuple[int, ...] = Field(title="Cells", description="Ids of the cells.")


RoiEdit = Annotated[SetFootprint | MergeRois | SplitRoi | DeleteRois, Field(discriminator="edit")]
"""One change made by hand."""


def apply_edits(rois: Rois, edits: Sequence[RoiEdit]) -> Rois:
    """Return the ROIs after some changes, made one after the other.

    Parameters
    ----------
    rois : Rois
        Left as they are.
    edits : sequence of RoiEdit

    Returns
    -------
    Rois
        Cells that were not changed keep id, label, footprint, choice and quality. A new or changed cell is
        accepted, and its quality is NaN, since what was measured was measured on other pixels.

    Raises
    ------
    SettingsError
        If a change names a cell that is not there (any more), an id that is taken, pixels outside of the
        image, or would leave a cell without pixels.
    """
    done = 0
    known = set(rois.ids.tolist())
    for drawn, group in groupby(edits, lambda edit: isinstance(edit, SetFootprint)):
        same = list(group)
        # Cells that are drawn one after the other join in one go: a stack a cell would take n² time.
        new = [e.roi_id for e in same if isinstance(e, SetFootprint)] if drawn else []
        at_once = bool(new) and len(set(new)) == len(new) and known.isdisjoint(new)
        try:
            if at_once:
                rois = _drawn(rois, same)
            else:
                for edit in same:
                    rois = _APPLY[type(edit)](rois, edit)
                    done += 1
        except ValueError as error:
            place, edit = (done + 1, edits[done]) if not at_once else _failing(rois, same, done)
            raise SettingsError(f"change {place} of the cells ({edit.edit}): {error}") from None
        done += len(same) if at_once else 0
        known = set(rois.ids.tolist())
    return rois


def ids_of(edits: Iterable[RoiEdit]) -> NDArray[np.int64]:
    """Return the ids of cells that changes name, whether they are there before or after, sorted."""
    named: set[int] = set()
    for edit in edits:
        match edit:
            case SetFootprint():
                named.add(edit.roi_id)
            case MergeRois():
                named.update((*edit.roi_ids, edit.into))
            case SplitRoi():
                named.update((edit.roi_id, *edit.into))
            case DeleteRois():
                named.update(edit.roi_ids)
    return np.array(sorted(named), np.int64)


def footprint_runs(rois: Rois, row: int) -> tuple[Run, ...]:
    """Return the pixels of a ROI as rows of pixels, from the top."""
    mask = np.zeros(rois.shape, bool)
    mask[rois.pixels(row)] = True
    return mask_runs(mask)


def changed_ids(before: Rois, after: Rois) -> NDArray[np.int64]:
    """Return the ids in `after` that are new or whose footprint is another than in `before`, (n,) int64."""
    rows = {int(roi): row for row, roi in enumerate(before.ids)}
    changed = [
        int(roi)
        for row, roi in enumerate(after.ids)
        if int(roi) not in rows or not _same_footprint(before, rows[int(roi)], after, row)
    ]
    return np.array(changed, np.int64)


def next_id(*used: ArrayLike) -> int:
    """Return an id above all that are, or were, in use; ids are never given twice."""
    return 1 + max((int(np.max(ids)) for ids in map(np.asarray, used) if ids.size), default=-1)


def mask_runs(mask: ArrayLike) -> tuple[Run, ...]:
    """Return the pixels of a mask (height, width) as rows of pixels, from the top."""
    padded = np.pad(np.asarray(mask, bool), ((0, 0), (1, 1))).astype(np.int8)
    edges = np.diff(padded, axis=1)
    y, first = np.nonzero(edges == 1)
    stop = np.nonzero(edges == -1)[1]
    return tuple(zip(y.tolist(), first.tolist(), stop.tolist(), strict=True))


def run_mask(runs: Sequence[Run], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return rows of pixels as a mask of an image's shape.

    Raises
    ------
    ValueError
        If a row is empty or lies outside of the image.
    """
    mask = np.zeros(shape, bool)
    for y, first, stop in runs:
        if not (0 <= y < shape[0] and 0 <= first < stop <= shape[1]):
            raise ValueError(f"the pixels {first} to {stop} of row {y} are not all in an image of {shape}")
        mask[y, first:stop] = True
    return mask


def _set(rois: Rois, edit: SetFootprint) -> Rois:
    pixels = np.flatnonzero(run_mask(edit.runs, rois.shape))
    footprint = _footprint(pixels, np.ones(len(pixels)), rois)
    if edit.roi_id not in rois.ids:
        return _with(rois, [edit.roi_id], footprint)
    row = int(np.flatnonzero(rois.ids == edit.roi_id)[0])
    footprints = sparse.vstack([rois.footprints[:row], footprint, rois.footprints[row + 1 :]], format="csr")
    accepted, quality = rois.accepted.copy(), {name: v.copy() for name, v in rois.quality.items()}
    accepted[row] = True
    for values in quality.values():
        values[row] = np.nan
    return Rois(rois.ids, footprints, rois.shape, rois.labels, accepted, quality)


def _drawn(rois: Rois, edits: Sequence[Any]) -> Rois:
    """Return the ROIs and new ones after them, all drawn."""
    pixels = [np.flatnonzero(run_mask(edit.runs, rois.shape)) for edit in edits]
    rows = [_footprint(p, np.ones(len(p)), rois) for p in pixels]
    return _with(rois, [edit.roi_id for edit in edits], sparse.csr_array(sparse.vstack(rows)))


def _failing(rois: Rois, edits: Sequence[Any], done: int) -> tuple[int, Any]:
    """Return number and change of the first of several that cannot be made."""
    for number, edit in enumerate(edits, done + 1):
        try:
            _set(rois, edit)
        except ValueError:
            return number, edit
    return done + 1, edits[0]


def _merge(rois: Rois, edit: MergeRois) -> Rois:
    rows = _rows(rois, edit.roi_ids)
    if len(rows) < 2:
        raise ValueError(f"it takes two cells, got {len(rows)}")
    parts = rois.footprints[rows]
    highest = np.asarray(parts.max(axis=1).todense()).ravel()
    # Weights of one cell are comparable with those of another only after their scale is taken off.
    scale = sparse.diags_array(np.where(highest > 0, 1 / np.where(highest > 0, highest, 1), 0.0))
    together = (scale @ parts).max(axis=0).tocsr().reshape(1, -1)
    return _with(_without(rois, rows), [edit.into], sparse.csr_array(together))


def _split(rois: Rois, edit: SplitRoi) -> Rois:
    row = int(_rows(rois, (edit.roi_id,))[0])
    y0, x0, y1, x1 = edit.line
    if (y0, x0) == (y1, x1):
        raise ValueError("a line takes two different points")
    start, stop = rois.footprints.indptr[row : row + 2]
    pixels, weights = rois.footprints.indices[start:stop], rois.footprints.data[start:stop]
    y, x = np.divmod(pixels.astype(np.int64), rois.shape[1])
    left = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) < 0
    if left.all() or not left.any():
        raise ValueError(f"the line does not cross cell {edit.roi_id}")
    halves = [_footprint(pixels[side], weights[side], rois) for side in (left, ~left)]
    return _with(_without(rois, np.array([row])), list(edit.into), sparse.csr_array(sparse.vstack(halves)))


def _delete(rois: Rois, edit: DeleteRois) -> Rois:
    return _without(rois, _rows(rois, edit.roi_ids))


_APPLY: dict[type, Callable[[Rois, Any], Rois]] = {
    SetFootprint: _set,
    MergeRois: _merge,
    SplitRoi: _split,
    DeleteRois: _delete,
}


def _rows(rois: Rois, ids: Sequence[int]) -> NDArray[np.int64]:
    unknown = [roi for roi in ids if roi not in rois.ids]
    if unknown:
        raise ValueError(f"there is no cell {unknown[0]}")
    return np.flatnonzero(np.isin(rois.ids, ids)).astype(np.int64)


def _without(rois: Rois, rows: NDArray[np.int64]) -> Rois:
    return rois.take(np.setdiff1d(np.arange(len(rois)), rows))


def _with(rois: Rois, ids: Sequence[int], footprints: sparse.csr_array) -> Rois:
    """Return the ROIs and new ones after them."""
    if taken := [roi for roi in ids if roi in rois.ids] or [roi for roi in ids if list(ids).count(roi) > 1]:
        raise ValueError(f"the id {taken[0]} is taken")
    n = len(ids)
    labels = np.arange(n) + next_id([0], rois.labels)
    return Rois(
        np.append(rois.ids, ids),
        sparse.csr_array(sparse.vstack([rois.footprints, footprints])),
        rois.shape,
        np.append(rois.labels, labels),
        np.append(rois.accepted, np.ones(n, bool)),
        {name: np.append(values, np.full(n, np.nan)) for name, values in rois.quality.items()},
    )


def _footprint(pixels: NDArray[np.integer], weights: ArrayLike, rois: Rois) -> sparse.csr_array:
    if not len(pixels):
        raise ValueError("a cell takes at least one pixel")
    values = np.asarray(weights, np.float32)
    return sparse.csr_array((values, (np.zeros(len(pixels), int), pixels)), (1, rois.footprints.shape[1]))


def _same_footprint(a: Rois, row: int, b: Rois, other: int) -> bool:
    (start, stop), (first, last) = a.footprints.indptr[row : row + 2], b.footprints.indptr[other : other + 2]
    return np.array_equal(a.footprints.indices[start:stop], b.footprints.indices[first:last]) and (
        np.array_equal(a.footprints.data[start:stop], b.footprints.data[first:last])
    )
