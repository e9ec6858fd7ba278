"""suite2p's folder of one plane: read it, and write the user's choice of cells back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from napari_calcium.atomic import replacing
from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.foreign import Parts, footprints_from_pixels, make_recording, source_of
from napari_calcium.io.restricted_pickle import load_npy
from napari_calcium.recording import Recording

__all__ = ["find_suite2p", "read_suite2p", "write_iscell"]

_NEUROPIL_COEFFICIENT = 0.7
_QUALITY = ("snr", "skew", "std", "compact", "radius", "aspect_ratio", "npix", "npix_norm", "npix_soma")
_IMAGES = {"meanImg": "mean", "meanImgE": "mean_enhanced", "refImg": "reference"}
_CROPPED = {"max_proj": "max_projection", "Vcorr": "local_correlation"}


def find_suite2p(path: str | Path) -> Path | None:
    """Return the folder of the plane that a path means, None if it has nothing to do with suite2p.

    Parameters
    ----------
    path : path
        A plane's folder, a file in it, the ``suite2p`` folder, or the folder in which that lies.

    Raises
    ------
    ReadError
        If there are several planes and no ``combined`` folder, so that one must be chosen.
    """
    path = Path(path)
    if path.is_file():
        if path.suffix != ".npy" or not _is_plane(path.parent):
            return None
        return path.parent
    if _is_plane(path):
        return path
    for folder in (path, path / "suite2p"):
        planes = sorted(p for p in folder.glob("plane*") if _is_plane(p))
        if len(planes) == 1:
            return planes[0]
        if planes:
            if _is_plane(folder / "combined"):
                return folder / "combined"
            names = ", ".join(p.name for p in planes)
            raise ReadError(f"{folder.name}: there are {len(planes)} planes ({names}); open one of them")
    return None


def _is_plane(folder: Path) -> bool:
    return (folder / "F.npy").is_file() and (folder / "stat.npy").is_file()


def read_suite2p(path: str | Path, settings: CsvSettings = CsvSettings()) -> Recording:
    """Read a plane that suite2p extracted, of version 0.14 or 1.x.

    Parameters
    ----------
    path : path
        See :func:`find_suite2p`. Nothing in the folder is written to.
    settings : CsvSettings
        Its `frame_rate` overrules the file's; with `rejected_cells` ``"keep"`` ROIs that are no cells stay.

    Returns
    -------
    Recording
        Ids are the row numbers of suite2p's files. Traces, all in a.u.: ``"raw"`` (F, with neuropil),
        ``"neuropil"``, ``"corrected"`` (F minus the run's neuropil coefficient, 0.7 by default, times
        neuropil), ``"spikes"``. ROIs with suite2p's weights, measures and ``probability``; images placed in
        the whole field where suite2p had cropped them.

    Raises
    ------
    ReadError
        In one line that names the file: missing, damaged, not fitting the others, or a hostile pickle.
    """
    started = time.perf_counter()
    folder = find_suite2p(path)
    if folder is None:
        raise ReadError(f"{Path(path).name}: no folder of suite2p (F.npy and stat.npy)")
    about, fluorescence = _about(folder), _numbers(folder / "F.npy")
    stat = _stat(folder / "stat.npy", len(fluorescence))
    shape = _shape(about, stat, folder)
    notes: list[str] = []
    accepted, probability = _iscell(folder, len(stat), notes)
    quality = {name: _column(stat, name) for name in _QUALITY if any(name in one for one in stat)}
    parts = Parts(
        program="suite2p",
        name=_name(folder),
        roi_ids=np.arange(len(stat), dtype=np.int64),
        frame_rate=about.get("fs"),
        traces=_traces(folder, fluorescence, about, notes),
        footprints=_footprints(stat, shape),
        shape=shape,
        accepted=accepted,
        quality=quality | ({} if probability is None else {"probability": probability}),
        images=_images(about, shape, notes),
        notes=notes,
    )
    source = source_of(folder / "F.npy", name=f"{folder.name}/F.npy")
    return make_recording(parts, folder, source, settings, started)


def write_iscell(recording: Recording, path: str | Path) -> Path:
    """Write which ROIs are cells into suite2p's ``iscell.npy``, and change nothing else.

    Parameters
    ----------
    recording : Recording
        That was read from this folder, with ROIs whose `accepted` the user may have changed. ROIs that it
        lacks, since they were left out or deleted, keep their entry.
    path : path
        See :func:`find_suite2p`.

    Returns
    -------
    Path
        The file. Probabilities, further columns and the dtype stay; the file is replaced whole or not at all.

    Raises
    ------
    ReadError
        If it is no folder of suite2p, or the ids do not fit it.
    ValueError
        If the recording has no ROIs.
    """
    folder = find_suite2p(path)
    if folder is None:
        raise ReadError(f"{Path(path).name}: no folder of suite2p (F.npy and stat.npy)")
    if recording.rois is None:
        raise ValueError("the recording has no ROIs, so there is no choice of cells to write")
    n_rois = len(_numbers(folder / "F.npy"))
    ids, file = recording.rois.ids, folder / "iscell.npy"
    if len(ids) and not 0 <= ids.min() <= ids.max() < n_rois:
        raise ReadError(
            f"{folder.name}: the recording has ROI {int(ids.max())}, but the folder has {n_rois}; "
            "write to the folder it was read from"
        )
    table = np.array(_numbers(file)) if file.exists() else np.ones((n_rois, 2))
    if table.shape[:1] != (n_rois,) or table.shape[1] < 1:
        raise ReadError(f"iscell.npy: has the shape {table.shape}, but there are {n_rois} ROIs")
    table[ids, 0] = recording.rois.accepted
    with replacing(file) as partial, partial.open("wb") as out:
        np.save(out, table, allow_pickle=False)
    return file


def _name(folder: Path) -> str:
    """Name a recording after the folder that the user named, not after the ones that suite2p makes."""
    own = [p for p in folder.absolute().parts if p != "suite2p" and not p.startswith("plane")]
    name = own[-1] if len(own) > 1 else folder.name
    return f"{name} {folder.name}" if name != folder.name else name


def _numbers(path: Path) -> NDArray[Any]:
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
    table = _numbers(folder / "iscell.npy")
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
        values = _numbers(folder / file)
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
