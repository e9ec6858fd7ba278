"""Recordings with known truth, made here and not by the package, so that tests judge it from outside."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray


@dataclass(frozen=True)
class Truth:
    """A recording and what it is made of; arrays are (n_rois, n_frames), ``trace`` is their sum."""

    frame_rate: float
    signal: NDArray
    drift: NDArray
    noise: NDArray
    rows: NDArray
    onsets: NDArray
    peaks: NDArray

    @property
    def trace(self):
        return (self.signal + self.drift + self.noise).astype(np.float32)

    def amplitudes(self, traces):
        """Peak minus the level just before onset of every event, read off at the true frames."""
        return traces[self.rows, self.peaks] - traces[self.rows, self.onsets]


def transients(rng, n_rois, n_frames, frame_rate, rate, decay, amplitude):
    """Difference-of-exponentials transients at Poisson times, at least 2 s apart."""
    signal = np.zeros((n_rois, n_frames))
    length = int(8 * decay * frame_rate)
    time = np.arange(1, length + 1) / frame_rate
    kernel = np.exp(-time / decay) - np.exp(-time / 0.07)
    kernel /= kernel.max()
    rows, onsets, peaks = [], [], []
    for row in range(n_rois):
        gaps = 2 + rng.exponential(1 / rate, int(2 * rate * n_frames / frame_rate) + 10)
        for onset in (np.cumsum(gaps) * frame_rate).astype(int):
            if onset + length // 4 >= n_frames:
                break
            stop = min(n_frames, onset + 1 + length)
            signal[row, onset + 1 : stop] += amplitude * rng.uniform(0.6, 1.6) * kernel[: stop - onset - 1]
            rows.append(row)
            onsets.append(onset)
            peaks.append(onset + 1 + int(kernel.argmax()))
    return signal, np.array(rows), np.array(onsets), np.array(peaks)


def simulate(
    seed=0,
    n_rois=40,
    n_frames=6000,
    frame_rate=10.0,
    rate=0.03,
    decay=1.1,
    amplitude=0.6,
    noise=0.06,
    drift=0.15,
    shortest_period=40.0,
):
    """Transients, noise, and drift of random slow sines with periods from `shortest_period` up."""
    rng = np.random.default_rng(seed)
    signal, rows, onsets, peaks = transients(rng, n_rois, n_frames, frame_rate, rate, decay, amplitude)
    time = np.arange(n_frames) / frame_rate
    slow = np.zeros((n_rois, n_frames))
    for _ in range(6):
        period = shortest_period * np.exp(rng.uniform(0, 2, (n_rois, 1)))
        slow += np.sin(2 * np.pi * (time / period + rng.uniform(size=(n_rois, 1))))
    slow *= drift / np.sqrt(3)
    return Truth(frame_rate, signal, slow, noise * rng.standard_normal(signal.shape), rows, onsets, peaks)


@pytest.fixture(scope="session")
def simulated():
    """Make a recording with known truth; the keywords are those of `simulate`."""
    return simulate
