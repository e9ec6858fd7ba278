"""CaImAn's HDF5: footprints, demixed traces and their measures."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.foreign import Parts, make_recording, source_of
from napari_calcium.io.hdf5 import Hdf5File, is_hdf5
from napari_calcium.recording import Recording

__all__ = ["is_caiman", "read_caiman"]

_QUALITY = {"SNR_comp": "snr", "r_values": "spatial_correlation", "cnn_preds": "cnn_probability"}


def is_caiman(path: str | Path) -> bool:
    """Whether a file is HDF5 with CaImAn's estimates.

    Raises
    ------
    ReadError
        If it is HDF5 that is damaged.
    """
    path = Path(path)
    if not path.is_file() or not is_hdf5(path):
        return False
    with Hdf5File(path) as file:
        return file.is_group("estimates")


def read_caiman(path: str | Path, settings: CsvSettings = CsvSettings()) -> Recording:
    """Read what CaImAn's CNMF saved.

    Parameters
    ----------
    path : path
        It is never written to.
    settings : CsvSettings
        Its `frame_rate` overrules the file's; with `rejected_cells` ``"keep"`` rejected components stay.

    Returns
    -------
    Recording
        Ids are the components' numbers. Traces: ``"raw"`` (C + YrA, a.u.: demixed and without background, so
        that its baseline lies near 0), ``"dff"`` (F_dff) and ``"denoised"`` (C, a.u.) and ``"spikes"`` (S,
        a.u.) where the file has them. Footprints with CaImAn's weights; SNR, spatial correlation and the
        classifier's value as measures; the correlation image.

    Raises
    ------
    ReadError
        In one line that names file and field.

    Notes
    -----
    ΔF/F made by the baseline stage from the ``"raw"`` of a file without F_dff is too large or missing, since
    CaImAn has taken the background off: run ``detrend_df_f`` in CaImAn. The notes say so.
    """
    started = time.perf_counter()
    path = Path(path)
    with Hdf5File(path) as file:
        notes: list[str] = []
        denoised = file.array("estimates/C", ndim=2)
        shape = _shape(file)
        parts = Parts(
            program="CaImAn",
            name=path.stem,
            roi_ids=np.arange(len(denoised), dtype=np.int64),
            frame_rate=_scalar(file, "params/data/fr"),
            traces=_traces(file, denoised, notes),
            footprints=_footprints(file, len(denoised), shape),
            shape=shape,
            accepted=_accepted(file, len(denoised), notes),
            quality=_quality(file, len(denoised)),
            images=_images(file, shape),
            notes=notes,
        )
    return make_recording(parts, path, source_of(path), settings, started)


def _numbers(file: Hdf5File, field: str) -> NDArray[Any] | None:
    """Return an array; None where CaImAn says so with the text "NoneType" or a single number."""
    found = file.find(field)
    if found is None or not hasattr(found, "shape") or not found.shape or found.dtype.kind not in "fiub":
        return None
    return file.array(field)


def _scalar(file: Hdf5File, field: str) -> float | None:
    found = file.find(field)
    if found is None or not hasattr(found, "shape") or found.shape not in ((), (1,)):
        return None
    if found.dtype.kind not in "fiu":
        return None
    return float(file.array(field).ravel()[0])


def _shape(file: Hdf5File) -> tuple[int, int]:
    for field in ("estimates/dims", "dims", "params/data/dims"):
        sides = _numbers(file, field)
        if sides is None or sides.size == 0:
            continue
        if sides.shape != (2,):
            raise file.error(field, f"has {sides.size} sides; recordings of volumes are not read")
        height, width = (int(side) for side in file.whole_numbers(field))
        if not (0 < height < 2**20 and 0 < width < 2**20):
            raise file.error(field, f"says that the field is {height} × {width}")
        return height, width
    raise file.error("dims", "the size of the field is missing")


def _footprints(file: Hdf5File, n_rois: int, shape: tuple[int, int]) -> sparse.csr_array:
    """Return the columns of A as rows, with pixels counted along x first rather than along y."""
    names = ("data", "indices", "indptr")
    data, pixels, offsets = (file.array(f"estimates/A/{name}", ndim=1) for name in names)
    n_pixels = shape[0] * shape[1]
    pixels, offsets = pixels.astype(np.int64), offsets.astype(np.int64)
    if len(offsets) != n_rois + 1 or (np.diff(offsets) < 0).any():
        raise file.error("estimates/A/indptr", f"must have {n_rois + 1} ascending values for the cells of C")
    if offsets[0] != 0 or not offsets[-1] == len(pixels) == len(data):
        raise file.error("estimates/A/indptr", "does not fit the pixels")
    if len(pixels) and not 0 <= pixels.min() <= pixels.max() < n_pixels:
        raise file.error("estimates/A/indices", f"has pixels outside the field of {shape[0]} × {shape[1]}")
    x, y = np.divmod(pixels, shape[0])
    with np.errstate(over="ignore", invalid="ignore"):
        weights = data.astype(np.float32)
    return sparse.csr_array((weights, y * shape[1] + x, offsets), shape=(n_rois, n_pixels))


def _traces(file: Hdf5File, denoised: NDArray[Any], notes: list[str]) -> dict[str, tuple[NDArray[Any], str]]:
    def like(name: str) -> NDArray[Any] | None:
        values = _numbers(file, f"estimates/{name}")
        if values is not None and values.shape != denoised.shape:
            raise file.error(f"estimates/{name}", f"has the shape {values.shape}, but C has {denoised.shape}")
        return values

    residual, dff, spikes = like("YrA"), like("F_dff"), like("S")
    if residual is None:
        residual = like("R")
    traces: dict[str, tuple[NDArray[Any], str]] = {}
    if residual is not None:
        with np.errstate(over="ignore", invalid="ignore"):
            traces["raw"] = (denoised + residual, "a.u.")
    else:
        notes.append("the file has no residual (YrA), so there is no raw trace")
    if dff is not None:
        traces["dff"] = (dff, "ΔF/F")
    elif residual is not None:
        notes.append(
            "the file has no ΔF/F (F_dff), and its traces have no background: ΔF/F made of them is too "
            "large; run detrend_df_f in CaImAn first"
        )
    traces["denoised"] = (denoised, "a.u.")
    if spikes is not None:
        traces["spikes"] = (spikes, "a.u.")
    return traces


def _accepted(file: Hdf5File, n_rois: int, notes: list[str]) -> NDArray[np.bool_] | None:
    field = "estimates/idx_components"
    chosen = _numbers(file, field)
    if chosen is None:
        notes.append("the components were not evaluated in CaImAn, so every one counts as a cell")
        return None
    if chosen.size and not 0 <= chosen.min() <= chosen.max() < n_rois:
        raise file.error(field, f"names component {chosen.max()}, but there are {n_rois}")
    accepted = np.zeros(n_rois, bool)
    accepted[chosen.astype(np.int64).ravel()] = True
    return accepted


def _quality(file: Hdf5File, n_rois: int) -> dict[str, NDArray[np.float64]]:
    quality = {}
    for field, name in _QUALITY.items():
        values = _numbers(file, f"estimates/{field}")
        # The classifier's values are a column.
        if values is not None and values.size == n_rois == len(values):
            quality[name] = values.ravel().astype(np.float64)
    return quality


def _images(file: Hdf5File, shape: tuple[int, int]) -> dict[str, NDArray[Any]]:
    image = _numbers(file, "estimates/Cn")
    return {} if image is None or image.shape != shape else {"local_correlation": image}
