"""Time spent and activity summed in bins of behaviour, for any circular shift of the behaviour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import fft, sparse

_ROUNDING = 1e-12
_SUM_BYTES = 24 * 2**20
_LABEL_BYTES = 72 * 2**20
_BLOCKED, _GATHERED = 1.0, 4.0
"""What a frame costs, about: of a bin by products of blocks, of a shift by gathering (ns)."""

__all__ = ["Bins", "equal_bins", "halves", "spatial_information"]


@dataclass(frozen=True, eq=False)
class Bins:
    """Which bin of behaviour each frame lies in.

    Attributes
    ----------
    label : (n_frames,) int64
        −1 where behaviour is not known or left out.
    n_bins : int
    """

    label: NDArray[np.int64]
    n_bins: int

    def frames(self) -> NDArray[np.int64]:
        """Return how many frames lie in each bin."""
        return np.bincount(self.label[self.label >= 0], minlength=self.n_bins)

    def sums(self, activity: NDArray[np.floating], shift: int = 0) -> NDArray[np.float64]:
        """Return activity summed in each bin, after the behaviour was shifted circularly.

        Parameters
        ----------
        activity : (n_subjects, n_frames)
            Without NaN.
        shift : int
            Frames by which the behaviour is moved to the right.

        Returns
        -------
        (n_subjects, n_bins) float64
        """
        label = np.roll(self.label, shift)
        inside = np.flatnonzero(label >= 0)
        order = inside[np.argsort(label[inside], kind="stable")]
        ends = np.concatenate([[0], np.cumsum(self.frames())])
        picks = sparse.csr_array((np.ones(len(order)), order, ends), shape=(self.n_bins, len(label)))
        total: NDArray[np.float64] = np.asarray(activity @ picks.T, np.float64)
        return total

    def shifted_sums(self, activity: NDArray[np.floating], shifts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return :meth:`sums` for many shifts, (n_subjects, n_shifts, n_bins); see :meth:`each_shifted`."""
        result = np.zeros((len(activity), len(shifts), self.n_bins))
        for rows, sums in self.each_shifted(activity, shifts):
            result[rows] = sums
        return result

    def each_shifted(
        self, activity: NDArray[np.floating], shifts: NDArray[np.int64]
    ) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Yield :meth:`sums` for many shifts, some subjects at a time.

        Parameters
        ----------
        activity : (n_subjects, n_frames)
            Without NaN.
        shifts : (n_shifts,) int64
            0 … n_frames − 1.

        Yields
        ------
        rows : slice
        sums : (n_rows, n_shifts, n_bins) float64
            Equal to :meth:`sums` but for rounding.

        Notes
        -----
        Where shifts are 0 and multiples of one step, frames are laid out as blocks of a step: a shift moves
        whole blocks, so that the sums are a convolution over blocks. It is done by FFT over blocks, for each
        frame of a block by itself, and the frames are summed by matrix products: O(subjects × bins × frames),
        whatever the number of shifts, and for any number of frames (where the step does not divide it, two
        rounds of the activity stand for the circle). Where there are few shifts for many bins, and for other
        shifts, each shift is summed by itself: O(subjects × shifts × frames). Memory is bounded, however long
        the recording.
        """
        visited = np.flatnonzero(self.frames())
        step = _step_of(shifts)
        if not step or _BLOCKED * len(visited) > _GATHERED * len(shifts):
            for row in range(len(activity)):
                yield slice(row, row + 1), self._gathered(activity[row], shifts, visited)[None]
            return
        blocks = _Blocks.of(self.label, visited, step, len(shifts))
        for rows in blocks.row_slices(len(activity)):
            sums = np.zeros((rows.stop - rows.start, len(shifts), self.n_bins))
            sums[:, :, visited] = blocks.sums(activity[rows])
            yield rows, sums

    def _gathered(
        self, values: NDArray[np.floating], shifts: NDArray[np.int64], visited: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the sums of one row shift by shift: frames of a bin stand together and are added up."""
        result = np.zeros((len(shifts), self.n_bins))
        inside = np.flatnonzero(self.label >= 0)
        order = inside[np.argsort(self.label[inside], kind="stable")]
        counts = self.frames()[visited]
        starts = np.cumsum(counts) - counts
        for place, shift in enumerate(shifts.tolist() if len(visited) else ()):
            frames = order + shift
            frames[frames >= len(self.label)] -= len(self.label)
            result[place, visited] = np.add.reduceat(values[frames], starts, dtype=np.float64)
        return result


def _step_of(shifts: NDArray[np.int64]) -> int:
    """Return the step of which shifts are 0, 1, 2 … times; 0 where there is none."""
    step = int(shifts[1]) if len(shifts) > 1 else 0
    return step if np.array_equal(shifts, np.arange(len(shifts)) * step) else 0


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Frames as blocks of one step of the shifts, and which bin each lies in.

    Attributes
    ----------
    label : (n_blocks, step) int64
        Place of the bin among those visited; −1 for none.
    n_bins, n_shifts, n_frames : int
    """

    label: NDArray[np.int64]
    n_bins: int
    n_shifts: int
    n_frames: int

    @classmethod
    def of(cls, label: NDArray[np.int64], visited: NDArray[np.int64], step: int, n_shifts: int) -> _Blocks:
        n_frames = len(label)
        exact = step * n_shifts == n_frames
        n_blocks = n_shifts if exact else fft.next_fast_len(-(-2 * n_frames // step), real=True)
        laid = np.full(n_blocks * step, -1, np.int64)
        laid[:n_frames] = np.where(label >= 0, np.searchsorted(visited, label), -1)
        return cls(laid.reshape(n_blocks, step), len(visited), n_shifts, n_frames)

    @property
    def _per_frame(self) -> int:
        """Bytes of the spectra of all bins for one frame of the blocks."""
        return 16 * (len(self.label) // 2 + 1) * max(1, self.n_bins)

    def row_slices(self, n_rows: int) -> list[slice]:
        """Return slices of subjects that fit into memory at once."""
        # Where the spectra of the bins do not fit, they are made anew for each: then let these be few.
        whole = self._per_frame * self.label.shape[1] <= _LABEL_BYTES
        rows = max(1, (1 if whole else 3) * _SUM_BYTES // self._per_frame)
        return [slice(start, min(start + rows, n_rows)) for start in range(0, n_rows, rows)]

    def sums(self, activity: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the sums of some subjects for every shift in every bin visited, (n, n_shifts, n_visited)."""
        n_blocks, step = self.label.shape
        laid = np.zeros((len(activity), n_blocks * step))
        laid[:, : self.n_frames] = activity
        if laid.shape[1] > self.n_frames:
            laid[:, self.n_frames : 2 * self.n_frames] = activity
        laid = laid.reshape(len(activity), n_blocks, step)
        total = np.zeros((n_blocks // 2 + 1, len(activity), self.n_bins), np.complex128)
        width = max(1, _LABEL_BYTES // self._per_frame)
        for start in range(0, step, width):
            part = slice(start, min(start + width, step))
            moving = fft.rfft(laid[:, :, part], axis=1).transpose(1, 0, 2)
            total += np.ascontiguousarray(moving) @ (self._all if width >= step else self._spectra(part))
        every = fft.irfft(total, n_blocks, axis=0, overwrite_x=True)
        sums: NDArray[np.float64] = every[: self.n_shifts].transpose(1, 0, 2)
        return sums

    @cached_property
    def _all(self) -> NDArray[np.complex128]:
        """Spectra of all frames of the blocks, where they fit into memory."""
        return self._spectra(slice(None))

    def _spectra(self, part: slice) -> NDArray[np.complex128]:
        """Return the conjugate spectra of all bins for some frames of the blocks, (n_freq, n, n_bins)."""
        label = self.label[:, part]
        there = np.zeros((*label.shape, self.n_bins))
        block, frame = np.nonzero(label >= 0)
        there[block, frame, label[block, frame]] = 1.0
        spectra: NDArray[np.complex128] = fft.rfft(there, axis=0)
        return np.conj(spectra, out=spectra)


def equal_bins(
    values: NDArray[np.float64], n_bins: int, included: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sort values into bins of equal width between their 1st and 99th percentile.

    Parameters
    ----------
    values : (n_frames,)
        NaN where not known.
    n_bins : int
    included : (n_frames,) bool
        Frames that count.

    Returns
    -------
    label : (n_frames,) int64
        −1 for frames that do not count; what is beyond the ends counts into the first and last bin.
    edges : (n_bins + 1,) float64
        Ascending, also where all values are equal.
    """
    counted = included & np.isfinite(values)
    if not counted.any():
        return np.full(len(values), -1, np.int64), np.linspace(0.0, 1.0, n_bins + 1)
    low, high = (float(v) for v in np.percentile(values[counted], [1, 99]))
    if not high > low:
        low, high = float(values[counted].min()), float(values[counted].max())
    if not high > low:
        half = 0.5 * max(abs(low), 1.0)
        low, high = low - half, low + half
    edges = np.linspace(low, high, n_bins + 1)
    filled = np.where(counted, values, low)
    place = np.clip(np.floor((filled - low) / (high - low) * n_bins), 0, n_bins - 1).astype(np.int64)
    return np.where(counted, place, -1), edges


def halves(
    values: NDArray[np.float64], n_bins: int, included: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sort values of a signal that is on or off into two bins, divided half way between its extremes.

    Parameters
    ----------
    values : (n_frames,)
        NaN where not known.
    n_bins : int
        Two; as :func:`equal_bins` is called.
    included : (n_frames,) bool
        Frames that count.

    Returns
    -------
    label : (n_frames,) int64
        0 for off, 1 for on, −1 for frames that do not count. All are 0 where the values are all equal.
    edges : (3,) float64
        The bins' centres are the lowest and the highest value.
    """
    counted = included & np.isfinite(values)
    low, high = (values[counted].min(), values[counted].max()) if counted.any() else (0.0, 1.0)
    step = float(high - low) or 1.0
    edges = float(low) + step * np.array([-0.5, 0.5, 1.5])
    on = np.where(counted, values, low) >= edges[1]
    return np.where(counted, on.astype(np.int64), -1), edges


def spatial_information(occupancy: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Skaggs' information in bits per unit of activity.

    Parameters
    ----------
    occupancy : (n_bins,)
        Time in each bin, in any unit.
    mean : (…, n_bins)
        Mean activity in each bin; below 0 counts as 0, NaN leaves the bin out.

    Returns
    -------
    (…,) float64
        ``sum p λ/λ̄ log2(λ/λ̄)`` with p the share of time and λ̄ the mean over time; 0 where activity is the
        same everywhere, NaN where there is none.

    Notes
    -----
    It is a measure for rates: of ΔF/F, which falls below 0 and has an arbitrary level, take it as an index to
    compare with its own shifts. It is biased upwards where cells are active seldom or bins visited shortly.

    References
    ----------
    Skaggs, McNaughton, Gothard & Markus 1993, Advances in Neural Information Processing Systems 5:1030;
    Skaggs et al. 1996, Hippocampus 6:149, doi:10.1002/(SICI)1098-1063(1996)6:2<149::AID-HIPO6>3.0.CO;2-K.
    """
    flat = mean.reshape(-1, mean.shape[-1])
    bits = np.empty(len(flat))
    # Parts that stay in the cache: there are many more means than memory should hold twice.
    rows = max(1, 2**15 // max(1, flat.shape[1]))
    for start in range(0, len(flat), rows):
        bits[start : start + rows] = _information(occupancy, flat[start : start + rows])
    return bits.reshape(mean.shape[:-1])


def _information(occupancy: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the information of rows: ``sum p λ log2 λ / λ̄ - log2 λ̄``."""
    known = ~np.isnan(mean)
    rate = np.where(known, np.maximum(mean, 0.0), 0.0)
    time = known @ occupancy
    average = np.divide(rate @ occupancy, time, out=np.zeros(len(rate)), where=time > 0)
    active = average > 0
    # Relative to the mean first: the difference below then has no large terms.
    rate /= np.where(active, average, 1.0)[:, None]
    logs = np.log2(rate, out=np.zeros(rate.shape), where=rate > 0)
    logs *= rate
    bits = np.divide(logs @ occupancy, time, out=np.zeros(len(rate)), where=time > 0)
    # What is equal everywhere differs by rounding.
    bits[bits < _ROUNDING] = 0.0
    return np.where(active, bits, np.nan)
