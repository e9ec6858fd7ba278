"""What each tool for cells does to the recording, as steps that can be undone. No Qt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_calcium.cells.cell_editing import cells_to_edit, choose_cells, edit_cells, free_id, why_not
from napari_calcium.curation.shapes import polygon_mask, wand_mask
from napari_calcium.figures.axis_labels import counted
from napari_calcium.roi_edits import DeleteRois, MergeRois, RoiEdit, SetFootprint, SplitRoi, mask_runs
from napari_calcium.rois import Rois
from napari_calcium.session import Session
from napari_calcium.settings import SettingsError

__all__ = ["CellEditor"]

_IMAGES = ("local_correlation", "mean", "max_projection", "standard_deviation")
_FEWEST_PIXELS = 20
"""Less than this is noise as a rule: the next image is asked."""
_SMOOTHING_PX = 1.0
_NOTHING_OPEN = "Open a recording first."


class CellEditor:
    """Changes the cells of a session's recording; each change is one step of its history.

    Every method returns what was done or why it cannot be, in one line; a reason begins with "⚠".

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    fresh : tuple of int
        Cells that the last change made, to be selected once their traces are there.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.fresh: tuple[int, ...] = ()

    def wand(self, y: float, x: float, *, share: float, radius: float) -> str:
        """Add a cell that grows from a pixel of the image in which cells are bright.

        Parameters
        ----------
        y, x : float
            In pixels of the recording.
        share, radius : float
            As for :func:`~napari_calcium.curation.shapes.wand_mask`.
        """
        recording = self._session.recording
        names = [n for n in _IMAGES if recording is not None and n in recording.images]
        if recording is None or not names:
            return "⚠ The wand reads the local correlation: run Registration first, or draw the cell."
        known = cells_to_edit(recording)
        taken: NDArray[np.bool_] = np.zeros(recording.images[names[0]].shape, bool)
        if known is not None and known.shape == taken.shape:
            here = known.take(np.flatnonzero(recording.cell_choice.accepts(known)))
            taken.reshape(-1)[here.footprints.indices] = True
        best: NDArray[np.bool_] = np.zeros(taken.shape, bool)
        for name in names:
            # A cell that is silent is not seen in the correlation, but in the mean it may be.
            image = ndimage.gaussian_filter(np.nan_to_num(recording.images[name]), _SMOOTHING_PX)
            mask = wand_mask(image, (y, x), share=share, radius=radius, taken=taken)
            best = mask if mask.sum() > best.sum() else best
            if best.sum() >= _FEWEST_PIXELS:
                break
        if best.sum() < 2:
            return "⚠ Nothing stands out there, neither in the correlation nor in the mean image."
        return self._add(best, "Wand")

    def draw(self, outline: NDArray[np.float64], words: str) -> str:
        """Add a cell inside a closed line, (n, 2) pixels (y, x)."""
        shape = self._shape()
        return f"⚠ {_NOTHING_OPEN}" if shape is None else self._add(polygon_mask(shape, outline), words)

    def redraw(self, outline: NDArray[np.float64], held: Sequence[str] = ()) -> str:
        """Give the selected cell the pixels inside a closed line; Shift adds them, Alt takes them off."""
        found = self._one()
        if isinstance(found, str):
            return found
        rois, row = found
        mask = polygon_mask(rois.shape, outline)
        own = np.zeros(rois.shape, bool)
        own[rois.pixels(row)] = True
        if "Shift" in held:
            mask |= own
        elif "Alt" in held:
            mask = own & ~mask
        if not mask.any():
            return "⚠ Nothing would be left of the cell; delete it instead."
        cell = int(rois.ids[row])
        return self._apply([SetFootprint(roi_id=cell, runs=mask_runs(mask))], f"Redraw cell {cell}", (cell,))

    def merge(self) -> str:
        """Make one cell of the selected ones."""
        recording, cells = self._session.recording, self._session.selection.cells
        if recording is None or len(cells) < 2:
            return "⚠ Select two cells or more that are one: Shift and click."
        into = free_id(recording)
        words = f"Merge cells {', '.join(map(str, cells[:3]))}{' …' if len(cells) > 3 else ''} into {into}"
        return self._apply([MergeRois(roi_ids=cells, into=into)], words, (into,))

    def split(self, line: NDArray[np.float64]) -> str:
        """Make two cells of the selected one, or of the one in the middle of a line, (2, 2) pixels (y, x)."""
        recording = self._session.recording
        known = cells_to_edit(recording) if recording is not None else None
        if recording is None or known is None:
            return f"⚠ {_NOTHING_OPEN}"
        cells = self._session.selection.cells
        chosen = cells[0] if len(cells) == 1 else _cell_under(known, line.mean(axis=0))
        if chosen is None:
            return "⚠ There is no cell in the middle of the line; draw it across one."
        first = free_id(recording)
        ends = tuple(float(v) for v in np.asarray(line)[[0, -1]].ravel())
        edit = SplitRoi(roi_id=chosen, line=(ends[0], ends[1], ends[2], ends[3]), into=(first, first + 1))
        return self._apply([edit], f"Split cell {chosen}", (first, first + 1))

    def delete(self) -> str:
        """Delete the selected cells."""
        cells = self._session.selection.cells
        if not cells:
            return "⚠ Select the cells to delete."
        return self._apply([DeleteRois(roi_ids=cells)], f"Delete {_named(cells)}", ())

    def decide(self, *, cells: bool, ids: Sequence[int] | None = None, why: str = "") -> str:
        """Accept or reject cells, the selected ones by default."""
        recording = self._session.recording
        chosen = self._session.selection.cells if ids is None else tuple(ids)
        if recording is None or not chosen:
            return "⚠ Select the cells to judge."
        try:
            judged = choose_cells(recording, chosen, cells=cells)
        except SettingsError as error:
            return _reason(error)
        words = f"{'Accept' if cells else 'Reject'} {_named(chosen)}{why}"
        if judged.cell_choice == recording.cell_choice:
            return f"{words}: so they were."
        self._session.apply(judged, words)
        return f"{words}."

    def _add(self, mask: NDArray[np.bool_], words: str) -> str:
        recording = self._session.recording
        if recording is None:
            return f"⚠ {_NOTHING_OPEN}"
        if not mask.any():
            return "⚠ There is no pixel of the image inside."
        cell = free_id(recording)
        edit = SetFootprint(roi_id=cell, runs=mask_runs(mask))
        return self._apply([edit], f"{words}: cell {cell}, {counted(int(mask.sum()), 'pixel')}", (cell,))

    def _apply(self, edits: Sequence[RoiEdit], words: str, fresh: tuple[int, ...]) -> str:
        recording = self._session.recording
        assert recording is not None
        try:
            edited = edit_cells(recording, edits)
        except SettingsError as error:
            return _reason(error)
        self.fresh = fresh
        self._session.apply(edited, words)
        return f"{words}."

    def _one(self) -> tuple[Rois, int] | str:
        """Return the one selected cell, as all cells and its row, or why there is none."""
        recording, selection = self._session.recording, self._session.selection
        known = cells_to_edit(recording) if recording is not None else None
        if recording is not None and (why := why_not(recording)):
            return f"⚠ {why}"
        cell = selection.focus if selection.focus is not None else (selection.cells or (None,))[-1]
        if known is None or cell is None or cell not in known.ids:
            return "⚠ Select the cell first, then draw."
        return known, int(np.flatnonzero(known.ids == cell)[0])

    def _shape(self) -> tuple[int, int] | None:
        recording = self._session.recording
        known = cells_to_edit(recording) if recording is not None else None
        return known.shape if known is not None else None


def _cell_under(rois: Rois, place: NDArray[np.float64]) -> int | None:
    """Return the cell with the heaviest footprint at a place (y, x) in pixels."""
    y, x = (round(float(v)) for v in place)
    if not (0 <= y < rois.shape[0] and 0 <= x < rois.shape[1]):
        return None
    weights = rois.footprints[:, [y * rois.shape[1] + x]].toarray().ravel()
    return int(rois.ids[int(np.argmax(weights))]) if weights.any() else None


def _named(cells: Sequence[int]) -> str:
    return f"cell {cells[0]}" if len(cells) == 1 else counted(len(cells), "cell")


def _reason(error: SettingsError) -> str:
    """Return an error as a reason for the user, without the words meant for a file."""
    text = str(error)
    text = text.split("): ", 1)[1] if text.startswith("change ") and "): " in text else text
    return f"⚠ {text[0].upper()}{text[1:]}"
