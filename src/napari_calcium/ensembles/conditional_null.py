"""The exact chance distribution of coactivity, given the slow rate that all neurons share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_calcium.ensembles.moments import local_peaks, rank_windows
from napari_calcium.ensembles.slow_rate import slow_rate
from napari_calcium.numerics.binning import Runs
from napari_calcium.numerics.poisson_binomial import poisson_binomial, upper_tail
from napari_calcium.results import Coactivity

__all__ = ["Grid", "crossings", "rate_levels", "tested_windows"]

_LEVELS_PER_UNIT = 50  # levels of the slow rate lie 2 % apart
_SLOWEST, _FASTEST = 0.02, 50.0
_LARGEST_P = 0.5  # windows less unusual than this are never candidates
_CUTS = np.logspace(-15, -1, 281)


@dataclass(frozen=True)
class Grid:
    """Events on the grid of frames, with the window positions at which each neuron is active."""

    rows: NDArray[np.int64]
    frames: NDArray[np.int64]
    runs: Runs
    width: int
    step: int

    @property
    def entries(self) -> float:
        """Neurons that become active from one position of a sliding window to the next, on average."""
        return len(self.runs.start) / self.runs.n_frames


def tested_windows(
    data: Grid, windows: Coactivity, false_discovery_rate: float, smoothing: float, left_out: float
) -> tuple[Coactivity, float]:
    """Test every window against the count that chance gives at the slow rate of its surroundings.

    Parameters
    ----------
    data : Grid
    windows : Coactivity
    false_discovery_rate : float
    smoothing, left_out : float
        Frames; see :func:`~napari_calcium.ensembles.slow_rate.slow_rate`.

    Returns
    -------
    tested : Coactivity
    expected_by_chance : float
        Number of events that chance alone gives above the threshold.
    """
    count = windows.active_neurons
    rate = slow_rate(data.frames, data.runs.n_frames, data.width, smoothing, left_out)[:: data.step]
    level, chances = rate_levels(data.runs.coverage(), rate)
    pmf = poisson_binomial(chances, int(count.max(initial=0)) + 1)
    tail = upper_tail(pmf)
    by_chance = _Chance(data, pmf, tail, np.bincount(level))
    p = tail[level, count]
    cut = _cut(p, count, by_chance, false_discovery_rate, data)
    least = by_chance.least(np.array([cut]))[:, 0]
    tested = replace(
        windows,
        expected=chances.sum(axis=0)[level],
        p_value=p,
        threshold=(least - 1)[level].astype(np.float64),
        significant=count >= least[level],
    )
    return tested, float(by_chance.events(np.array([cut]))[0])


def rate_levels(
    coverage: NDArray[np.float64], rate: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return each window's level of the slow rate, and every neuron's chance of being active at each level.

    Levels lie 2 % apart, so that windows of practically the same rate share one distribution.

    Parameters
    ----------
    coverage : (n_rois,)
        Chance of being active in a window at the mean rate.
    rate : (n_windows,)
        Slow rate, relative to its mean.

    Returns
    -------
    level : (n_windows,) int64
    chances : (n_rois, n_levels) float64
    """
    exponent = np.rint(np.log(np.clip(rate, _SLOWEST, _FASTEST)) * _LEVELS_PER_UNIT).astype(np.int64)
    levels, level = np.unique(exponent, return_inverse=True)
    relative = np.exp(levels / _LEVELS_PER_UNIT)
    return level, 1 - (1 - coverage[:, None]) ** relative


@dataclass(frozen=True)
class _Chance:
    """How many events chance gives where windows with a p-value up to some cut are called."""

    data: Grid
    pmf: NDArray[np.float64]
    tail: NDArray[np.float64]
    n_windows: NDArray[np.int64]

    def least(self, cuts: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return (n_levels, n_cuts): the least count whose p-value does not exceed the cut."""
        return np.stack([np.searchsorted(-tail, -cuts) for tail in self.tail])

    def events(self, cuts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the expected number of events for each cut."""
        total = np.zeros(len(cuts))
        for pmf, tail, least, n in zip(self.pmf, self.tail, self.least(cuts), self.n_windows, strict=True):
            total += n * crossings(self.data, pmf, tail, least)
        return total


def _cut(
    p: NDArray[np.float64],
    count: NDArray[np.int64],
    by_chance: _Chance,
    false_discovery_rate: float,
    data: Grid,
) -> float:
    """Return the largest p-value at which chance gives no more than the allowed share of the events."""
    peaks = p
    if data.step < data.width:
        peaks = p[local_peaks(rank_windows(p, count), data.width)]
    found = np.unique(peaks[peaks <= _LARGEST_P])
    n_found = np.searchsorted(np.sort(peaks), found, side="right")
    fine = by_chance.events(found) <= false_discovery_rate * n_found
    if fine.any():
        return float(found[fine].max())
    # Nothing is significant: show where a single event would have been.
    single = by_chance.events(_CUTS) <= false_discovery_rate
    return float(_CUTS[single].max()) if single.any() else 0.0


def crossings(
    data: Grid, pmf: NDArray[np.float64], tail: NDArray[np.float64], least: int | NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the chance, per window, that an event with at least `least` active neurons starts there.

    Bins side by side are independent draws. The count of sliding windows rises to `least` when one more
    neuron comes in (Rice's formula for counts), and never more often than it is there.
    """
    k = np.asarray(least)
    above = np.append(tail, 0.0)[np.minimum(k, len(tail))]
    if data.step >= data.width:
        return np.asarray(above, np.float64)
    below = np.append(pmf, 0.0)[np.clip(k - 1, 0, len(pmf))]
    risen: NDArray[np.float64] = np.minimum(above, data.entries * below)
    return risen
