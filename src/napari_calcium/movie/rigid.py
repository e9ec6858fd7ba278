"""Rigid shifts of whole frames by cross-correlation with a template."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

__all__ = ["LONGEST_WAVE", "RigidAligner", "frame_means"]

_TAPER_SHARE = 0.08
LONGEST_WAVE = 64.0
"""Pixels of a full-scale frame; waves much longer than this do not count."""


class RigidAligner:
    """Finds the shift of frames against a template, to a fraction of a pixel.

    The correlation is not normalised by the spectrum (no phase correlation): under photon noise the plain
    correlation is the likelihood, while whitening lets the noisiest frequencies decide. Only waves longer
    than 64 pixels, which neuropil activity and vignetting dominate, are attenuated.

    Parameters
    ----------
    template : (height, width) float32
    max_shift : float
        Largest shift looked for along each axis, in pixels of the template.
    longest_wave : float
        In pixels of the template.
    """

    def __init__(
        self, template: NDArray[np.float32], max_shift: float, *, longest_wave: float = LONGEST_WAVE
    ):
        height, width = template.shape
        self._reach = (
            min(int(np.ceil(max_shift)), (height - 1) // 2),
            min(int(np.ceil(max_shift)), (width - 1) // 2),
        )
        self._taper = np.outer(_taper(height), _taper(width)).astype(np.float32)
        ky = np.fft.fftfreq(height)[:, None]
        kx = np.fft.rfftfreq(width)[None]
        high_pass = 1 - np.exp(-0.5 * (ky**2 + kx**2) * longest_wave**2)
        spectrum = scipy.fft.rfft2(self._prepared(template[None]))[0]
        self._match = (np.conj(spectrum) * high_pass).astype(np.complex64)

    def shifts(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return where the template is found in each frame.

        Parameters
        ----------
        frames : (n, height, width) float32
            Missing pixels are NaN and count as the frame's mean.

        Returns
        -------
        (n, 2) float32
            (y, x) in pixels: the template's point p is seen at p + shift. 0 where a frame has no contrast.
        """
        height, width = frames.shape[1:]
        spectra = scipy.fft.rfft2(self._prepared(frames), overwrite_x=True)
        spectra *= self._match
        correlation = scipy.fft.irfft2(spectra, s=(height, width), overwrite_x=True)
        rows = np.arange(-self._reach[0], self._reach[0] + 1)
        columns = np.arange(-self._reach[1], self._reach[1] + 1)
        near = correlation[:, rows[:, None] % height, columns[None] % width]
        return _peaks(near) - np.array(self._reach, np.float32)

    def _prepared(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        centred = frames - frame_means(frames)[:, None, None]
        np.nan_to_num(centred, copy=False, nan=0.0)
        centred *= self._taper
        return centred


def frame_means(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean (n,) of each frame's pixels that are not missing; 0 where all are."""
    means = frames.mean(axis=(1, 2), dtype=np.float64)
    for k in np.flatnonzero(np.isnan(means)):
        seen = np.isfinite(frames[k])
        means[k] = frames[k][seen].mean(dtype=np.float64) if seen.any() else 0.0
    return np.asarray(means, np.float32)


def _taper(length: int) -> NDArray[np.float64]:
    """Weights along one axis that fall to nearly 0 at both ends as half a cosine."""
    ramp = max(1, round(_TAPER_SHARE * length))
    from_edge = np.minimum(np.arange(length), np.arange(length)[::-1]) + 0.5
    return 0.5 - 0.5 * np.cos(np.pi * np.minimum(from_edge / ramp, 1))


def _peaks(correlation: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the place (y, x) of the highest value of each map, refined by a parabola along each axis."""
    n, height, width = correlation.shape
    flat = correlation.reshape(n, -1).argmax(axis=1)
    y, x = np.unravel_index(flat, (height, width))
    frame = np.arange(n)
    # A frame without contrast correlates with nothing: its shift is 0, not the first of equal maxima.
    level = correlation[frame, y, x] <= 0
    y[level], x[level] = height // 2, width // 2
    place = np.stack([y, x], axis=1).astype(np.float32)
    centre = correlation[frame, y, x]
    for axis, (index, length) in enumerate(((y, height), (x, width))):
        inner = (index > 0) & (index < length - 1) & ~level
        lower, upper = np.clip(index - 1, 0, length - 1), np.clip(index + 1, 0, length - 1)
        before = correlation[frame, lower, x] if axis == 0 else correlation[frame, y, lower]
        after = correlation[frame, upper, x] if axis == 0 else correlation[frame, y, upper]
        bend = before - 2 * centre + after
        inner &= bend < 0
        step = np.where(inner, 0.5 * (before - after) / np.where(inner, bend, 1), 0)
        place[:, axis] += step
    return place
