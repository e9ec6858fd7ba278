"""A movie that exists nowhere: each soma as bright as its trace at that moment."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.recording import Recording, Trace

__all__ = ["ActivityMovie", "activity_trace"]

_ORDER = ("denoised", "background_corrected", "dff", "raw")
_SAMPLES = 600


def activity_trace(recording: Recording) -> tuple[str, Trace] | None:
    """Return name and values of the trace that shows activity best, or None where there is none."""
    for name in _ORDER:
        if name in recording.traces:
            return name, recording.traces[name]
    return next(iter(recording.traces.items()), None)


class ActivityMovie:
    """An array of shape (n_frames, height, width), computed frame by frame when it is looked at.

    Parameters
    ----------
    labels : (height, width) of unsigned integers
        0 is background, k the cell in row ``k - 1`` of `rows`.
    rows : (n_cells,) int64
        Row of the trace of each label.
    trace : Trace
        Every row is scaled to 0 … 1: from 0 (raw intensity: its lower quartile) to the 99.8th percentile of
        at most 600 of its samples, but at least to half of the median neuron's, so that a silent neuron's
        noise does not shine. A missing sample is 0.
    """

    def __init__(self, labels: NDArray[Any], rows: NDArray[np.int64], trace: Trace) -> None:
        self._labels, self._rows, self._values = labels, rows, trace.values
        self.shape = (self._values.shape[1], *labels.shape)
        self.dtype = np.dtype(np.float32)
        self._low, self._high = _limits(_sample(self._values)[rows], raw=trace.unit != "ΔF/F")

    @property
    def ndim(self) -> int:
        """Number of dimensions: 3."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[np.float32]:
        first, *rest = key if isinstance(key, tuple) else (key,)
        frames = np.arange(self.shape[0])[first]
        if frames.ndim == 0:
            return self.frame(int(frames))[tuple(rest)]
        pictures = [self.frame(int(k))[tuple(rest)] for k in frames]
        return np.stack(pictures) if pictures else np.empty((0, *self.shape[1:]), np.float32)

    def frame(self, index: int) -> NDArray[np.float32]:
        """Return one frame, (height, width), 0 to 1."""
        level = (self._values[self._rows, index] - self._low) / (self._high - self._low)
        table = np.zeros(len(self._rows) + 1, np.float32)
        table[1:] = np.nan_to_num(np.clip(level, 0, 1))
        return table[self._labels]


def _sample(values: NDArray[np.float32]) -> NDArray[np.float32]:
    every = max(1, -(-values.shape[1] // _SAMPLES))
    return np.nan_to_num(values[:, ::every])


def _limits(sample: NDArray[np.float32], *, raw: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    if not len(sample):
        return np.zeros(0, np.float32), np.ones(0, np.float32)
    low = np.percentile(sample, 25, axis=1) if raw else np.zeros(len(sample))
    span = np.percentile(sample, 99.8, axis=1) - low
    span = np.maximum(span, 0.5 * np.median(span))
    span[span <= 0] = 1
    return low.astype(np.float32), (low + span).astype(np.float32)
