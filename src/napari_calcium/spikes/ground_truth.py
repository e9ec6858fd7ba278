"""How well inferred spikes agree with spikes that were recorded electrically from the same cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.results.tables import SpikeTimes, Table

__all__ = ["SpikeScores", "score_spike_rate", "spikes_per_frame"]

_WIDTHS_S = (0.025, 0.05, 0.2)
_LONGEST_LAG_S = 0.25
# Methods know less at the ends of a recording; all are judged away from them.
_END_S, _END_FRAMES = 1.1, 32


@dataclass(frozen=True, eq=False)
class SpikeScores(Table):
    """Agreement of inferred with recorded spikes, a row for each cell and width of smoothing.

    Attributes
    ----------
    roi_id : (n,) int64
    smoothing_s : (n,) float64
        Standard deviation in seconds of the Gaussian with which both were smoothed.
    n_spikes : (n,) int64
        Recorded spikes within the part judged.
    correlation : (n,) float64
        Pearson's r of the smoothed rates; NaN for a cell without spikes, 0 where nothing was inferred.
    error : (n,) float64
        Sum of the absolute differences of the smoothed counts, divided by the number of spikes. NaN without
        spikes, and where what was inferred is not in spikes.
    bias : (n,) float64
        Inferred minus recorded number, divided by the recorded one: −0.5 is half of the spikes, 1 twice as
        many. NaN as for `error`.
    lag_s : (n,) float64
        Shift in seconds at which the correlation is highest, within ±0.25 s; positive where inferred spikes
        come late. NaN without spikes.
    extra_hz : (n,) float64
        Spikes per second inferred in a cell that had none; NaN for cells with spikes.
    """

    roi_id: NDArray[np.int64]
    smoothing_s: NDArray[np.float64]
    n_spikes: NDArray[np.int64]
    correlation: NDArray[np.float64]
    error: NDArray[np.float64]
    bias: NDArray[np.float64]
    lag_s: NDArray[np.float64]
    extra_hz: NDArray[np.float64]


def spikes_per_frame(
    times_s: ArrayLike, n_frames: int, frame_rate: float, *, frame_times_s: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Count spikes in frames.

    Parameters
    ----------
    times_s : (n_spikes,)
        In seconds. Spikes outside of the recording are left out.
    n_frames : int
    frame_rate : float
        In Hz.
    frame_times_s : (n_frames,), optional
        When each frame was taken, ascending, in seconds; by default frame k at k / `frame_rate`.

    Returns
    -------
    (n_frames,) float64
        A spike belongs to the frame nearest in time.
    """
    if frame_times_s is None:
        place = np.rint(np.asarray(times_s, np.float64) * check_frame_rate(frame_rate))
    else:
        taken = np.asarray(frame_times_s, np.float64)
        half = np.diff(taken) / 2 if n_frames > 1 else np.array([0.5 / frame_rate])
        edges = np.concatenate(
            [taken[:1] - half[:1], taken[:-1] + half[: n_frames - 1], taken[-1:] + half[-1:]]
        )
        place = np.searchsorted(edges, np.asarray(times_s, np.float64), side="right") - 1.0
    inside = place[(place >= 0) & (place < n_frames)].astype(np.int64)
    return np.bincount(inside, minlength=n_frames).astype(np.float64)


def score_spike_rate(
    rate: ArrayLike,
    frame_rate: float,
    roi_ids: ArrayLike,
    recorded: SpikeTimes,
    *,
    smoothing_s: Sequence[float] = _WIDTHS_S,
    in_spikes: bool = True,
) -> SpikeScores:
    """Compare inferred spikes with recorded ones.

    Parameters
    ----------
    rate : (n_rois, n_frames)
        Inferred spikes per second, or activity in any unit with ``in_spikes=False``. Frames where it is NaN
        are left out.
    frame_rate : float
        In Hz.
    roi_ids : (n_rois,) int
    recorded : SpikeTimes
        Recorded spikes. A cell that is in `roi_ids` is judged, without spikes too.
    smoothing_s : sequence of float
        Standard deviations of the Gaussians, in seconds.
    in_spikes : bool
        Whether error and bias mean anything.

    Returns
    -------
    SpikeScores
        Cells in the order of `roi_ids`, for each the widths of smoothing in the order given. The first and
        last 1.1 s (at least 32 frames, at most a quarter of the recording) are not judged.

    Notes
    -----
    The measures of Rupprecht et al. (2021), Nature Neuroscience 24, 1324-1337,
    https://doi.org/10.1038/s41593-021-00895-5, but for the smoothing: what was inferred is smoothed as the
    recorded spikes are, so that methods of any time resolution can be compared.
    """
    values, fs = check_traces(rate), check_frame_rate(frame_rate)
    ids = np.asarray(roi_ids, np.int64)
    rows = [
        _score(
            values[k] / fs,
            spikes_per_frame(recorded.time_s[recorded.roi_id == roi], len(values[k]), fs),
            fs,
            width,
        )
        for k, roi in enumerate(ids)
        for width in smoothing_s
    ]
    table = np.array(rows, np.float64).reshape(-1, 6)
    if not in_spikes:
        table[:, [2, 3, 5]] = np.nan
    return SpikeScores(
        np.repeat(ids, len(smoothing_s)),
        np.tile(np.asarray(smoothing_s, np.float64), len(ids)),
        table[:, 0].astype(np.int64),
        *table[:, 1:].T.copy(),
    )


def _score(
    inferred: NDArray[np.float32], counted: NDArray[np.float64], fs: float, width_s: float
) -> tuple[float, ...]:
    """Return number of spikes, correlation, error, bias, lag in seconds and extra rate of one cell."""
    missing = np.isnan(inferred)
    given = np.where(missing, 0.0, inferred).astype(np.float64)
    end = min(max(round(_END_S * fs), _END_FRAMES), len(given) // 4)
    judged = ~missing
    judged[:end] = False
    judged[len(given) - end :] = False
    n = counted[judged].sum()
    nan = float("nan")
    if n == 0:
        seconds = judged.sum() / fs
        return 0.0, nan, nan, nan, nan, (given[judged].sum() / seconds if seconds else nan)
    smooth_truth, smooth = (gaussian_filter1d(x, width_s * fs, truncate=5) for x in (counted, given))
    error = np.abs(smooth - smooth_truth)[judged].sum() / n
    bias = (given[judged].sum() - n) / n
    shifts = np.arange(-round(_LONGEST_LAG_S * fs), round(_LONGEST_LAG_S * fs) + 1)
    by_lag = [_correlation(smooth_truth[judged], np.roll(smooth, -k)[judged]) for k in shifts]
    # Of equal ones the shortest: a trace without signal has no lag.
    best = min(range(len(shifts)), key=lambda k: (-by_lag[k], abs(shifts[k])))
    return n, by_lag[len(shifts) // 2], error, bias, shifts[best] / fs, nan


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / norm) if norm > 0 else 0.0
