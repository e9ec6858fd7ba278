"""Layers and recordings that belong together are joined, in whichever order they were opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_calcium.io.errors import ReadError
from napari_calcium.io.labels import link_labels
from napari_calcium.io.positions import PositionSettings, add_positions
from napari_calcium.io.tiff import MovieFile
from napari_calcium.recording import Movie, Recording
from napari_calcium.session import Session
from napari_calcium.widgets.tissue_layers import layer_role

__all__ = ["adopt_layers", "movie_layer_data", "with_movie", "with_movie_of"]

_KEY = "napari_calcium"


def movie_layer_data(movie: MovieFile) -> tuple[Any, dict[str, Any], str]:
    """Return a movie as lazy layer data, in seconds and µm where the file tells them.

    Channels become layers of their own.
    """
    pixel, rate = movie.pixel_size_um, movie.frame_rate
    sizes = {"t": 1 / rate if rate else 1.0, "z": 1.0, "y": pixel or 1.0, "x": pixel or 1.0}
    units = {"t": "s" if rate else "pixel", "z": "pixel"} | dict.fromkeys("yx", "um" if pixel else "pixel")
    names = {"t": "time", "z": "plane", "y": "y", "x": "x"}
    axes = [axis for axis in movie.axes if axis != "c"]
    options: dict[str, Any] = {
        "name": Path(movie.path).stem,
        "scale": tuple(sizes[axis] for axis in axes),
        "units": tuple(units[axis] for axis in axes),
        "axis_labels": tuple(names[axis] for axis in axes),
        "contrast_limits": movie.contrast_limits,
        "rgb": False,
        "multiscale": False,
        "metadata": {_KEY: {"role": "movie file", "file": movie}},
    }
    if "c" in movie.axes:
        options["channel_axis"] = movie.axes.index("c")
    return movie.data, options, "image"


def with_movie(recording: Recording, movie: MovieFile) -> Recording | None:
    """Return the recording with the movie its traces came from; None where the movie does not fit.

    It fits if it has as many frames as the traces, one plane and one channel, and the size of the recording's
    images. Frame rate and pixel size are taken over where the recording does not know its own.
    """
    if movie.axes != "tyx" or not _fits(recording, movie.data):
        return None
    if recording.frame_rate is None and movie.frame_rate is not None:
        # Loads the whole pipeline, which reading does not need.
        from napari_calcium.widgets.recording_line import with_frame_rate

        recording = with_frame_rate(recording, movie.frame_rate)
    pixel = recording.pixel_size_um or movie.pixel_size_um
    return recording.replace(movie=Movie(movie.data, movie.path), pixel_size_um=pixel)


def with_movie_of(recording: Recording, other: Recording | None) -> Recording | None:
    """Return the recording with the movie that was open before it; None where that does not fit."""
    if other is None or other.movie is None or other.traces or not _fits(recording, other.movie.data):
        return None
    if recording.frame_rate is None and other.frame_rate is not None:
        from napari_calcium.widgets.recording_line import with_frame_rate

        recording = with_frame_rate(recording, other.frame_rate)
    pixel = recording.pixel_size_um or other.pixel_size_um
    return recording.replace(movie=other.movie, pixel_size_um=pixel)


def _fits(recording: Recording, movie: Any) -> bool:
    """Whether a movie may be the one that the traces of a recording came from."""
    shape = tuple(movie.shape)
    fields = {image.shape for image in recording.images.values()}
    if recording.rois is not None:
        fields.add(recording.rois.shape)
    if not recording.traces or recording.movie is not None:
        return False
    return shape[0] == recording.n_frames and all(field == shape[1:] for field in fields)


def adopt_layers(viewer: Any, session: Session) -> None:
    """Take over label images and movies that were opened before the recording they belong to.

    A layer that was taken over goes: the canvas shows the same in the recording's own layers. What does not
    fit stays as it is.
    """
    for layer in list(viewer.layers):
        recording = session.recording
        if recording is None:
            return
        joined = _joined(recording, layer)
        if joined is not None:
            viewer.layers.remove(layer)
            session.apply(joined, f"Add {layer.name}")


def _joined(recording: Recording, layer: Any) -> Recording | None:
    """Return the recording with what a layer shows, None where they do not belong together."""
    file = layer.metadata.get(_KEY, {}).get("file")
    if isinstance(file, MovieFile):
        return with_movie(recording, file)
    if type(layer).__name__ != "Labels" or layer.ndim != 2 or layer_role(layer) or recording.rois is not None:
        return None
    try:
        if layer.source.path is not None:
            return add_positions(recording, PositionSettings(labels=str(layer.source.path)))
        return link_labels(recording, layer.data)
    except ReadError:
        return None
