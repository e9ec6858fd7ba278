"""Where the cells lie: a label image and a picture of the tissue, added to traces that have no positions."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import tifffile
from pydantic import Field

from napari_calcium import __version__
from napari_calcium.io.errors import ReadError
from napari_calcium.io.imagej import is_imagej_rois, link_imagej_rois
from napari_calcium.io.labels import link_labels, read_image, read_labels
from napari_calcium.io.tiff_metadata import read_facts
from napari_calcium.recording import LogEntry, Recording
from napari_calcium.settings import Settings

__all__ = ["PositionSettings", "add_positions"]


class PositionSettings(Settings):
    """Files that say where the cells lie; relative paths start at the folder of the recording's file."""

    labels: str | None = Field(
        None,
        title="ROI label image",
        description="TIFF in which every pixel of a cell has the cell's number and background is 0, "
        "or the zip of ImageJ's ROI manager.",
    )
    image: str | None = Field(
        None, title="Image", description="TIFF of the tissue to show under the cells, e.g. the mean image."
    )
    link: Literal["auto", "label", "order"] = Field(
        "auto",
        title="Link by",
        description="Which row belongs to which label: by the number in the cell's name, by order, "
        "or by number where the names fit and else by order.",
    )


def add_positions(recording: Recording, settings: PositionSettings, folder: str | Path = ".") -> Recording:
    """Return the recording with ROIs and image from the files that `settings` name.

    Parameters
    ----------
    recording : Recording
    settings : PositionSettings
        Without files the recording comes back as it is. What was added before stays unless it is given anew.
    folder : path
        Where relative paths start.

    Raises
    ------
    ReadError
        If a file cannot be read, or its labels do not fit the rows.
    """
    if settings.labels is not None:
        path = Path(folder) / settings.labels
        if is_imagej_rois(path):
            recording = link_imagej_rois(recording, path, _field(recording, settings, folder))
        else:
            recording = link_labels(recording, read_labels(path), by=settings.link)
            recording = _with_pixel_size(recording, path)
    if settings.image is not None:
        path = Path(folder) / settings.image
        recording = _with_pixel_size(_with_image(recording, path), path)
    given = {name: path for name in ("labels", "image") if (path := getattr(settings, name)) is not None}
    if not given:
        return recording
    earlier = next((dict(entry.settings) for entry in recording.log if entry.stage == "positions"), {})
    link = {"link": settings.link} if settings.labels is not None else {}
    merged = PositionSettings.validated(earlier | given | link)
    # Whoever saves the pipeline of this recording finds here which files to read again.
    return recording.with_step(LogEntry("positions", merged.model_dump(mode="json"), version=__version__))


def _field(recording: Recording, settings: PositionSettings, folder: str | Path) -> tuple[int, int] | None:
    """Return the size of the image that outlines were drawn on, None where nothing tells it."""
    images = list(recording.images.values())
    if settings.image is not None:
        images = [read_image(Path(folder) / settings.image)]
    return (images[0].shape[0], images[0].shape[1]) if images else None


def _with_pixel_size(recording: Recording, path: Path) -> Recording:
    """Take the width of a pixel from a TIFF that tells it, unless it is known already."""
    if recording.pixel_size_um is not None:
        return recording
    with tifffile.TiffFile(path) as tiff:
        return recording.replace(pixel_size_um=read_facts(tiff).pixel_size_um)


def _with_image(recording: Recording, path: Path) -> Recording:
    image = read_image(path)
    if recording.rois is not None and image.shape != recording.rois.shape:
        raise ReadError(
            f"{path.name}: the image is {image.shape[0]} × {image.shape[1]} pixels, "
            f"but the label image is {recording.rois.shape[0]} × {recording.rois.shape[1]}; "
            "give the image the labels were drawn on"
        )
    return recording.replace(images={**recording.images, "mean": np.ascontiguousarray(image, np.float32)})
