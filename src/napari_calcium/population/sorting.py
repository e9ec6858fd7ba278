"""Orders in which cells stand below each other, also computed on other time than is shown."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from threadpoolctl import threadpool_limits

from napari_calcium.population.binned_activity import Activity, PopulationInput
from napari_calcium.population.chain_sorting import chain_order
from napari_calcium.population.correlation import correlation_matrix
from napari_calcium.population.coupling import population_coupling
from napari_calcium.population.lagged import lagged_correlation
from napari_calcium.population.likeness_order import likeness_order
from napari_calcium.population.principal_components import leading_components
from napari_calcium.population.standardising import standardised
from napari_calcium.results.population_results import CellOrder
from napari_calcium.settings import Seconds

__all__ = [
    "SortAlongChain",
    "SortByBehaviour",
    "SortByComponent",
    "SortByEnsemble",
    "SortById",
    "SortByLikeness",
    "SortByPopulation",
    "SortByRate",
    "SortBySignal",
    "SortingSettings",
    "held_in",
    "sort_cells",
]


class _Sorting(PopulationInput):
    held_out: bool = Field(
        False,
        title="Show held-out time",
        description="The order is made on every other block of time, and the Activity dock shows the blocks "
        "between. Sorting and showing the same data invents structure; what is still there is real.",
    )
    block: Annotated[Seconds, Gt(0), Le(3600)] = Field(
        30.0, title="Block", description="Length of the blocks, where time is held out."
    )


class SortById(_Sorting):
    """As the file has them."""

    method: Literal["id"] = "id"


class SortByRate(_Sorting):
    """Most active cell on top: by the mean of what is read (events: the event rate)."""

    method: Literal["rate"] = "rate"


class SortByComponent(_Sorting):
    """By the weight in a principal component: cells that go together at one end."""

    method: Literal["component"] = "component"
    component: Annotated[int, Ge(1), Le(30)] = Field(1, title="Component", description="Which one.")


class SortByLikeness(_Sorting):
    """By the leaves of a hierarchical clustering of correlations."""

    method: Literal["hierarchical"] = "hierarchical"


class SortByPopulation(_Sorting):
    """By population coupling: choristers on top, soloists at the bottom."""

    method: Literal["population"] = "population"


class SortBySignal(_Sorting):
    """By the correlation with one cell's activity, at any lag up to the largest."""

    method: Literal["signal"] = "signal"
    cell: Annotated[int, Ge(0)] = Field(
        0, title="Cell", description="Id of the cell with which the others are compared."
    )
    most_lag: Annotated[Seconds, Ge(0), Le(60)] = Field(
        0.0, title="Largest lag", description="The largest correlation at any lag so far counts."
    )


class SortByBehaviour(_Sorting):
    """By the correlation with a signal of the behaviour, at any lag up to the largest."""

    method: Literal["behaviour"] = "behaviour"
    signal: str | None = Field(
        None,
        title="Signal",
        description="Name of a signal of the behaviour, such as speed. Leave empty to take the first one.",
    )
    most_lag: Annotated[Seconds, Ge(0), Le(60)] = Field(
        0.0, title="Largest lag", description="The largest correlation at any lag so far counts."
    )


class SortByEnsemble(_Sorting):
    """Members of an ensemble together, those that take part most first."""

    method: Literal["ensemble"] = "ensemble"


class SortAlongChain(_Sorting):
    """Neighbours alike, along one line: brings out sequences and gradients."""

    method: Literal["chain"] = "chain"
    seed: Annotated[int, Ge(0)] = Field(0, title="Seed", description="Where the grouping starts.")


SortingSettings = Annotated[
    SortAlongChain
    | SortByLikeness
    | SortByComponent
    | SortByPopulation
    | SortBySignal
    | SortByBehaviour
    | SortByRate
    | SortByEnsemble
    | SortById,
    Field(discriminator="method"),
]


def sort_cells(
    activity: Activity,
    roi_ids: ArrayLike,
    settings: SortingSettings = SortAlongChain(),
    *,
    ensemble_order: ArrayLike | None = None,
    signal: ArrayLike | None = None,
) -> CellOrder:
    """Put cells in an order.

    Parameters
    ----------
    activity : Activity
    roi_ids : (n_rois,) int64
    settings : SortingSettings
        A recording that is shorter than two blocks of held-out time is cut into its halves.
    ensemble_order : (n_rois,) int64, optional
        Rows as the ensembles have them, for ``method="ensemble"``.
    signal : (n_bins,), optional
        Course of the behaviour in the bins of the activity, for ``method="behaviour"``; NaN, where it is not
        known, counts as its mean.

    Returns
    -------
    CellOrder
        Ids from top to bottom. Cells of which nothing is known (constant, empty) come last, and what is equal
        keeps its order.

    Raises
    ------
    ValueError
        If the cell with which others are to be compared is not there, or the order of the ensembles or the
        signal is not given.
    """
    ids = np.asarray(roi_ids, np.int64)
    block = min(activity.frames(settings.block), (activity.n_bins + 1) // 2) if settings.held_out else 0
    inside = held_in(activity.n_bins, block)
    values = activity.values[:, inside]
    course = None if signal is None else np.asarray(signal, np.float32)[inside]
    # One thread: the same bytes on any machine, and small matrices are quicker so.
    with threadpool_limits(limits=1, user_api="blas"):
        order, by = _order(values, activity, ids, settings, ensemble_order, course)
    return CellOrder(
        ids[order],
        by[order],
        settings.method,
        activity.name,
        block * activity.bin_s,
        activity.n_bins * activity.bin_s,
    )


def held_in(n_bins: int, block: int) -> NDArray[np.bool_]:
    """Return the bins that make the order: every other block, the first included; all where block is 0."""
    if block <= 0:
        return np.ones(n_bins, bool)
    return np.asarray((np.arange(n_bins) // block) % 2 == 0)


def _order(
    x: NDArray[np.float32],
    activity: Activity,
    ids: NDArray[np.int64],
    settings: SortingSettings,
    ensemble_order: ArrayLike | None,
    signal: NDArray[np.float32] | None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return rows from top to bottom, and the value of every row by which it was sorted."""
    nothing = np.full(len(x), np.nan)
    if isinstance(settings, SortById):
        return np.argsort(ids, kind="stable"), nothing
    if isinstance(settings, SortByEnsemble):
        if ensemble_order is None:
            raise ValueError("there are no ensembles to sort by; find ensembles first")
        return np.asarray(ensemble_order, np.int64), nothing
    if isinstance(settings, SortByLikeness):
        return likeness_order(correlation_matrix(x)), nothing
    if isinstance(settings, SortAlongChain):
        return chain_order(standardised(x), seed=settings.seed), nothing
    if isinstance(settings, SortBySignal | SortByBehaviour):
        values = _likeness(
            x, _compared(x, ids, settings, signal), activity.frames(settings.most_lag, at_least=0)
        )
    else:
        values = _values(x, settings)
    return np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable"), values


def _values(
    x: NDArray[np.float32], settings: SortByRate | SortByComponent | SortByPopulation
) -> NDArray[np.float64]:
    if isinstance(settings, SortByRate):
        there = ~np.isnan(x)
        total = np.where(there, x, 0).sum(axis=1, dtype=np.float64)
        count = there.sum(axis=1)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)
    if isinstance(settings, SortByPopulation):
        return population_coupling(x)[0]
    z = standardised(x)
    values, cells, _ = leading_components(z, settings.component)
    if cells.shape[1] < settings.component:
        return np.full(len(x), np.nan)
    return np.where(z.any(axis=1), cells[:, -1] * np.sqrt(values[-1]), np.nan)


def _compared(
    x: NDArray[np.float32],
    ids: NDArray[np.int64],
    settings: SortBySignal | SortByBehaviour,
    signal: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    """Return the course with which all cells are compared."""
    if isinstance(settings, SortByBehaviour):
        if signal is None:
            raise ValueError("there is no signal of the behaviour to sort by; align the behaviour first")
        return signal
    row = np.flatnonzero(ids == settings.cell)
    if not len(row):
        raise ValueError(f"there is no cell {settings.cell} to compare the others with; choose another")
    course: NDArray[np.float32] = x[row[0]]
    return course


def _likeness(x: NDArray[np.float32], course: NDArray[np.float32], most_lag: int) -> NDArray[np.float64]:
    """Return the largest correlation of each cell with a course at any lag; NaN where there is none."""
    with np.errstate(invalid="ignore"):
        lags = lagged_correlation(x, course, min(most_lag, x.shape[1] - 1))
    known = np.isfinite(lags).any(axis=1)
    best = np.nan_to_num(lags, nan=-np.inf).max(axis=1, initial=-np.inf)
    return np.where(known, best, np.nan).astype(np.float64)
