"""What a whole trace tells of its indicator and its noise: the numbers that set the network for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from napari_calcium.numerics.noise import noise_sd

__all__ = ["LOWEST_NOISE", "N_FEATURES", "TraceTraits", "measure_traits"]

LOWEST_NOISE = 0.3
"""Noise level ν (% Hz^-1/2) that cleaner traces are taken to have: none cleaner were trained on."""

_LAGS_S = np.array([1, 2, 3, 5, 8, 12, 18, 27, 40, 60]) / 30.0
_SLOW_S = 5.0
# SD of a normal variable over the median absolute difference of two, times 100 %.
_NOISE_PER_SD = 95.387
N_FEATURES = 12
"""Length of a row of features."""


@dataclass(frozen=True)
class TraceTraits:
    """What the network is told of each trace beside its samples.

    Attributes
    ----------
    noise_sd : (n_rois,) float32
        Of one sample, in ΔF/F as a fraction.
    noise_level : (n_rois,) float32
        ν in % Hz^-1/2, at least :data:`LOWEST_NOISE`.
    features : (n_rois, N_FEATURES) float32
        Ten autocovariances relative to the first few, logarithms of the size of the fluctuations in ΔF/F and
        in noise.
    """

    noise_sd: NDArray[np.float32]
    noise_level: NDArray[np.float32]
    features: NDArray[np.float32]

    def __getitem__(self, rows: slice) -> Self:
        """Return the traits of some of the rows."""
        return type(self)(self.noise_sd[rows], self.noise_level[rows], self.features[rows])


def measure_traits(traces: NDArray[np.float32], frame_rate: float) -> TraceTraits:
    """Measure the traits of whole traces.

    Parameters
    ----------
    traces : (n_rois, n_frames) float32
        ΔF/F as a fraction, without NaN.
    frame_rate : float
        In Hz.

    Returns
    -------
    TraceTraits
        Finite for any finite trace. Each row depends on its own samples alone.

    Notes
    -----
    The autocovariance tells how fast transients decay, which carries most of what the indicator's name does,
    and its size how strong they are. Richer features (higher moments, quantiles) made the network know its
    training datasets by heart: held-out datasets came out worse. A piece of a trace has other traits than
    the whole. Time is linear in the number of samples.
    """
    n_rois, n_frames = traces.shape
    unit = np.sqrt(frame_rate) / _NOISE_PER_SD
    noise = np.zeros(n_rois) if n_frames < 2 else noise_sd(traces)
    noise = np.maximum(noise, LOWEST_NOISE * unit)
    with np.errstate(over="ignore", invalid="ignore"):
        quick = traces - _smooth(traces, _SLOW_S * frame_rate)
        lagged = _autocovariance(quick, _LAGS_S * frame_rate)
        size = np.maximum(lagged[:, :3].mean(axis=1), 0) + 0.05 * noise**2
        columns = [
            np.clip(lagged / size[:, None], -1, 2),
            0.5 * np.log(size / 0.05**2)[:, None],
            0.5 * np.log(size / noise**2)[:, None],
        ]
    features = np.nan_to_num(np.concatenate(columns, axis=1), nan=0.0, posinf=10.0, neginf=-10.0)
    return TraceTraits(
        noise.astype(np.float32),
        (noise / unit).astype(np.float32),
        np.clip(features, -10, 10).astype(np.float32),
    )


def _smooth(values: NDArray[np.float32], sd: float) -> NDArray[np.float32]:
    """Return rows smoothed by nearly a Gaussian (three moving averages), mirrored at the ends."""
    width = round(2 * sd)
    if width < 2:
        return values
    for _ in range(3):
        values = uniform_filter1d(values, width, axis=-1, mode="reflect")
    return values


def _autocovariance(values: NDArray[np.float32], lags: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the autocovariance at lags that may lie between frames; those under a frame count as one."""
    n_rois, n_frames = values.shape
    lags = np.clip(lags, 1, max(1, min(n_frames - 2, n_frames // 2)))
    low = lags.astype(int)
    share = lags - low
    at = {}
    for lag in np.unique(np.concatenate([low, low + 1])):
        shift = min(int(lag), n_frames - 1)
        stop = n_frames - shift
        at[int(lag)] = np.einsum("ij,ij->i", values[:, :stop], values[:, shift:]).astype(np.float64) / stop
    if n_frames < 2:
        return np.zeros((n_rois, len(lags)))
    return np.stack([at[k] * (1 - s) + at[k + 1] * s for k, s in zip(low, share, strict=True)], axis=1)
