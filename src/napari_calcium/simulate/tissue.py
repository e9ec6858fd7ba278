"""The synthetic field of view: somata, their footprints, vessels and the texture of the neuropil."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse, special

from napari_calcium.rois import Rois
from napari_calcium.simulate.simulation_settings import SimulationSettings

__all__ = ["N_COMPONENTS", "Tissue", "make_tissue"]

N_COMPONENTS = 4
"""Number of signals the neuropil mixes, each strong in its own part of the field."""

_CROWDING = 0.97
"""Factor by which the least distance of somata shrinks when there is no room left for the next."""


@dataclass(frozen=True)
class Tissue:
    """What stays the same in every frame.

    Attributes
    ----------
    rois : Rois
        Weighted footprints; a weight is the pixel's share of the soma's brightness, about 1 in the ring.
    neuropil : (height, width) float32
        Resting brightness of what is not a soma.
    mixture : (N_COMPONENTS, height, width) float32
        Weight of each neuropil signal in each pixel; the weights of a pixel sum to one.
    vessels : (height, width) float32
        1 in the open field, towards 0 inside a vessel.
    """

    rois: Rois
    neuropil: NDArray[np.float32]
    mixture: NDArray[np.float32]
    vessels: NDArray[np.float32]


def make_tissue(settings: SimulationSettings, rng: np.random.Generator) -> Tissue:
    """Place vessels and somata, and paint the neuropil between them."""
    shape = (settings.height, settings.width)
    vessels = _vessels(shape, settings.n_vessels, settings.soma_diameter, rng)
    centres = _scatter(settings.n_rois, shape, 1.05 * settings.soma_diameter, vessels, rng)
    rois = _somata(centres, shape, settings.soma_diameter / 2, rng)
    return Tissue(rois, _neuropil(settings, vessels, rng), _mixture(shape, rng), vessels)


def _texture(shape: tuple[int, int], exponent: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return noise with a spectrum of 1 / frequency**exponent, mean 0 and SD 1."""
    spectrum = np.fft.rfft2(rng.standard_normal(shape))
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None])
    frequency[0, 0] = np.inf
    image = np.fft.irfft2(spectrum / frequency**exponent, s=shape)
    normal: NDArray[np.float64] = image / image.std()
    return normal


def _vessels(
    shape: tuple[int, int], number: int, soma: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the brightness left beside and inside vessels: smooth curves across the field."""
    open_field = np.ones(shape)
    diagonal = float(np.hypot(*shape))
    for _ in range(number):
        angle, offset = rng.uniform(0, np.pi), rng.uniform(-0.35, 0.35) * min(shape)
        along = np.linspace(-diagonal, diagonal, int(4 * diagonal))
        waves = sum(
            rng.normal(0, 0.05) * min(shape) * np.sin(along / diagonal * np.pi * k + rng.uniform(0, 6.3))
            for k in (1, 2, 4)
        )
        y = shape[0] / 2 + along * np.sin(angle) + (offset + waves) * np.cos(angle)
        x = shape[1] / 2 + along * np.cos(angle) - (offset + waves) * np.sin(angle)
        inside = (y >= 0) & (y < shape[0]) & (x >= 0) & (x < shape[1])
        line = np.ones(shape, bool)
        line[y[inside].astype(int), x[inside].astype(int)] = False
        if line.all():
            continue
        width = rng.uniform(0.35, 0.75) * soma
        distance = ndimage.distance_transform_edt(line)
        open_field *= 1 - 0.8 * special.expit((width - distance) / (0.12 * soma))
    return open_field.astype(np.float32)


def _scatter(
    number: int,
    shape: tuple[int, int],
    distance: float,
    vessels: NDArray[np.float32],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Throw darts that keep their distance; where there is no room left, the distance shrinks.

    A picture of the places still free makes the cost of a dart independent of how many there are.
    """
    placed = np.empty((number, 2))
    margin = min(distance / 2, min(shape) / 4)
    y, x = np.ogrid[: shape[0], : shape[1]]
    inside = (y >= margin) & (y < shape[0] - margin) & (x >= margin) & (x < shape[1] - margin)
    ground = inside & (vessels > 0.8)
    free = ground.copy()
    for k in range(number):
        while (spot := _free_place(free, rng)) is None:
            distance *= _CROWDING
            ground = ground if distance > 1 else inside
            free = ground & (distance < 1 or _away(placed[:k], shape, distance))
        placed[k] = spot + rng.random(2)
        _occupy(free, placed[k], distance)
    return placed


def _free_place(free: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64] | None:
    """Return a random free pixel (y, x), None if there is none."""
    darts = rng.integers(0, free.shape, (256, 2))
    hits = np.flatnonzero(free[darts[:, 0], darts[:, 1]])
    if len(hits):
        hit: NDArray[np.int64] = darts[hits[0]]
        return hit
    left = np.flatnonzero(free)
    return np.array(divmod(int(rng.choice(left)), free.shape[1])) if len(left) else None


def _occupy(free: NDArray[np.bool_], centre: NDArray[np.float64], distance: float) -> None:
    """Take the pixels closer than `distance` to a new soma off the free ones."""
    low = np.maximum(np.floor(centre - distance).astype(int), 0)
    high = np.ceil(centre + distance).astype(int) + 1
    y, x = np.ogrid[low[0] : min(high[0], free.shape[0]), low[1] : min(high[1], free.shape[1])]
    near = (y + 0.5 - centre[0]) ** 2 + (x + 0.5 - centre[1]) ** 2 < distance**2
    free[low[0] : high[0], low[1] : high[1]] &= ~near


def _away(centres: NDArray[np.float64], shape: tuple[int, int], distance: float) -> NDArray[np.bool_]:
    """Return which pixels keep their distance to all somata placed so far."""
    empty = np.ones(shape, bool)
    empty[centres[:, 0].astype(int), centres[:, 1].astype(int)] = False
    away: NDArray[np.bool_] = ndimage.distance_transform_edt(empty) >= distance
    return away


def _somata(
    centres: NDArray[np.float64], shape: tuple[int, int], radius: float, rng: np.random.Generator
) -> Rois:
    """Draw each soma as a bright ring around a dim nucleus, with a slightly irregular outline."""
    reach = int(np.ceil(1.6 * radius))
    offset = np.arange(-reach, reach + 1)
    rows, columns, weights = [], [], []
    for row, centre in enumerate(centres):
        y, x = np.meshgrid(np.floor(centre[0]) + offset, np.floor(centre[1]) + offset, indexing="ij")
        size = radius * float(np.clip(rng.normal(1, 0.1), 0.75, 1.3))
        angle = np.arctan2(y - centre[0], x - centre[1])
        phase = rng.uniform(0, 2 * np.pi, 2)
        outline = 1 + 0.13 * np.cos(2 * (angle - phase[0])) + 0.05 * np.cos(3 * (angle - phase[1]))
        depth = np.hypot(y - centre[0], x - centre[1]) / (size * outline)
        weight = special.expit((0.9 - depth) / 0.07) * (1 - 0.6 * np.exp(-((depth / 0.5) ** 4)))
        kept = (weight > 0.15) & (y >= 0) & (y < shape[0]) & (x >= 0) & (x < shape[1])
        columns.append((y[kept] * shape[1] + x[kept]).astype(np.int64))
        weights.append(weight[kept].astype(np.float32))
        rows.append(np.full(int(kept.sum()), row))
    entries = [np.concatenate(part) if part else np.empty(0) for part in (weights, rows, columns)]
    footprints = sparse.csr_array(
        (entries[0].astype(np.float32), (entries[1].astype(np.int64), entries[2].astype(np.int64))),
        shape=(len(centres), shape[0] * shape[1]),
    )
    return Rois(np.arange(len(centres)), footprints, shape)


def _neuropil(
    settings: SimulationSettings, vessels: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return cloudy, grainy brightness with points where dendrites cross the plane."""
    shape = (settings.height, settings.width)
    clouds, grain = _texture(shape, 1.4, rng), _texture(shape, 0.5, rng)
    points = np.zeros(shape)
    number = shape[0] * shape[1] // 220
    points[rng.integers(0, shape[0], number), rng.integers(0, shape[1], number)] = rng.gamma(2, 1, number)
    points = ndimage.gaussian_filter(points, 0.9) * 5
    y, x = np.meshgrid(np.linspace(-1, 1, shape[0]), np.linspace(-1, 1, shape[1]), indexing="ij")
    falloff = 1 - 0.22 * (y**2 + x**2)
    image = np.exp(0.13 * clouds + 0.1 * grain) * (1 + 0.3 * points) * falloff * vessels
    resting = 0.35 * float(np.sqrt(settings.brightness[0] * settings.brightness[1]))
    painted: NDArray[np.float32] = (resting * image).astype(np.float32)
    return painted


def _mixture(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return smooth weights of the neuropil's signals, which sum to one in every pixel."""
    weights = np.stack([np.exp(0.8 * _texture(shape, 2.0, rng)) for _ in range(N_COMPONENTS)])
    normal: NDArray[np.float32] = (weights / weights.sum(axis=0)).astype(np.float32)
    return normal
