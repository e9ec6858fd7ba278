"""Time spent and activity summed in bins of behaviour, for any circular shift of the behaviour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, sparse

_BLOCK_BYTES = 4 * 2**20

_FOLDED, _UNEVEN, _GATHERED = 2.0, 25.0, 4.0
"""What a frame costs, about: of a bin by folded and by whole transforms, of a shift by gathering (ns)."""

__all__ = ["Bins", "equal_bins", "spatial_information"]


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
        """Return :meth:`sums` for many shifts.

        Parameters
        ----------
        activity : (n_subjects, n_frames)
            Without NaN.
        shifts : (n_shifts,) int64
            0 … n_frames − 1.

        Returns
        -------
        (n_subjects, n_shifts, n_bins) float64
            Equal to :meth:`sums` but for rounding.

        Notes
        -----
        All shifts of a bin come from one FFT, bins in blocks of bounded memory: O(subjects × bins that were
        visited × frames × log frames), whatever the number of shifts. Where there are few shifts for many
        bins, or so many frames that transforms are slow, each shift is summed by itself: O(subjects × shifts
        × frames).
        """
        n_frames = len(self.label)
        result = np.zeros((len(activity), len(shifts), self.n_bins))
        visited = np.flatnonzero(self.frames())
        per_bin = _FOLDED if _evenly(shifts, n_frames) else _UNEVEN
        if per_bin * len(visited) > _GATHERED * len(shifts):
            return self._gathered(activity, shifts, visited, result)
        spectra = fft.rfft(np.asarray(activity, np.float64))
        step = max(1, _BLOCK_BYTES // (8 * max(1, n_frames)))
        for start in range(0, len(visited), step):
            bins = visited[start : start + step]
            there = np.conj(fft.rfft((self.label == bins[:, None]).astype(np.float64)))
            for row, spectrum in enumerate(spectra):
                result[row][:, bins] = _at_shifts(spectrum * there, n_frames, shifts).T
        return result

    def _gathered(
        self,
        activity: NDArray[np.floating],
        shifts: NDArray[np.int64],
        visited: NDArray[np.int64],
        result: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Fill the sums shift by shift: frames of a bin stand together and are added up."""
        inside = np.flatnonzero(self.label >= 0)
        order = inside[np.argsort(self.label[inside], kind="stable")]
        counts = self.frames()[visited]
        starts = np.cumsum(counts) - counts
        for place, shift in enumerate(shifts.tolist()):
            frames = order + shift
            frames[frames >= len(self.label)] -= len(self.label)
            for row, values in enumerate(activity):
                result[row, place, visited] = np.add.reduceat(values[frames], starts, dtype=np.float64)
        return result


def _evenly(shifts: NDArray[np.int64], n_frames: int) -> bool:
    """Whether shifts are 0 and all multiples of one step that divides the frames."""
    number = len(shifts)
    if number == 0 or n_frames % number:
        return False
    return np.array_equal(shifts, np.arange(number) * (n_frames // number))


def _at_shifts(
    spectra: NDArray[np.complex128], n_frames: int, shifts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the inverse FFT of half spectra at some places only.

    Every s-th place follows from the spectrum folded to 1/s of its length, where s divides all frames: the
    long inverse transform is not needed.
    """
    number = len(shifts)
    if not _evenly(shifts, n_frames):
        everywhere: NDArray[np.float64] = fft.irfft(spectra, n_frames)
        return everywhere[:, shifts]
    half = spectra.copy()
    half[:, 0] *= 0.5
    if n_frames % 2 == 0:
        half[:, -1] *= 0.5
    padded = np.zeros((len(half), -(-half.shape[1] // number) * number), np.complex128)
    padded[:, : half.shape[1]] = half
    folded = padded.reshape(len(half), -1, number).sum(axis=1)
    # The other half of the spectrum is the mirror image of this one.
    folded += np.conj(folded[:, -np.arange(number) % number])
    sampled: NDArray[np.float64] = fft.irfft(folded[:, : number // 2 + 1], number) * (number / n_frames)
    return sampled


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
    known = np.isfinite(mean)
    time = np.where(known, occupancy, 0.0)
    rate = np.where(known, np.maximum(mean, 0.0), 0.0)
    whole = time.sum(axis=-1, keepdims=True)
    share = np.divide(time, whole, out=np.zeros(time.shape), where=whole > 0)
    average = (share * rate).sum(axis=-1, keepdims=True)
    relative = np.divide(rate, average, out=np.zeros(rate.shape), where=average > 0)
    logs = np.log2(relative, out=np.zeros(rate.shape), where=relative > 0)
    bits = (share * relative * logs).sum(axis=-1)
    return np.where(average[..., 0] > 0, np.maximum(bits, 0.0), np.nan)
