"""Write a recording as CaImAn's HDF5, so that ``load_CNMF`` and its window open it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from napari_calcium.atomic import replacing
from napari_calcium.io.shielded_hdf5 import writing_hdf5
from napari_calcium.recording import Recording
from napari_calcium.rois import Rois

__all__ = ["write_caiman"]

_NOTHING = "NoneType"
_MEASURES = {"SNR_comp": "snr", "r_values": "spatial_correlation", "cnn_preds": "cnn_probability"}
_DECAY_S = 0.4


def write_caiman(recording: Recording, path: str | Path) -> None:
    """Write footprints, traces and the choice of cells as CaImAn saves them.

    Parameters
    ----------
    recording : Recording
        With ROIs, fluorescence and a frame rate. ``C + YrA`` is the fluorescence without neuropil where
        there is one, else raw: C is ``"denoised"`` where that has the same unit, else all of it. F_dff is
        ``"dff"``, S is ``"spikes"``.
    path : path
        ``.hdf5``; replaced whole or not at all.

    Raises
    ------
    ValueError
        Without ROIs, fluorescence or a frame rate.

    Notes
    -----
    The background (b, f) is not known, and is zero. Missing samples are 0, since CaImAn knows none. Cells are
    numbered from 0 by their row.
    """
    rois, rate = recording.rois, recording.frame_rate
    light = next((name for name in ("corrected", "raw") if name in recording.traces), None)
    if rois is None or light is None or rate is None:
        lacking = "ROIs" if rois is None else "a frame rate" if rate is None else "raw traces"
        raise ValueError(f"CaImAn's file takes {lacking}, which this recording has not")
    with replacing(path) as partial, writing_hdf5(partial) as file:
        estimates = file.create_group("estimates")
        _write_footprints(estimates.create_group("A"), rois)
        for name, values in _traces(recording, rois, light).items():
            estimates[name] = values
        _write_choice(estimates, rois)
        image = recording.images.get("local_correlation")
        estimates["Cn"] = _NOTHING if image is None or image.shape != rois.shape else np.nan_to_num(image)
        n_pixels = rois.shape[0] * rois.shape[1]
        estimates["b"], estimates["f"] = np.zeros((n_pixels, 1)), np.zeros((1, recording.n_frames))
        for place in ("dims", "estimates/dims", "params/data/dims"):
            file[place] = np.array(rois.shape)
        file["params/data/fr"], file["params/data/decay_time"] = rate, _DECAY_S


def _write_footprints(group: h5py.Group, rois: Rois) -> None:
    """Write the footprints as columns, with pixels counted along y first."""
    height, width = rois.shape
    entries = rois.footprints.tocoo()
    y, x = np.divmod(entries.col.astype(np.int64), width)
    columns = sparse.csc_array(
        (entries.data.astype(np.float64), (x * height + y, entries.row)), shape=(height * width, len(rois))
    )
    columns.sort_indices()
    for name in ("data", "indices", "indptr"):
        group[name] = getattr(columns, name)
    group["shape"] = np.array(columns.shape)


def _traces(recording: Recording, rois: Rois, light: str) -> dict[str, Any]:
    rows = recording.rows(rois.ids)

    def values(name: str) -> NDArray[np.float64]:
        return np.nan_to_num(recording.traces[name].values[rows].astype(np.float64))

    whole = values(light)
    denoised = recording.traces.get("denoised")
    alike = denoised is not None and denoised.unit == recording.traces[light].unit
    clean = values("denoised") if alike else whole
    return {
        "C": clean,
        "YrA": whole - clean,
        "R": whole - clean,
        "F_dff": values("dff") if "dff" in recording.traces else _NOTHING,
        "S": values("spikes") if "spikes" in recording.traces else np.zeros_like(whole),
    }


def _write_choice(estimates: h5py.Group, rois: Rois) -> None:
    estimates["idx_components"] = np.flatnonzero(rois.accepted)
    estimates["idx_components_bad"] = np.flatnonzero(~rois.accepted)
    for name, measure in _MEASURES.items():
        known = rois.quality.get(measure)
        estimates[name] = _NOTHING if known is None else known
