"""What is marked of the time of a recording, over the heatmap on the canvas as in every plot over time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.bad_spans import BAD_COLOR, bad_spans
from napari_calcium.figures.epoch_colors import epoch_color
from napari_calcium.figures.palette import rgb
from napari_calcium.recording import Recording
from napari_calcium.widgets.tissue_layers import tag

__all__ = ["HeatmapTimes", "shaded_times"]

_MOST_COLUMNS = 4000
_EPOCH, _MOMENT, _BAD, _MARKED = 90, 130, 150, 120
"""Opacities, of 255: over the bright colours of a heatmap more than on the ground of a plot."""

Stretch = tuple[float, float]


def shaded_times(recording: Recording, marked: Stretch | None = None) -> NDArray[np.uint8] | None:
    """Return a picture one pixel high of what is marked: epochs, bad frames, a chosen stretch.

    Parameters
    ----------
    recording : Recording
        Seconds are frames where its frame rate is not known.
    marked : (start, stop), optional
        Seconds.

    Returns
    -------
    (1, ≤ 4000, 4) uint8 or None
        Red, green, blue and opacity from the first frame to the last; what is shorter than a pixel takes one.
        Where several come together it is the last of epochs (in the order of their labels), bad frames, and
        the stretch. None where nothing is marked.
    """
    n = min(_MOST_COLUMNS, max(1, recording.n_frames))
    width = max(recording.n_frames, 1) / (recording.frame_rate or 1.0)
    picture = np.zeros((1, n, 4), np.uint8)
    behaviour = recording.behaviour
    if behaviour is not None:
        for place, label in enumerate(behaviour.epochs.labels):
            own = behaviour.epochs.of(label)
            moments = not (own.end_s > own.start_s).any()
            spans = np.column_stack([own.start_s, own.end_s])
            _shade(picture, spans, width, epoch_color(place), _MOMENT if moments else _EPOCH)
    _shade(picture, bad_spans(recording), width, BAD_COLOR, _BAD)
    if marked is not None:
        # Brings the plots' library with it, which a canvas without marks does not need.
        from napari_calcium.widgets.plots.time_mark import MARK_COLOR

        _shade(picture, np.array([marked]), width, MARK_COLOR, _MARKED)
    return picture if picture[..., 3].any() else None


def _shade(
    picture: NDArray[np.uint8], spans: NDArray[np.float64], width: float, color: str, opacity: int
) -> None:
    n = picture.shape[1]
    spans = spans[np.isfinite(spans).all(axis=1)]
    spans = spans[(spans[:, 1] >= 0) & (spans[:, 0] <= width)]
    first = np.clip(np.floor(spans[:, 0] / width * n), 0, n - 1).astype(np.int64)
    stop = np.clip(np.ceil(spans[:, 1] / width * n), 1, n).astype(np.int64)
    # Where spans begin and end; what lies between is inside at least one.
    steps = np.zeros(n + 1, np.int64)
    np.add.at(steps, first, 1)
    np.add.at(steps, np.maximum(stop, first + 1), -1)
    picture[0, np.cumsum(steps[:-1]) > 0] = (*rgb(color), opacity)


class HeatmapTimes:
    """A layer over the heatmap, there as long as something is marked.

    Parameters
    ----------
    viewer : ViewerModel
    width, height : float
        Of the heatmap in world coordinates.
    """

    def __init__(self, viewer: Any, width: float, height: float) -> None:
        self._viewer, self._size = viewer, (height, width)
        self._given: tuple[Any, ...] = ()
        self.layer: Any = None

    def show(self, recording: Recording, marked: Stretch | None, over: Any) -> None:
        """Show what is marked of a recording now, on top of this layer."""
        given = (recording.behaviour, recording.motion, marked)
        if len(self._given) == 3 and all(a is b for a, b in zip(given, self._given, strict=True)):
            return
        self._given = given
        picture = shaded_times(recording, marked)
        if picture is None:
            self.remove()
        elif self.layer is None:
            self._add(recording, picture, over)
        else:
            # In place: other data make napari measure all layers anew.
            self.layer.data[...] = picture
            self.layer.refresh(extent=False, thumbnail=False)

    def remove(self) -> None:
        """Take the layer away."""
        layer, self.layer = self.layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _add(self, recording: Recording, picture: NDArray[np.uint8], over: Any) -> None:
        layers = self._viewer.layers
        active = layers.selection.active
        height, width = self._size
        scale = (height, width / picture.shape[1])
        self.layer = self._viewer.add_image(
            picture,
            name="Marked times",
            rgb=True,
            scale=scale,
            translate=(scale[0] / 2, scale[1] / 2),
            units=("pixel", "s" if recording.frame_rate else "pixel"),
            axis_labels=("neuron", "time"),
            blending="translucent",
            metadata=tag(recording, "times"),
        )
        # Under the marks of neurons and the cursor.
        layers.move(layers.index(self.layer), layers.index(over) + 1)
        layers.selection.active = active
