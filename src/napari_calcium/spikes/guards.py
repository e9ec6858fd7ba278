"""Doubts about traces that spikes are inferred from: one plain sentence each, with what to do."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.numerics.noise import noise_level, noise_sd

__all__ = ["FRAME_RATES", "NOISE_LEVELS", "find_doubts"]

FRAME_RATES = (2.0, 120.0)
"""Frame rates in Hz that the network was trained on."""

NOISE_LEVELS = (0.25, 30.0)
"""Noise levels ν in % Hz^-1/2 that recordings have: trained from 0.5, and cleaner ones are rare but real."""

_HIGHEST_DFF = 30.0
_LOWEST_MEDIAN, _HIGHEST_MEDIAN = -0.5, 3.0
# Neighbouring differences of white noise have a correlation of −0.5; smoothing takes it above zero.
# Recordings as they came reach 0.25; a Gaussian of one frame gives 0.43.
_SMOOTHED = 0.3
_TOLERANCE = 1.05
_MOSTLY_ZERO = 0.3
_MAX_ROWS, _MAX_FRAMES = 200, 5000
_MANY = 0.2
_DENOISING = ("denoise",)
_DECONVOLVED_UNITS = ("spikes/s", "spikes")


def find_doubts(
    dff: ArrayLike, frame_rate: float, *, unit: str = "ΔF/F", stages: Sequence[str] = ()
) -> tuple[str, ...]:
    """Find reasons to distrust spikes inferred from these traces.

    Parameters
    ----------
    dff : (n_rois, n_frames)
        The traces about to be read; NaN marks a missing sample. At most 200 rows and the middle 5,000 frames
        of each are looked at, but for the noise, which is measured on every row.
    frame_rate : float
        In Hz.
    unit : str
        Unit of the traces as far as it is known.
    stages : sequence of str
        Stages of the pipeline that made the traces, from the provenance; empty if unknown.

    Returns
    -------
    tuple of str
        Plain sentences that say what is wrong and what to do; empty when there is nothing to say.

    Notes
    -----
    Provenance is believed before statistics. From the numbers alone, denoised traces are known by
    neighbouring steps that go the same way (in raw imaging noise they go opposite ways), deconvolved ones by
    being exactly zero most of the time and never negative, raw fluorescence by its level. Strongly filtered
    noise below the lowest noise level may escape.
    """
    values = check_traces(dff)
    rate = check_frame_rate(frame_rate)
    doubts = [_rate_doubt(rate)]
    if values.shape[0] and not np.isnan(values).all():
        few = _few(values)
        kind = _kind_doubt(few, unit, stages)
        doubts.append(kind)
        # Noise and range of something that is no ΔF/F mean nothing.
        if not kind:
            doubts += [_noise_doubt(values, rate), _range_doubt(few)]
    return tuple(doubt for doubt in doubts if doubt)


def _few(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return some rows, spread evenly, and the middle of their frames."""
    step = max(1, math.ceil(len(values) / _MAX_ROWS))
    start = max(0, (values.shape[1] - _MAX_FRAMES) // 2)
    few = values[::step, start : start + _MAX_FRAMES]
    return few[~np.isnan(few).all(axis=1)]


def _rate_doubt(rate: float) -> str:
    low, high = FRAME_RATES
    if rate * _TOLERANCE < low:
        return (
            f"Spike inference was trained from {low:g} to {high:g} Hz and this recording has {rate:g} Hz: "
            "read the result as slow changes of activity, not as single spikes"
        )
    if rate > _TOLERANCE * high:
        return (
            f"Spike inference was trained from {low:g} to {high:g} Hz and this recording has {rate:g} Hz: "
            f"average frames down to {high:g} Hz or less first"
        )
    return ""


def _kind_doubt(few: NDArray[np.float32], unit: str, stages: Sequence[str]) -> str:
    """Say whether the traces are something else than ΔF/F as it was recorded."""
    if any(stage in _DENOISING for stage in stages):
        return (
            "These traces have been denoised: their noise looks lower than it is, and what is left of it is "
            "taken for spikes; choose a trace from before the denoising"
        )
    if unit in _DECONVOLVED_UNITS or _looks_deconvolved(few):
        return (
            "These traces look deconvolved already (spikes, not fluorescence): infer spikes from the ΔF/F "
            "they were made of"
        )
    if unit == "a.u." or _looks_raw(few):
        return (
            "These traces look like raw fluorescence, not ΔF/F as a fraction (0.5 = 50 %): run the baseline "
            "stage first, or correct the unit of the file"
        )
    if not stages and _looks_smoothed(few):
        return (
            "These traces look denoised, smoothed or interpolated: their noise is lower than it seems, and "
            "what is left of it is taken for spikes; use the traces as they were recorded"
        )
    return ""


def _looks_raw(few: NDArray[np.float32]) -> bool:
    if not few.size:
        return False
    middle = np.nanmedian(few, axis=1)
    return bool(np.mean((middle > _HIGHEST_MEDIAN) | (middle < _LOWEST_MEDIAN)) > _MANY)


def _looks_deconvolved(few: NDArray[np.float32]) -> bool:
    """Tell whether rows are never negative and exactly zero for much of the time, but not always."""
    if not few.size:
        return False
    never_negative = np.nanmin(few, axis=1) >= 0
    zero = np.mean(few == 0, axis=1)
    return bool(np.mean(never_negative & (zero > _MOSTLY_ZERO) & (zero < 1)) > 0.5)


def _looks_smoothed(few: NDArray[np.float32]) -> bool:
    """Tell whether the steps of most rows go on in the same direction while nothing much happens."""
    if few.shape[1] < 100:
        return False
    steps = np.nan_to_num(np.diff(few, axis=1))
    quiet = np.minimum(np.abs(steps), 3 * noise_sd(few)[:, None]) * np.sign(steps)
    power = np.einsum("ij,ij->i", quiet, quiet)
    moving = power > 0
    if not moving.any():
        return False
    following = np.einsum("ij,ij->i", quiet[:, 1:], quiet[:, :-1])[moving] / power[moving]
    return bool(np.median(following) > _SMOOTHED)


def _noise_doubt(values: NDArray[np.float32], rate: float) -> str:
    level = noise_level(values, rate)
    level = level[~np.isnan(level)]
    low, high = NOISE_LEVELS
    noisy, clean = int(np.sum(level > high)), int(np.sum(level < low))
    if noisy > _MANY * len(level):
        return (
            f"{noisy} of {len(level)} traces are noisier than spike inference was trained on (ν above "
            f"{high:g} % Hz^-1/2): in these neurons expect only strong bursts to be seen, and check the "
            "unit of the traces"
        )
    if clean > _MANY * len(level):
        return (
            f"{clean} of {len(level)} traces have less noise than imaging leaves (ν below {low:g} % "
            "Hz^-1/2): if they were denoised or smoothed, use the traces from before that"
        )
    return ""


def _range_doubt(few: NDArray[np.float32]) -> str:
    if few.size and np.mean(np.nanmax(few, axis=1) > _HIGHEST_DFF) > _MANY:
        return (
            f"Many traces exceed a ΔF/F of {100 * _HIGHEST_DFF:g} %: if they are in per cent, say so when "
            "reading the file; if F0 is close to zero, choose another baseline"
        )
    return ""
