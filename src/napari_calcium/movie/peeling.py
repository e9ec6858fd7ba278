"""Take active somata out of the whitened movie, one after the other, the most active first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from napari_calcium.movie.footprint_shape import soma_outline
from napari_calcium.movie.matched_filter import (
    decay_filter,
    decay_filter_stored,
    negative_sd,
    soma_kernel,
    squared_activity,
)
from napari_calcium.movie.whitened_movie import STEPS, Whitened
from napari_calcium.numerics.blocks import map_blocks
from napari_calcium.progress import Progress, silent

__all__ = ["Candidate", "Peeling", "noise_of"]

_WINDOW_RADII = 15 / 6
_APART_RADII = 26 / 6
_ROUNDS = 4
_ACTIVE_SD = 2.0
_SUBTRACT_SD = 1.0
_PEAK_SD = 4.5
_NEGLIGIBLE = 1e-3


@dataclass(frozen=True, eq=False)
class Candidate:
    """A soma that was taken out.

    Attributes
    ----------
    corner : (y, x)
        Of the square that `weights` covers, in pixels; it may lie outside the frame.
    weights : (k, k) float32
        Footprint in standard deviations of noise per unit of the trace; 0 outside.
    trace : (n_bins,) float32
        Least-squares fit of the footprint to the movie.
    """

    corner: tuple[int, int]
    weights: NDArray[np.float32]
    trace: NDArray[np.float32]


def noise_of(trace: NDArray[np.float32]) -> float:
    """Return the root mean square of what is below 0: noise alone, since activity is positive."""
    below = trace[trace < 0]
    return float(np.sqrt(np.mean(below * below))) if len(below) else 0.0


def _smoothed(trace: NDArray[np.float32]) -> NDArray[np.float32]:
    padded = np.concatenate([trace[:1], trace, trace[-1:]])
    return np.asarray((padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4, np.float32)


def _regress(pixels: NDArray[np.float32], trace: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Return the slope of each pixel (n, p) on a trace (n,), and the energy of the trace about its mean."""
    centred = trace - trace.mean(dtype=np.float64).astype(np.float32)
    energy = float(centred @ centred)
    if energy <= 0:
        return np.zeros(pixels.shape[1], np.float32), 0.0
    return np.asarray(centred @ pixels / np.float32(energy), np.float32), energy


@dataclass(frozen=True, eq=False)
class Peeling:
    """Peels a stretch of the movie, which it uses up.

    Parameters
    ----------
    white : Whitened
        Changed in place: what is found is subtracted.
    radius : float
        Of a soma in pixels.
    decay_bins : float
        Decay of the indicator.
    least_activity : float
        Where to stop: activity of a place in standard deviations.
    """

    white: Whitened
    radius: float
    decay_bins: float
    least_activity: float

    @property
    def half(self) -> int:
        """Half the side of the window that is worked in, in pixels."""
        return max(4, round(_WINDOW_RADII * self.radius))

    def run(self, limit: float = np.inf, *, on_progress: Progress = silent) -> list[Candidate]:
        """Return the candidates, the most active first within each round, until there are `limit`.

        In each round the places are worked on that dominate their surroundings so widely that their windows
        do not meet: the order of the work inside a round changes nothing, so neither do threads.
        """
        response = self.white.response
        decay_filter_stored(response, self.decay_bins)
        sd = negative_sd(response, self.radius)
        squares = squared_activity(response, sd, _PEAK_SD)
        found: list[Candidate] = []
        start = max(float(np.sqrt(squares.max(initial=0.0))), self.least_activity)
        on_progress(0, 1000)
        while len(found) < limit:
            seeds = self._seeds(squares)
            if not len(seeds):
                break
            fits = [fit for _, fit in map_blocks(partial(self._fit_one, seeds), len(seeds), 1)]
            for seed, candidate in zip(seeds, fits, strict=True):
                if candidate is None:
                    self._silence(squares, seed)
                else:
                    found.append(candidate)
                    self._update(squares, sd, candidate, seed)
            highest = float(np.sqrt(squares.max()))
            left = np.log(max(highest, self.least_activity) / self.least_activity)
            on_progress(int(1000 * (1 - left / max(1e-9, np.log(start / self.least_activity)))), 1000)
        on_progress(1000, 1000)
        return found

    def _seeds(self, squares: NDArray[np.float32]) -> NDArray[np.int64]:
        """Places (row, column) of the response, far enough apart, the strongest first."""
        apart = max(2, round(_APART_RADII * self.radius / 2))
        highest = ndimage.maximum_filter(squares, 2 * apart + 1, mode="constant")
        places = np.argwhere((squares >= self.least_activity**2) & (squares == highest))
        order = np.argsort(-squares[places[:, 0], places[:, 1]], kind="stable")
        chosen: list[NDArray[np.int64]] = []
        for place in places[order]:
            if all(np.abs(place - other).max() > apart for other in chosen):
                chosen.append(place)
        return np.array(chosen, np.int64).reshape(-1, 2)

    def _area(
        self, corner: tuple[int, int], sides: tuple[int, ...]
    ) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Return where a rectangle lies in the frame, and which part of the rectangle that is."""
        frame, inside = [], []
        for first, side, length in zip(corner, sides, self.white.pixels.shape[1:], strict=True):
            start, stop = max(first, 0), min(first + side, length)
            frame.append(slice(start, stop))
            inside.append(slice(start - first, stop - first))
        return (frame[0], frame[1]), (inside[0], inside[1])

    def window(self, corner: tuple[int, int], side: int) -> NDArray[np.float32]:
        """Return a square of the movie (n_bins, side, side) in standard deviations, 0 outside the frame."""
        frame, inside = self._area(corner, (side, side))
        window = np.zeros((len(self.white.pixels), side, side), np.float32)
        window[:, inside[0], inside[1]] = self.white.pixels[:, frame[0], frame[1]]
        window /= STEPS
        return window

    def _fit_one(self, seeds: NDArray[np.int64], which: slice) -> Candidate | None:
        """Fit the soma at one seed and take it out: other seeds are too far away to be touched."""
        candidate = self._fit(seeds[which.start])
        if candidate is not None:
            self._take_out(candidate)
        return candidate

    @property
    def reach(self) -> int:
        """Fits of candidates whose corners are this far apart along an axis do not touch, in pixels."""
        return 2 * self.half + 1

    def refit(self, candidate: Candidate) -> Candidate | None:
        """Put one candidate back, fit it again beside what is left of the movie, and take it out again.

        None is returned, and nothing taken out, where no compact footprint is left.
        """
        self._take_out(candidate, -1.0)
        side = len(candidate.weights)
        pixels = self.window(candidate.corner, side).reshape(-1, side * side)
        weights = candidate.weights.ravel()
        trace = np.asarray(pixels @ (weights / np.float32(weights @ weights)), np.float32)
        again = self._alternate(candidate.corner, pixels, trace, 1)
        if again is not None:
            self._take_out(again)
        return again

    def _fit(self, seed: NDArray[np.int64]) -> Candidate | None:
        half = self.half
        side = 2 * half + 1
        corner = (int(2 * seed[0]) - half, int(2 * seed[1]) - half)
        pixels = self.window(corner, side).reshape(-1, side * side)
        trace = pixels @ _fitted(soma_kernel(self.radius), half).ravel()
        return self._alternate(corner, pixels, trace, _ROUNDS)

    def _alternate(
        self, corner: tuple[int, int], pixels: NDArray[np.float32], trace: NDArray[np.float32], rounds: int
    ) -> Candidate | None:
        """Estimate footprint and trace in turn, from a trace of a window (n_bins, pixels of a square)."""
        half = self.half
        side = 2 * half + 1
        for _ in range(rounds):
            trace = _smoothed(trace - np.median(trace))
            active = np.where(trace > _ACTIVE_SD * noise_of(trace), trace, np.float32(0))
            slope, energy = _regress(pixels, active)
            if energy <= 0:
                return None
            image = slope.reshape(side, side)
            outline = soma_outline(image, (half, half), self.radius)
            if outline is None:
                return None
            weights = np.where(outline, np.maximum(image, 0), np.float32(0)).ravel()
            norm = float(weights @ weights)
            if norm <= 0:
                return None
            trace = np.asarray(pixels @ (weights / np.float32(norm)), np.float32)
        return Candidate(corner, weights.reshape(side, side), trace)

    def picture(
        self, candidate: Candidate, half: int
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], float]:
        """Return how strongly pixels around a candidate follow its trace, once all others are taken out.

        Returns
        -------
        slope : (2 half + 1, 2 half + 1) float32
            0 outside the frame.
        seen : (2 half + 1, 2 half + 1) bool
            Pixels inside the frame.
        energy : float
            Of the trace about its mean; the noise of the slope is 1 / root(energy).
        """
        side = 2 * half + 1
        off = len(candidate.weights) // 2 - half
        corner = (candidate.corner[0] + off, candidate.corner[1] + off)
        _, inside = self._area(corner, (side, side))
        seen = np.zeros((side, side), bool)
        seen[inside] = True
        trace = self._subtracted(candidate)
        slope, energy = _regress(self.window(corner, side).reshape(len(trace), -1), trace)
        # What was taken out is the footprint times this very trace, so its slope is the footprint.
        return slope.reshape(side, side) + _fitted(candidate.weights, half), seen, energy

    def _subtracted(self, candidate: Candidate) -> NDArray[np.float32]:
        trace = candidate.trace - np.median(candidate.trace)
        return np.where(trace > _SUBTRACT_SD * noise_of(trace), trace, np.float32(0))

    def _take_out(self, candidate: Candidate, share: float = 1.0) -> None:
        rows, columns = np.nonzero(candidate.weights)
        box = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
        weights = candidate.weights[box]
        corner = candidate.corner[0] + int(rows.min()), candidate.corner[1] + int(columns.min())
        frame, inside = self._area(corner, weights.shape)
        trace = self._subtracted(candidate)
        active = np.flatnonzero(trace)
        light = np.rint(trace[active, None, None] * (STEPS * weights[inside])) * np.float32(share)
        limits = np.iinfo(np.int16)
        left = self.white.pixels[active, frame[0], frame[1]] - light
        self.white.pixels[active, frame[0], frame[1]] = np.clip(left, limits.min, limits.max)

    def _update(
        self,
        squares: NDArray[np.float32],
        sd: NDArray[np.float32],
        candidate: Candidate,
        seed: NDArray[np.int64],
    ) -> None:
        """Subtract the candidate from the response too: it is the product of an image and a trace."""
        image, (rows, columns) = self._response_image(candidate, squares.shape)
        trace = decay_filter(self._subtracted(candidate).copy(), self.decay_bins)
        changed = np.flatnonzero(trace > _NEGLIGIBLE)
        before = self.white.response[changed, rows, columns]
        limits = np.iinfo(np.int16)
        after = np.rint(before - (STEPS * trace[changed, None, None]) * image)
        after = np.clip(after, limits.min, limits.max).astype(np.int16)
        self.white.response[changed, rows, columns] = after
        area = squares[rows, columns]
        here = float(squares[seed[0], seed[1]])
        less = squared_activity(before, sd[rows, columns], _PEAK_SD)
        less -= squared_activity(after, sd[rows, columns], _PEAK_SD)
        squares[rows, columns] = np.clip(area - less, 0, area)
        # A place that stays nearly as active as it was would be found for ever.
        if squares[seed[0], seed[1]] > 0.25 * here:
            self._silence(squares, seed)

    def _response_image(
        self, candidate: Candidate, shape: tuple[int, ...]
    ) -> tuple[NDArray[np.float32], tuple[slice, slice]]:
        """Return the response to a footprint, and where it lies in the response of the movie."""
        kernel = soma_kernel(max(1.0, self.radius / 2))
        image, first = _halved(candidate)
        image = signal.fftconvolve(image, kernel[::-1, ::-1], mode="full").astype(np.float32)
        reach = len(kernel) // 2
        top, left = first[0] - reach, first[1] - reach
        rows = slice(max(top, 0), min(top + image.shape[0], shape[0]))
        columns = slice(max(left, 0), min(left + image.shape[1], shape[1]))
        seen = image[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        return seen, (rows, columns)

    def _silence(self, squares: NDArray[np.float32], seed: NDArray[np.int64]) -> None:
        reach = max(1, round(self.radius / 4))
        top, left = np.maximum(seed - reach, 0)
        squares[top : seed[0] + reach + 1, left : seed[1] + reach + 1] = 0


def _fitted(image: NDArray[np.float32], half: int) -> NDArray[np.float32]:
    """Return an image of odd sides cut, or filled up with 0, to sides of 2 half + 1 about its centre."""
    cut = len(image) // 2 - half
    return image[cut : len(image) - cut, cut : len(image) - cut] if cut > 0 else np.pad(image, -cut)


def _halved(candidate: Candidate) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """Return the footprint summed over squares of 2 pixels of the frame, halved, and its first square."""
    pads = [first % 2 for first in candidate.corner]
    side = len(candidate.weights)
    padded = np.pad(candidate.weights, [(p, (p + side) % 2) for p in pads])
    rows, columns = padded.shape
    halved = padded.reshape(rows // 2, 2, columns // 2, 2).sum(axis=(1, 3)) / 2
    return halved.astype(np.float32), (
        (candidate.corner[0] - pads[0]) // 2,
        (candidate.corner[1] - pads[1]) // 2,
    )
