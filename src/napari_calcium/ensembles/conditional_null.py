"""The exact chance distribution of coactivity, given the slow rate that all neurons share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_calcium.ensembles.moments import local_peaks, rank_windows
from napari_calcium.ensembles.slow_rate import slow_rate
from napari_calcium.numerics.binning import Runs
from napari_calcium.numerics.poisson_binomial import poisson_binomial, upper_tail
from napari_calcium.results.tables import Coactivity

__all__ = ["CountNull", "Grid", "count_null", "rate_levels", "tested_windows"]

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
    def entries(self) -> float | None:
        """Neurons that become active from one position of a sliding window to the next; None for bins."""
        return len(self.runs.start) / self.runs.n_frames if self.step < self.width else None


@dataclass(frozen=True)
class CountNull:
    """Distribution of the number of active neurons, at several levels of the slow rate.

    Attributes
    ----------
    pmf, tail : (n_levels, n_counts) float64
        Probability of exactly, and of at least, k active neurons.
    n_windows : (n_levels,) int64
        Windows at each level.
    entries : (n_levels,) float64, or None
        Neurons that become active from one position of a sliding window to the next; None for windows side
        by side.
    """

    pmf: NDArray[np.float64]
    tail: NDArray[np.float64]
    n_windows: NDArray[np.int64]
    entries: NDArray[np.float64] | None

    def least(self, cuts: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return (n_levels, n_cuts): the least count whose p-value does not exceed the cut."""
        return np.stack([np.searchsorted(-tail, -cuts) for tail in self.tail])

    def events(self, cuts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return for each cut how many events chance gives among windows with a p-value up to it.

        Windows side by side are independent draws. The count of sliding windows rises to the least
        significant one when one more neuron comes in (Rice's formula for counts), and never more often than
        it is there. That neurons leave at the same moment is not counted, so this is an upper bound, about
        twice what happens where windows are a few frames long.
        """
        least = self.least(cuts)
        level = np.arange(len(self.tail))[:, None]
        size = self.tail.shape[1]
        chance = np.append(self.tail, np.zeros((len(level), 1)), axis=1)[level, np.minimum(least, size)]
        if self.entries is not None:
            below = np.append(self.pmf, np.zeros((len(level), 1)), axis=1)
            rise = self.entries[:, None] * below[level, np.clip(least - 1, 0, size)]
            chance = np.minimum(chance, rise)
        return np.asarray(self.n_windows @ chance, np.float64)

    def cut(
        self, p_value: NDArray[np.float64], candidate: NDArray[np.bool_], false_discovery_rate: float
    ) -> float | None:
        """Return the largest p-value at which chance gives no more than the allowed share of the events.

        Parameters
        ----------
        p_value : (n_windows,) float64
        candidate : (n_windows,) bool
            Windows that would be events: with sliding windows the best of those that overlap.
        false_discovery_rate : float

        Returns
        -------
        float or None
            None where nothing is significant.
        """
        peaks = np.sort(p_value[candidate])
        found = np.unique(peaks[peaks <= _LARGEST_P])
        fine = self.events(found) <= false_discovery_rate * np.searchsorted(peaks, found, side="right")
        return float(found[fine].max()) if fine.any() else None

    def single_cut(self, false_discovery_rate: float) -> float:
        """Return the p-value that one lone event would need to be significant."""
        fine = self.events(_CUTS) <= false_discovery_rate
        return float(_CUTS[fine].max()) if fine.any() else 0.0


def count_null(
    coverage: NDArray[np.float64],
    relative: NDArray[np.float64],
    n_windows: NDArray[np.int64],
    entries: float | None,
    largest: int,
) -> CountNull:
    """Return the exact null of the number of active neurons at each level of the slow rate.

    Parameters
    ----------
    coverage : (n_neurons,) float64
        Chance of being active in a window at the mean rate.
    relative : (n_levels,) float64
        Slow rate of each level; a neuron's chance is ``1 - (1 - coverage)**relative``.
    n_windows : (n_levels,) int64
    entries : float or None
        At the mean rate; see :class:`CountNull`.
    largest : int
        Largest count that occurs.
    """
    chances = 1 - (1 - coverage[:, None]) ** relative
    pmf = poisson_binomial(chances, largest + 1)
    return CountNull(pmf, upper_tail(pmf), n_windows, None if entries is None else entries * relative)


def rate_levels(rate: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return each window's level of the slow rate, and the rate of each level.

    Levels lie 2 % apart, so that windows of practically the same rate share one distribution.
    """
    exponent = np.rint(np.log(np.clip(rate, _SLOWEST, _FASTEST)) * _LEVELS_PER_UNIT).astype(np.int64)
    levels, level = np.unique(exponent, return_inverse=True)
    return level, np.exp(levels / _LEVELS_PER_UNIT)


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
    count, coverage = windows.active_neurons, data.runs.coverage()
    rate = slow_rate(data.frames, data.runs.n_frames, data.width, smoothing, left_out)[:: data.step]
    level, relative = rate_levels(rate)
    null = count_null(coverage, relative, np.bincount(level), data.entries, int(count.max(initial=0)))
    p = null.tail[level, count]
    candidate = np.ones(len(p), bool)
    if data.step < data.width:
        candidate = local_peaks(rank_windows(p, count), data.width)
    cut = null.cut(p, candidate, false_discovery_rate)
    shown = np.array([null.single_cut(false_discovery_rate) if cut is None else cut])
    least = null.least(shown)[:, 0]
    expected = (1 - (1 - coverage[:, None]) ** relative).sum(axis=0)
    tested = replace(
        windows,
        expected=expected[level],
        p_value=p,
        threshold=(least - 1)[level].astype(np.float64),
        significant=count >= least[level],
    )
    return tested, float(null.events(shown)[0])
