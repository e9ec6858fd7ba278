"""Outlines of changed cells whose traces are still to be read."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.utils.colormaps import CyclicLabelColormap
from numpy.typing import NDArray

from napari_calcium.cells.cell_editing import edited_unread
from napari_calcium.recording import Recording
from napari_calcium.stages.pipeline_movie import rois_to_read
from napari_calcium.widgets.soma_highlight import SomaHighlight
from napari_calcium.widgets.tissue_layers import KEY

__all__ = ["EditOverlay"]

_YELLOW = (1.0, 0.82, 0.4, 1.0)


class EditOverlay:
    """A layer with the outlines of cells that were just changed; it goes once they are read.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._layer: Any = None

    def show(self, recording: Recording | None) -> None:
        """Outline the changed cells of a recording that are not read yet."""
        wanted = rois_to_read(recording) if recording is not None else None
        if recording is None or wanted is None:
            return self.clear()
        rows = np.flatnonzero(np.isin(wanted.ids, edited_unread(recording)))
        if not len(rows):
            return self.clear()
        few = wanted.take(rows)
        lines = SomaHighlight(few)
        picture = np.zeros(few.shape[0] * few.shape[1], np.uint8)
        for row in range(len(few)):
            picture[lines.edge(row)] = 1
        image = picture.reshape(few.shape)
        if self._layer is None or self._layer not in self._viewer.layers:
            self._layer = self._add(recording, image)
        else:
            self._layer.data = image
        return None

    def clear(self) -> None:
        """Take the layer away."""
        layer, self._layer = self._layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _add(self, recording: Recording, image: NDArray[np.uint8]) -> Any:
        layers = self._viewer.layers
        active = layers.selection.active
        pixel = recording.pixel_size_um
        layer = self._viewer.add_labels(
            image,
            name="Changed cells",
            colormap=CyclicLabelColormap(colors=[(0, 0, 0, 0), _YELLOW]),
            opacity=0.9,
            metadata={KEY: {"recording": recording.name, "role": "changed"}},
            scale=(pixel or 1.0,) * 2,
            units=("um" if pixel else "pixel",) * 2,
            axis_labels=("y", "x"),
        )
        layer.editable = False
        layers.selection.active = active
        return layer
