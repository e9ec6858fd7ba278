"""Write a recording as a folder of suite2p, so that its window and programs built on it open it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.recording import Recording
from napari_calcium.rois import Rois

__all__ = ["write_suite2p"]

_IMAGES = {
    "meanImg": ("mean",),
    "meanImgE": ("mean_enhanced", "mean"),
    "refImg": ("reference", "mean"),
    "max_proj": ("max_projection", "mean"),
    "Vcorr": ("local_correlation", "mean"),
}
_CORE_SHARE = 0.5
_NEUROPIL_COEFFICIENT = 0.7


def write_suite2p(recording: Recording, folder: str | Path) -> Path:
    """Write ``suite2p/plane0`` with F, Fneu, spks, stat, iscell and ops.

    Parameters
    ----------
    recording : Recording
        With ROIs, raw traces and a frame rate. F is ``"raw"``; Fneu is ``"neuropil"``, zeros where there is
        none; spks is ``"spikes"`` where it was inferred, else zeros.
    folder : path
        The folder ``suite2p`` is made in it; it must not hold one yet.

    Returns
    -------
    Path
        The plane's folder; it is there whole or not at all.

    Raises
    ------
    ValueError
        Without ROIs, raw traces or frame rate, or where a folder ``suite2p`` exists already.

    Notes
    -----
    suite2p numbers cells from 0 by their row; the ids of ours are in ``stat`` as ``roi_id``. Missing samples
    are 0 there, since suite2p knows none. The file of the registered movie, ``data.bin``, is not written.
    """
    target = Path(folder) / "suite2p"
    rois, rate = recording.rois, recording.frame_rate
    if rois is None or "raw" not in recording.traces or rate is None:
        lacking = "ROIs" if rois is None else "a frame rate" if rate is None else "raw traces"
        raise ValueError(f"suite2p's folder takes {lacking}, which this recording has not")
    if target.exists():
        raise ValueError(f"{target}: there is a folder of suite2p already; choose another place")
    Path(folder).mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".suite2p-", dir=folder))
    try:
        plane = temporary / "plane0"
        plane.mkdir()
        for name, content in _files(recording, rois, rate).items():
            with (plane / name).open("wb") as file:
                np.save(file, content, allow_pickle=content.dtype == object)
                file.flush()
                os.fsync(file.fileno())
        temporary.chmod(0o755)
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return target / "plane0"


def _files(recording: Recording, rois: Rois, rate: float) -> dict[str, NDArray[Any]]:
    rows = recording.rows(rois.ids)
    raw = np.nan_to_num(recording.traces["raw"].values[rows])

    def trace(name: str) -> NDArray[np.float32]:
        there = name in recording.traces
        return np.nan_to_num(recording.traces[name].values[rows]) if there else np.zeros_like(raw)

    probability = rois.quality.get("probability", rois.accepted.astype(np.float64))
    neuropil = trace("neuropil")
    stat = np.empty(len(rois), object)
    owners = np.bincount(rois.footprints.indices, minlength=rois.footprints.shape[1])
    for k in range(len(rois)):
        stat[k] = _cell(rois, k, raw[k] - np.float32(_NEUROPIL_COEFFICIENT) * neuropil[k], owners)
    about = np.empty((), object)
    about[()] = _about(recording, rois, rate)
    return {
        "F.npy": raw,
        "Fneu.npy": neuropil,
        "spks.npy": trace("spikes"),
        "stat.npy": stat,
        "iscell.npy": np.column_stack([rois.accepted, np.nan_to_num(probability)]).astype(np.float64),
        "ops.npy": about,
    }


def _cell(rois: Rois, row: int, corrected: NDArray[np.float32], owners: NDArray[np.int64]) -> dict[str, Any]:
    """Return what suite2p keeps of one ROI; `owners` is how many ROIs have each pixel."""
    start, stop = rois.footprints.indptr[row : row + 2]
    y, x = rois.pixels(row)
    weight = np.array(rois.footprints.data[start:stop], np.float32)
    n = len(y)
    core = weight >= _CORE_SHARE * weight.max(initial=0.0)
    spread = np.sqrt(y.var() + x.var()) if n else 0.0
    # A disc of n pixels has the least spread, sqrt(n / 2π).
    least = np.sqrt(n / (2 * np.pi)) if n else 1.0
    axes = np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(np.stack([y, x]))), 0)) if n > 2 else np.ones(2)
    centred = corrected - corrected.mean()
    sd = float(centred.std())
    return {
        "roi_id": int(rois.ids[row]),
        "ypix": y,
        "xpix": x,
        "lam": weight,
        "med": [int(np.median(y)), int(np.median(x))] if n else [0, 0],
        "npix": n,
        "npix_soma": int(core.sum()),
        "soma_crop": core,
        "overlap": owners[rois.footprints.indices[start:stop]] > 1,
        "footprint": float(spread / least),
        "compact": float(max(1.0, spread / least)),
        "radius": float(2 * axes[-1]),
        "aspect_ratio": float(2 * axes[-1] / (axes[0] + axes[-1])) if axes.sum() else 1.0,
        "npix_norm": n / max(1.0, float(np.mean(rois.areas))),
        "skew": float((centred**3).mean() / sd**3) if sd else 0.0,
        "std": sd,
    }


def _about(recording: Recording, rois: Rois, rate: float) -> dict[str, Any]:
    height, width = rois.shape
    about: dict[str, Any] = {
        "Ly": height,
        "Lx": width,
        "yrange": [0, height],
        "xrange": [0, width],
        "nframes": recording.n_frames,
        "nplanes": 1,
        "nchannels": 1,
        "fs": rate,
        "tau": 1.0,
        "neucoeff": _NEUROPIL_COEFFICIENT,
        "input_format": "napari-calcium",
    }
    for name, choices in _IMAGES.items():
        image = next((recording.images[c] for c in choices if c in recording.images), None)
        if image is None or image.shape != rois.shape:
            image = np.zeros(rois.shape, np.float32)
        about[name] = np.nan_to_num(image)
    if recording.motion is not None:
        # suite2p's offsets are what was done to a frame, ours where the frame lay.
        about["yoff"] = -np.rint(recording.motion.shift_y_px).astype(np.int64)
        about["xoff"] = -np.rint(recording.motion.shift_x_px).astype(np.int64)
        about["badframes"] = recording.motion.bad
    return about
