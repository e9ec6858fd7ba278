"""A movie that exists nowhere: each frame is computed when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import ndimage, sparse

from napari_calcium.simulate.tissue import Tissue

__all__ = ["SyntheticMovie"]

_CAMERA_OFFSET = 20.0


@dataclass(frozen=True, eq=False)
class SyntheticMovie:
    """Frames of a synthetic recording, sliceable like an array along time and space.

    A frame depends on its number and the seed alone, so any way of slicing gives the same bytes. Memory is
    that of the frames asked for.

    Attributes
    ----------
    tissue : Tissue
    soma : (n_rois, n_frames) float32
        Brightness of each soma.
    neuropil : (n_components, n_frames) float32
        Fluctuation of each neuropil signal around 0, as a fraction.
    fading : (n_frames,) float32
        Share of the brightness that bleaching leaves.
    motion : (n_frames, 2) float32
        Shift (y, x) of the tissue in pixels: what to add to a coordinate of the tissue to find it in the
        frame.
    photon_gain : float
        Variance of a pixel is this times its brightness; 0 is free of noise.
    seed : int
    """

    tissue: Tissue
    soma: NDArray[np.float32]
    neuropil: NDArray[np.float32]
    fading: NDArray[np.float32]
    motion: NDArray[np.float32]
    photon_gain: float
    seed: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames, height, width."""
        return (len(self.fading), *self.tissue.rois.shape)

    @property
    def dtype(self) -> np.dtype[np.uint16]:
        """Always uint16."""
        return np.dtype(np.uint16)

    @property
    def ndim(self) -> int:
        """Always 3."""
        return 3

    @property
    def size(self) -> int:
        """Number of pixels of all frames."""
        return int(np.prod(self.shape))

    @property
    def nbytes(self) -> int:
        """What the movie would take if it existed."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    @cached_property
    def _painter(self) -> sparse.csr_array:
        """Footprints with a row a pixel, so that a frame is one product."""
        return self.tissue.rois.footprints.T.tocsr()

    def brightness(self, frame: int) -> NDArray[np.float32]:
        """Return the expected brightness of one frame, free of motion and noise, (height, width)."""
        share = np.tensordot(self.neuropil[:, frame], self.tissue.mixture, axes=1)
        image = self.tissue.neuropil * (1 + share)
        image += (self._painter @ self.soma[:, frame]).reshape(image.shape)
        lit: NDArray[np.float32] = (image * self.fading[frame]).astype(np.float32)
        return lit

    def frame(self, number: int) -> NDArray[np.uint16]:
        """Return one frame as recorded: moved, noisy, digitised, (height, width)."""
        image: NDArray[Any] = self.brightness(number)
        if self.motion[number].any():
            image = ndimage.shift(image, self.motion[number], order=1, mode="nearest")
        if self.photon_gain:
            noise = np.random.default_rng([self.seed, number]).standard_normal(image.shape, np.float32)
            image = image + np.sqrt(self.photon_gain * np.maximum(image, 0)) * noise
        digital: NDArray[np.uint16] = np.clip(np.rint(image + _CAMERA_OFFSET), 0, 65535).astype(np.uint16)
        return digital

    def __getitem__(self, key: Any) -> NDArray[np.uint16]:
        """Return frames; the first index is time (number, slice, list or mask), others cut each frame."""
        keys = key if isinstance(key, tuple) else (key,)
        if any(k is Ellipsis for k in keys):
            at = next(i for i, k in enumerate(keys) if k is Ellipsis)
            keys = (*keys[:at], *(slice(None),) * (4 - len(keys)), *keys[at + 1 :])
        chosen = np.arange(len(self))[keys[0] if keys else slice(None)]
        inside = tuple(keys[1:])
        if np.ndim(chosen) == 0:
            one: NDArray[np.uint16] = self.frame(int(chosen))[inside]
            return one
        sample = np.empty(self.shape[1:], np.uint16)[inside]
        frames = np.empty((len(chosen), *sample.shape), np.uint16)
        for place, number in enumerate(chosen):
            frames[place] = self.frame(int(number))[inside]
        return frames

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Compute every frame: only for short movies."""
        return self[:].astype(dtype or self.dtype, copy=False)
