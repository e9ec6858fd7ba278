"""Ensemble events: windows in which more neurons are active together than chance explains."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from napari_calcium.checks import check_frame_rate
from napari_calcium.ensembles.coactivity import window_frames
from napari_calcium.ensembles.conditional_null import CountNull, Grid, tested_windows
from napari_calcium.ensembles.moments import merge_windows
from napari_calcium.numerics.binning import event_frames, frames_in, runs_of_windows
from napari_calcium.numerics.poisson_binomial import poisson_binomial, upper_tail
from napari_calcium.numerics.surrogates import shifted_counts
from napari_calcium.progress import Progress, silent
from napari_calcium.results.tables import Coactivity, EnsembleEvents, Events
from napari_calcium.settings import Percent, Seconds, Settings

__all__ = ["ConditionalNull", "MaximumNull", "PooledNull", "SignificanceSettings", "significance"]


class ConditionalNull(Settings):
    """Exact chance distribution that follows the slow rate of the population, at a false-discovery rate."""

    method: Literal["conditional"] = "conditional"
    false_discovery_rate: Annotated[float, Gt(0), Lt(1)] = Field(
        0.05,
        title="False discovery rate",
        description="Of the windows called significant, the share that may be chance. It holds for the whole "
        "recording: a recording without ensembles gives no event at all in 19 of 20 cases.",
    )
    smoothing: Annotated[Seconds, Gt(0), Le(600)] = Field(
        5.0,
        title="Slow rate",
        description="Standard deviation of the Gaussian over which the population's rate is averaged. Slower "
        "changes, shared by all neurons, are not called coactivity. Lengthen it if ensembles fire in trains.",
    )
    left_out: Annotated[Seconds, Ge(0), Le(60)] = Field(
        1.0,
        title="Left out",
        description="Time before and after the window that does not count towards the slow rate, so that an "
        "ensemble event does not explain itself away.",
    )


class PooledNull(Settings):
    """The course's rule: a percentile of the counts that circular shifts give, the same for every window."""

    method: Literal["pooled"] = "pooled"
    percentile: Annotated[Percent, Gt(0), Lt(100)] = Field(
        99.0,
        title="Percentile",
        description="A window is significant if it has more active neurons than this percentile of the "
        "shifted recordings. At 99 % up to one window in a hundred is significant by chance alone.",
    )
    shuffles: Annotated[int, Ge(0), Le(1_000_000)] = Field(
        0,
        title="Shuffles",
        description="0 computes the distribution exactly, as infinitely many shuffles would give it. Another "
        "number really shifts every neuron that many times (the course: 1000); it agrees and takes longer.",
    )
    seed: Annotated[int, Ge(0)] = Field(
        0, title="Seed", description="Start of the random numbers; it matters only with shuffles."
    )


class MaximumNull(Settings):
    """A count that the busiest window of a shifted recording rarely reaches: not one false event expected."""

    method: Literal["maximum"] = "maximum"
    alpha: Annotated[float, Gt(0), Lt(1)] = Field(
        0.05,
        title="Chance of any false event",
        description="Share of shifted recordings in which even the busiest window may reach the threshold.",
    )
    shuffles: Annotated[int, Ge(20), Le(1_000_000)] = Field(
        1000, title="Shuffles", description="How many times every neuron is shifted by a random lag."
    )
    seed: Annotated[int, Ge(0)] = Field(
        0, title="Seed", description="Start of the random numbers: equal seeds give equal results."
    )


SignificanceSettings = Annotated[ConditionalNull | PooledNull | MaximumNull, Field(discriminator="method")]


def significance(
    events: Events,
    roi_ids: ArrayLike,
    n_frames: int,
    frame_rate: float,
    coactivity: Coactivity,
    settings: SignificanceSettings = ConditionalNull(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> tuple[Coactivity, EnsembleEvents]:
    """Test the coactivity of every window against chance, and gather the ensemble events.

    Parameters
    ----------
    events : Events
    roi_ids : (n_rois,) int64
    n_frames : int
        At least 1.
    frame_rate : float
        Hz.
    coactivity : Coactivity
        Counts of these events, from :func:`~napari_calcium.ensembles.coactivity.coactivity`.
    settings : ConditionalNull or PooledNull or MaximumNull
    on_progress, executor
        For the shuffles, where they are asked for; the result does not depend on them.

    Returns
    -------
    coactivity : Coactivity
        The same windows with `expected`, `p_value`, `threshold` and `significant` filled in.
    ensemble_events : EnsembleEvents
        Significant windows, neighbours merged (see
        :func:`~napari_calcium.ensembles.moments.merge_windows`), with contributors. Its `expected_by_chance`
        is the number of times the count would rise above the threshold by chance alone.

    Raises
    ------
    ValueError
        If there is no frame, the frame rate is not above 0, or an event's cell is not in `roi_ids`.

    Notes
    -----
    Under a circular shift by a uniform random lag neuron i is active in a given window with a fixed
    probability p_i, whatever the others do, so the number of active neurons is exactly Poisson-binomial.
    This is what infinitely many shuffles converge to, and it has no smallest p-value. *conditional* lets
    the probability follow the slow rate g(t) of the population, ``1 - (1 - p_i)**g(t)``, with g from the
    surroundings of the window; the threshold is where the number of events that chance gives is the chosen
    share of those that are there (Benjamini–Hochberg on events rather than on overlapping windows). *pooled*
    has one distribution for all windows. *maximum* goes by the largest count of each shuffle.

    Cost: events + windows, and neurons × largest count × levels of the slow rate (steps of 2 %).

    It misleads where all cells share fast artefacts (motion, neuropil, light): these are coactivity, but not
    ensembles. *pooled* and *maximum* also take a shared slow rate for coactivity, and *pooled* always finds
    something. No null knows about ensembles whose events spread wider than the window.

    References
    ----------
    Hong 2013, doi:10.1016/j.csda.2012.10.006 (Poisson-binomial); Wenzel & Hamm 2021,
    doi:10.1016/j.jneumeth.2020.109046 (shift nulls for ensembles).
    """
    ids = np.asarray(roi_ids, np.int64)
    data = _prepared(events, ids, n_frames, check_frame_rate(frame_rate), coactivity)
    if isinstance(settings, ConditionalNull):
        smoothing, left_out = settings.smoothing * frame_rate, settings.left_out * frame_rate
        tested, by_chance = tested_windows(
            data, coactivity, settings.false_discovery_rate, smoothing, left_out
        )
    elif isinstance(settings, PooledNull):
        tested, by_chance = _pooled(data, coactivity, settings, on_progress, executor)
    else:
        tested, by_chance = _maximum(data, coactivity, settings, on_progress, executor)
    return tested, merge_windows(tested, data.rows, data.frames, ids, data.width, data.step, by_chance)


def _prepared(
    events: Events, roi_ids: NDArray[np.int64], n_frames: int, frame_rate: float, windows: Coactivity
) -> Grid:
    width = window_frames(windows.window_s, frame_rate, n_frames)
    rows, frames = events.rows(roi_ids), event_frames(events.onset_s, frame_rate, n_frames)
    runs = runs_of_windows(rows, frames, len(roi_ids), n_frames, width)
    return Grid(rows, frames, runs, width, frames_in(windows.step_s, frame_rate))


def _pooled(
    data: Grid, windows: Coactivity, settings: PooledNull, on_progress: Progress, executor: Executor | None
) -> tuple[Coactivity, float]:
    count = windows.active_neurons
    pmf, tail = _exact(data, count)
    if settings.shuffles:
        histogram, _ = shifted_counts(
            data.runs,
            len(count),
            data.step,
            settings.shuffles,
            settings.seed,
            on_progress=on_progress,
            executor=executor,
        )
        at_least = np.cumsum(histogram[::-1])[::-1]
        observed = (1 + at_least) / (1 + at_least[0])
        expected, share_below = _mean(histogram), 1 - np.append(at_least[1:], 0) / at_least[0]
    else:
        observed, expected, share_below = tail, _mean(pmf), 1 - np.append(tail[1:], 0)
    # A rounding error must not push the percentile one neuron up.
    threshold = int(np.argmax(share_below >= settings.percentile / 100 - 1e-12))
    tested = _with_threshold(windows, observed[count], expected, threshold)
    return tested, _events_above(data, pmf, tail, threshold, len(count))


def _maximum(
    data: Grid, windows: Coactivity, settings: MaximumNull, on_progress: Progress, executor: Executor | None
) -> tuple[Coactivity, float]:
    count = windows.active_neurons
    pmf, tail = _exact(data, count)
    _, maxima = shifted_counts(
        data.runs,
        len(count),
        data.step,
        settings.shuffles,
        settings.seed,
        on_progress=on_progress,
        executor=executor,
    )
    largest = np.sort(maxima)
    reached = settings.shuffles - np.searchsorted(largest, count)
    p = (1 + reached) / (1 + settings.shuffles)
    # The smallest count k whose p-value is still above alpha for k neurons is the threshold.
    allowed = int(settings.alpha * (1 + settings.shuffles)) - 1
    threshold = int(largest[settings.shuffles - 1 - max(allowed, 0)])
    tested = _with_threshold(windows, p, _mean(pmf), threshold)
    return tested, _events_above(data, pmf, tail, threshold, len(count))


def _exact(data: Grid, count: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the exact null of the shuffles: probabilities of exactly and of at least k active neurons."""
    chances = data.runs.coverage()
    # Counts beyond ten standard deviations (and beyond those that occur) have no weight that could be seen.
    reach = chances.sum() + 10 * np.sqrt((chances * (1 - chances)).sum()) + 40
    pmf = poisson_binomial(chances, max(int(reach), int(count.max(initial=0)) + 1))
    return pmf, upper_tail(pmf)


def _mean(weights: NDArray[np.float64] | NDArray[np.int64]) -> float:
    return float((np.arange(len(weights)) * weights).sum() / weights.sum())


def _with_threshold(
    windows: Coactivity, p: NDArray[np.float64], expected: float, threshold: int
) -> Coactivity:
    n = len(windows)
    return replace(
        windows,
        expected=np.full(n, expected),
        p_value=p,
        threshold=np.full(n, float(threshold)),
        significant=windows.active_neurons > threshold,
    )


def _events_above(
    data: Grid, pmf: NDArray[np.float64], tail: NDArray[np.float64], threshold: int, n_windows: int
) -> float:
    """Return how many events chance gives with more neurons than the threshold."""
    entries = None if data.entries is None else np.array([data.entries])
    null = CountNull(pmf[None], tail[None], np.array([n_windows]), entries)
    return float(null.events(np.append(tail, 0.0)[[threshold + 1]])[0])
