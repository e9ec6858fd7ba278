"""The network that reads spikes from a trace, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Network"]

# Frames worked on at once: few enough for the cache, and few of them are computed twice where blocks meet.
_BLOCK = 8192
# Frames of one product. A BLAS may have a kernel for small matrices (OpenBLAS for up to a million
# multiplications) that takes half the time of the one for large ones.
_COLUMNS = 128


@dataclass(frozen=True)
class Network:
    """One dilated convolutional network whose layers are modulated by what is known of the trace.

    Attributes
    ----------
    first : (taps · 2, channels) float32
        Weights of the first convolution; its two inputs are the trace compressed in ΔF/F and in noise.
    first_bias : (channels,) float32
    layers : tuple of (taps · channels, channels) float32
        Residual convolutions; layer k looks ``dilations[k]`` frames apart.
    biases : tuple of (channels,) float32
    dilations : tuple of int
    out : (channels,) float32
    out_bias : float
    hidden, hidden_bias : (n_conditions, n_hidden), (n_hidden,) float32
    modulation, modulation_bias : (n_hidden, (n_layers + 1) · 2 · channels), ((n_layers + 1) · 2 · channels,)
        From the conditions to a scale and a shift of every channel of every layer.
    """

    first: NDArray[np.float32]
    first_bias: NDArray[np.float32]
    layers: tuple[NDArray[np.float32], ...]
    biases: tuple[NDArray[np.float32], ...]
    dilations: tuple[int, ...]
    out: NDArray[np.float32]
    out_bias: float
    hidden: NDArray[np.float32]
    hidden_bias: NDArray[np.float32]
    modulation: NDArray[np.float32]
    modulation_bias: NDArray[np.float32]

    @property
    def reach(self) -> int:
        """How many frames on either side of a frame its result depends on."""
        channels = len(self.first_bias)
        taps = [len(layer) // channels for layer in self.layers]
        return len(self.first) // 4 + sum(n // 2 * d for n, d in zip(taps, self.dilations, strict=True))

    def modulate(self, conditions: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return scales and shifts, (n_rois, n_layers + 1, 2, channels), for rows of conditions."""
        # One row at a time: the sum's order must not depend on how many rows there are.
        rows = [np.tanh(row @ self.hidden + self.hidden_bias) @ self.modulation for row in conditions]
        shape = (len(rows), len(self.layers) + 1, 2, len(self.first_bias))
        made = np.array(rows, np.float32).reshape(len(rows), -1) + self.modulation_bias
        return made.reshape(shape).astype(np.float32)

    def run(self, inputs: NDArray[np.float32], modulation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network on one trace.

        Parameters
        ----------
        inputs : (2, n_frames) float32
        modulation : (n_layers + 1, 2, channels) float32

        Returns
        -------
        (n_frames,) float32
            Spikes per 1/30 s, at least 0. Beyond the ends of the trace every layer sees zeros, as in
            training.
        """
        n_frames = inputs.shape[1]
        weights = self._modulated(modulation)
        result = np.empty(n_frames, np.float32)
        # Fresh memory would cost as much as the convolution itself: the operating system clears its pages.
        longest = _in_columns(min(n_frames, _BLOCK + 2 * self.reach)) * _COLUMNS
        scratch = np.empty(max(weight.shape[1] for weight in weights) * longest, np.float32)
        for start in range(0, n_frames, _BLOCK):
            stop = min(start + _BLOCK, n_frames)
            left, right = max(0, start - self.reach), min(n_frames, stop + self.reach)
            part = self._forward(inputs[:, left:right], weights, scratch)
            result[start:stop] = part[start - left : stop - left]
        return result

    def _modulated(self, modulation: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Return (channels, taps · channels + 1) of every layer: the trace's scales and shifts multiplied in.

        The last column is the bias.
        """
        pairs = zip((self.first, *self.layers), (self.first_bias, *self.biases), modulation, strict=True)
        return [
            np.ascontiguousarray(np.concatenate([weight * (1 + scale), (bias * (1 + scale) + shift)[None]]).T)
            for weight, bias, (scale, shift) in pairs
        ]

    def _forward(
        self, inputs: NDArray[np.float32], weights: list[NDArray[np.float32]], scratch: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Run all layers on a stretch, with zeros beyond its ends."""
        n_frames, channels = inputs.shape[1], len(self.first_bias)
        columns = _in_columns(n_frames)
        padded_frames = columns * _COLUMNS
        margin = max(
            len(layer) // channels // 2 * d for layer, d in zip(self.layers, self.dilations, strict=True)
        )
        state = np.zeros((channels, padded_frames + 2 * margin), np.float32)
        inner, beyond = state[:, margin : margin + n_frames], state[:, margin + n_frames :]
        by_column = _by_column(state[:, margin : margin + padded_frames])
        half = len(self.first) // 4
        padded = np.pad(inputs, ((0, 0), (half, half + padded_frames - n_frames)))
        made = np.matmul(weights[0], _windows(padded, 2 * half + 1, 1, columns, scratch))
        np.maximum(made, 0, out=by_column)
        beyond[:] = 0
        for weight, dilation in zip(weights[1:], self.dilations, strict=True):
            taps = weight.shape[1] // channels
            first = margin - taps // 2 * dilation
            np.matmul(weight, _windows(state[:, first:], taps, dilation, columns, scratch), out=made)
            np.maximum(made, 0, out=made)
            by_column += made
            beyond[:] = 0
        total = self.out @ inner + np.float32(self.out_bias)
        return _softplus(total)


def _softplus(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return log(1 + exp(values)) without overflow; numpy's own `logaddexp` takes ten times as long."""
    made: NDArray[np.float32] = np.log1p(np.exp(-np.abs(values)))
    made += np.maximum(values, 0)
    return made


def _windows(
    values: NDArray[np.float32], taps: int, dilation: int, columns: int, scratch: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Lay shifted copies of rows one below the other, and a row of ones for the bias, column by column.

    One product a column then does a convolution: half the time of a product for each tap.
    """
    rows, n_frames = len(values), columns * _COLUMNS
    made = scratch[: (taps * rows + 1) * n_frames].reshape(columns, -1, _COLUMNS)
    for k in range(taps):
        shifted = values[:, k * dilation : k * dilation + n_frames]
        made[:, k * rows : (k + 1) * rows] = _by_column(shifted)
    made[:, -1] = 1
    return made


def _in_columns(n_frames: int) -> int:
    """Return in how many columns these frames fit."""
    return -(-n_frames // _COLUMNS)


def _by_column(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a view of (rows, columns · _COLUMNS) as (columns, rows, _COLUMNS)."""
    return values.reshape(len(values), -1, _COLUMNS).swapaxes(0, 1)
