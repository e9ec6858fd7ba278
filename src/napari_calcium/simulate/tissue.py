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
    """Throw darts that keep their distance; where there is no room left, the distance shrinks."""
    placed = np.empty((number, 2))
    margin = min(distance / 2, min(shape) / 4)
    for k in range(number):
        while True:
            darts = rng.uniform(margin, np.array(shape) - margin, (32, 2))
            free = vessels[darts[:, 0].astype(int), darts[:, 1].astype(int)] > 0.8
            gaps = darts[:, None, :] - placed[None, :k]
            far = ((gaps**2).sum(axis=2) >= distance**2).all(axis=1)
            good = np.flatnonzero(far & (free | (distance < 1)))
            if len(good):
                placed[k] = darts[good[0]]
                break
            distance *= _CROWDING
    return placed


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
