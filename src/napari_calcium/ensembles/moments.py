"""From significant windows to ensemble events: merge neighbours, keep the peaks, name the contributors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_calcium.results.tables import Coactivity, EnsembleEvents

__all__ = ["active_in_order", "active_rows", "local_peaks", "merge_windows", "rank_windows"]


def merge_windows(
    tested: Coactivity,
    rows: NDArray[np.int64],
    frames: NDArray[np.int64],
    roi_ids: NDArray[np.int64],
    width: int,
    step: int,
    expected_by_chance: float,
) -> EnsembleEvents:
    """Make ensemble events of the significant windows.

    Parameters
    ----------
    tested : Coactivity
        With p-values and significance.
    rows, frames : (n_events,) int64
        Row and frame of each calcium event.
    roi_ids : (n_rois,) int64
    width, step : int
        Frames in a window, and from one window to the next.
    expected_by_chance : float
        Passed on.

    Returns
    -------
    EnsembleEvents
        Bins side by side: neighbours that are all significant are one event, and whoever is active in one of
        them contributes. Sliding windows: those that overlap form a group, every window with the smallest
        p-value within one width to either side is an event (of equal ones the first), and whoever is active
        in that window contributes. `ensemble_id` is −1 throughout.
    """
    hit = np.flatnonzero(tested.significant)
    if not len(hit):
        return EnsembleEvents(expected_by_chance=expected_by_chance)
    group = np.concatenate([[0], np.cumsum(np.diff(hit) * step > max(width - 1, step))])
    rank = rank_windows(tested.p_value, tested.active_neurons)
    sliding = step < width
    peak = hit[local_peaks(rank, width)[hit]] if sliding else _best_of_group(hit, group, rank)
    owner = _nearest_peak(hit, group, peak)
    first = np.full(len(peak), np.iinfo(np.int64).max)
    last = np.zeros(len(peak), np.int64)
    np.minimum.at(first, owner, hit)
    np.maximum.at(last, owner, hit)
    begin, end = (peak, peak) if sliding else (first, last)
    offsets, members = active_rows(rows, frames, begin * step, end * step + width)
    seconds = tested.step_s
    return EnsembleEvents(
        event_id=np.arange(len(peak)),
        start_s=first * seconds,
        end_s=np.asarray(last * seconds + tested.window_s, np.float64),
        peak_s=np.asarray(peak * seconds + tested.window_s / 2, np.float64),
        n_neurons=np.diff(offsets),
        p_value=tested.p_value[peak],
        ensemble_id=np.full(len(peak), -1),
        member_offsets=offsets,
        member_ids=_ascending(roi_ids[members], offsets),
        expected_by_chance=expected_by_chance,
    )


def rank_windows(p_value: NDArray[np.float64], count: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rank windows, 0 for the best: smallest p-value, then most neurons, then earliest."""
    order = np.lexsort((np.arange(len(count)), -count, p_value))
    rank = np.empty(len(count), np.int64)
    rank[order] = np.arange(len(count))
    return rank


def local_peaks(rank: NDArray[np.int64], width: int) -> NDArray[np.bool_]:
    """Return which windows, one a frame, are the best of all that overlap them."""
    from scipy.ndimage import minimum_filter1d

    return np.asarray(rank == minimum_filter1d(rank, 2 * width - 1, mode="nearest"))


def _best_of_group(
    hit: NDArray[np.int64], group: NDArray[np.int64], rank: NDArray[np.int64]
) -> NDArray[np.int64]:
    order = np.lexsort((rank[hit], group))
    chosen = np.concatenate([[True], group[order][1:] != group[order][:-1]])
    return np.asarray(hit[order][chosen], np.int64)


def _nearest_peak(
    hit: NDArray[np.int64], group: NDArray[np.int64], peak: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return for each significant window the nearest peak of its own group (of two, the earlier)."""
    group_of_peak = group[np.searchsorted(hit, peak)]
    after = np.minimum(np.searchsorted(peak, hit), len(peak) - 1)
    before = np.maximum(after - 1, 0)
    far = np.iinfo(np.int64).max
    to_after = np.where(group_of_peak[after] == group, np.abs(peak[after] - hit), far)
    to_before = np.where(group_of_peak[before] == group, np.abs(hit - peak[before]), far)
    return np.where(to_before <= to_after, before, after)


def active_rows(
    rows: NDArray[np.int64], frames: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows with an event in each stretch of frames, begin ≤ frame < end.

    Returns
    -------
    offsets : (n_stretches + 1,) int64
    active : (n_active,) int64
        Rows of stretch k are ``active[offsets[k]:offsets[k + 1]]``, ascending, each once.
    """
    order = np.argsort(frames, kind="stable")
    return active_in_order(rows[order], frames[order], int(rows.max(initial=0)) + 1, begin, end)


def active_in_order(
    row: NDArray[np.int64],
    frame: NDArray[np.int64],
    n_rows: int,
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Do the same as :func:`active_rows` for events in order of time, looking at those inside only."""
    low, high = np.searchsorted(frame, begin), np.searchsorted(frame, end)
    length = np.maximum(high - low, 0)
    stretch = np.repeat(np.arange(len(length)), length)
    place = np.arange(length.sum()) + np.repeat(low - np.cumsum(length) + length, length)
    key = np.unique(stretch * n_rows + row[place])
    stretch, active = np.divmod(key, n_rows)
    return np.searchsorted(stretch, np.arange(len(length) + 1)).astype(np.int64), active


def _ascending(ids: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort the ids within each event (rows need not be in the order of ids)."""
    event = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return ids[np.lexsort((ids, event))]
