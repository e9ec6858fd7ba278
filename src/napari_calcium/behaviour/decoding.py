"""How well behaviour can be told from activity: ridge and logistic decoders on data they have not seen."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import Field

from napari_calcium.behaviour.epochs import inside_epochs
from napari_calcium.behaviour.logistic_decoder import decode_labels
from napari_calcium.behaviour.ridge_decoder import decode_values
from napari_calcium.behaviour.signals import ActivityInput
from napari_calcium.behaviour.subjects import Subjects
from napari_calcium.checks import check_frame_rate
from napari_calcium.numerics.binning import frames_in
from napari_calcium.numerics.gaps import fill_gaps
from napari_calcium.progress import Progress, part, silent
from napari_calcium.results.behaviour_findings import Decoding, DecodingScores
from napari_calcium.results.behaviour_results import Behaviour
from napari_calcium.settings import Seconds, Settings

__all__ = ["DecodingSettings", "binned_mean", "decode", "features_of"]

_DENSE = 2000


class DecodingSettings(Settings):
    """How behaviour is told from activity."""

    input: ActivityInput = Field(
        "denoised", title="Activity", description="What stands for the activity of a neuron."
    )
    smoothing: Annotated[Seconds, Ge(0), Le(30)] = Field(
        0.5,
        title="Smoothing",
        description="Standard deviation of the Gaussian that turns events and activations into rates.",
    )
    bin: Annotated[Seconds, Gt(0), Le(60)] = Field(
        0.5, title="Bin", description="Activity and behaviour are averaged in bins of this width."
    )
    n_folds: Annotated[int, Ge(3), Le(20)] = Field(
        5,
        title="Folds",
        description="The recording is cut into so many blocks; each is told by a decoder that learnt from "
        "the others.",
    )
    gap: Annotated[Seconds, Ge(0), Le(300)] = Field(
        5.0,
        title="Gap",
        description="Time next to the block under test that the decoder does not learn from, since slow "
        "signals know their neighbours.",
    )
    max_features: Annotated[int, Ge(1), Le(1000)] = Field(
        100,
        title="Most features",
        description="Where there are more neurons, their first principal components stand for them.",
    )
    penalty: Annotated[float, Gt(0), Le(1e6)] = Field(
        1.0,
        title="Penalty of the logistic",
        description="Times the number of features; the ridge decoder finds its own by blocks held out.",
    )
    n_shifts: Annotated[int, Ge(20), Le(10_000)] = Field(
        200,
        title="Shifts",
        description="Circular shifts of the behaviour that give the chance level of signals; of epochs half "
        "as many are taken.",
    )


@dataclass(frozen=True, eq=False)
class _Target:
    name: str
    values: NDArray[np.float64]
    is_label: bool


def decode(
    subjects: Subjects,
    behaviour: Behaviour,
    frame_rate: float,
    settings: DecodingSettings = DecodingSettings(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Decoding:
    """Decode each measured signal and each label of epochs from the neurons and from the ensembles.

    Parameters
    ----------
    subjects : Subjects
    behaviour : Behaviour
        On the same frames. Signals made of the neurons themselves are left out: to decode them is circular.
    frame_rate : float
        Hz.
    settings : DecodingSettings
    on_progress, executor
        As in :func:`~napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    Decoding
        For signals R² of a ridge regression (0 is as good as the mean of what it learnt from, below 0 is
        worse); for epochs the balanced accuracy of a logistic regression (0.5 is chance). p is the share of
        circular shifts of the behaviour, the true one included, that are decoded as well. NaN where there
        are no features, or the target does not vary in what there is to learn from.

    Notes
    -----
    Blocks are stretches of time, with gaps: with randomly chosen frames a decoder of slow signals learns the
    neighbours of what it is tested on and seems to know everything. Bins in which a target is not known are
    left out, and the rest is joined. Features are z-scored, and their principal components taken, over the
    whole recording; neither knows the behaviour.

    A decoder shows what can be read from the activity by a straight line, not what the animal's brain reads.
    """
    rate = check_frame_rate(frame_rate)
    width = frames_in(settings.bin, rate)
    targets = _targets(behaviour, rate, width, subjects.values.shape[1])
    sources = {"neurons": subjects.rows_of("neuron"), "ensembles": subjects.rows_of("ensemble")}
    jobs = [(target, source) for target in targets for source, rows in sources.items() if len(rows)]
    features = {
        source: features_of(binned_mean(subjects.values[rows], width), settings.max_features)
        for source, rows in sources.items()
        if len(rows)
    }
    if not jobs:
        return Decoding()
    n_bins = -(-subjects.values.shape[1] // width)
    scores, predicted = [], []
    for number, (target, source) in enumerate(jobs):
        share = part(on_progress, number / len(jobs), (number + 1) / len(jobs))
        told, line = _decoded(target, features[source], rate / width, settings, share, executor)
        scores.append(told)
        predicted.append(line)
    numbers = np.array(scores).reshape(len(jobs), 4).T
    return Decoding(
        DecodingScores(
            target=np.array([target.name for target, _ in jobs], np.str_),
            source=np.array([source for _, source in jobs], np.str_),
            measure=np.array(["balanced_accuracy" if t.is_label else "r2" for t, _ in jobs], np.str_),
            n_features=np.array([features[source].shape[1] for _, source in jobs], np.int64),
            score=numbers[0],
            chance=numbers[1],
            chance_95=numbers[2],
            p_value=numbers[3],
        ),
        (np.arange(n_bins) + 0.5) * width / rate,
        np.array([target.values for target, _ in jobs]).reshape(len(jobs), n_bins),
        np.array(predicted).reshape(len(jobs), n_bins),
    )


def binned_mean(values: NDArray[np.floating], width: int) -> NDArray[np.float64]:
    """Return means over bins of `width` frames, (n, n_bins); the last bin may hold fewer frames.

    NaN is left out; a bin of nothing but NaN is NaN.
    """
    n_frames = values.shape[1]
    edges = np.arange(0, n_frames, width)
    if not len(edges):
        return np.empty((len(values), 0))
    known = np.isfinite(values)
    total = np.add.reduceat(np.where(known, values, 0.0), edges, axis=1, dtype=np.float64)
    count = np.add.reduceat(known, edges, axis=1, dtype=np.int64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def features_of(activity: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """Return what a decoder reads: z-scores, or their first principal components where there are many.

    Parameters
    ----------
    activity : (n_subjects, n_bins)
        NaN is interpolated over; what is constant is left out.
    most : int
        More columns than this are replaced by so many principal components, standardised together (the
        first has a variance of 1).

    Returns
    -------
    (n_bins, n_features) float64
    """
    filled = fill_gaps(activity)[0].astype(np.float64)
    spread = filled.std(axis=1) if filled.size else np.zeros(len(filled))
    level = np.abs(filled).max(axis=1, initial=0.0)
    lively = spread > 1e-9 * np.maximum(level, 1e-300)
    z = (filled[lively] - filled[lively].mean(axis=1, keepdims=True)) / spread[lively, None]
    if len(z) <= most:
        return np.ascontiguousarray(z.T)
    loadings = _leading(z, most)
    components: NDArray[np.float64] = z.T @ loadings
    components /= components[:, 0].std()
    return components


def _leading(z: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    """Return the leading eigenvectors of ``z @ z.T``, the largest first, (n_rows, number)."""
    from scipy.linalg import eigh
    from scipy.sparse.linalg import LinearOperator, eigsh

    n = len(z)
    number = min(number, z.shape[1], n)
    if n <= _DENSE:
        return np.asarray(eigh(z @ z.T, subset_by_index=[n - number, n - 1])[1][:, ::-1])
    product = LinearOperator((n, n), matvec=lambda v: z @ (z.T @ v), dtype=np.float64)
    values, vectors = eigsh(product, k=number, v0=np.ones(n))
    return np.asarray(vectors[:, np.argsort(-values)])


def _targets(behaviour: Behaviour, rate: float, width: int, n_frames: int) -> list[_Target]:
    signals = [
        _Target(behaviour.names[k], binned_mean(behaviour.values[k][None], width)[0], False)
        for k in behaviour.measured
    ]
    labels = []
    for label in behaviour.epochs.labels:
        inside = inside_epochs(behaviour.epochs, label, n_frames, rate)
        share = binned_mean(inside[None].astype(np.float64), width)[0]
        labels.append(_Target(label, (share > 0).astype(np.float64), True))
    return signals + labels


def _decoded(
    target: _Target,
    features: NDArray[np.float64],
    rate: float,
    settings: DecodingSettings,
    on_progress: Progress,
    executor: Executor | None,
) -> tuple[tuple[float, float, float, float], NDArray[np.float64]]:
    """Return score, chance, its 95th percentile and p-value, and the prediction of every bin."""
    line = np.full(len(target.values), np.nan)
    known = np.isfinite(target.values)
    values, rows = target.values[known], features[known]
    nothing = (float("nan"),) * 4
    if rows.shape[1] == 0 or len(values) < 4 * settings.n_folds or np.ptp(values) == 0:
        return nothing, line
    gap = frames_in(settings.gap, rate, at_least=0)
    if target.is_label:
        scores, told = decode_labels(
            rows,
            values > 0.5,
            settings.n_folds,
            gap,
            settings.penalty,
            max(20, settings.n_shifts // 2),
            on_progress=on_progress,
            executor=executor,
        )
    else:
        scores, told = decode_values(
            rows, values, settings.n_folds, gap, settings.n_shifts, on_progress=on_progress, executor=executor
        )
    line[known] = told
    if not np.isfinite(scores[0]):
        return nothing, line
    known_scores = scores[np.isfinite(scores)]
    p_value = float((known_scores >= scores[0] - 1e-12).mean())
    chance = known_scores[1:] if len(known_scores) > 1 else known_scores
    return (float(scores[0]), float(chance.mean()), float(np.percentile(chance, 95)), p_value), line
