"""What the dialects of TIFF say of time and space: ImageJ, OME and ScanImage."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from typing import Any

__all__ = ["TiffFacts", "read_facts"]

_SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "ms": 1e-3, "msec": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}
_SECONDS |= {"min": 60.0, "minute": 60.0, "h": 3600.0, "hour": 3600.0}
_MICROMETRES = {"µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0, "micrometer": 1.0, "micrometre": 1.0}
_MICROMETRES |= {"nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6, "\\u00b5m": 1.0}


@dataclass(frozen=True)
class TiffFacts:
    """What a file says of itself.

    Attributes
    ----------
    dialect : str
        ``"ImageJ"``, ``"OME"``, ``"ScanImage"`` or ``"TIFF"``.
    frame_rate : float or None
        Of all planes together, in Hz.
    pixel_size_um : float or None
        Width of a pixel.
    n_channels, n_planes : int
        As ScanImage states them; 1 for the others, whose axes tell.
    notes : tuple of str
    """

    dialect: str = "TIFF"
    frame_rate: float | None = None
    pixel_size_um: float | None = None
    n_channels: int = 1
    n_planes: int = 1
    notes: tuple[str, ...] = ()


def read_facts(tiff: Any) -> TiffFacts:
    """Read what an opened :class:`tifffile.TiffFile` says of frame rate, pixel size, channels and planes."""
    if tiff.is_scanimage:
        return _scanimage((tiff.scanimage_metadata or {}).get("FrameData", {}), tiff.pages[0].imagewidth)
    if tiff.is_ome:
        return _ome(tiff.ome_metadata)
    if tiff.is_imagej:
        return _imagej(tiff.imagej_metadata or {}, tiff.pages[0])
    return TiffFacts()


def _imagej(facts: dict[str, Any], page: Any) -> TiffFacts:
    notes: list[str] = []
    interval = _positive(facts.get("finterval"))
    unit = str(facts.get("tunit", "sec")).lower().rstrip(".")
    rate = 1 / (interval * _SECONDS.get(unit, _SECONDS.get(unit.rstrip("s"), 1.0))) if interval else None
    playback = _positive(facts.get("fps"))
    if rate is None and playback is not None:
        rate = playback
        notes.append(
            f"ImageJ has no frame interval; its playback speed of {playback:g} frames per second is taken"
        )
    size = None
    resolution = page.tags.get("XResolution")
    unit = str(facts.get("unit", "")).lower()
    if resolution is not None and unit.rstrip("s") in _MICROMETRES:
        pixels, per = resolution.value
        size = per / pixels * _MICROMETRES[unit.rstrip("s")] if pixels and per else None
    return TiffFacts("ImageJ", _tidy(rate), _tidy(size), notes=tuple(notes))


def _ome(text: str) -> TiffFacts:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return TiffFacts(
            "OME", notes=("the OME description is damaged, so frame rate and pixel size are unknown",)
        )
    pixels = next((item for item in root.iter() if item.tag.endswith("}Pixels")), None)
    if pixels is None:
        return TiffFacts("OME")
    size = _positive(pixels.get("PhysicalSizeX"))
    scale = _MICROMETRES.get(pixels.get("PhysicalSizeXUnit", "µm"))
    step = _positive(pixels.get("TimeIncrement"))
    unit = _SECONDS.get(pixels.get("TimeIncrementUnit", "s"))
    rate, notes = (1 / (step * unit) if step and unit else None), []
    if rate is None:
        rate = _rate_of_planes(pixels)
        notes = ["the frame rate is that of the times of the single frames"] if rate else []
    return TiffFacts("OME", _tidy(rate), _tidy(size * scale) if size and scale else None, notes=tuple(notes))


def _rate_of_planes(pixels: ElementTree.Element) -> float | None:
    """Return the frame rate from the first and last time of the frames of the first plane and channel."""
    times: dict[int, float] = {}
    for plane in pixels:
        first = plane.get("TheC", "0") == "0" and plane.get("TheZ", "0") == "0"
        if plane.tag.endswith("}Plane") and first and plane.get("DeltaT") is not None:
            unit = _SECONDS.get(plane.get("DeltaTUnit", "s"))
            time = _number(plane.get("DeltaT"))
            if unit and time is not None:
                times[int(plane.get("TheT", "0"))] = time * unit
    if len(times) < 2:
        return None
    first_frame, last_frame = min(times), max(times)
    return _positive((last_frame - first_frame) / (times[last_frame] - times[first_frame] or float("inf")))


def _scanimage(facts: dict[str, Any], width: int) -> TiffFacts:
    saved = facts.get("SI.hChannels.channelSave", 1)
    channels = len(saved) if isinstance(saved, (list, tuple)) else 1
    volumes = bool(facts.get("SI.hFastZ.enable"))
    planes = 1
    if volumes:
        stated = facts.get("SI.hStackManager.actualNumSlices", facts.get("SI.hFastZ.numFramesPerVolume"))
        stated = stated or facts.get("SI.hStackManager.numSlices")
        planes = int(_positive(stated) or 1)
    rate = _positive(facts.get("SI.hRoiManager.scanFrameRate"))
    notes: list[str] = []
    averaged = int(_positive(facts.get("SI.hScan2D.logAverageFactor")) or 1)
    if rate and averaged > 1:
        rate /= averaged
        notes.append(f"ScanImage averaged {averaged} frames into one")
    if rate and planes > 1:
        rate = _positive(facts.get("SI.hRoiManager.scanVolumeRate")) or rate / planes
    return TiffFacts("ScanImage", _tidy(rate), _field_of_view(facts, width), channels, planes, tuple(notes))


def _field_of_view(facts: dict[str, Any], width: int) -> float | None:
    """Return the width of a pixel from the corners of the field of view, in µm."""
    corners = facts.get("SI.hRoiManager.imagingFovUm")
    numbers = (
        [float(x) for x in re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", str(corners))] if corners else []
    )
    if len(numbers) < 2 or not width:
        return None
    across = max(numbers[::2]) - min(numbers[::2])
    return _tidy(_positive(across / width))


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _positive(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and 0 < number < float("inf") else None


def _tidy(value: float | None) -> float | None:
    """Undo the last digits that writing 1/30 as a decimal costs: 29.99999940 is 30."""
    return None if value is None else float(f"{value:.7g}")
