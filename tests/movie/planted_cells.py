"""A small movie of somata in focus and blurs out of focus, with known places and traces."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

RATE = 8.0
SHAPE = (96, 112)


@dataclass(frozen=True)
class Scene:
    movie: np.ndarray  # (n, height, width) float32
    images: np.ndarray  # (n_cells, height, width): somata first, then blurs
    traces: np.ndarray  # (n_cells, n) above baseline
    centres: np.ndarray  # (n_cells, 2)
    n_somata: int

    @property
    def somata(self):
        return self.centres[: self.n_somata]


def soma(centre, radius=6.0, shape=SHAPE, nucleus=0.7):
    """A disc with an edge and a dim nucleus, of height 1."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    distance = np.hypot(y - centre[0], x - centre[1])
    outer = 1 / (1 + np.exp(np.clip((distance - radius) / 0.6, -50, 50)))
    inner = 1 / (1 + np.exp(np.clip((distance - 0.56 * radius) / 0.6, -50, 50)))
    return outer - nucleus * inner


def blur(centre, sigma=6.0, shape=SHAPE):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.exp(-0.5 * ((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / sigma**2)


def flashes(n_frames, rng, rate=0.12, decay=0.4):
    """A trace of decaying flashes, at least three of them."""
    trace = np.zeros(n_frames)
    onsets = rng.integers(0, n_frames - 5, max(3, rng.poisson(rate * n_frames / RATE)))
    np.add.at(trace, onsets, rng.uniform(0.7, 1.5, len(onsets)))
    keep = np.exp(-1 / (decay * RATE))
    for k in range(1, n_frames):
        trace[k] += keep * trace[k - 1]
    return trace


@lru_cache(maxsize=8)
def scene(n_frames=600, radius=6.0, seed=0, brightness=2.5, sd=1.0, level=100.0):
    """Eight somata and four blurs on a grid with jitter, equally active, in white noise."""
    rng = np.random.default_rng(seed)
    places = np.array([(y, x) for y in (16, 48, 80) for x in (14, 42, 70, 98)], float)
    places += rng.uniform(-2, 2, places.shape)
    rng.shuffle(places)
    kinds = [soma] * 8 + [blur] * 4
    images = np.array([kind(place, radius) for kind, place in zip(kinds, places, strict=True)])
    traces = np.array([flashes(n_frames, rng) for _ in kinds])
    light = np.tensordot(traces.T, brightness * images, 1)
    movie = (level + light + sd * rng.standard_normal((n_frames, *SHAPE))).astype(np.float32)
    movie.flags.writeable = False
    return Scene(movie, images, traces, places, 8)


def nearest(found, places):
    """Distance from each of `places` to the nearest of `found`, and which it is."""
    if not len(found):
        return np.full(len(places), np.inf), np.zeros(len(places), int)
    distance = np.hypot(*(np.asarray(places)[:, None] - np.asarray(found)[None]).transpose(2, 0, 1))
    return distance.min(axis=1), distance.argmin(axis=1)
