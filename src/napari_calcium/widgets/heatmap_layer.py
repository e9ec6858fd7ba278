"""A recording without positions on the canvas: neurons × seconds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QApplication

from napari_calcium.progress import Progress, silent
from napari_calcium.recording import Recording, Trace
from napari_calcium.widgets.activity_movie import activity_trace
from napari_calcium.widgets.heatmap_times import HeatmapTimes
from napari_calcium.widgets.latest_job import LatestJob
from napari_calcium.widgets.tissue_layers import tag

__all__ = ["HeatmapLayer", "heatmap_image", "heatmap_layer_data"]

_MOST_COLUMNS = 4000
_MOST_ROWS = 4000
_MOST_AT_ONCE = 4_000_000
"""Samples of which the picture is made at once; that of more is made beside the window."""
_BLOCK_SAMPLES = 1 << 22
_ASPECT = 0.5
"""Height of the heatmap as a share of its width: seconds and neurons have no common measure."""
_MOST_MARKS = 200
_MARK = "#a0a0a0"
_CURSOR = "#ff5050"


def heatmap_image(trace: Trace, on_progress: Progress = silent) -> tuple[NDArray[np.float32], int, int]:
    """Return traces as a picture no larger than 4000 × 4000.

    Parameters
    ----------
    trace : Trace
        (n_rois, n_frames). ΔF/F stays what it is; anything else is scaled neuron by neuron, from its lower
        quartile (0) to its 99.5th percentile (1): raw intensities differ more between neurons than in time.
    on_progress : Progress
        Raises to cancel.

    Returns
    -------
    picture : (≤ 4000, ≤ 4000) float32
        Each pixel the maximum of what it stands for, so that an event of one frame is not lost; 0 where
        all samples are missing.
    frames, rows : int
        How many frames and neurons a pixel stands for.
    """
    values = trace.values
    if not len(values):
        return np.zeros((1, 1), np.float32), max(1, values.shape[1]), 1
    (height, width), frames, rows = _measures(trace)
    picture = np.empty((height, width), np.float32)
    # Whole pixels of rows at a time, so that the memory in use does not grow with the recording.
    step = rows * max(1, _BLOCK_SAMPLES // (rows * values.shape[1]))
    for first in range(0, len(values), step):
        on_progress(first, len(values))
        block = values[first : first + step]
        low, span = _scaling(block, trace.unit)
        pooled = (_pool(block, frames, axis=1) - low[:, None]) / span[:, None]
        top = first // rows
        pixels = np.nan_to_num(_pool(pooled, rows, axis=0))
        picture[top : top + len(pixels)] = pixels
    return picture, frames, rows


def _measures(trace: Trace) -> tuple[tuple[int, int], int, int]:
    """Return the shape of the picture of traces, and how many frames and neurons a pixel stands for."""
    n_rois, n_frames = trace.values.shape
    frames, rows = max(1, -(-n_frames // _MOST_COLUMNS)), max(1, -(-n_rois // _MOST_ROWS))
    return (-(-n_rois // rows), -(-n_frames // frames)), frames, rows


def _pool(values: NDArray[np.float32], every: int, *, axis: int) -> NDArray[np.float32]:
    if every == 1:
        return values
    # fmax passes over NaN as long as there is one number.
    return np.fmax.reduceat(values, np.arange(0, values.shape[axis], every), axis=axis)


def _scaling(values: NDArray[np.float32], unit: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    n = len(values)
    if unit == "ΔF/F":
        return np.zeros(n, np.float32), np.ones(n, np.float32)
    sample = values[:, :: max(1, values.shape[1] // 600)]
    low, span = np.zeros(n, np.float32), np.ones(n, np.float32)
    # A row of nothing but NaN has no percentile, and says so with a warning.
    some = ~np.isnan(sample).all(axis=1)
    if some.any():
        low[some], high = np.nanpercentile(sample[some], [25, 99.5], axis=1).astype(np.float32)
        span[some] = high - low[some]
    span[span <= 0] = 1
    return low, span


def heatmap_layer_data(recording: Recording) -> tuple[NDArray[np.float32], dict[str, Any], str] | None:
    """Return the heatmap as the layer data that a napari reader gives; None where there are no traces."""
    found = activity_trace(recording)
    if found is None:
        return None
    picture, frames, rows = heatmap_image(found[1])
    return picture, _options(recording, *found, picture, (frames, rows)), "image"


def _options(
    recording: Recording, name: str, trace: Trace, picture: NDArray[np.float32], every: tuple[int, int]
) -> dict[str, Any]:
    """Return what the layer of a picture is called and where it lies, `every` so many frames and neurons."""
    frames, rows = every
    rate = recording.frame_rate or 1.0
    width = max(recording.n_frames, 1) / rate
    row_height = _ASPECT * width / max(recording.n_rois, 1)
    scale = (row_height * rows, frames / rate)
    percent = trace.unit == "ΔF/F"
    words = {"dff": "ΔF/F", "raw": "raw"}.get(name, name.replace("_", " "))
    return {
        "name": f"Neurons × time ({words})" if percent else f"Neurons × time ({words}, each neuron scaled)",
        "scale": scale,
        # The picture begins at 0 s, not half a pixel before.
        "translate": (scale[0] / 2, scale[1] / 2),
        "units": ("pixel", "s" if recording.frame_rate else "pixel"),
        "axis_labels": ("neuron", "time"),
        "contrast_limits": _contrast(picture) if percent else (0.0, 1.0),
        "colormap": "viridis",
        "metadata": tag(recording, "heatmap"),
    }


def _contrast(picture: NDArray[np.float32]) -> tuple[float, float]:
    high = float(np.percentile(picture, 99.7))
    return 0.0, high if high > 0 else 1.0


class HeatmapLayer:
    """The heatmap, the marks of selected neurons and the time cursor, while there is no image of the tissue.

    Parameters
    ----------
    viewer : ViewerModel
    recording : Recording
        With traces and without positions.
    """

    def __init__(self, viewer: Any, recording: Recording) -> None:
        self._viewer = viewer
        self._recording = recording
        self._shown = activity_trace(recording)
        self._job: LatestJob | None = None
        data = self._data(recording)
        self._image, self._marks, self._cursor = None, None, None
        self._times: HeatmapTimes | None = None
        self._marked: tuple[tuple[int, ...], str | None] = (), None
        if data is None:
            return
        picture, options = data
        self._width = max(recording.n_frames, 1) / (recording.frame_rate or 1.0)
        self._row_height = _ASPECT * self._width / max(recording.n_rois, 1)
        self._image = viewer.add_image(picture, **options)
        self._marks = self._add_lines(
            "Selected neurons", "marks", _MARK, max(0.6 * self._row_height, self._width / 500)
        )
        self._cursor = self._add_lines("Time", "cursor", _CURSOR, self._width / 600)
        self._times = HeatmapTimes(viewer, self._width, _ASPECT * self._width)
        viewer.layers.selection.active = self._image

    @property
    def layers(self) -> tuple[Any, ...]:
        """Our layers that are still there."""
        times = self._times.layer if self._times is not None else None
        return tuple(layer for layer in (self._image, times, self._marks, self._cursor) if layer is not None)

    def update(self, recording: Recording) -> None:
        """Show the traces of a recording of the same cells."""
        found, self._recording = activity_trace(recording), recording
        # Asked before the picture is made, which reads all samples: most steps leave the traces as they are.
        if self._image is None or (found and self._shown and found[1] is self._shown[1]):
            return
        data = self._data(recording, before=self._image.data)
        if data is None:
            return
        self._shown = found
        self._show(*data)

    def _data(
        self, recording: Recording, before: NDArray[np.float32] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]] | None:
        """Return picture and options of a recording; of a large one a stand-in until its own is made."""
        found = activity_trace(recording)
        if found is None:
            return None
        trace = found[1]
        shape, *every = _measures(trace)
        size = (every[0], every[1])
        if trace.values.size <= _MOST_AT_ONCE or QApplication.instance() is None:
            if self._job is not None:
                self._job.abandon()
            picture = heatmap_image(trace)[0]
            return picture, _options(recording, *found, picture, size)
        self._job = self._job or LatestJob()

        def work(on_progress: Progress) -> tuple[NDArray[np.float32], dict[str, Any]]:
            made = heatmap_image(trace, on_progress)[0]
            return made, _options(recording, *found, made, size)

        self._job.ask("Heatmap", work, lambda made: self._show(*made))
        same = before is not None and before.shape == shape
        stand_in = before if before is not None and same else np.zeros(shape, np.float32)
        return stand_in, _options(recording, *found, stand_in, size)

    def _show(self, picture: NDArray[np.float32], options: dict[str, Any]) -> None:
        if self._image is None:
            return
        self._image.data = picture
        for name in ("name", "scale", "translate", "contrast_limits", "metadata"):
            setattr(self._image, name, options[name])

    def forget(self, layer: Any) -> None:
        """Take note that a layer was deleted."""
        for name in ("_image", "_marks", "_cursor"):
            if getattr(self, name) is layer:
                setattr(self, name, None)
        if self._times is not None and self._times.layer is layer:
            self._times = None  # what the user deletes does not come back

    def remove(self) -> None:
        """Take all our layers away."""
        if self._job is not None:
            self._job.abandon()
        layers = self.layers
        self._image, self._marks, self._cursor, self._times = None, None, None, None
        for layer in layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    def place_at(self, event: Any) -> tuple[int | None, float | None]:
        """Return the id of the cell and the time in seconds under the mouse, None outside of the heatmap."""
        if self._image is None or len(event.dims_displayed) == 3:
            return None, None
        y, x = (float(v) for v in event.position[-2:])
        row = int(np.floor(y / self._row_height))
        if not (0 <= row < self._recording.n_rois and 0 <= x < self._width):
            return None, None
        return int(self._recording.roi_ids[row]), x

    def cells_in(self, outline: NDArray[np.float64]) -> tuple[int, ...]:
        """Return the ids of the cells whose rows lie within the height of a polygon."""
        middle = (np.arange(self._recording.n_rois) + 0.5) * self._row_height
        low, high = outline[:, 0].min(), outline[:, 0].max()
        return tuple(self._recording.roi_ids[(middle >= low) & (middle <= high)].tolist())

    def show(self, cells: tuple[int, ...], colour: str | None = None) -> None:
        """Mark the rows of the selected cells at both ends, in grey or in the colour of their ensemble."""
        if self._marks is None or (cells, colour) == self._marked:
            return
        self._marked = cells, colour
        rows = self._recording.rows(cells[:_MOST_MARKS])
        y = (rows + 0.5) * self._row_height
        length = 0.03 * self._width
        lines = np.zeros((2 * len(rows), 2, 2))
        lines[: len(rows), 0] = np.column_stack([y, np.full(len(rows), -1.2 * length)])
        lines[len(rows) :, 0] = np.column_stack([y, np.full(len(rows), self._width + 0.2 * length)])
        lines[:, 1, 1] = length
        self._marks.data = lines
        if len(lines):
            self._marks.edge_color = colour or _MARK

    def show_time(self, seconds: float) -> None:
        """Put the cursor at this time."""
        if self._cursor is None:
            return
        place, height = min(seconds, self._width), _ASPECT * self._width
        if not len(self._cursor.data):
            self._cursor.data = np.array([[[0.0, place], [height, 0.0]]])
        elif float(self._cursor.data[0, 0, 1]) != float(self._cursor.data.dtype.type(place)):
            # In place: other data make napari measure all layers anew; the cursor stays within the picture.
            self._cursor.data[0, 0, 1] = place
            self._cursor.refresh(extent=False, thumbnail=False)

    def show_marked(self, marked: tuple[float, float] | None) -> None:
        """Shade what is marked on every time axis: epochs, bad frames, and this stretch of seconds."""
        if self._times is not None and self._image is not None:
            self._times.show(self._recording, marked, self._image)

    def _add_lines(self, name: str, role: Any, colour: str, width: float) -> Any:
        return self._viewer.add_vectors(
            np.zeros((0, 2, 2)),
            name=name,
            edge_color=colour,
            edge_width=width,
            vector_style="line",
            units=("pixel", "s" if self._recording.frame_rate else "pixel"),
            axis_labels=("neuron", "time"),
            metadata=tag(self._recording, role),
        )
