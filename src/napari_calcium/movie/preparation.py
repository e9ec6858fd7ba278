"""What is done to frames before they are aligned: line phase and a spatial band-pass for one-photon data."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from napari_calcium.movie.line_phase import shift_odd_rows

__all__ = ["Preparation"]

_MARGIN = 3.0


@dataclass(frozen=True)
class Preparation:
    """Steps that turn frames as read into frames to align.

    Attributes
    ----------
    line_phase : float
        By how many pixels odd rows are sampled further right.
    smoothing : float
        Standard deviation of a Gaussian in pixels that smooths frames; 0 for none.
    background : float
        Standard deviation of a Gaussian in pixels; what is smoother is subtracted; 0 for none.
    """

    line_phase: float = 0.0
    smoothing: float = 0.0
    background: float = 0.0

    @property
    def keeps_light(self) -> bool:
        """Whether frames keep their spatial frequencies."""
        return self.smoothing == 0 and self.background == 0

    @property
    def plain(self) -> Preparation:
        """The same without the spatial filter."""
        return replace(self, smoothing=0.0, background=0.0)

    def __call__(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return frames (n, height, width) ready to align; the input itself where there is nothing to do."""
        return self.filtered(shift_odd_rows(frames, self.line_phase) if self.line_phase else frames)

    def filtered(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return frames whose line phase is right after the spatial filter alone."""
        return frames if self.keeps_light else _band_pass(frames, self.smoothing, self.background)


def _band_pass(frames: NDArray[np.float32], smoothing: float, background: float) -> NDArray[np.float32]:
    """Return the difference of two Gaussian blurs, frames mirrored at their edges; NaN stays NaN."""
    _, height, width = frames.shape
    margin = min(round(_MARGIN * max(smoothing, background)), height - 1, width - 1)
    missing = ~np.isfinite(frames)
    any_missing = bool(missing.any())
    filled = _filled(frames, missing) if any_missing else frames
    padded = np.pad(filled, ((0, 0), (margin, margin), (margin, margin)), mode="reflect")
    shape = tuple(scipy.fft.next_fast_len(n, real=True) for n in padded.shape[1:])
    ky = np.fft.fftfreq(shape[0])[:, None]
    kx = np.fft.rfftfreq(shape[1])[None]
    squared = 2 * np.pi**2 * (ky**2 + kx**2)
    response = np.exp(-squared * smoothing**2)
    if background:
        response = response - np.exp(-squared * background**2)
    spectra = scipy.fft.rfft2(padded, s=shape)
    spectra *= response.astype(np.float32)
    passed = scipy.fft.irfft2(spectra, s=shape, overwrite_x=True)
    result = np.ascontiguousarray(passed[:, margin : margin + height, margin : margin + width])
    if any_missing:
        result[missing] = np.nan
    return result


def _filled(frames: NDArray[np.float32], missing: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return a copy with each frame's missing pixels at the mean of its others, 0 where it has none."""
    count = (~missing).sum(axis=(1, 2))
    total = np.where(missing, 0, frames).sum(axis=(1, 2), dtype=np.float64)
    means = (total / np.maximum(count, 1)).astype(np.float32)
    return np.where(missing, means[:, None, None], frames)
