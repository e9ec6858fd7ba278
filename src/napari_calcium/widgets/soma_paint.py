"""Somata in the colour of a number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.recording import Recording
from napari_calcium.rois import Rois
from napari_calcium.widgets.tissue_layers import KEY, layer_role

__all__ = ["PAINT_COLORS", "SomaPaint", "limits_of"]

_COLORS = 254


def _viridis() -> NDArray[np.float64]:
    from matplotlib import colormaps

    return np.asarray(colormaps["viridis"](np.linspace(0, 1, _COLORS)))


PAINT_COLORS: NDArray[np.uint8] = np.rint(255 * _viridis()[:, :3]).astype(np.uint8)
"""Colours from the lowest number to the highest, (254, 3)."""


def limits_of(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of the colour scale: the 2nd and 98th percentile of what is known."""
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(known, [2, 98]))
    return (low, high) if high > low else (low, low + 1.0)


class SomaPaint:
    """Somata coloured by a number, in a layer with a colour bar; the user may hide or delete it.

    Its pixels are the numbers themselves, so napari's status bar tells them and its controls change the
    colours; NaN, where there is no soma or its number is not known, is transparent.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._layer: Any = None
        self._rois: Rois | None = None
        self._labels: NDArray[Any] = np.zeros((0, 0), np.uint8)

    def show(self, recording: Recording, name: str, values: NDArray[np.float64]) -> None:
        """Paint the somata of a recording with positions.

        Parameters
        ----------
        recording : Recording
        name : str
            What the number is; the layer is called so.
        values : (n_rois,) float64
            In the order of the recording; NaN has no colour.
        """
        rois = recording.rois
        if rois is None:
            return self.clear()
        if rois is not self._rois:
            self.clear()
            self._rois, self._labels = rois, rois.label_image()
        table = np.full(len(rois) + 1, np.nan, np.float32)
        table[1:] = values[recording.rows(rois.ids)]
        picture = table[self._labels]
        if self._layer is None or self._layer not in self._viewer.layers:
            self._layer = self._add(recording, picture, name)
        else:
            self._layer.data = picture
            self._layer.name = name
        self._layer.contrast_limits = limits_of(values)
        return None

    def clear(self) -> None:
        """Take the layer away."""
        layer, self._layer = self._layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _add(self, recording: Recording, picture: NDArray[np.float32], name: str) -> Any:
        layers = self._viewer.layers
        active = layers.selection.active
        pixel = recording.pixel_size_um
        layer = self._viewer.add_image(
            picture,
            name=name,
            colormap="viridis",
            contrast_limits=(0, 1),
            opacity=0.9,
            rgb=False,
            metadata={KEY: {"recording": recording.name, "role": "number"}},
            scale=(pixel or 1.0,) * 2,
            units=("um" if pixel else "pixel",) * 2,
            axis_labels=("y", "x"),
        )
        layer.colorbar.visible = True
        # What is selected stays on top, and the layer that was active stays so.
        above = [k for k, other in enumerate(layers) if layer_role(other) == "selected"]
        if above:
            layers.move(layers.index(layer), above[0])
        layers.selection.active = active
        return layer
