"""Synthetic behaviour, ensembles and events: who is active when, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_calcium.results.tables import Table
from napari_calcium.simulate.simulation_settings import SimulationSettings

__all__ = ["TrueActivations", "TrueEvents", "choose_members", "make_events", "running_speed"]


@dataclass(frozen=True, eq=False)
class TrueEvents(Table):
    """Events as they happened, sorted by cell and time.

    Attributes
    ----------
    roi_id : (n_events,) int64
    time_s : (n_events,) float64
        First spike, in seconds from the start of the first frame.
    n_spikes : (n_events,) int64
    ensemble_id : (n_events,) int64
        Ensemble whose activation caused it; −1 for background.
    """

    roi_id: NDArray[np.int64]
    time_s: NDArray[np.float64]
    n_spikes: NDArray[np.int64]
    ensemble_id: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TrueActivations(Table):
    """Activations of the ensembles, in order of time.

    Attributes
    ----------
    ensemble_id : (n_activations,) int64
    time_s : (n_activations,) float64
        Centre of the activation.
    """

    ensemble_id: NDArray[np.int64]
    time_s: NDArray[np.float64]


def running_speed(settings: SimulationSettings, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the running speed in cm/s at each frame: bouts of running between times of rest."""
    frames = np.arange(settings.n_frames)
    speed = np.zeros(settings.n_frames)
    time = rng.exponential(15.0)
    while time < settings.duration_s:
        length = 3.0 + rng.gamma(2.0, 4.0)
        start, stop = (int(t * settings.frame_rate) for t in (time, time + length))
        span = frames[start : min(stop, settings.n_frames)]
        phase = np.clip((span / settings.frame_rate - time) / length, 0, 1)
        speed[start : start + len(span)] = rng.uniform(6, 20) * np.sin(np.pi * phase) ** 0.5
        time += length + 4.0 + rng.exponential(25.0)
    stride = 1 + 0.1 * np.sin(2 * np.pi * 1.7 * frames / settings.frame_rate)
    wobble = 0.1 * rng.standard_normal(settings.n_frames)
    run: NDArray[np.float32] = np.maximum(speed * stride + wobble, 0).astype(np.float32)
    return run


def choose_members(
    settings: SimulationSettings, centres: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], ...]:
    """Return the members of each ensemble, ascending; some ensembles are patches in space.

    Which ensembles are patches is spread evenly over their ids. An ensemble never has more members than
    there are cells.
    """
    groups: list[NDArray[np.int64]] = []
    used: set[int] = set()
    share = settings.clustered
    for k in range(settings.n_ensembles):
        size = min(int(rng.integers(settings.ensemble_size[0], settings.ensemble_size[1] + 1)), len(centres))
        patch = int((k + 1) * share) > int(k * share)
        weight = _patch(centres, size, rng) if patch else np.ones(len(centres))
        old = np.array([cell in used for cell in range(len(centres))], bool)
        shared = min(int(rng.binomial(size, settings.overlap)), int(old.sum())) if used else 0
        taken = _draw(weight * old, shared, rng)
        fresh = _draw(weight * ~old, min(size - shared, int((~old).sum())), rng)
        members = np.unique(np.concatenate([taken, fresh]))
        used.update(members.tolist())
        groups.append(members)
    return tuple(groups)


def _patch(centres: NDArray[np.float64], size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Weight cells by closeness to one of them, in units of the radius that `size` cells fill."""
    if not len(centres):
        return np.empty(0)
    distance = np.hypot(*(centres - centres[rng.integers(len(centres))]).T)
    radius = np.sort(distance)[min(2 * size, len(centres) - 1)] + 1e-9
    weight: NDArray[np.float64] = np.exp(-((distance / radius) ** 4)) + 1e-6
    return weight


def _draw(weight: NDArray[np.float64], number: int, rng: np.random.Generator) -> NDArray[np.int64]:
    if number <= 0:
        return np.empty(0, np.int64)
    drawn: NDArray[np.int64] = rng.choice(len(weight), number, replace=False, p=weight / weight.sum())
    return drawn


def make_events(
    settings: SimulationSettings,
    members: tuple[NDArray[np.int64], ...],
    speed: NDArray[np.float32],
    rng: np.random.Generator,
) -> tuple[TrueEvents, TrueActivations]:
    """Return all events and the activations behind some of them.

    A member's background is lowered by what its ensembles add, so that its rate alone does not betray it;
    and of two events closer than the refractory time, background gives way to an ensemble, else the later
    to the earlier.
    """
    activations = _activations(settings, rng)
    cells, times, causes = _ensemble_events(settings, members, activations, rng)
    background = _background(settings, np.bincount(cells, minlength=settings.n_rois), speed, rng)
    cells = np.concatenate([cells, background[0]])
    times = np.concatenate([times, background[1]])
    causes = np.concatenate([causes, np.full(len(background[0]), -1)])
    inside = (times >= 0) & (times < settings.duration_s)
    kept = np.flatnonzero(inside)[_apart(cells[inside], times[inside], causes[inside], settings.refractory)]
    spikes = 1 + rng.poisson(settings.extra_spikes, len(kept))
    return TrueEvents(cells[kept], times[kept], spikes.astype(np.int64), causes[kept]), activations


def _activations(settings: SimulationSettings, rng: np.random.Generator) -> TrueActivations:
    """Return activations that keep some distance from each other, whatever their ensemble."""
    low, high = settings.activations
    number = rng.integers(low, high + 1, settings.n_ensembles)
    owner = np.repeat(np.arange(settings.n_ensembles), number)
    total = len(owner)
    margin = min(3.0, settings.duration_s / 10)
    # Sorted uniform times plus a fixed gap each: uniform over all ways to keep the gap.
    gap = min(2.0, 0.5 * (settings.duration_s - 2 * margin) / max(total, 1))
    free = settings.duration_s - 2 * margin - gap * total
    times = margin + np.sort(rng.uniform(0, free, total)) + gap * np.arange(total)
    return TrueActivations(rng.permutation(owner).astype(np.int64), times)


def _ensemble_events(
    settings: SimulationSettings,
    members: tuple[NDArray[np.int64], ...],
    activations: TrueActivations,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    cells, times, causes = [np.empty(0, np.int64)], [np.empty(0)], [np.empty(0, np.int64)]
    for k, group in enumerate(members):
        moments = activations.time_s[activations.ensemble_id == k]
        chance = rng.uniform(*settings.participation, len(group))
        joined, when = np.nonzero(rng.random((len(group), len(moments))) < chance[:, None])
        cells.append(group[joined])
        times.append(moments[when] + rng.normal(0, settings.jitter, len(when)))
        causes.append(np.full(len(when), k))
    return np.concatenate(cells), np.concatenate(times), np.concatenate(causes)


def _background(
    settings: SimulationSettings,
    caused: NDArray[np.int64],
    speed: NDArray[np.float32],
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return bursty background events: a cluster process thinned by whether the animal runs."""
    rate = settings.event_rate * np.exp(0.6 * rng.standard_normal(settings.n_rois))
    rate = np.maximum(rate - caused / settings.duration_s, 0.25 * rate)
    running = np.minimum(speed / 10.0, 1.0)
    gain = 1 + settings.running_gain * running
    bursts = rng.poisson(rate / settings.burst_size * gain.max() / gain.mean() * settings.duration_s)
    start = rng.uniform(0, settings.duration_s, int(bursts.sum()))
    frame = np.minimum((start * settings.frame_rate).astype(int), settings.n_frames - 1)
    lives = rng.random(len(start)) < gain[frame] / gain.max()
    cell, start = np.repeat(np.arange(settings.n_rois), bursts)[lives], start[lives]
    length = rng.geometric(1 / settings.burst_size, len(start))
    burst = np.repeat(np.arange(len(start)), length)
    first = np.repeat(np.cumsum(length) - length, length) == np.arange(len(burst))
    gaps = np.where(first, 0.0, settings.refractory + rng.exponential(2.0, len(burst)))
    elapsed = np.cumsum(gaps)
    since = elapsed - np.repeat(elapsed[first], length)
    return cell[burst].astype(np.int64), start[burst] + since


def _apart(
    cells: NDArray[np.int64], times: NDArray[np.float64], causes: NDArray[np.int64], gap: float
) -> NDArray[np.int64]:
    """Return events, sorted by cell and time, no two of one cell closer than `gap`."""
    kept: list[int] = []
    for k in np.lexsort((times, cells)).tolist():
        if not kept or cells[kept[-1]] != cells[k] or times[k] - times[kept[-1]] >= gap:
            kept.append(k)
        elif causes[kept[-1]] < 0 <= causes[k]:
            kept[-1] = k
    return np.array(kept, np.int64)
