"""What suite2p wrote of one plane: traces, footprints, measures and images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from napari_calcium.io.errors import ReadError
from napari_calcium.io.foreign import Parts, footprints_from_pixels
from napari_calcium.io.restricted_pickle import load_npy

__all__ = ["Plane", "is_plane", "read_choice", "read_numbers", "read_plane"]

_NEUROPIL_COEFFICIENT = 0.7
_QUALITY = ("snr", "skew", "std", "compact", "radius", "aspect_ratio", "npix", "npix_norm", "npix_soma")
_IMAGES = {"meanImg": "mean", "meanImgE": "mean_enhanced", "refImg": "reference"}
_CROPPED = {"max_proj": "max_projection", "Vcorr": "local_correlation"}


def is_plane(folder: Path) -> bool:
    """Whether a folder holds what suite2p extracted from one plane (or all of them, ``combined``)."""
    return (folder / "F.npy").is_file() and (folder / "stat.npy").is_file()


@dataclass
class Plane(Parts):
    """The parts of one plane, and where suite2p says that it lies among the others.

    Attributes
    ----------
    place : tuple of (int, int), or None
        ``dy, dx`` in pixels, told of recordings with several fields of view.
    """

    place: tuple[int, int] | None = None


def read_plane(folder: Path) -> Plane:
    """Read the files of one plane, of version 0.14 or 1.x.

    Parameters
    ----------
    folder : path

    Raises
    ------
    ReadError
        In one line that names the file.
    """
    about, fluorescence = _about(folder), read_numbers(folder / "F.npy")
    stat = _stat(folder / "stat.npy", len(fluorescence))
    shape = _shape(about, stat, folder)
    notes: list[str] = []
    accepted, probability = _iscell(folder, len(stat), notes)
    quality = {name: _column(stat, name) for name in _QUALITY if any(name in one for one in stat)}
    return Plane(
        program="suite2p",
        name=folder.name,
        roi_ids=np.arange(len(stat), dtype=np.int64),
        frame_rate=about.get("fs"),
        traces=_traces(folder, fluorescence, about, notes),
        footprints=_footprints(stat, shape),
        shape=shape,
        accepted=accepted,
        quality=quality | ({} if probability is None else {"probability": probability}),
        images=_images(about, shape, notes),
        notes=notes,
        place=_place(about),
    )


def read_choice(folder: Path, n_rois: int) -> NDArray[Any]:
    """Return suite2p's table of which ROIs are cells, (n_rois, columns); all are where there is no file."""
    file = folder / "iscell.npy"
    table = np.array(read_numbers(file)) if file.exists() else np.ones((n_rois, 2))
    if table.shape[:1] != (n_rois,) or table.shape[1] < 1:
        raise ReadError(f"iscell.npy: has the shape {table.shape}, but there are {n_rois} ROIs")
    return table


def read_numbers(path: Path) -> NDArray[Any]:
    """Return a table of numbers with a row a ROI, memory-mapped."""
    if not path.is_file():
        raise ReadError(f"{path.name}: there is no such file in {path.parent.name}")
    values = load_npy(path)
    if values.ndim != 2 or values.dtype.kind not in "fiub":
        raise ReadError(
            f"{path.name}: must be a table of numbers with a row a ROI, got {values.dtype} of {values.shape}"
        )
    return values


def _about(folder: Path) -> dict[str, Any]:
    """Return what the run tells of itself, whichever version's files tell it."""
    merged: dict[str, Any] = {}
    for name in ("db.npy", "reg_outputs.npy", "detect_outputs.npy", "settings.npy", "ops.npy"):
        if not (folder / name).is_file():
            continue
        value = load_npy(folder / name)
        content = value.item() if value.dtype == object and value.ndim == 0 else None
        if not isinstance(content, dict):
            raise ReadError(f"{name}: must hold a dictionary, got {value.dtype} of shape {value.shape}")
        merged |= content
    extraction = merged.get("extraction")
    if "neucoeff" not in merged and isinstance(extraction, Mapping):
        merged["neucoeff"] = extraction.get("neuropil_coefficient")
    return merged


def _place(about: Mapping[str, Any]) -> tuple[int, int] | None:
    place = about.get("dy"), about.get("dx")
    if all(isinstance(n, (int, np.integer)) and abs(int(n)) < 2**20 for n in place):
        return int(place[0]), int(place[1])  # type: ignore[arg-type]
    return None


def _stat(path: Path, n_rois: int) -> list[dict[str, Any]]:
    stat = load_npy(path)
    if stat.ndim != 1 or not all(isinstance(one, dict) for one in stat):
        raise ReadError(f"{path.name}: must list dictionaries, got {stat.dtype} of shape {stat.shape}")
    if len(stat) != n_rois:
        raise ReadError(f"{path.name}: describes {len(stat)} ROIs, but F.npy has {n_rois} traces")
    for k, one in enumerate(stat):
        for name in ("ypix", "xpix"):
            pixels = one.get(name)
            if not isinstance(pixels, np.ndarray) or pixels.dtype.kind not in "iu":
                raise ReadError(f"{path.name}: ROI {k} has no {name} of whole numbers")
    return list(stat)


def _shape(about: Mapping[str, Any], stat: list[dict[str, Any]], folder: Path) -> tuple[int, int]:
    sides = about.get("Ly"), about.get("Lx")
    if all(isinstance(n, (int, np.integer)) and 0 < n < 2**20 for n in sides):
        return int(sides[0]), int(sides[1])  # type: ignore[arg-type]
    image = about.get("meanImg")
    if isinstance(image, np.ndarray) and image.ndim == 2:
        return image.shape[0], image.shape[1]
    ends = [[one[name].max(initial=0) for name in ("ypix", "xpix")] for one in stat]
    largest = np.max(ends, axis=0) + 1 if ends else np.ones(2, np.int64)
    if largest.max() >= 2**20:
        raise ReadError(f"{folder.name}/stat.npy: ROIs reach to pixel {largest.max():,}; the file is damaged")
    return int(largest[0]), int(largest[1])


def _iscell(
    folder: Path, n_rois: int, notes: list[str]
) -> tuple[NDArray[np.bool_] | None, NDArray[np.float64] | None]:
    if not (folder / "iscell.npy").is_file():
        notes.append("there is no iscell.npy, so every ROI counts as a cell")
        return None, None
    table = read_numbers(folder / "iscell.npy")
    if len(table) != n_rois or table.shape[1] < 1:
        raise ReadError(f"iscell.npy: has the shape {table.shape}, but F.npy has {n_rois} traces")
    return table[:, 0] > 0, np.asarray(table[:, 1], np.float64) if table.shape[1] > 1 else None


def _traces(
    folder: Path, raw: NDArray[Any], about: Mapping[str, Any], notes: list[str]
) -> dict[str, tuple[NDArray[Any], str]]:
    traces = {"raw": (raw, "a.u.")}
    for file, name in (("Fneu.npy", "neuropil"), ("spks.npy", "spikes")):
        if not (folder / file).is_file():
            continue
        values = read_numbers(folder / file)
        if values.shape != raw.shape:
            raise ReadError(f"{file}: has the shape {values.shape}, but F.npy has {raw.shape}")
        traces[name] = (values, "a.u.")
    if "neuropil" in traces:
        given = about.get("neucoeff")
        number = isinstance(given, (int, float, np.number)) and np.isfinite(given)
        coefficient = float(given) if number else _NEUROPIL_COEFFICIENT  # type: ignore[arg-type]
        # Infinite values are told of, and become NaN, where the recording is made.
        with np.errstate(over="ignore", invalid="ignore"):
            corrected = raw - np.float32(coefficient) * traces["neuropil"][0]
        traces["corrected"] = (corrected, "a.u.")
        said = "the run's own" if number else "the usual; the run does not tell its own"
        notes.append(f"corrected is F minus {coefficient:g} times the neuropil ({said} coefficient)")
    return traces


def _footprints(stat: list[dict[str, Any]], shape: tuple[int, int]) -> sparse.csr_array:
    y, x = ([one[name] for one in stat] for name in ("ypix", "xpix"))
    weights = [_weights(one) for one in stat]
    try:
        return footprints_from_pixels(y, x, weights, shape)
    except ReadError as error:
        raise ReadError(f"stat.npy: {error}") from None


def _weights(one: Mapping[str, Any]) -> NDArray[Any]:
    weights = one.get("lam")
    if isinstance(weights, np.ndarray) and weights.dtype.kind in "fiu":
        return weights
    return np.ones(one["ypix"].size, np.float32)


def _column(stat: list[dict[str, Any]], name: str) -> NDArray[np.float64]:
    values = [one.get(name) for one in stat]
    return np.array([v if isinstance(v, (int, float, np.number)) else np.nan for v in values], np.float64)


def _images(about: Mapping[str, Any], shape: tuple[int, int], notes: list[str]) -> dict[str, NDArray[Any]]:
    images = {}
    for key, name in (_IMAGES | _CROPPED).items():
        image = about.get(key)
        if not isinstance(image, np.ndarray) or image.ndim != 2 or image.dtype.kind not in "fiu":
            continue
        whole = image if image.shape == shape else _uncropped(image, about, shape)
        if whole is None:
            size = " × ".join(map(str, image.shape))
            notes.append(f"image {key} of {size} is left out: it does not fit the field")
        else:
            images[name] = whole
    return images


def _uncropped(image: NDArray[Any], about: Mapping[str, Any], shape: tuple[int, int]) -> NDArray[Any] | None:
    """Return an image of the part that was always in view in its place in the whole field."""
    try:
        (top, bottom), (left, right) = (tuple(map(int, about[name])) for name in ("yrange", "xrange"))
    except (KeyError, TypeError, ValueError):
        return None
    inside = 0 <= top <= bottom <= shape[0] and 0 <= left <= right <= shape[1]
    if not inside or image.shape != (bottom - top, right - left):
        return None
    whole = np.zeros(shape, image.dtype)
    whole[top:bottom, left:right] = image
    return whole
