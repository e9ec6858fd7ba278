"""Event trains on the grid of frames, and the slow rate of the population: what the search reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_calcium.ensembles.conditional_null import rate_levels
from napari_calcium.ensembles.moments import active_in_order
from napari_calcium.ensembles.slow_rate import slow_rate
from napari_calcium.numerics.binning import runs_of_windows

__all__ = ["Trains"]


@dataclass(frozen=True)
class Trains:
    """Events of all neurons, sorted by row and frame.

    Attributes
    ----------
    rows, frames : (n_events,) int64
    n_rois, n_frames : int
    width : int
        Frames in a window; windows slide by one frame.
    frame_rate : float
        Hz.
    smoothing, left_out : float
        Of the slow rate, in frames.
    """

    rows: NDArray[np.int64]
    frames: NDArray[np.int64]
    n_rois: int
    n_frames: int
    width: int
    frame_rate: float
    smoothing: float
    left_out: float

    @property
    def n_windows(self) -> int:
        """Number of window positions."""
        return self.n_frames - self.width + 1

    @cached_property
    def rate(self) -> NDArray[np.float64]:
        """(n_windows,) slow rate of the population around each window, mean 1."""
        return slow_rate(self.frames, self.n_frames, self.width, self.smoothing, self.left_out)

    @cached_property
    def levels(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Level of the slow rate of each window; rate and number of windows of each level."""
        level, relative = rate_levels(self.rate)
        return level, relative, np.bincount(level)

    @cached_property
    def coverage(self) -> NDArray[np.float64]:
        """(n_rois,) chance of each neuron to be active in a window."""
        runs = runs_of_windows(self.rows, self.frames, self.n_rois, self.n_frames, self.width)
        return runs.coverage()

    def background(self, starts: NDArray[np.int64], margin: int) -> NDArray[np.float64]:
        """Return the chance of each neuron to be active in a window, in the time outside some windows.

        Parameters
        ----------
        starts : (n,) int64
            First frames of the windows that do not count.
        margin : int
            Frames before and after these windows that do not count either.

        Returns
        -------
        (n_rois,) float64
            Above 0 and below 1, also for neurons that have no event outside.
        """
        taken = self.stretches(starts - margin, starts + self.width + margin) > 0
        keep = ~taken[self.frames]
        runs = runs_of_windows(self.rows[keep], self.frames[keep], self.n_rois, self.n_frames, self.width)
        left = max(1 - float(taken.mean()), 0.1)
        return np.clip(runs.coverage() / left, 1 / self.n_frames, 0.99)

    def stretches(self, begin: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return for each frame how many stretches begin ≤ frame < end cover it."""
        size = self.n_frames + 1
        change = np.bincount(np.clip(begin, 0, self.n_frames), minlength=size)
        change -= np.bincount(np.clip(end, 0, self.n_frames), minlength=size)
        return np.cumsum(change)[: self.n_frames]

    def active(
        self, begin: NDArray[np.int64], end: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return offsets and rows of the neurons active in each stretch of frames."""
        rows, frames = self._by_time
        return active_in_order(rows, frames, max(self.n_rois, 1), begin, end)

    @cached_property
    def _by_time(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order = np.argsort(self.frames, kind="stable")
        return self.rows[order], self.frames[order]

    def of(self, members: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the events of some rows (ascending): place within `members`, and frame."""
        low, high = self._offsets[members], self._offsets[members + 1]
        length = high - low
        place = np.repeat(np.arange(len(members)), length)
        event = np.arange(length.sum()) + np.repeat(low - np.cumsum(length) + length, length)
        return place, self.frames[event]

    @cached_property
    def _offsets(self) -> NDArray[np.int64]:
        return np.searchsorted(self.rows, np.arange(self.n_rois + 1)).astype(np.int64)

    @cached_property
    def _clock(self) -> NDArray[np.float64]:
        """(n_frames + 1,) time that runs with the slow rate, from 0 to n_frames."""
        rate = slow_rate(self.frames, self.n_frames, 1, self.smoothing, self.left_out)
        clock = np.concatenate([[0.0], np.cumsum(rate)])
        return np.asarray(clock * (self.n_frames / clock[-1]), np.float64)

    def shifted(self, random: np.random.Generator) -> Trains:
        """Return a surrogate: every neuron's train shifted round the circle by its own random lag.

        The shift is made in a time that runs with the slow rate, so that the population is as busy as before
        at every moment, while neurons know nothing of each other.
        """
        lag = random.uniform(0, self.n_frames, self.n_rois)
        middle = (self._clock[self.frames] + self._clock[self.frames + 1]) / 2
        moved = (middle + lag[self.rows]) % self.n_frames
        frames = np.searchsorted(self._clock, moved, side="right") - 1
        frames = np.clip(frames, 0, self.n_frames - 1).astype(np.int64)
        key = np.sort(self.rows * self.n_frames + frames)
        return Trains(
            key // self.n_frames,
            key % self.n_frames,
            self.n_rois,
            self.n_frames,
            self.width,
            self.frame_rate,
            self.smoothing,
            self.left_out,
        )
