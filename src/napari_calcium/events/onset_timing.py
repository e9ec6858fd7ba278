"""How long after its true onset a transient is seen, because it rises over some time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_calcium.numerics.jumps import Jumps

__all__ = ["rise_delay"]

_CLEAR_Z, _FEWEST, _MOST = 8.0, 20, 2000
# The average transient is read from this long before the jump to this long after it.
_BEFORE_S, _AFTER_S = 0.3, 0.6
_APART_S, _SAME_RISE_S = 1.5, 0.3
# At high frame rates the average is noisy; it is smoothed over this time, which is short against any rise.
_SMOOTH_S = 0.03


def rise_delay(
    traces: NDArray[np.float32], frame_rate: float, jumps: Jumps, decay_s: NDArray[np.float64]
) -> float:
    """Measure by how much fitted jumps lag behind the onsets of the transients.

    Parameters
    ----------
    traces : (n_rois, n_frames) float32
    frame_rate : float
        In Hz.
    jumps : Jumps
        Jumps found in the traces.
    decay_s : (n_rois,) float64
        Decay times used to find them.

    Returns
    -------
    float
        Seconds to subtract from half a frame before each jump's frame; 0 where fewer than 20 jumps are clear
        (8 standard errors) and alone (1.5 s).

    Notes
    -----
    The average transient is deconvolved. A rise 1 − exp(−t/r) then becomes the density exp(−t/r)/r, whose
    mean and standard deviation both are r: so the onset is its mean less its standard deviation. Spikes of a
    burst widen the density; the delay is then that of the burst's middle, roughly.
    """
    before, after = (max(1, round(s * frame_rate)) for s in (_BEFORE_S, _AFTER_S))
    chosen = _clear_and_alone(jumps, frame_rate, before, after, traces.shape[1])
    if len(chosen) < _FEWEST:
        return 0.0
    row, frame = jumps.row[chosen], jumps.frame[chosen]
    window = np.arange(-2 * before, after + 1)
    pieces = traces[row[:, None], frame[:, None] + window].astype(np.float64)
    level = np.mean(pieces[:, :before], axis=1, keepdims=True)
    left = np.exp(-1.0 / (decay_s[row, None] * frame_rate))
    pieces -= level
    density = np.nanmean(pieces[:, 1:] - left * pieces[:, :-1], axis=0)
    n_smooth = max(1, round(_SMOOTH_S * frame_rate))
    density = np.convolve(density, np.full(n_smooth, 1 / n_smooth), mode="same")
    density, place = _around_peak(density, before), window[1:].astype(np.float64)
    mean = np.average(place, weights=density)
    spread = np.sqrt(np.average((place - mean) ** 2, weights=density))
    return float((spread - mean) / frame_rate)


def _around_peak(density: NDArray[np.float64], n_rest: int) -> NDArray[np.float64]:
    """Return the density with 0 beyond the run of values around the highest that stands out of the noise.

    The first `n_rest` values are noise alone; three of their standard deviations, or a tenth of the peak, is
    where the run ends.
    """
    least = max(0.1 * density.max(), 3.0 * float(np.std(density[:n_rest])))
    low = density < least
    peak = int(np.argmax(density))
    first = peak - int(np.argmax(low[peak::-1])) + 1 if low[: peak + 1].any() else 0
    last = peak + int(np.argmax(low[peak:])) if low[peak:].any() else len(density)
    result = np.zeros_like(density)
    result[first:last] = density[first:last]
    if first == last:
        result[peak] = 1.0
    return result


def _clear_and_alone(
    jumps: Jumps, frame_rate: float, before: int, after: int, n_frames: int
) -> NDArray[np.int64]:
    """Return the clearest jumps that have no other one near and lie wholly inside the recording."""
    apart = np.full(len(jumps.row) + 1, np.inf)
    apart[1:-1] = np.where(np.diff(jumps.row) == 0, np.diff(jumps.frame), np.inf)
    apart /= frame_rate
    # A slow rise is fitted by several jumps, of which the first one is the event's.
    alone = (apart[:-1] > _APART_S) & ((apart[1:] > _APART_S) | (apart[1:] <= _SAME_RISE_S))
    inside = (jumps.frame >= 2 * before) & (jumps.frame + after < n_frames)
    usable = np.flatnonzero((jumps.z >= _CLEAR_Z) & alone & inside)
    order = np.argsort(-jumps.z[usable], kind="stable")
    return usable[order[:_MOST]].astype(np.int64)
