"""A textured scene that moves by known fields, for the tests of registration."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates, spline_filter


@dataclass(frozen=True)
class MovingScene:
    movie: np.ndarray  # (n, height, width) uint16
    shifts: np.ndarray  # (n, 2) rigid part
    waves: np.ndarray  # (n, 2, 2) size of the two smooth waves along y and x

    def truth(self, y, x):
        """Displacement (n, len(y), len(x), 2) at points of the tissue."""
        _, height, width = self.movie.shape
        return np.stack(
            [
                _field(s, w, y[:, None], x[None], height, width)
                for s, w in zip(self.shifts, self.waves, strict=True)
            ]
        )


def _field(shift, wave, y, x, height, width):
    y, x = np.broadcast_arrays(y, x)
    shapes = np.stack([np.sin(np.pi * x / width + 0.5), np.cos(np.pi * y / height)])
    return np.moveaxis(np.tensordot(wave, shapes, 1), 0, -1) + shift


def _texture(height, width, seed=0):
    """Neuropil-like texture and somata, positive, of mean about 1."""
    rng = np.random.default_rng(seed)
    image = 1 + sum(
        contrast * (g := gaussian_filter(rng.standard_normal((height, width)), sigma, mode="wrap")) / g.std()
        for sigma, contrast in ((1.5, 0.2), (5, 0.15), (20, 0.15))
    )
    y, x = np.mgrid[:height, :width]
    for _ in range(height * width // 900):
        cy, cx = rng.uniform(0, height), rng.uniform(0, width)
        image += rng.uniform(0.3, 1.5) / (1 + np.exp(2 * (np.hypot(y - cy, x - cx) - 5)))
    return np.clip(image, 0.05, None)


def _moving_scene(
    n_frames=60, height=96, width=112, seed=0, shift_sd=2.0, field_sd=0.5, photons=30.0, counts=10.0, pad=24
):
    """Frames of a scene seen with photon noise; `photons` infinite is free of noise."""
    rng = np.random.default_rng(seed)
    plane = spline_filter(_texture(height + 2 * pad, width + 2 * pad, seed), 3)
    shifts = shift_sd * rng.standard_normal((n_frames, 2))
    waves = field_sd * rng.standard_normal((n_frames, 2, 2))
    shifts -= shifts.mean(axis=0)
    waves -= waves.mean(axis=0)
    y, x = np.mgrid[:height, :width].astype(float)
    movie = np.empty((n_frames, height, width), np.uint16)
    for k in range(n_frames):
        # The tissue's point p is seen at p + field(p): find p for every pixel.
        there = np.zeros((height, width, 2))
        for _ in range(8):
            there = _field(shifts[k], waves[k], y - there[..., 0], x - there[..., 1], height, width)
        seen = map_coordinates(
            plane, [y - there[..., 0] + pad, x - there[..., 1] + pad], order=3, prefilter=False
        )
        seen = np.clip(seen, 0, None)
        light = rng.poisson(photons * seen) / photons if np.isfinite(photons) else seen
        scale = photons * counts if np.isfinite(photons) else 1000.0
        movie[k] = np.clip(np.rint(scale * light + 100), 0, 65535)
    return MovingScene(movie, shifts, waves)


def _field_error(fields, grid, scene):
    """Root mean square length of the error at the nodes, a constant offset at each left out."""
    error = fields - scene.truth(grid.y, grid.x)
    error = error - np.median(error, axis=0)
    return float(np.sqrt((error**2).sum(axis=-1).mean()))


@pytest.fixture(scope="session")
def texture():
    return _texture


@pytest.fixture(scope="session")
def moving_scene():
    return _moving_scene


@pytest.fixture(scope="session")
def field_error():
    return _field_error
