"""Features of a neuron that need the others: company, leading and following, and part in ensembles."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_calcium.checks import check_frame_rate
from napari_calcium.numerics.fdr import q_values
from napari_calcium.results.tables import EnsembleEvents, Ensembles, Events

__all__ = ["company_features"]

_LEAST_COMPANY = 3  # an event needs so many neurons for one of them to lead or follow
_LEAST_EVENTS = 5  # so many events with a lead before it is tested
_DIGITS = 6  # leads that differ by less than a microsecond are equal


def company_features(
    events: Events,
    roi_ids: ArrayLike,
    n_frames: int,
    frame_rate: float,
    ensemble_events: EnsembleEvents,
    ensembles: Ensembles,
) -> dict[str, NDArray[np.float64]]:
    """Describe every neuron by what it does in relation to the others.

    Parameters
    ----------
    events : Events
    roi_ids : (n_rois,) int64
    n_frames : int
        At least 1.
    frame_rate : float
        Hz.
    ensemble_events : EnsembleEvents
    ensembles : Ensembles

    Returns
    -------
    dict of (n_rois,) float64
        By column name, in the order of `roi_ids`:

        ``share_in_company``
            Share of the neuron's events that fall into an ensemble event to which it contributes. NaN
            without events.
        ``share_in_company_above_chance``
            The same minus the share of the recording that ensemble events fill: what a neuron that takes no
            notice of them would have. 0 is indifference, negative values avoid company.
        ``lead_s``
            Median over ensemble events of the neuron's onset minus the median onset of the other
            contributors: below 0 it leads, above 0 it follows. NaN where it contributes to no event of at
            least 3 neurons.
        ``lead_q_value``
            Whether the lead differs from 0: Wilcoxon signed-rank test over its events (normal
            approximation), Benjamini–Hochberg over neurons. NaN with fewer than 5 events.
        ``n_ensembles``
            Ensembles the neuron is a member of.

    Raises
    ------
    ValueError
        If there is no frame, the frame rate is not above 0, or an event's cell is not in `roi_ids`.

    Notes
    -----
    Ensemble events are chosen for having many neurons, so even one that takes no notice is in company a
    little more often than their share of the recording.

    Where a neuron has several onsets within an ensemble event, the first one counts. Onsets are no finer
    than the detection of events makes them: at low frame rates many leads are 0 or one frame, and a neuron
    with slower indicator kinetics or dimmer transients seems to follow. A lead is no proof of cause. Cost:
    events + contributions, times their logarithm.

    References
    ----------
    Wilcoxon 1945, Biometrics Bull. 1:80, doi:10.2307/3001968.
    """
    ids = np.asarray(roi_ids, np.int64)
    rate = check_frame_rate(frame_rate)
    if n_frames < 1:
        raise ValueError(f"a recording needs at least one frame, got n_frames = {n_frames}")
    rows = events.rows(ids)
    order = np.lexsort((events.onset_s, rows))
    rows, onset = rows[order], events.onset_s[order]
    part = _contributions(rows, onset, ensemble_events, ids)
    n_events = np.bincount(rows, minlength=len(ids)).astype(np.float64)
    together = np.bincount(rows[part.accompanied], minlength=len(ids))
    share = np.divide(together, n_events, out=np.full(len(ids), np.nan), where=n_events > 0)
    typical, p = _typical_leads(part.row, _leads(part.event, part.onset), len(ids))
    return {
        "share_in_company": share,
        "share_in_company_above_chance": share - _share_of_time(ensemble_events, n_frames / rate),
        "lead_s": typical,
        "lead_q_value": q_values(p),
        "n_ensembles": _memberships(ensembles, ids),
    }


@dataclass(frozen=True)
class _Contributions:
    """Every (ensemble event, contributing neuron) with an onset, in order of the events.

    Attributes
    ----------
    event, row : (n,) int64
    onset : (n,) float64
        First onset of the neuron within the event, in seconds.
    accompanied : (n_events,) bool
        Which of the calcium events fall into an ensemble event to which their neuron contributes.
    """

    event: NDArray[np.int64]
    row: NDArray[np.int64]
    onset: NDArray[np.float64]
    accompanied: NDArray[np.bool_]


def _contributions(
    rows: NDArray[np.int64],
    onset: NDArray[np.float64],
    ensemble_events: EnsembleEvents,
    ids: NDArray[np.int64],
) -> _Contributions:
    event = np.repeat(np.arange(len(ensemble_events)), np.diff(ensemble_events.member_offsets))
    order = np.argsort(ids, kind="stable")
    row = order[np.searchsorted(ids, ensemble_events.member_ids, sorter=order)] if len(ids) else event
    # One sorted axis for all neurons: each has a stretch of its own, longer than the recording.
    longest = max(onset.max(initial=0.0), ensemble_events.end_s.max(initial=0.0)) + 1.0
    axis = rows * longest + onset
    early = 1e-6  # onsets are frames divided by the frame rate, and so are the edges of windows
    low = np.searchsorted(axis, row * longest + ensemble_events.start_s[event] - early)
    high = np.searchsorted(axis, row * longest + ensemble_events.end_s[event] - early)
    change = np.bincount(low, minlength=len(rows) + 1) - np.bincount(high, minlength=len(rows) + 1)
    accompanied = np.cumsum(change)[: len(rows)] > 0
    some = high > low
    return _Contributions(event[some], row[some], onset[low[some]], accompanied)


def _leads(event: NDArray[np.int64], onset: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each onset minus the median of the others in its event; NaN where there are too few."""
    lead = np.full(len(onset), np.nan)
    edges = np.flatnonzero(np.diff(event, prepend=-1, append=-1))
    for begin, end in pairwise(edges):
        if end - begin >= _LEAST_COMPANY:
            times = onset[begin:end]
            lead[begin:end] = times - _medians_of_others(times)
    return np.round(lead, _DIGITS)


def _medians_of_others(times: NDArray[np.float64]) -> NDArray[np.float64]:
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    place = np.empty(len(times), np.int64)
    place[order] = np.arange(len(times))
    others = len(times) - 1
    middle = [(others - 1) // 2, others // 2]
    # Leaving one out moves everything behind it one place forward.
    values = [ordered[np.where(place <= m, m + 1, m)] for m in middle]
    return np.asarray((values[0] + values[1]) / 2, np.float64)


def _typical_leads(
    row: NDArray[np.int64], lead: NDArray[np.float64], n_rois: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each neuron's median lead, and the p-value of its signed-rank test."""
    known = ~np.isnan(lead)
    row, lead = row[known], lead[known]
    order = np.lexsort((lead, row))
    row, lead = row[order], lead[order]
    edges = np.searchsorted(row, np.arange(n_rois + 1))
    number = np.diff(edges)
    median = np.full(n_rois, np.nan)
    some = number > 0
    low, high = edges[:-1][some] + (number[some] - 1) // 2, edges[:-1][some] + number[some] // 2
    median[some] = (lead[low] + lead[high]) / 2
    p = np.full(n_rois, np.nan)
    for k in np.flatnonzero(number >= _LEAST_EVENTS):
        p[k] = _signed_rank(lead[edges[k] : edges[k + 1]])
    return median, p


def _signed_rank(difference: NDArray[np.float64]) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test, by the normal approximation."""
    from scipy.special import ndtr

    values = difference[difference != 0]
    n = len(values)
    if not n:
        return 1.0
    _, group, number = np.unique(np.abs(values), return_inverse=True, return_counts=True)
    rank = (np.cumsum(number) - (number - 1) / 2)[group]
    variance = n * (n + 1) * (2 * n + 1) / 24 - (number**3 - number).sum() / 48
    excess = abs(rank[values > 0].sum() - n * (n + 1) / 4) - 0.5
    return float(min(1.0, 2 * ndtr(-max(excess, 0.0) / np.sqrt(variance))))


def _share_of_time(ensemble_events: EnsembleEvents, duration: float) -> float:
    """Return the share of the recording that ensemble events fill; where they overlap it counts once."""
    order = np.argsort(ensemble_events.start_s, kind="stable")
    start, end = ensemble_events.start_s[order], ensemble_events.end_s[order]
    reached = np.maximum.accumulate(np.concatenate([[0.0], end]))[:-1]
    return float(np.maximum(end - np.maximum(start, reached), 0.0).sum() / duration)


def _memberships(ensembles: Ensembles, ids: NDArray[np.int64]) -> NDArray[np.float64]:
    order = np.argsort(ids, kind="stable")
    member = ensembles.members.roi_id
    rows = order[np.searchsorted(ids, member, sorter=order)] if len(ids) else np.empty(0, np.int64)
    return np.bincount(rows, minlength=len(ids)).astype(np.float64)
