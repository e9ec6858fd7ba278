"""How neurons, ensembles and the population go with each signal of the behaviour, with lag and a test."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from pydantic import Field

from napari_calcium.behaviour.signals import ActivityInput, without_own_part
from napari_calcium.behaviour.subjects import Subjects
from napari_calcium.checks import check_frame_rate
from napari_calcium.numerics.binning import frames_in
from napari_calcium.numerics.blocks import map_blocks, rows_per_block
from napari_calcium.numerics.circular_shift import best_lags, shifted_correlations, window_p_values
from napari_calcium.numerics.fdr import q_values
from napari_calcium.progress import Progress, part, silent
from napari_calcium.results.behaviour_findings import Relations
from napari_calcium.results.behaviour_results import Behaviour
from napari_calcium.settings import Seconds, Settings

__all__ = ["RelationSettings", "relate"]

_BYTES = 160
"""What a sample needs while its row is shifted, NaN included."""


class RelationSettings(Settings):
    """How activity is correlated with behaviour."""

    input: ActivityInput = Field(
        "events",
        title="Activity",
        description="What stands for the activity of a neuron. Fluorescence falls slowly and so lags behind "
        "by a second or more; the event rate does not.",
    )
    max_lag: Annotated[Seconds, Ge(0), Le(60)] = Field(
        2.0,
        title="Longest lag",
        description="The relation is looked for within this time to either side; the farther from 0, the "
        "less it counts in the test.",
    )
    smoothing: Annotated[Seconds, Ge(0), Le(30)] = Field(
        0.5,
        title="Smoothing",
        description="Standard deviation of the Gaussian that turns events and activations into rates.",
    )


def relate(
    subjects: Subjects,
    behaviour: Behaviour,
    frame_rate: float,
    settings: RelationSettings = RelationSettings(),
    *,
    made_of: NDArray[np.floating] | None = None,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Relations:
    """Correlate each subject with each signal.

    Parameters
    ----------
    subjects : Subjects
    behaviour : Behaviour
        On the same frames.
    frame_rate : float
        Hz.
    settings : RelationSettings
    made_of : (n_rois, n_frames), optional
        Traces that stand-in signals are made of, in the order of the neurons among the subjects: each neuron
        is then compared with the signal without its own part. The population is not compared with them.
    on_progress, executor
        As in :func:`~napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    Relations
        A row a subject and signal, the subjects of a signal together. NaN where a subject or a signal is
        constant, or fewer than three frames are known.

    Raises
    ------
    ValueError
        If the frames do not agree.

    Notes
    -----
    Everything is circular: at a lag of k frames the last k frames meet the first ones. The test shifts the
    behaviour round the circle, by every shift there is, and so keeps the rhythm of both series; the usual
    p-value of a correlation takes frames for independent and finds relations everywhere between slow series
    (:func:`~napari_calcium.numerics.circular_shift.window_p_values`). It holds for stationary series. Where
    both drift over the whole recording (bleaching, an animal that tires), all shifts differ from the true
    one in kind, and nothing can be learnt from one recording.

    O(subjects × signals × frames × log frames); memory a block of rows.

    References
    ----------
    Harris 2020, bioRxiv, doi:10.1101/2020.11.29.402719 (nonsense correlations in neuroscience).
    """
    rate = check_frame_rate(frame_rate)
    n_signals, n_frames = len(behaviour.names), subjects.values.shape[1]
    if n_signals and behaviour.values.shape[1] != n_frames:
        raise ValueError(
            f"behaviour has {behaviour.values.shape[1]} frames and activity {n_frames}; align it anew"
        )
    max_lag = min(frames_in(settings.max_lag, rate, at_least=0), max(0, (n_frames - 1) // 2))
    tables = []
    for signal in range(n_signals):
        share = part(on_progress, signal / n_signals, (signal + 1) / n_signals)
        compared = _Compared.with_signal(subjects, behaviour, signal, made_of)
        rows = compared.rows
        found = np.full((4, len(subjects.id)), np.nan)
        work = partial(_block, compared, max_lag)
        size = rows_per_block(n_frames, bytes_per_sample=_BYTES)
        for block, numbers in map_blocks(work, len(rows), size, on_progress=share, executor=executor):
            found[:, rows[block]] = numbers
        tables.append(found)
    values = np.concatenate(tables, axis=1) if tables else np.empty((4, 0))
    kind = np.tile(subjects.kinds, n_signals)
    return Relations(
        kind=kind,
        id=np.tile(subjects.id, n_signals),
        signal=np.repeat(np.array(behaviour.names, np.str_), len(subjects.id)),
        correlation=values[0],
        lag_s=values[1] / rate,
        correlation_at_lag=values[2],
        p_value=values[3],
        q_value=_by_kind(kind, values[3]),
        input=subjects.input,
        max_lag_s=max_lag / rate,
    )


@dataclass(frozen=True, eq=False)
class _Compared:
    """Which rows are compared with a signal, and what of it is their own."""

    activity: NDArray[np.float32]
    rows: NDArray[np.int64]
    signal: NDArray[np.float64]
    weights: NDArray[np.float64]
    made_of: NDArray[np.floating] | None

    @classmethod
    def with_signal(
        cls, subjects: Subjects, behaviour: Behaviour, signal: int, made_of: NDArray[np.floating] | None
    ) -> _Compared:
        values, weights = behaviour.values[signal], behaviour.weights[signal]
        if not behaviour.stand_ins[signal]:
            return cls(subjects.values, np.arange(len(subjects.id)), values, weights, None)
        # The neurons first: their places are those in the traces that the signal is made of.
        rows = np.concatenate([subjects.rows_of("neuron"), subjects.rows_of("ensemble")])
        return cls(subjects.values, rows, values, weights, made_of)

    def signals(self, block: slice) -> NDArray[np.float64]:
        """Return the signal for all rows of a block, or one for each without the row's own part."""
        if self.made_of is None:
            return self.signal[None]
        own = slice(block.start, min(block.stop, len(self.made_of)))
        n_own = max(0, own.stop - own.start)
        parts = np.repeat(self.signal[None], block.stop - block.start, axis=0)
        if n_own:
            parts[:n_own] = without_own_part(self.signal, self.weights[own], self.made_of[own])
        return parts


def _block(compared: _Compared, max_lag: int, block: slice) -> NDArray[np.float64]:
    """Return correlation, lag in frames, correlation at the lag and p-value of some rows, (4, n)."""
    activity = compared.activity[compared.rows[block]]
    shifted = shifted_correlations(activity, compared.signals(block))
    lags = best_lags(shifted, max_lag)
    at_lag = np.take_along_axis(shifted, lags[:, None] % shifted.shape[1], axis=1)[:, 0]
    known = np.isfinite(at_lag)
    return np.stack([shifted[:, 0], np.where(known, lags, np.nan), at_lag, window_p_values(shifted, max_lag)])


def _by_kind(kind: NDArray[np.str_], p_value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return q-values, neurons, ensembles and the population each by themselves."""
    q = np.full(len(p_value), np.nan)
    for name in np.unique(kind):
        q[kind == name] = q_values(p_value[kind == name])
    return q
