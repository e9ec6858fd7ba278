"""Ensembles as independent components of the binned raster: a widely used method, for comparison."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from numpy.typing import NDArray
from pydantic import Field
from threadpoolctl import threadpool_limits

from napari_calcium.ensembles.covariation import Covariation, Raster, decomposed, standardised
from napari_calcium.ensembles.patterns import independent_patterns, outstanding
from napari_calcium.ensembles.tabulate import Group
from napari_calcium.ensembles.trains import Trains
from napari_calcium.numerics.blocks import map_blocks
from napari_calcium.numerics.fdr import q_values
from napari_calcium.progress import Progress, part, silent
from napari_calcium.settings import Percent, Settings

__all__ = ["IcaEnsembles", "component_groups"]


class IcaEnsembles(Settings):
    """Independent component analysis of binned activity, above what random matrices or shifts give."""

    method: Literal["ica"] = "ica"
    threshold: Literal["shift", "marcenko_pastur"] = Field(
        "shift",
        title="Threshold",
        description="Which components count: stronger than those of shifted copies, or than the "
        "Marcenko–Pastur limit of a random matrix (which takes a shared slow rate for an ensemble).",
    )
    deviations: Annotated[float, Gt(0), Le(10)] = Field(
        2.0,
        title="Member above",
        description="A neuron is a member if its weight lies so many SD above the mean weight.",
    )
    percentile: Annotated[Percent, Gt(50), Lt(100)] = Field(
        99.9,
        title="Activation percentile",
        description="An ensemble is active where its expression exceeds this percentile of that in the "
        "shifted copies.",
    )
    core_participation: Annotated[float, Gt(0), Le(1)] = Field(
        0.5,
        title="Core participation",
        description="Members that take part in at least this share of the activations are core members.",
    )
    surrogates: Annotated[int, Ge(10), Le(1000)] = Field(
        20, title="Surrogates", description="Copies with every neuron shifted by its own lag."
    )
    seed: Annotated[int, Ge(0)] = Field(
        0, title="Seed", description="Start of the random numbers: equal seeds give equal results."
    )


def component_groups(
    trains: Trains,
    settings: IcaEnsembles,
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> tuple[list[Group], float]:
    """Find ensembles as independent components of bins side by side, each neuron standardised.

    Returns
    -------
    groups : list of Group
        In no particular order.
    expected_by_chance : float
        Mean number of components of a shifted copy that pass the threshold.

    References
    ----------
    Lopes-dos-Santos, Ribeiro & Tort 2013, J. Neurosci. Methods 220:149,
    doi:10.1016/j.jneumeth.2013.04.010; Marčenko & Pastur 1967, Math. USSR Sb. 1:457,
    doi:10.1070/SM1967v001n04ABEH001994.
    """
    if not len(trains.rows) or trains.n_rois < 2:
        return [], 0.0
    blocks = map_blocks(
        partial(_copy_values, trains, settings.seed),
        settings.surrogates,
        1,
        on_progress=part(on_progress, 0.0, 0.6),
        executor=executor,
    )
    by_chance = [values for _, values in blocks]
    with threadpool_limits(limits=1, user_api="blas"):
        raster = standardised(trains)
        values, vectors = _strengths(raster)
        above = _threshold(settings, raster, by_chance)
        strong = int((values > above).sum())
        number = float(np.mean([(copy > above).sum() for copy in by_chance]))
        if not strong:
            return [], number
        vectors = vectors[:, :strong]
        found = Covariation(values[:strong], vectors, raster.project(vectors).T)
        weights = independent_patterns(found, settings.seed)
        weights /= np.linalg.norm(weights, axis=0)
    patterns = [
        _Pattern(np.flatnonzero(np.isin(np.arange(trains.n_rois), rows)), weights[:, k])
        for k, rows in enumerate(outstanding(weights, settings.deviations))
        if len(rows) >= 2
    ]
    groups = _activated(trains, raster, patterns, settings, part(on_progress, 0.6, 1.0), executor)
    return groups, number


@dataclass(frozen=True)
class _Pattern:
    members: NDArray[np.int64]
    weights: NDArray[np.float64]


def _strengths(raster: Raster) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the largest eigenvalues of the correlation matrix, and their vectors."""
    n_rois, n_windows = raster.sparse.shape
    values, vectors = decomposed(raster, n_rois, 100)
    return values / n_windows + 1, vectors


def _threshold(settings: IcaEnsembles, raster: Raster, by_chance: list[NDArray[np.float64]]) -> float:
    if settings.threshold == "shift":
        return float(np.percentile([values.max(initial=1.0) for values in by_chance], 95))
    n_rois, n_windows = raster.sparse.shape
    return float((1 + np.sqrt(n_rois / n_windows)) ** 2)


def _copy_of(trains: Trains, seed: int, number: int) -> Trains:
    return trains.shifted(np.random.default_rng([seed, number]))


def _copy_values(trains: Trains, seed: int, block: slice) -> NDArray[np.float64]:
    return _strengths(standardised(_copy_of(trains, seed, block.start)))[0]


def expression(raster: Raster, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how strongly a pattern is expressed in each bin: pairs of its neurons active together.

    The square of the projection less each neuron's own part, so that one neuron alone expresses nothing;
    0 where the projection is negative.
    """
    course = raster.project(weights[:, None])[:, 0]
    own = raster.transposed.copy()
    silent_part = raster.by_row[own.indices]
    own.data = (own.data - silent_part) ** 2 - silent_part**2
    alone = own @ weights**2 + weights**2 @ raster.by_row**2
    return np.where(course > 0, course**2 - alone, 0.0)


def _copy_expression(
    trains: Trains, patterns: list[_Pattern], seed: int, block: slice
) -> list[NDArray[np.float64]]:
    raster = standardised(_copy_of(trains, seed, block.start))
    return [expression(raster, pattern.weights) for pattern in patterns]


def _activated(
    trains: Trains,
    raster: Raster,
    patterns: list[_Pattern],
    settings: IcaEnsembles,
    on_progress: Progress,
    executor: Executor | None,
) -> list[Group]:
    work = partial(_copy_expression, trains, patterns, settings.seed)
    blocks = map_blocks(work, settings.surrogates, 1, on_progress=on_progress, executor=executor)
    copies = [values for _, values in blocks]
    groups = []
    for k, pattern in enumerate(patterns):
        by_chance = np.sort(np.concatenate([values[k] for values in copies]))
        group = _group(trains, pattern, expression(raster, pattern.weights), by_chance, settings.percentile)
        if len(group.times_s):
            groups.append(group)
    return groups


def _group(
    trains: Trains,
    pattern: _Pattern,
    strength: NDArray[np.float64],
    by_chance: NDArray[np.float64],
    percentile: float,
) -> Group:
    from scipy.special import bdtrc

    above = np.flatnonzero(strength > np.percentile(by_chance, percentile))
    first = above[np.diff(above, prepend=-2) > 1]
    starts = first * trains.width
    offsets, rows = trains.active(starts, starts + trains.width)
    hits = np.bincount(rows, minlength=trains.n_rois)[pattern.members]
    share = hits / max(len(starts), 1)
    usual = trains.coverage[pattern.members]
    tail = np.where(hits > 0, bdtrc(np.maximum(hits - 1, 0), max(len(starts), 1), usual), 1.0)
    mine = np.concatenate([[0], np.cumsum(np.isin(rows, pattern.members))])
    reached = len(by_chance) - np.searchsorted(by_chance, strength[first])
    return Group(
        pattern.members,
        share,
        share / np.maximum(usual, 1e-12),
        q_values(np.clip(tail, 0, 1)),
        np.asarray((starts + trains.width / 2) / trains.frame_rate, np.float64),
        (1 + reached) / (1 + len(by_chance)),
        np.diff(mine[offsets]),
    )
