"""Traces as other microscopes, indicators and noises would have made them, out of recorded ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import lfilter, lfilter_zi, resample

from napari_calcium.numerics.noise import noise_level
from napari_calcium.spikes.families import cell_type_index, family_index
from napari_calcium.spikes.trace_traits import measure_traits
from training.ground_truth import Dataset, Trial
from training.settings import TrainingSettings

__all__ = ["Batch", "augment", "batches", "resample_trace"]

_MOST_UPSAMPLING = 5.0
_GROUPS_PER_TRIAL = 2
_EDGE, _UNSEEN = 2, 24
# ΔF/F from which on an indicator's curvature shows.
_BENDING = 0.5


@dataclass(frozen=True)
class Batch:
    """Segments of augmented traces, those of a trace side by side; (batch, n_frames) or (batch, …) each.

    Attributes
    ----------
    traces, counts : (batch, n_frames) float32
        ΔF/F, and true spikes per frame.
    counted, valid : (batch, n_frames) float32
        1 where the loss counts, and where there is a trace at all (short trials are padded).
    noise_sd, noise_level, frame_rate, variance : (batch,) float32
    features : (batch, N_FEATURES) float32
    family, cell_type : (batch,) int64
    """

    traces: NDArray[np.float32]
    counts: NDArray[np.float32]
    counted: NDArray[np.float32]
    valid: NDArray[np.float32]
    noise_sd: NDArray[np.float32]
    noise_level: NDArray[np.float32]
    features: NDArray[np.float32]
    frame_rate: NDArray[np.float32]
    variance: NDArray[np.float32]
    family: NDArray[np.int64]
    cell_type: NDArray[np.int64]


def resample_trace(dff: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Resample to `factor` times as many frames; the first frame stays where it is, the ends are mirrored."""
    if abs(factor - 1) < 0.02:
        return dff
    n_frames = dff.size
    wanted = max(8, round(n_frames * factor))
    ends = max(3, n_frames // 50)
    trend = np.linspace(dff[:ends].mean(), dff[-ends:].mean(), n_frames).astype(np.float32)
    flat = dff - trend
    made = resample(np.concatenate([flat, flat[::-1]]), 2 * wanted)[:wanted]
    at = np.arange(wanted) * (n_frames / wanted)
    return (made + np.interp(at, np.arange(n_frames), trend)).astype(np.float32)


def augment(
    trial: Trial,
    frame_rate: float,
    settings: TrainingSettings,
    rng: np.random.Generator,
    *,
    as_another: bool = False,
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Return ΔF/F and spikes per frame at about `frame_rate`, or None if that needs too much upsampling.

    A stretch of the trial is slowed down or sped up, resampled, multiplied by a gain, given a slow drift and
    shot noise.
    """
    dff, spikes = _cut(trial, frame_rate, settings, rng)
    slower = np.exp(rng.uniform(-1, 1) * np.log(settings.stretch))
    factor = frame_rate * slower / trial.frame_rate
    if factor > _MOST_UPSAMPLING:
        return None
    trace = resample_trace(dff, factor)
    step = dff.size * slower / (trial.frame_rate * trace.size)
    counts = np.histogram(spikes * slower, (np.arange(trace.size + 1) - 0.5) * step)[0].astype(np.float32)
    if as_another:
        trace = _as_another(trace, frame_rate, settings, rng)
    low, high = np.log(settings.gain)
    trace = trace * np.float32(np.exp(rng.uniform(low, high)))
    if rng.random() < settings.drifting:
        period, phase = rng.uniform(10, 60), rng.random()
        wave = np.sin(2 * np.pi * (np.arange(trace.size) * step / period + phase))
        trace = trace + (abs(rng.normal()) * settings.drift * wave).astype(np.float32)
    return _noisier(trace, frame_rate, settings, rng), counts


def _cut(
    trial: Trial, frame_rate: float, settings: TrainingSettings, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return a stretch of a long trial, longer for low frame rates, and spike times from its beginning."""
    seconds = rng.uniform(0.3, 1.0) * settings.longest_s * max(1.0, 10 / frame_rate)
    length = int(seconds * trial.frame_rate)
    if trial.dff.size <= length:
        return trial.dff, trial.spikes
    start = int(rng.integers(0, trial.dff.size - length + 1))
    return trial.dff[start : start + length], trial.spikes - start / trial.frame_rate


def _as_another(
    trace: NDArray[np.float32], frame_rate: float, settings: TrainingSettings, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return what an indicator with another decay and another curvature would have shown.

    An exponential decay is replaced by another, the height of the onset being kept; then ΔF/F above 0 is
    bent up (as by a cooperative indicator) or down (as by a saturating one).
    """
    decay = np.exp(rng.uniform(*np.log(settings.decays_s)))
    new = decay * np.exp(rng.uniform(-1, 1) * np.log(settings.other_decay))
    old_step, new_step = (np.exp(-1 / (frame_rate * s)) for s in (decay, new))
    up, down = [1.0, -old_step], [1.0, -new_step]
    filtered = lfilter(up, down, trace, zi=lfilter_zi(up, down) * trace[0])[0]
    power = np.exp(rng.uniform(-1, 1) * np.log(settings.other_curvature))
    risen = np.maximum(filtered, 0)
    bent = _BENDING * ((1 + risen / _BENDING) ** power - 1) / power
    return (bent + np.minimum(filtered, 0)).astype(np.float32)


def _noisier(
    trace: NDArray[np.float32], frame_rate: float, settings: TrainingSettings, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Add shot noise (its variance goes with the brightness) up to a random noise level."""
    unit = np.sqrt(frame_rate) / 95.387
    there = noise_level(trace[None], frame_rate)[0] * unit
    lowest = max(there / unit, 0.5)
    wanted = unit * np.exp(rng.uniform(np.log(lowest), np.log(max(1.05 * lowest, settings.noisiest))))
    brightness = 1 + uniform_filter1d(trace, max(1, int(0.25 * frame_rate)))
    relative = np.sqrt(np.clip(brightness, 0.05, None))
    sd = np.sqrt(max(wanted**2 - there**2, 0.0)) / np.median(relative)
    return trace + (sd * relative * rng.standard_normal(trace.size)).astype(np.float32)


def batches(datasets: list[Dataset], settings: TrainingSettings, rng: np.random.Generator) -> list[Batch]:
    """Return the batches of one round; the generator alone decides which.

    Groups of segments of some hundred augmented traces are mixed, so that a batch holds several neurons.
    """
    weights = np.sqrt([_weight(dataset, settings) for dataset in datasets])
    weights /= weights.sum()
    pool: list[list[tuple[Any, ...]]] = []
    each = settings.batch // settings.together
    while len(pool) < settings.round * each:
        pool += _groups(datasets[rng.choice(len(datasets), p=weights)], settings, rng)
    order = rng.permutation(len(pool))[: settings.round * each].reshape(settings.round, each)
    return [_stacked([segment for i in rows for segment in pool[i]]) for rows in order]


def _stacked(segments: list[tuple[Any, ...]]) -> Batch:
    return Batch(*(np.stack(column) for column in zip(*segments, strict=True)))


def _weight(dataset: Dataset, settings: TrainingSettings) -> float:
    """Return how much a dataset has to say, in seconds."""
    seconds = float(dataset.seconds.sum())
    return seconds * settings.inhibitory_weight**2 if dataset.cell_type == "inhibitory" else seconds


def _groups(
    dataset: Dataset, settings: TrainingSettings, rng: np.random.Generator
) -> list[list[tuple[Any, ...]]]:
    """Return segments of one trial, augmented as a whole so that its traits are those of a whole trace."""
    seconds = dataset.seconds
    trial = dataset.trials[rng.choice(len(seconds), p=seconds / seconds.sum())]
    rate = settings.main_rate
    if rng.random() >= settings.main_share:
        rate = float(np.exp(rng.uniform(*np.log(settings.rates))))
    as_another = settings.as_another > 0 and bool(rng.random() < settings.as_another)
    made = augment(trial, rate, settings, rng, as_another=as_another)
    if made is None:
        return []
    trace, counts = made
    traits = measure_traits(trace[None], rate)
    fixed = (
        traits.noise_sd[0],
        traits.noise_level[0],
        traits.features[0],
        np.float32(rate),
        np.float32(trial.variance),
        np.int64(0 if as_another else family_index(dataset.indicator)),
        np.int64(cell_type_index(dataset.cell_type)),
    )
    length = settings.segment
    n_groups = _GROUPS_PER_TRIAL if trace.size >= _GROUPS_PER_TRIAL * settings.together * length else 1
    return [
        [(*_segment(trace, counts, length, rng), *fixed) for _ in range(settings.together)]
        for _ in range(n_groups)
    ]


def _segment(
    trace: NDArray[np.float32], counts: NDArray[np.float32], length: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], ...]:
    """Cut one segment; frames near a cut that is no end of the trial do not count, their past is unknown."""
    n_frames = min(trace.size, length)
    # Drawn beyond the ends and held there, so that ends of trials are seen often enough.
    start = int(np.clip(rng.integers(-60, max(trace.size - length, 0) + 61), 0, trace.size - n_frames))
    first = _EDGE if start == 0 else _UNSEEN
    last = n_frames - (_EDGE if start + n_frames == trace.size else _UNSEEN)
    parts = np.zeros((4, length), np.float32)
    parts[0, :n_frames] = trace[start : start + n_frames]
    parts[1, :n_frames] = counts[start : start + n_frames]
    parts[2, first:last] = 1
    parts[3, :n_frames] = 1
    return tuple(parts)
