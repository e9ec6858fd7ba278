"""Averages around events with confidence bands, responses with an honest test, and single trials."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import Annotated, Self

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import Field, model_validator

from napari_calcium.behaviour.response_tests import ByShift, Chance, ResponseTest, response_lags
from napari_calcium.behaviour.signals import ActivityInput
from napari_calcium.behaviour.subjects import Subjects
from napari_calcium.checks import check_frame_rate
from napari_calcium.numerics.binning import event_frames, frames_in
from napari_calcium.numerics.blocks import map_blocks, rows_per_block
from napari_calcium.numerics.fdr import q_values
from napari_calcium.progress import Progress, part, silent
from napari_calcium.results.behaviour_findings import Responses, Triggered
from napari_calcium.results.behaviour_results import Epochs
from napari_calcium.settings import Percent, Seconds, Settings

__all__ = ["TriggeredSettings", "trial_windows", "trigger"]


class TriggeredSettings(Settings):
    """How activity is averaged around the onsets of epochs and moments."""

    input: ActivityInput = Field(
        "denoised", title="Activity", description="What stands for the activity of a neuron."
    )
    smoothing: Annotated[Seconds, Ge(0), Le(30)] = Field(
        0.2,
        title="Smoothing",
        description="Standard deviation of the Gaussian that turns events and activations into rates.",
    )
    before: Annotated[Seconds, Gt(0), Le(600)] = Field(
        2.0, title="Before", description="Time shown before each event; its mean is the level before."
    )
    after: Annotated[Seconds, Gt(0), Le(600)] = Field(
        4.0, title="After", description="Time shown after each event."
    )
    response: Annotated[Seconds, Gt(0), Le(600)] = Field(
        2.0,
        title="Response within",
        description="The response is the mean over this time after the event minus the mean before it.",
    )
    confidence: Annotated[Percent, Ge(50), Le(99.9)] = Field(
        95.0, title="Confidence", description="Of the band around each average, at each moment by itself."
    )
    test: ResponseTest = Field(ByShift(), title="Test", description="What a response is compared with.")

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if self.response > self.after:
            raise ValueError(
                f"response must lie within the time after the event, got {self.response} > {self.after} s"
            )
        return self


def trial_windows(
    onset_s: NDArray[np.float64], frame_rate: float, n_frames: int, before: float, after: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the frames around each onset.

    Parameters
    ----------
    onset_s : (n_events,)
        Seconds from the start of the first frame.
    frame_rate : float
        Hz.
    n_frames : int
    before, after : float
        Seconds.

    Returns
    -------
    frames : (n_trials, n_lags) int64
        Only of events whose whole window lies inside of the recording.
    lags : (n_lags,) int64
        Frames from that in which the event falls: its true moment is up to a frame later.
    """
    rate = check_frame_rate(frame_rate)
    lags = np.arange(-frames_in(before, rate), frames_in(after, rate) + 1)
    onset = np.asarray(onset_s, np.float64)
    inside = (onset >= 0) & (onset < n_frames / rate)
    start = event_frames(onset[inside], rate, max(1, n_frames))
    frames = start[:, None] + lags
    whole = (frames[:, 0] >= 0) & (frames[:, -1] < n_frames)
    return frames[whole], lags


def trigger(
    subjects: Subjects,
    epochs: Epochs,
    frame_rate: float,
    settings: TriggeredSettings = TriggeredSettings(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Triggered:
    """Average the activity of each subject around the onsets of each label.

    Parameters
    ----------
    subjects : Subjects
        NaN leaves a sample out of the averages.
    epochs : Epochs
        In seconds of the recording.
    frame_rate : float
        Hz.
    settings : TriggeredSettings
    on_progress, executor
        As in :func:`~napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    Triggered
        Averages with the interval of Student's t over trials; NaN with fewer than two trials. The response
        is tested two-sided against events at other times; q over all subjects of a kind and all labels.

    Notes
    -----
    The band is for one moment by itself: some 5 % of the moments of a cell without any response lie beyond
    it. And it takes trials for independent, which slow activity and close events are not.

    :mod:`~napari_calcium.behaviour.response_tests` has the tests, and when they mislead.

    O(subjects × (trials × window + frames × log frames)) a label; where events are moved one by one, and
    subjects × surrogates × trials.
    """
    rate = check_frame_rate(frame_rate)
    n_subjects, n_frames = subjects.values.shape
    labels = epochs.labels
    lags = trial_windows(np.empty(0), rate, n_frames, settings.before, settings.after)[1]
    shape = (len(labels), n_subjects, len(lags))
    mean, low, high = (np.full(shape, np.nan) for _ in range(3))
    responses = []
    for k, label in enumerate(labels):
        share = part(on_progress, k / len(labels), (k + 1) / len(labels))
        frames, _ = trial_windows(epochs.of(label).start_s, rate, n_frames, settings.before, settings.after)
        table = np.full((4, n_subjects), np.nan)
        chance = Chance.of(
            frames[:, lags == 0].ravel(), lags, n_frames, rate, settings.response, settings.test, k
        )
        work = partial(_block, subjects.values, frames, chance, lags, rate, settings)
        size = rows_per_block(n_frames + frames.size, bytes_per_sample=64)
        for block, (band, numbers) in map_blocks(
            work, n_subjects, size, on_progress=share, executor=executor
        ):
            mean[k, block], low[k, block], high[k, block] = band
            table[:, block] = numbers
        responses.append(table)
    return Triggered(
        subjects.kind,
        subjects.id,
        labels,
        lags / rate,
        mean,
        low,
        high,
        _responses(subjects, labels, responses),
        settings.confidence,
        subjects.input,
        subjects.unit,
    )


def _block(
    activity: NDArray[np.float32],
    frames: NDArray[np.int64],
    chance: Chance,
    lags: NDArray[np.int64],
    rate: float,
    settings: TriggeredSettings,
    block: slice,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean, low and high of some rows, and trials, response, peak and p-value."""
    rows = activity[block]
    trials = rows[:, frames].astype(np.float64)
    mean, low, high, number = _band(trials, settings.confidence)
    before, after = response_lags(lags, rate, settings.response)
    level = _known_mean(mean[:, before])
    response = _known_mean(mean[:, after]) - level
    away = np.abs(mean - level[:, None])
    peak = lags[np.argmax(np.nan_to_num(np.where(lags >= 0, away, -1.0), nan=-1.0), axis=1)] / rate
    p_value = chance.p_values(rows)
    known = np.isfinite(response)
    numbers = np.stack([number, response, np.where(known, peak, np.nan), np.where(known, p_value, np.nan)])
    return np.stack([mean, low, high]), numbers


def _band(
    trials: NDArray[np.float64], confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean over trials, the ends of its interval, and the trials with a known sample."""
    from scipy.stats import t as student

    known = np.isfinite(trials)
    count = known.sum(axis=1)
    number = known.any(axis=2).sum(axis=1).astype(np.float64)
    some = np.maximum(count, 1)
    filled = np.where(known, trials, 0.0)
    mean = np.where(count > 0, filled.sum(axis=1) / some, np.nan)
    spread = np.where(known, trials - mean[:, None], 0.0)
    free = np.maximum(count - 1, 1)
    error = np.sqrt((spread**2).sum(axis=1) / free / some)
    half = np.where(count > 1, student.ppf(0.5 + confidence / 200, free) * error, np.nan)
    return mean, mean - half, mean + half, number


def _known_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _responses(subjects: Subjects, labels: tuple[str, ...], tables: list[NDArray[np.float64]]) -> Responses:
    values = np.concatenate(tables, axis=1) if tables else np.empty((4, 0))
    kind = np.tile(subjects.kinds, len(labels))
    q = np.full(len(kind), np.nan)
    for name in np.unique(kind):
        q[kind == name] = q_values(values[3, kind == name])
    return Responses(
        kind=kind,
        id=np.tile(subjects.id, len(labels)),
        label=np.repeat(np.array(labels, np.str_), len(subjects.id)),
        n_trials=np.nan_to_num(values[0]).astype(np.int64),
        response=values[1],
        peak_s=values[2],
        p_value=values[3],
        q_value=q,
    )
