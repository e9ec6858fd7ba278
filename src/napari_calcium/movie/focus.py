"""Tell somata in focus from blurred ones: a disc with an edge must fit better than a Gaussian."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

__all__ = ["Focus", "focus_half", "judge_focus"]

_PATCH_RADII = 13 / 6
_LARGEST = 12.0
_DISC_RADII = np.arange(4.0, 10.25, 0.5) / 6
_INNER = 0.56
_EDGE = 0.7
_BLUR_RADII = np.arange(3.5, 10.25, 0.5) / 6
_PLACES_RADII = np.arange(-3.0, 3.5, 1.0) / 6
_HIGH_PASS_RADII = 10 / 6


@dataclass(frozen=True, eq=False)
class Focus:
    """How candidates compare with discs and with blurs.

    Attributes
    ----------
    score : (n,) float64
        Root of the log-likelihood ratio (times 2) of the best disc against the best blur, in standard
        deviations; negative where the blur fits better.
    share : (n,) float64
        The same difference as a share of the energy of the image.
    disc_share : (n,) float64
        Share of the energy that the best disc explains.
    radius : (n,) float64
        Of the best disc, in pixels.
    energy : (n,) float64
        Energy of each image above what noise adds, in squared standard deviations.
    """

    score: NDArray[np.float64]
    share: NDArray[np.float64]
    disc_share: NDArray[np.float64]
    radius: NDArray[np.float64]
    energy: NDArray[np.float64]


def focus_half(radius: float) -> int:
    """Return half the side of the images that are judged, in pixels, for somata of a radius."""
    factor = _pooling(radius)
    return (factor * (2 * _half(radius / factor) + 1) - 1) // 2


def _half(radius: float) -> int:
    return max(4, round(_PATCH_RADII * radius))


def _pooling(radius: float) -> int:
    """Return over squares of how many pixels images of large somata are averaged: odd, to keep the centre."""
    return 1 + 2 * int(radius > _LARGEST) + 2 * int(radius > 3 * _LARGEST)


def judge_focus(
    images: NDArray[np.float32],
    energies: NDArray[np.float64],
    radius: float,
    seen: NDArray[np.bool_] | None = None,
) -> Focus:
    """Compare images of candidates with discs (whose inner part may be dimmer) and with Gaussian blurs.

    Every model has a constant, is tried at places around the centre and in several sizes, and went
    through the same spatial high-pass as the movie. Time is O(pixels x models) a candidate.

    Parameters
    ----------
    images : (n, k, k) float32
        Slope of each pixel on the candidate's trace, in standard deviations of the noise of a bin;
        k is twice :func:`focus_half` plus 1.
    energies : (n,) float64
        Energy of each trace about its mean, which makes noise of 1 / root(energy) of each pixel.
    radius : float
        Of a soma in pixels.
    seen : (n, k, k) bool, optional
        Pixels that count: those beyond the edge of the frame do not. All by default.

    Returns
    -------
    Focus
        Candidates of which no pixel is seen score 0.

    Notes
    -----
    Real defocus is graded; the score has no natural threshold, so it is shown. A soma cut by a vessel looks
    blurred, and a bright dendrite seen end-on looks like a small soma.
    """
    factor = _pooling(radius)
    if factor > 1:
        small, known = _pooled(images, factor), _pooled(seen, factor) > 0.99 if seen is not None else None
        focus = judge_focus(small, energies * factor**2, radius / factor, known)
        return replace(focus, radius=focus.radius * factor)
    discs, disc_radii, blurs = _models(radius)
    n, size = len(images), images.shape[-1] ** 2
    flat = images.reshape(n, size).astype(np.float64)
    known = np.ones((n, size), bool) if seen is None else seen.reshape(n, size)
    # In standard deviations of each pixel's noise.
    flat = _centred(flat, known) * np.sqrt(energies)[:, None]
    total = np.maximum((flat**2).sum(axis=1) - known.sum(axis=1), 1.0)
    sharp, soft = _sharp(flat, discs), _soft(flat, blurs)
    for k in np.flatnonzero(~known.all(axis=1)):
        sharp[k] = _sharp(flat[k : k + 1], _orthonormal(_centred(discs, known[k])))[0]
        soft[k] = _soft(flat[k : k + 1], _orthonormal(_centred(blurs[:, None], known[k]))[:, 0])[0]
    best = sharp.argmax(axis=1)
    disc_energy = sharp[np.arange(n), best]
    difference = disc_energy - soft.max(axis=1)
    return Focus(
        np.sign(difference) * np.sqrt(np.abs(difference)),
        difference / total,
        disc_energy / total,
        disc_radii[best],
        total,
    )


def _pooled(images: NDArray[Any], factor: int) -> NDArray[np.float32]:
    n, side = images.shape[:2]
    squares = images.reshape(n, side // factor, factor, side // factor, factor)
    return np.asarray(squares.mean(axis=(2, 4), dtype=np.float32))


def _centred(images: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return images (…, p) without their mean over the known pixels, and 0 at the others."""
    count = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    inside = np.where(known, images, 0.0)
    return np.where(known, inside - inside.sum(axis=-1, keepdims=True) / count, 0.0)


def _sharp(flat: NDArray[np.float64], discs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Energy of images (n, p) that each disc explains, (n, m)."""
    outer, inner = flat @ discs[:, 0].T, flat @ discs[:, 1].T
    # The nucleus may be dimmer than the rest, not brighter: a bright core in a wide disc is a blur.
    return np.where(outer > 0, outer**2 + np.minimum(inner, 0) ** 2, 0.0)


def _soft(flat: NDArray[np.float64], blurs: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.maximum(flat @ blurs.T, 0) ** 2)


def _orthonormal(models: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return orthonormal bases of models (m, 1 or 2, p), each vector with a positive share of its own."""
    result = models.copy()
    for k in range(models.shape[1]):
        for j in range(k):
            result[:, k] -= np.einsum("mp,mp->m", result[:, k], result[:, j])[:, None] * result[:, j]
        norm = np.linalg.norm(result[:, k], axis=1)[:, None]
        result[:, k] = np.divide(result[:, k], norm, out=np.zeros_like(result[:, k]), where=norm > 1e-9)
    return result


@lru_cache(maxsize=3)
def _models(radius: float) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return orthonormal bases of the discs (m, 2, k * k), their radii (m,), and the blurs (b, k * k)."""
    half = _half(radius)
    sigma = _HIGH_PASS_RADII * radius
    places = np.unique(np.rint(_PLACES_RADII * radius).astype(int)).tolist()
    margin = int(np.ceil(3 * sigma)) + places[-1]
    grid = np.arange(-half - margin, half + margin + 1)
    distance = np.hypot(grid[:, None], grid[None])
    radii = _DISC_RADII * radius
    pairs = [
        [_high(_soft_disc(distance, r), sigma), _high(_soft_disc(distance, _INNER * r), sigma)] for r in radii
    ]
    widths = _BLUR_RADII * radius
    soft = [[_high(np.exp(-0.5 * (distance / s) ** 2), sigma)] for s in widths]
    crops = [
        (slice(margin - dy, len(grid) - margin - dy), slice(margin - dx, len(grid) - margin - dx))
        for dy in places
        for dx in places
    ]
    discs = _orthonormal(_patches(pairs, crops))
    return discs, np.tile(radii, len(crops)), _orthonormal(_patches(soft, crops))[:, 0]


def _patches(
    models: list[list[NDArray[np.float64]]], crops: list[tuple[slice, slice]]
) -> NDArray[np.float64]:
    """Return every model cut out at every place, flat and without its mean, (places * models, …, p)."""
    cut = np.array([[[image[crop].ravel() for image in images] for images in models] for crop in crops])
    cut -= cut.mean(axis=-1, keepdims=True)
    return cut.reshape(-1, *cut.shape[2:])


def _soft_disc(distance: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(np.clip((distance - radius) / _EDGE, -50, 50))))


def _high(image: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    return np.asarray(image - gaussian_filter(image, sigma))
