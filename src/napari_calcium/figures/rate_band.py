"""How far an inferred spike rate may lie from the true one, as a band around it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from napari_calcium.numerics.noise import noise_level
from napari_calcium.recording import Recording

__all__ = ["SMOOTHING_S", "RateBand", "rate_source"]

SMOOTHING_S = 0.05
"""The error is known of rates that are smoothed by a Gaussian of this SD, in seconds."""

_REACH = 5


@dataclass(frozen=True, eq=False)
class RateBand:
    """The uncertainty of one neuron's rate.

    Attributes
    ----------
    rate : (n_frames,) float32
        Inferred spikes per second.
    source : (n_frames,) float32
        ΔF/F that it was inferred from, whose noise decides how sure it is.
    frame_rate : float
        In Hz.
    """

    rate: NDArray[np.float32]
    source: NDArray[np.float32]
    frame_rate: float

    @cached_property
    def noise(self) -> NDArray[np.float64]:
        """Noise level ν of the source in % Hz^-1/2, shape (1,); measured once."""
        return noise_level(self.source[None], self.frame_rate)

    def between(self, start: int, stop: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the rate, smoothed by 50 ms, minus and plus one SD of its error, in some frames.

        Parameters
        ----------
        start, stop : int
            First frame and the one after the last.

        Returns
        -------
        low, high : (stop - start,) float32
            In spikes per second; `low` ends at 0. NaN where the rate is NaN.
        """
        from napari_calcium.spikes.inference import spike_rate_error

        width = SMOOTHING_S * self.frame_rate
        margin = math.ceil(_REACH * width) + 1
        first, last = max(0, start - margin), min(self.rate.size, stop + margin)
        some = self.rate[None, first:last]
        error = spike_rate_error(some, self.frame_rate, self.noise)[0]
        middle = gaussian_filter1d(np.nan_to_num(some[0]), width)
        part = slice(start - first, stop - first)
        return np.maximum(middle - error, 0.0)[part], (middle + error)[part]


def rate_source(recording: Recording, name: str = "spikes") -> NDArray[np.float32] | None:
    """Return the traces that the network inferred a trace from; None where the error is not known.

    That is so where another method or program made the trace, or where its source is gone.
    """
    entry = next((e for e in reversed(recording.log) if f"traces/{name}" in e.writes), None)
    if entry is None or entry.settings.get("method") != "network":
        return None
    reads = [read.removeprefix("traces/") for read in entry.reads]
    return next((recording.traces[read].values for read in reads if read in recording.traces), None)
