"""What was drawn in napari (labels, shapes or points) as ROIs in the pixels of the recording."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.cells.drawn_rois import Drawing, drawn_discs, drawn_labels, drawn_outlines
from napari_calcium.io.errors import ReadError
from napari_calcium.recording import Recording
from napari_calcium.widgets.tissue_layers import layer_role

__all__ = ["DRAWABLE", "drawing_of", "drawn_layers", "field_shape", "new_drawing_layer"]

DRAWABLE = ("Labels", "Shapes", "Points")
_ELLIPSE_POINTS = 64
_BRUSH = 12


def drawn_layers(viewer: Any) -> list[Any]:
    """Return the layers on which ROIs may have been drawn, the topmost first: none of ours."""
    return [
        layer
        for layer in reversed(list(viewer.layers))
        if type(layer).__name__ in DRAWABLE and layer_role(layer) is None
    ]


def field_shape(viewer: Any, recording: Recording) -> tuple[int, int] | None:
    """Return (height, width) of the recording's images; without any, of the first image in the viewer."""
    for image in recording.images.values():
        return image.shape[0], image.shape[1]
    if recording.movie is not None:
        shape = recording.movie.data.shape
        return int(shape[-2]), int(shape[-1])
    if recording.rois is not None:
        return recording.rois.shape
    pictures = (layer for layer in viewer.layers if type(layer).__name__ == "Image" and not layer_role(layer))
    return next(((int(p.data.shape[-2]), int(p.data.shape[-1])) for p in pictures), None)


def new_drawing_layer(viewer: Any, recording: Recording) -> Any:
    """Add an empty layer to paint ROIs on, with the brush in hand."""
    shape = field_shape(viewer, recording)
    if shape is None:
        raise ReadError("there is no image to draw on; open the movie or a picture of the tissue first")
    pixel = recording.pixel_size_um
    layer = viewer.add_labels(
        np.zeros(shape, np.int32),
        name="Drawn ROIs",
        scale=(pixel or 1.0,) * 2,
        units=("um" if pixel else "pixel",) * 2,
        axis_labels=("y", "x"),
        opacity=0.6,
    )
    layer.brush_size = _BRUSH
    layer.mode = "paint"
    viewer.layers.selection.active = layer
    return layer


def drawing_of(layer: Any, recording: Recording, shape: tuple[int, int] | None) -> Drawing:
    """Return what was drawn on a layer.

    Parameters
    ----------
    layer : Labels, Shapes or Points
        Each label, closed shape or point is a ROI: a point is a disc of its size. Labels painted at several
        moments of a movie count together.
    recording : Recording
        Whose pixel size tells what a pixel is.
    shape : (height, width), optional
        Of the image; that of the labels by default.

    Raises
    ------
    ReadError
        If it is another kind of layer, is turned, or there is no image to tell its place.
    """
    kind = type(layer).__name__
    pixel = recording.pixel_size_um or 1.0
    if kind == "Labels":
        return drawn_labels(_in_pixels(layer, pixel, shape))
    if shape is None:
        raise ReadError("there is no image to draw on; open the movie or a picture of the tissue first")
    if kind == "Shapes":
        paths = [
            _outline(_places(layer, points, pixel), form)
            for points, form in zip(layer.data, layer.shape_type, strict=True)
            if form not in ("line", "path")
        ]
        drawing = drawn_outlines(paths, shape)
        open_ = len(layer.data) - len(paths)
        notes = (
            (f"{open_} line{'s' if open_ != 1 else ''} left out: a line encloses nothing",) if open_ else ()
        )
        return Drawing(drawing.footprints, shape, drawing.labels, (*drawing.notes, *notes))
    if kind == "Points":
        size = np.broadcast_to(layer.size, len(layer.data)) * float(layer.scale[-1]) / pixel
        return drawn_discs(_places(layer, layer.data, pixel), size, shape)
    raise ReadError(f"{layer.name}: ROIs are drawn on a Labels, Shapes or Points layer")


def _places(layer: Any, points: Any, pixel: float) -> NDArray[np.float64]:
    """Return points (n, 2) in pixels of the recording: the canvas shows it in µm."""
    world = [np.asarray(layer.data_to_world(point), np.float64)[-2:] for point in np.asarray(points)]
    return np.array(world, np.float64).reshape(-1, 2) / pixel


def _outline(corners: NDArray[np.float64], form: str) -> NDArray[np.float64]:
    """Return the outline of a shape; napari knows an ellipse by the corners of the box around it."""
    if form != "ellipse":
        return corners
    centre = corners.mean(axis=0)
    one, other = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    angle = np.linspace(0, 2 * np.pi, _ELLIPSE_POINTS, endpoint=False)[:, None]
    return np.asarray(centre + np.cos(angle) * one + np.sin(angle) * other)


def _in_pixels(layer: Any, pixel: float, shape: tuple[int, int] | None) -> NDArray[np.int64]:
    """Return painted labels in the pixels of the recording."""
    data = layer.data
    while data.ndim > 2:
        data = np.max(data, axis=0)
    labels = np.asarray(data).astype(np.int64)
    start, y, x = _places(layer, np.pad([[0, 0], [1, 0], [0, 1]], ((0, 0), (layer.ndim - 2, 0))), pixel)
    step = np.array([y - start, x - start])
    if abs(step[0, 1]) + abs(step[1, 0]) > 1e-6:
        raise ReadError(f"{layer.name}: the layer is turned; draw on one that lies straight on the image")
    if shape is None or (np.allclose(start, 0) and np.allclose(step, np.eye(2)) and labels.shape == shape):
        return labels
    rows, columns = (
        np.rint((np.arange(n) - start[k]) / step[k, k]).astype(np.int64) for k, n in enumerate(shape)
    )
    inside = [(at >= 0) & (at < n) for at, n in zip((rows, columns), labels.shape, strict=True)]
    image = np.zeros(shape, np.int64)
    image[np.ix_(*inside)] = labels[np.ix_(rows[inside[0]], columns[inside[1]])]
    return image
