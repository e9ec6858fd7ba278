"""What the numbers of a table are: raw intensity, ΔF/F, percent, z-scores."""

from __future__ import annotations

import re
import warnings
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["TraceKind", "guess_unit"]

TraceKind = Literal["raw", "dff", "percent_dff", "zscore", "spikes"]

_MOST_ROWS, _MOST_FRAMES = 128, 2048
_PERCENT_NOISE, _PERCENT_PEAK = 0.6, 8.0
_TOO_LARGE = 1500.0
_SOME_BELOW = 0.01
_PERCENT_WORDS = re.compile(r"(%|percent|per cent)", re.I)
_DFF_WORDS = re.compile(r"(?<![a-z])(d|δ|delta[ _]?)f(0)?\s*(/|_|over|div)?\s*f(0)?(?![a-z])", re.I)
_ZSCORE_WORDS = re.compile(r"z[ _-]?scor", re.I)


def guess_unit(traces: NDArray[np.float32], heading: str = "") -> tuple[TraceKind, str]:
    """Guess what traces are, and say why.

    Raw intensities lie clearly above zero; ΔF/F, z-scores and the like lie around zero between transients. Of
    those, z-scores have mean 0 and standard deviation 1, and percent are told from fractions by noise and
    size.

    Parameters
    ----------
    traces : (n_rois, n_frames) float32
        NaN is left out; up to 128 rows and their first 2,048 frames are looked at.
    heading : str
        What stands above the numbers; ``dF/F``, ``%`` and ``z-score`` count.

    Returns
    -------
    unit : TraceKind
    reason : str
        In plain words.

    Notes
    -----
    Misled by intensities from which a background was subtracted until they lie around zero, and by ΔF/F in
    percent of very faint signals; a heading or the setting decides these.
    """
    rows = np.unique(np.linspace(0, len(traces) - 1, min(len(traces), _MOST_ROWS)).astype(np.int64))
    sample = traces[rows, :_MOST_FRAMES].astype(np.float64)
    low, high, noise, mean, deviation = _measures(sample)
    usable = np.isfinite(low) & (deviation > 0)
    if not usable.any():
        return "raw", "no trace varies"
    low, high, noise, mean, deviation = (m[usable] for m in (low, high, noise, mean, deviation))
    level, peak, typical = (float(np.median(m)) for m in (low, high, noise))
    if _ZSCORE_WORDS.search(heading):
        return "zscore", "the heading says so"
    if _DFF_WORDS.search(heading):
        percent = _PERCENT_WORDS.search(heading) or typical >= _PERCENT_NOISE or peak >= _PERCENT_PEAK
        return ("percent_dff" if percent else "dff"), "the heading says ΔF/F" + (
            ", the size percent" if percent else ""
        )
    whole = sample[np.isfinite(sample)]
    if (whole >= 0).all() and (whole == np.floor(whole)).all():
        return "raw", "all values are whole numbers from zero up"
    below = float(np.mean(whole < 0))
    if float(np.mean(low <= noise)) <= 0.5 and (below < _SOME_BELOW or typical >= _PERCENT_NOISE):
        return "raw", f"the traces lie clearly above zero (around {level:.4g}, noise {typical:.2g})"
    around = f"the traces lie around zero (noise {typical:.2g}, peaks {peak:.2g})"
    scored = (np.abs(mean) < 0.1) & (np.abs(deviation - 1) < 0.1)
    if sample.shape[1] >= 50 and float(np.mean(scored)) > 0.8:
        return "zscore", f"{around} with standard deviation 1"
    if peak > _TOO_LARGE:
        return "raw", f"{around}, but too large for ΔF/F"
    if typical >= _PERCENT_NOISE or peak >= _PERCENT_PEAK:
        return "percent_dff", f"{around}, too large for fractions"
    return "dff", around


def _measures(sample: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return the 20th and 99.5th percentile, noise, mean and deviation of each row; NaN for a row of NaN."""
    gaps = bool(np.isnan(sample).any())
    percentile, median = (np.nanpercentile, np.nanmedian) if gaps else (np.percentile, np.median)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        low, high = percentile(sample, [20, 99.5], axis=1)
        step = np.abs(np.diff(sample, axis=1)) if sample.shape[1] > 1 else np.zeros_like(sample)
        noise = median(step, axis=1) * 1.4826 / np.sqrt(2)
        return [low, high, np.nan_to_num(noise), np.nanmean(sample, axis=1), np.nanstd(sample, axis=1)]
