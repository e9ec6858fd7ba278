"""The candidates on the canvas: outlines of those taken for cells, and of those that are not."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.utils.colormaps import CyclicLabelColormap
from numpy.typing import NDArray
from scipy import ndimage

from napari_calcium.figures.palette import rgb
from napari_calcium.recording import Recording
from napari_calcium.rois import Rois
from napari_calcium.widgets.tissue_layers import layer_role

__all__ = ["CELL_COLOR", "REJECTED_COLOR", "CandidateLayer"]

CELL_COLOR, REJECTED_COLOR = "#56b4e9", "#d55e00"
_CELL, _REJECTED, _HERE = 1, 2, 3
_BELOW = ("image", "movie", "registered", "somata", "selected")


class CandidateLayer:
    """A layer of outlines: blue around cells, orange and broken around rejected ones, white around one.

    Told apart by more than colour, since not everybody sees it.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._layer: Any = None
        self._rois: Rois | None = None
        self._labels: NDArray[Any] = np.zeros((0, 0), np.uint8)
        self._edges: list[NDArray[np.int64]] = []
        self._broken: list[NDArray[np.int64]] = []
        self._picture: NDArray[np.uint8] = np.zeros((0, 0), np.uint8)

    @property
    def layer(self) -> Any | None:
        """The layer, while it is shown."""
        return self._layer if self._layer is not None and self._layer in self._viewer.layers else None

    def show(self, recording: Recording, chosen: NDArray[np.bool_], here: int | None) -> None:
        """Outline the candidates of a recording.

        Parameters
        ----------
        recording : Recording
            With candidates.
        chosen : (n_candidates,) bool
            Which are cells.
        here : int, optional
            Row of the one that is looked at.
        """
        rois = recording.candidates
        if rois is None:
            return self.clear()
        if rois is not self._rois:
            self._learn(rois)
        # Always the same array, changed in place: napari takes long to make thumbnail and extent of another.
        flat = self._picture.reshape(-1)
        flat[:] = 0
        for rows, lines, value in ((~chosen, self._broken, _REJECTED), (chosen, self._edges, _CELL)):
            which = np.flatnonzero(rows).tolist()
            if which:
                flat[np.concatenate([lines[row] for row in which])] = value
        if here is not None:
            flat[self._edges[here]] = _HERE
        if self.layer is None:
            self._layer = self._add(recording, self._picture)
        else:
            self._layer.refresh(extent=False, thumbnail=False)
        layers = self._viewer.layers
        # The canvas may have put its layers on top anew; what the user draws stays above.
        ours = [k for k, layer in enumerate(layers) if layer_role(layer) in _BELOW]
        if ours and layers.index(self._layer) < max(ours):
            layers.move(layers.index(self._layer), max(ours) + 1)
        return None

    def clear(self) -> None:
        """Take the layer away."""
        layer, self._layer = self.layer, None
        if layer is not None:
            self._viewer.layers.remove(layer)

    def row_at(self, world: Any, pixel: float) -> int | None:
        """Return the row of the candidate at a place (…, y, x) in world coordinates, None beside all."""
        if self._rois is None:
            return None
        y, x = np.round(np.asarray(world[-2:], float) / pixel).astype(int)
        height, width = self._labels.shape
        value = int(self._labels[y, x]) if 0 <= y < height and 0 <= x < width else 0
        return value - 1 if value else None

    def _learn(self, rois: Rois) -> None:
        self._rois, self._labels = rois, rois.label_image()
        self._edges = [_outline(*rois.pixels(row), rois.shape[1]) for row in range(len(rois))]
        self._broken = [edge[_dashes(edge, rois.shape[1])] for edge in self._edges]
        if self._picture.shape != rois.shape:
            self.clear()
            self._picture = np.zeros(rois.shape, np.uint8)

    def _add(self, recording: Recording, picture: NDArray[np.uint8]) -> Any:
        layers = self._viewer.layers
        active = layers.selection.active
        pixel = recording.pixel_size_um
        colors = [(*(c / 255 for c in rgb(color)), 1.0) for color in (CELL_COLOR, REJECTED_COLOR)]
        layer = self._viewer.add_labels(
            picture,
            name="Candidates",
            colormap=CyclicLabelColormap(colors=[(0, 0, 0, 0), *colors, (1, 1, 1, 1)]),
            opacity=0.9,
            metadata={"napari_calcium": {"recording": recording.name, "role": "candidates"}},
            scale=(pixel or 1.0,) * 2,
            units=("um" if pixel else "pixel",) * 2,
            axis_labels=("y", "x"),
        )
        layer.editable = False
        layers.selection.active = active
        return layer


def _outline(y: NDArray[np.int64], x: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """Return the flat indices of the outermost pixels of a footprint; nothing of the holes in it."""
    if not len(y):
        return np.empty(0, np.int64)
    top, left = int(y.min()) - 1, int(x.min()) - 1
    mask = np.zeros((int(y.max()) - top + 2, int(x.max()) - left + 2), np.bool_)
    mask[y - top, x - left] = True
    mask = ndimage.binary_fill_holes(mask)
    rows, columns = np.nonzero(mask & ~ndimage.binary_erosion(mask))
    edge: NDArray[np.int64] = (rows + top) * width + columns + left
    return edge


def _dashes(edge: NDArray[np.int64], width: int) -> NDArray[np.bool_]:
    """Return which pixels of an outline to paint for a broken line: gaps by angle around its centre."""
    y, x = np.divmod(edge, width)
    angle = np.arctan2(y - y.mean(), x - x.mean()) if len(edge) else np.empty(0)
    return np.asarray(np.floor(angle / (np.pi / 6)).astype(int) % 2 == 0)
