"""The cells of another recording over the image of this one, where they lie in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from napari.utils.colormaps import CyclicLabelColormap
from numpy.typing import NDArray

from napari_calcium.curation.matching import CellMatches
from napari_calcium.figures.palette import rgb
from napari_calcium.recording import Recording
from napari_calcium.rois import Rois
from napari_calcium.widgets.soma_highlight import SomaHighlight
from napari_calcium.widgets.tissue_layers import KEY

__all__ = ["MATCHED_COLOR", "UNMATCHED_COLOR", "MatchLayer"]

MATCHED_COLOR, UNMATCHED_COLOR = "#009e73", "#999999"
_MATCHED, _UNMATCHED, _CHOSEN = 1, 2, 3
_CHOSEN_COLOR = "#f0e442"


class MatchLayer:
    """Outlines of the other recording's cells, those in both and those not; chosen ones are filled.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._layer: Any = None
        self._image: Any = None
        self._rois: Rois | None = None
        self._edges: list[NDArray[np.int64]] = []

    def show(
        self,
        recording: Recording,
        other: Recording,
        matches: CellMatches,
        chosen: Iterable[int],
        color: str | None,
    ) -> None:
        """Draw the cells of the other recording.

        Parameters
        ----------
        recording : Recording
            Whose image is on the canvas.
        other : Recording
            With places.
        matches : CellMatches
            Of both; its shift says where the other one's pixels lie.
        chosen : iterable of int
            Ids of the other recording that are filled.
        color : str, optional
            To fill them with: that of an ensemble.
        """
        rois = other.rois
        if rois is None:
            return self.clear()
        if rois is not self._rois:
            self.clear()
            lines = SomaHighlight(rois)
            self._rois, self._edges = rois, [lines.edge(row) for row in range(len(rois))]
        picture = np.zeros(rois.shape[0] * rois.shape[1], np.uint8)
        known = np.isin(rois.ids, matches.other_roi_id)
        for row, edge in enumerate(self._edges):
            picture[edge] = _MATCHED if known[row] else _UNMATCHED
        indptr, indices = rois.footprints.indptr, rois.footprints.indices
        for row in np.flatnonzero(np.isin(rois.ids, list(chosen))).tolist():
            picture[indices[indptr[row] : indptr[row + 1]]] = _CHOSEN
        image = picture.reshape(rois.shape)
        if self._layer is None or self._layer not in self._viewer.layers:
            self._add(recording, other, matches, image)
        else:
            self._layer.data = image
        self._layer.colormap = _colormap(color or _CHOSEN_COLOR)
        return None

    def clear(self) -> None:
        """Take the layers away."""
        for layer in (self._layer, self._image):
            if layer is not None and layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._layer = self._image = self._rois = None

    def _add(
        self, recording: Recording, other: Recording, matches: CellMatches, picture: NDArray[np.uint8]
    ) -> None:
        layers = self._viewer.layers
        active = layers.selection.active
        pixel = recording.pixel_size_um or 1.0
        place: dict[str, Any] = {
            "scale": (pixel,) * 2,
            "translate": (-matches.shift_y_px * pixel, -matches.shift_x_px * pixel),
            "units": ("um" if recording.pixel_size_um else "pixel",) * 2,
            "axis_labels": ("y", "x"),
        }
        about = {KEY: {"recording": other.name, "role": "matched"}}
        image = next((other.images[n] for n in ("mean", "local_correlation") if n in other.images), None)
        if image is not None:
            self._image = self._viewer.add_image(
                image, name=f"Image of {other.name}", visible=False, metadata=about, rgb=False, **place
            )
        self._layer = self._viewer.add_labels(
            picture,
            name=f"Cells of {other.name}",
            colormap=_colormap(_CHOSEN_COLOR),
            opacity=0.8,
            metadata=about,
            **place,
        )
        self._layer.editable = False
        layers.selection.active = active


def _colormap(chosen: str) -> CyclicLabelColormap:
    colors = [(*(c / 255 for c in rgb(color)), 1.0) for color in (MATCHED_COLOR, UNMATCHED_COLOR, chosen)]
    return CyclicLabelColormap(colors=[(0, 0, 0, 0), *colors])
