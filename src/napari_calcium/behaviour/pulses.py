"""Which pulse of one clock is which of another, where some are missing and neither clock is exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ClockFit", "PulseMatch", "fit_clocks", "match_pulses"]

_ANCHORS = 30
_CANDIDATES = 20
_TOLERANCE = 0.1
"""Share of the shortest usual interval by which matched pulses may miss."""
_RIVAL = 0.95
_OUTLIER = 5.0


@dataclass(frozen=True)
class ClockFit:
    """A line from one clock to another: ``to + (1 + drift) * (time - at)``.

    Attributes
    ----------
    at, to : float
        A moment on the first clock, and what the second one says then, in seconds.
    drift : float
        By how much the second clock is faster: 1e-4 is 100 ppm, a third of a second an hour.
    residual_s : float
        Root mean square by which the pairs miss the line; NaN where there are too few to tell.
    """

    at: float
    to: float
    drift: float = 0.0
    residual_s: float = float("nan")

    def __call__(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return times of the first clock on the second one."""
        return self.to + (1 + self.drift) * (time_s - self.at)

    @property
    def offset_s(self) -> float:
        """What the second clock says when the first says 0."""
        return self.to - (1 + self.drift) * self.at


@dataclass(frozen=True)
class PulseMatch:
    """Which pulses belong together.

    Attributes
    ----------
    first, second : (n_matched,) int64
        Places in the two lists.
    fit : ClockFit
    ambiguous : bool
        Whether another shift fits nearly as well, as with pulses at equal intervals.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    fit: ClockFit
    ambiguous: bool


def fit_clocks(first_s: NDArray[np.float64], second_s: NDArray[np.float64]) -> ClockFit:
    """Fit a line through pairs of times, leaving out pairs that are far off.

    Parameters
    ----------
    first_s, second_s : (n,)
        The same moments on two clocks. One pair gives an offset only.

    Raises
    ------
    ValueError
        If there is no pair.
    """
    if not len(first_s) or len(first_s) != len(second_s):
        raise ValueError(f"clocks need pairs of times, got {len(first_s)} and {len(second_s)}")
    kept = np.ones(len(first_s), bool)
    for _ in range(5):
        fit = _line(first_s[kept], second_s[kept])
        miss = np.abs(second_s - fit(first_s))
        typical = float(np.median(miss[kept])) / 0.6745
        fine = miss <= max(_OUTLIER * typical, 1e-9)
        if fine.sum() < 2 or np.array_equal(fine, kept):
            break
        kept = fine
    return fit


def _line(first_s: NDArray[np.float64], second_s: NDArray[np.float64]) -> ClockFit:
    # Around their means: times of day in seconds since 1970 leave few digits otherwise.
    at, to = float(first_s.mean()), float(second_s.mean())
    x, y = first_s - at, second_s - to
    spread = float(x @ x)
    if len(x) < 2 or spread == 0:
        return ClockFit(at, to)
    drift = float(x @ (y - x)) / spread
    residual = float(np.sqrt(np.mean((y - (1 + drift) * x) ** 2))) if len(x) > 2 else float("nan")
    return ClockFit(at, to, drift, residual)


def match_pulses(first_s: NDArray[np.float64], second_s: NDArray[np.float64]) -> PulseMatch:
    """Find which pulses of two clocks are the same, by the pattern of their intervals.

    Parameters
    ----------
    first_s, second_s : (n,), (m,)
        Ascending seconds on two clocks with an unknown offset and a drift of up to some 1,000 ppm. Pulses
        may be missing from both, and either may have begun before or ended after the other.

    Returns
    -------
    PulseMatch
        Of the offsets under which a stretch of the first list fits into the second, each is followed
        outwards while the line is fitted again; the one that matches most pulses wins, and of equals the
        one with the smallest offset.

    Raises
    ------
    ValueError
        If a list is empty.

    Notes
    -----
    Pulses at equal intervals fit under many offsets: the one with most pairs is taken and `ambiguous` is
    set, unless every pulse of both lists has found its like. Send pulses at random intervals if you can.
    """
    if not len(first_s) or not len(second_s):
        raise ValueError("there must be pulses on both clocks")
    swap = len(first_s) > len(second_s)
    a, b = (second_s, first_s) if swap else (first_s, second_s)
    tolerance = _tolerance(a, b)
    found = [_grow(a, b, offset, tolerance) for offset in _offsets(a, b, tolerance)]
    found.sort(key=lambda match: (-len(match[0]), abs(match[2].offset_s)))
    i, j, _ = found[0]
    rivals = [other for other in found[1:] if len(other[0]) >= _RIVAL * len(i)]
    all_paired = len(i) == len(a) == len(b)
    ambiguous = not all_paired and any(_other_offset(other, (i, j)) for other in rivals)
    first, second = (j, i) if swap else (i, j)
    return PulseMatch(first, second, fit_clocks(first_s[first], second_s[second]), ambiguous)


def _other_offset(
    one: tuple[NDArray[np.int64], NDArray[np.int64], ClockFit],
    best: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> bool:
    """Whether the pulses of two matches are paired differently."""
    common = np.intersect1d(one[0], best[0])
    mine = one[1][np.searchsorted(one[0], common)]
    return not np.array_equal(mine, best[1][np.searchsorted(best[0], common)])


def _tolerance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    steps = [float(np.percentile(np.diff(t), 10)) for t in (a, b) if len(t) > 1]
    return max(_TOLERANCE * min(steps, default=1.0), 1e-6)


def _offsets(a: NDArray[np.float64], b: NDArray[np.float64], tolerance: float) -> list[float]:
    """Return the offsets under which most of a stretch of `a` falls on pulses of `b`, best first."""
    middle = len(a) // 2
    anchors = a[max(0, middle - _ANCHORS // 2) : middle + _ANCHORS // 2 + 1]
    differences = np.sort((b[None, :] - anchors[:, None]).ravel())
    ends = np.searchsorted(differences, differences + tolerance, side="right")
    votes = ends - np.arange(len(differences))
    offsets: list[float] = []
    for k in np.argsort(-votes, kind="stable"):
        offset = float(differences[k : ends[k]].mean())
        if all(abs(offset - other) > 2 * tolerance for other in offsets):
            offsets.append(offset)
        if len(offsets) == _CANDIDATES:
            break
    return offsets


def _grow(
    a: NDArray[np.float64], b: NDArray[np.float64], offset: float, tolerance: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], ClockFit]:
    """Match what is near the middle, fit, and go on with twice the stretch until all is matched."""
    centre = float(a[len(a) // 2])
    fit = ClockFit(0.0, offset)
    reach = max(_reach(a), tolerance)
    whole = float(max(a[-1] - centre, centre - a[0])) + tolerance
    while True:
        near = np.flatnonzero(np.abs(a - centre) <= reach)
        i, j = _pairs(fit(a[near]), b, tolerance)
        if len(i) >= 2:
            fit = fit_clocks(a[near[i]], b[j])
        if reach >= whole:
            return near[i], j, fit
        reach *= 2


def _reach(a: NDArray[np.float64]) -> float:
    """Return how far from the middle pulse the anchors lie."""
    middle = len(a) // 2
    low, high = max(0, middle - _ANCHORS // 2), min(len(a) - 1, middle + _ANCHORS // 2)
    return float(max(a[high] - a[middle], a[middle] - a[low]))


def _pairs(
    expected: NDArray[np.float64], b: NDArray[np.float64], tolerance: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs that are each other's nearest and within the tolerance."""
    if not len(expected):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    j = _nearest(b, expected)
    i = np.arange(len(expected))
    mutual = (np.abs(b[j] - expected) <= tolerance) & (_nearest(expected, b[j]) == i)
    return i[mutual], j[mutual]


def _nearest(sorted_s: NDArray[np.float64], time_s: NDArray[np.float64]) -> NDArray[np.int64]:
    after = np.clip(np.searchsorted(sorted_s, time_s), 1, max(1, len(sorted_s) - 1))
    if len(sorted_s) == 1:
        return np.zeros(len(time_s), np.int64)
    nearer = np.abs(sorted_s[after - 1] - time_s) <= np.abs(sorted_s[after] - time_s)
    place: NDArray[np.int64] = np.where(nearer, after - 1, after).astype(np.int64)
    return place
