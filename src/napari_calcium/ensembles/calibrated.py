"""Calibrated detection of ensembles: both views, joint refinement, and a test that can answer "none"."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from numpy.typing import NDArray
from pydantic import Field
from threadpoolctl import threadpool_limits

from napari_calcium.ensembles.conditional_null import Grid, tested_windows
from napari_calcium.ensembles.covariation import covariation, strongest
from napari_calcium.ensembles.moments import merge_windows
from napari_calcium.ensembles.patterns import event_groups, independent_patterns, outstanding, two_classes
from napari_calcium.ensembles.refinement import Refined, Rules, refine
from napari_calcium.ensembles.similarity import contributor_matrix
from napari_calcium.ensembles.tabulate import Group
from napari_calcium.ensembles.trains import Trains
from napari_calcium.numerics.binning import frames_in, runs_of_windows, window_counts
from napari_calcium.numerics.blocks import map_blocks
from napari_calcium.progress import Progress, part, silent
from napari_calcium.results.tables import Coactivity
from napari_calcium.settings import Seconds, Settings

__all__ = ["CalibratedEnsembles", "calibrated_groups"]

_EXTRA_SHARE = 1 / 3
_STRONG_SD = 2.5
_EVENT_RATE = 0.05
_MOST_EVENTS = 4000  # of more ensemble events only the most significant serve as first guesses


class CalibratedEnsembles(Settings):
    """Finds ensembles by what neurons do together beyond chance, and none where there are none."""

    method: Literal["calibrated"] = "calibrated"
    least_members: Annotated[int, Ge(3), Le(1000)] = Field(
        4, title="Least members", description="Ensembles with fewer neurons are dropped."
    )
    least_activations: Annotated[int, Ge(3), Le(1000)] = Field(
        5, title="Least activations", description="Ensembles that are active less often are dropped."
    )
    activation_rate: Annotated[float, Gt(0), Lt(0.5)] = Field(
        0.05,
        title="False activations",
        description="Share of the activations of an ensemble that may be chance (false-discovery rate). "
        "Lower it for fewer, surer activations.",
    )
    member_rate: Annotated[float, Gt(0), Lt(0.5)] = Field(
        0.05,
        title="False members",
        description="Share of the members of an ensemble that may be chance (false-discovery rate).",
    )
    spread: Annotated[Seconds, Ge(0), Le(5)] = Field(
        0.2,
        title="Spread",
        description="How much before or after the window of an activation a member's event may come and "
        "still count. Lengthen it if events are detected late or ensembles unfold slowly.",
    )
    core_participation: Annotated[float, Gt(0), Le(1)] = Field(
        0.5,
        title="Core participation",
        description="Members that take part in at least this share of the activations are core members.",
    )
    smoothing: Annotated[Seconds, Gt(0), Le(600)] = Field(
        5.0,
        title="Slow rate",
        description="Standard deviation of the Gaussian over which the population's rate is averaged. Slower "
        "changes, shared by all neurons, do not make ensembles.",
    )
    left_out: Annotated[Seconds, Ge(0), Le(60)] = Field(
        1.0,
        title="Left out",
        description="Time before and after a window that does not count towards the slow rate.",
    )
    surrogates: Annotated[int, Ge(10), Le(1000)] = Field(
        20,
        title="Surrogates",
        description="Copies of the recording with every neuron shifted by its own lag. They set how strong "
        "covariation must be, and the same search on each of them tells how many ensembles chance gives.",
    )
    seed: Annotated[int, Ge(0)] = Field(
        0, title="Seed", description="Start of the random numbers: equal seeds give equal results."
    )

    def rules(self, frame_rate: float) -> Rules:
        """Return the rules of the refinement."""
        return Rules(
            self.least_members,
            self.least_activations,
            self.activation_rate,
            self.member_rate,
            frames_in(self.spread, frame_rate, at_least=0),
        )


def calibrated_groups(
    trains: Trains,
    settings: CalibratedEnsembles,
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> tuple[list[Group], float]:
    """Find ensembles by covariation of neurons and overlap of ensemble events, refined together.

    Parameters
    ----------
    trains : Trains
    settings : CalibratedEnsembles
    on_progress, executor
        For the surrogates; the result does not depend on them.

    Returns
    -------
    groups : list of Group
        In no particular order.
    expected_by_chance : float
        Mean number of ensembles the same search finds on a shifted copy.

    Notes
    -----
    1. Covariation: the neurons × windows raster is whitened (0 expected, 1 variance, given each neuron's
       rate, the slow rate of the population, and how many neurons are active in the window); the
       directions stronger than the strongest of shifted copies (mean + 2.5 SD) say whether there are
       ensembles and about how many. Independent component analysis turns them, and a few weaker ones, into
       first guesses.
    2. The guesses are refined together (:func:`~napari_calcium.ensembles.refinement.refine`).
    3. Ensemble events (of the exact null at the slow rate, whatever the significance stage used) in which no
       ensemble is active yet are grouped by the neurons they share beyond chance; the neurons that recur in
       a group are further guesses, and all are refined once more. This finds ensembles that are large but
       rarely active.
    4. The same search runs on every shifted copy.

    Matrices are sparse; beyond 1500 neurons directions come from Lanczos iterations. Cost: events × (a few
    hundred + surrogates × about 50).
    """
    if not len(trains.rows):
        return [], 0.0
    copies = partial(_copy_strength, trains, settings.seed)
    blocks = map_blocks(
        copies, settings.surrogates, 1, on_progress=part(on_progress, 0.0, 0.5), executor=executor
    )
    strength = np.array([value for _, value in blocks])
    above = float(strength.mean() + _STRONG_SD * strength.std(ddof=1))
    with threadpool_limits(limits=1, user_api="blas"):
        found = _search(trains, above, settings)
    again = map_blocks(
        partial(_copy_search, trains, strength, above, settings),
        settings.surrogates,
        1,
        on_progress=part(on_progress, 0.6, 1.0),
        executor=executor,
    )
    by_chance = float(np.mean([number for _, number in again]))
    return [_group(trains, ensemble) for ensemble in found], by_chance


def _copy(trains: Trains, seed: int, number: int) -> Trains:
    return trains.shifted(np.random.default_rng([seed, number]))


def _copy_strength(trains: Trains, seed: int, block: slice) -> float:
    return strongest(_copy(trains, seed, block.start))


def _copy_search(
    trains: Trains,
    strength: NDArray[np.float64],
    above: float,
    settings: CalibratedEnsembles,
    block: slice,
) -> int:
    """Count the ensembles that the search finds on one shifted copy."""
    # Where the strongest direction is too weak, the search need not look at the others.
    needed = above if strength[block.start] > above else np.inf
    return len(_search(_copy(trains, settings.seed, block.start), needed, settings))


def _search(trains: Trains, above: float, settings: CalibratedEnsembles) -> list[Refined]:
    rules = settings.rules(trains.frame_rate)
    found: list[Refined] = []
    if np.isfinite(above):
        strong, directions = covariation(trains, above, _EXTRA_SHARE)
        if strong:
            weights = independent_patterns(directions, settings.seed)
            found = refine(trains, outstanding(weights) + two_classes(weights), rules)
    more = event_groups(_unexplained(trains, found), trains.coverage, settings.least_activations)
    return refine(trains, [*(f.members for f in found), *more], rules) if more else found


def _unexplained(trains: Trains, found: list[Refined]) -> NDArray[np.float32]:
    """Return who contributes to the ensemble events in which no ensemble was found active.

    The events are those under the exact null at the slow rate.
    """
    runs = runs_of_windows(trains.rows, trains.frames, trains.n_rois, trains.n_frames, trains.width)
    grid = Grid(trains.rows, trains.frames, runs, trains.width, 1)
    count = window_counts(trains.rows, trains.frames, trains.n_rois, trains.n_frames, trains.width)
    unknown = np.full(len(count), np.nan)
    windows = Coactivity(
        np.arange(len(count)) / trains.frame_rate,
        count,
        unknown,
        unknown,
        unknown,
        np.zeros(len(count), bool),
        trains.width / trains.frame_rate,
        1 / trains.frame_rate,
    )
    tested, by_chance = tested_windows(grid, windows, _EVENT_RATE, trains.smoothing, trains.left_out)
    ids = np.arange(trains.n_rois)
    events = merge_windows(tested, trains.rows, trains.frames, ids, trains.width, 1, by_chance)
    taken = np.sort(np.concatenate([[-np.inf, np.inf], *(f.starts for f in found)])) / trains.frame_rate
    start = events.peak_s - windows.window_s / 2
    after = np.searchsorted(taken, start)
    free = np.minimum(taken[after] - start, start - taken[after - 1]) > windows.window_s
    events = events.take(free)
    best = np.sort(np.argsort(events.p_value, kind="stable")[:_MOST_EVENTS])
    return contributor_matrix(events.take(best), ids)


def _group(trains: Trains, found: Refined) -> Group:
    """Return an ensemble with times in seconds: the centres of its windows."""
    table, members = found.table, found.members
    return Group(
        members,
        table.participation[members],
        table.participation[members] / table.expected[members],
        table.q_value[members],
        np.asarray((found.starts + trains.width / 2) / trains.frame_rate, np.float64),
        found.p_value,
        found.count,
    )
