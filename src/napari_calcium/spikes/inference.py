"""Infer the rate of spikes of every neuron from its ΔF/F."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.numerics.blocks import apply_to_rows
from napari_calcium.numerics.gaps import fill_gaps
from napari_calcium.progress import Progress, silent
from napari_calcium.spikes.ensemble import Ensemble, TraceContext, default_ensemble
from napari_calcium.spikes.families import cell_type_index, family_index
from napari_calcium.spikes.frame_grid import average_groups, frames_per_group, spread_groups

__all__ = ["infer_spike_rate", "spike_rate_error", "trace_context"]

# What a block of rows needs beside its input, in bytes a sample.
_BYTES = 200
_NETWORK_HZ = 30.0
_SMOOTHING_S = 0.05


def infer_spike_rate(
    dff: ArrayLike,
    frame_rate: float,
    *,
    indicator: str = "unknown",
    cell_type: str = "unknown",
    context: TraceContext | None = None,
    ensemble: Ensemble | None = None,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> NDArray[np.float32]:
    """Infer the expected number of spikes per second in every frame.

    Parameters
    ----------
    dff : (n_rois, n_frames)
        ΔF/F as a fraction (not in %), neither denoised nor smoothed; NaN marks a missing sample.
    frame_rate : float
        In Hz; trained from 2 to 120.
    indicator : str
        Name of the calcium indicator (``"GCaMP6f"``, ``"OGB1"``, ``"jRGECO1a"`` …). A name that is not known
        counts as ``"unknown"``, with a line in the log.
    cell_type : {"unknown", "excitatory", "inhibitory"}
        Inhibitory neurons fire many more spikes for the same ΔF/F.
    context : TraceContext, optional
        Of the whole traces (:func:`trace_context`), for traces that are worked through in pieces.
    ensemble : Ensemble, optional
        Networks to use in place of those that come with the program.
    on_progress : Progress
        Called with the rows done.
    executor : Executor, optional
        Where blocks of rows run; the result is the same to the byte for any.

    Returns
    -------
    (n_rois, n_frames) float32
        Spikes per second, never negative, smooth to the extent that the noise demands; divided by
        `frame_rate` it is the expected number of spikes in a frame. A spike comes out on its own frame.
        There are values up to both ends; NaN where `dff` is NaN, and nowhere else.

    Raises
    ------
    ValueError
        For traces of the wrong shape or with infinite values, a frame rate that is not above 0, an unknown
        cell type, or a context of another number of rows.

    Notes
    -----
    Every neuron is judged on its own, and some things are judged on its whole trace: its noise, how its
    fluctuations decay and how large they are, and how many spikes there are. So a trace in pieces gives the
    result of the whole (to rounding) if the pieces are given the context of the whole, overlap by 2 · 133
    frames of which the half on each side is thrown away, and start at a multiple of the group of frames
    (:func:`~napari_calcium.spikes.frame_grid.frames_per_group`; 1 up to 62 Hz, and the overlap counts
    groups). Pieces without a context are traces of their own, and the results differ a little.
    Above 62 Hz frames are averaged in groups and the result interpolated to every frame. Time is linear in
    the number of samples; memory beyond the result does not depend on `n_rois`.

    It misleads on denoised, smoothed or deconvolved traces and on raw fluorescence: see
    :func:`~napari_calcium.spikes.guards.find_doubts`. The number of spikes is off by about a factor of two on
    cells unlike those it was trained on; where their activity is, is known far better.

    References
    ----------
    Rupprecht et al. (2021), Nature Neuroscience 24, 1324-1337, https://doi.org/10.1038/s41593-021-00895-5
    (the idea of training on noise-matched ground truth, and the data; this network and its code are our own).
    """
    values = check_traces(dff)
    rate = check_frame_rate(frame_rate)
    family, kind = family_index(indicator), cell_type_index(cell_type)
    work = _Rows(rate, family, kind, ensemble)
    if context is None:
        return apply_to_rows(
            work, values, bytes_per_sample=_BYTES, on_progress=on_progress, executor=executor
        )
    if len(context.scale) != len(values):
        raise ValueError(f"context must have one row a trace, got {len(context.scale)} for {len(values)}")
    return work.infer(values, context)[0]


def trace_context(
    dff: ArrayLike,
    frame_rate: float,
    *,
    indicator: str = "unknown",
    cell_type: str = "unknown",
    ensemble: Ensemble | None = None,
) -> TraceContext:
    """Measure what :func:`infer_spike_rate` takes from whole traces, to be handed to it with their pieces.

    Parameters
    ----------
    dff : (n_rois, n_frames)
        ΔF/F as a fraction; NaN marks a missing sample.
    frame_rate, indicator, cell_type, ensemble
        As for :func:`infer_spike_rate`; the same for the pieces.

    Returns
    -------
    TraceContext
        A few numbers for each trace; measuring them takes as long as the inference.
    """
    work = _Rows(check_frame_rate(frame_rate), family_index(indicator), cell_type_index(cell_type), ensemble)
    return work.infer(check_traces(dff), None)[1]


@dataclass(frozen=True)
class _Rows:
    """Inference on a block of rows; can be pickled, so that it also runs in other processes."""

    frame_rate: float
    family: int
    cell_type: int
    ensemble: Ensemble | None

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.infer(values, None)[0]

    def infer(
        self, values: NDArray[np.float32], context: TraceContext | None
    ) -> tuple[NDArray[np.float32], TraceContext]:
        filled, missing = fill_gaps(values)
        size = frames_per_group(self.frame_rate)
        grouped = average_groups(filled.astype(np.float32, copy=False), size)
        networks = self.ensemble or default_ensemble()
        counts, context = networks.counts(
            grouped, self.frame_rate / size, self.family, self.cell_type, context
        )
        counts *= np.float32(_NETWORK_HZ)
        result = spread_groups(counts, size, values.shape[1])
        if missing is not None:
            result[missing] = np.nan
        return result, context


def spike_rate_error(
    rate: NDArray[np.float32],
    frame_rate: float,
    noise_level: NDArray[np.floating],
    *,
    ensemble: Ensemble | None = None,
) -> NDArray[np.float32]:
    """Estimate how far the inferred rate lies from the true one, both smoothed by a Gaussian of 50 ms.

    Parameters
    ----------
    rate : (n_rois, n_frames) float32
        Of :func:`infer_spike_rate`.
    frame_rate : float
        In Hz.
    noise_level : (n_rois,)
        ν of every trace in % Hz^-1/2 (:func:`napari_calcium.numerics.noise.noise_level`).
    ensemble : Ensemble, optional
        The networks that made the rate.

    Returns
    -------
    (n_rois, n_frames) float32
        Root mean squared error (one SD) in spikes per second; NaN where `rate` is NaN.

    Notes
    -----
    Measured on datasets that the networks had not seen: the squared error grows with the rate (spikes are
    single events) and with its square (the number of spikes is off by a factor), faster the noisier the
    trace. It is a mean over many datasets. In one recording the factor is the same for all frames of a
    neuron, so errors of neighbouring frames are not independent, and averaging over time does not take
    them away.
    """
    smooth = gaussian_filter1d(np.nan_to_num(rate), _SMOOTHING_S * check_frame_rate(frame_rate), axis=1)
    table = (ensemble or default_ensemble()).card["squared_error"]
    log_noise = np.log(np.clip(np.nan_to_num(noise_level, nan=1.0), 1e-3, None))
    known = np.log(table["noise_level"])
    floor, single, factor = (
        np.interp(log_noise, known, table[name])[:, None] for name in ("constant", "per_rate", "per_square")
    )
    error: NDArray[np.float32] = np.sqrt(floor + single * smooth + factor * smooth**2).astype(np.float32)
    error[np.isnan(rate)] = np.nan
    return error
