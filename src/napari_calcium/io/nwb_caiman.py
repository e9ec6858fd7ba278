"""NWB files that CaImAn itself saves (``Estimates.save_NWB``), which have ways of their own."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from napari_calcium.io.clock import read_clock
from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.foreign import Parts, make_recording, source_of
from napari_calcium.io.hdf5 import Hdf5File
from napari_calcium.io.nwb_facts import read_facts
from napari_calcium.io.nwb_reread import read_turned
from napari_calcium.progress import Progress, part, silent
from napari_calcium.recording import Recording

__all__ = ["find_caiman_module", "read_caiman_nwb"]

_QUALITY = {"snr": "snr", "r": "spatial_correlation", "cnn": "cnn_probability"}
_TABLE = "ImageSegmentation/PlaneSegmentation"
_SERIES = "Fluorescence/RoiResponseSeries"
_BLOCK_BYTES = 1 << 26


def find_caiman_module(file: Hdf5File) -> str | None:
    """Return where CaImAn's estimates are in an NWB file, None where it did not write it."""
    for name in file.keys("processing"):
        module = f"processing/{name}"
        told = file.attribute(f"{module}/{_TABLE}", "description")
        if told == "CNMF_ROIs" and file.is_dataset(f"{module}/residuals/data"):
            return module
    return None


def read_caiman_nwb(
    file: Hdf5File, module: str, settings: CsvSettings = CsvSettings(), *, on_progress: Progress = silent
) -> Recording:
    """Return what CaImAn saved of a field of view.

    Parameters
    ----------
    file : Hdf5File
    module : str
        What :func:`find_caiman_module` found.
    settings : CsvSettings
        Its `frame_rate` and `rejected_cells` count.
    on_progress
        Of reading the traces.

    Returns
    -------
    Recording
        As of its HDF5: ``"raw"`` (C + residuals, a.u., without background) and ``"denoised"`` (C). What its
        evaluation kept and the user did not reject counts as a cell; components of the background are
        left out.

    Raises
    ------
    ReadError
        If a field is damaged or does not fit the others; it is named.

    Notes
    -----
    Against the standard, the fluorescence in the file is C, pictures of cells hold pixels counted along y
    first in an array of height × width, and the correlation image has y first.
    """
    started = time.perf_counter()
    denoised = read_turned(file, f"{module}/{_SERIES}/data", part(on_progress, 0.0, 0.5))
    residual = read_turned(file, f"{module}/residuals/data", part(on_progress, 0.5, 1.0))
    if residual.shape != denoised.shape:
        raise file.error(f"{module}/residuals/data", f"is of {len(residual)} cells, not {len(denoised)}")
    rows = file.whole_numbers(f"{module}/{_SERIES}/rois")
    notes = [
        "the file has no ΔF/F, and its traces have no background: ΔF/F made of them is too large; "
        "CaImAn's .hdf5 has ΔF/F after detrend_df_f"
    ]
    shape, footprints = _footprints(file, f"{module}/{_TABLE}/image_mask", rows, len(denoised))
    with np.errstate(over="ignore", invalid="ignore"):
        raw = denoised + residual
    parts = Parts(
        program="CaImAn (NWB)",
        name=file.path.stem,
        roi_ids=np.arange(len(denoised), dtype=np.int64),
        frame_rate=_frame_rate(file, f"{module}/{_SERIES}", notes),
        traces={"raw": (raw, "a.u."), "denoised": (denoised, "a.u.")},
        footprints=footprints,
        shape=shape,
        accepted=_accepted(file, f"{module}/{_TABLE}", rows),
        quality={
            ours: values
            for theirs, ours in _QUALITY.items()
            if (values := _column(file, f"{module}/{_TABLE}/{theirs}", rows)) is not None
        },
        images=_images(file, module, shape),
        notes=notes,
        session_facts=read_facts(file, f"{module}/{_TABLE}"),
    )
    return make_recording(parts, file.path, source_of(file.path), settings, started)


def _footprints(
    file: Hdf5File, field: str, rows: NDArray[np.int64], n_rois: int
) -> tuple[tuple[int, int], sparse.csr_array]:
    stored = file.dataset(field)
    if stored.dtype.kind not in "fiub" or stored.ndim != 3:
        raise file.error(field, f"must be a picture a cell, got {stored.dtype} of {stored.shape}")
    if len(rows) != n_rois or (len(rows) and not 0 <= rows.min() <= rows.max() < len(stored)):
        raise file.error(field, f"does not hold the {n_rois} cells of the traces")
    height, width = int(stored.shape[1]), int(stored.shape[2])
    parts = [sparse.csr_array((0, height * width), dtype=np.float32)]
    step = max(1, _BLOCK_BYTES // max(1, height * width * stored.dtype.itemsize))
    for start in range(0, len(stored), step):
        block = file.read(field, stored, slice(start, start + step))
        upright = block.reshape(len(block), width, height).transpose(0, 2, 1)
        parts.append(sparse.csr_array(upright.reshape(len(block), height * width).astype(np.float32)))
    return (height, width), sparse.vstack(parts, format="csr")[rows]


def _column(file: Hdf5File, field: str, rows: NDArray[np.int64]) -> NDArray[Any] | None:
    if not file.is_dataset(field):
        return None
    values = file.array(field)
    if len(values) <= rows.max(initial=-1) or values.size != len(values):
        raise file.error(field, f"has {len(values)} rows, fewer than there are cells")
    return values.ravel()[rows]


def _accepted(file: Hdf5File, table: str, rows: NDArray[np.int64]) -> NDArray[np.bool_] | None:
    """Return which components count; None where nobody judged them."""
    keep, yes, no = (_column(file, f"{table}/{name}", rows) for name in ("keep", "accepted", "rejected"))
    judged = [flags for flags in (yes, no) if flags is not None and flags.any()]
    if keep is None and not judged:
        return None
    accepted = np.ones(len(rows), bool) if keep is None else keep > 0
    if yes is not None:
        accepted |= yes > 0
    return accepted if no is None else accepted & ~(no > 0)


def _frame_rate(file: Hdf5File, series: str, notes: list[str]) -> float | None:
    if not file.is_dataset(f"{series}/timestamps"):
        rate = file.attribute(f"{series}/starting_time", "rate")
        return None if rate is None else float(rate)
    times = file.array(f"{series}/timestamps", ndim=1).astype(np.float64)
    clock = read_clock(times, "time (s)")
    notes += list(clock.notes)
    return clock.frame_rate


def _images(file: Hdf5File, module: str, shape: tuple[int, int]) -> dict[str, NDArray[Any]]:
    field = f"{module}/summary_images/local_correlations"
    if not file.is_dataset(field):
        return {}
    image = file.array(field, ndim=2)
    return {"local_correlation": image} if image.shape == shape else {}
