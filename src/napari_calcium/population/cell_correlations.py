"""The correlation stage: matrix, significant pairs, functional network, and correlation against distance."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from scipy import sparse

from napari_calcium.population.binned_activity import Activity, ActivityInput
from napari_calcium.population.correlation import correlation_matrix
from napari_calcium.population.distance_classes import DistanceClasses, distance_profile
from napari_calcium.population.functional_network import (
    Network,
    clustering_coefficients,
    modularity,
    modules,
    significant_pairs,
)
from napari_calcium.population.lagged import pair_lags
from napari_calcium.population.likeness_order import likeness_order
from napari_calcium.population.shift_test import shift_test
from napari_calcium.population.slow_trend import ComparedInput, without_slow
from napari_calcium.population.standardising import CorrelationMethod, ranked, standardised
from napari_calcium.progress import Progress, part, silent
from napari_calcium.results.population_results import Correlations, DistanceProfile, NetworkCells, Pairs
from napari_calcium.settings import Micrometres, Percent, Seconds

__all__ = ["CorrelationSettings", "correlate_cells"]


class CorrelationSettings(ComparedInput):
    """How pairs of cells are compared, and what makes a link of the functional network."""

    input: ActivityInput = Field(
        "events",
        title="Read",
        description="Which activity is correlated. Events tell best who belongs together (measured on "
        "simulated recordings); traces also hold what no event was found for.",
    )
    measure: CorrelationMethod = Field(
        "pearson",
        title="Measure",
        description="Pearson: linear. Spearman: by rank, so a few large transients count less. Cosine: "
        "without subtracting the mean, for events and spikes.",
    )
    false_discoveries: Annotated[Percent, Gt(0)] = Field(
        5.0,
        title="False discoveries",
        description="Share of the links that may be due to chance. Fewer and surer links with a lower one.",
    )
    negative: bool = Field(
        False,
        title="Negative links",
        description="Also test for pairs that avoid each other. Subtracted backgrounds make such pairs.",
    )
    shifts: Annotated[int, Ge(20), Le(1000)] = Field(
        100,
        title="Shifts",
        description="Circular shifts against which correlations are tested. More make the band of chance "
        "smoother.",
    )
    least_shift: Annotated[Seconds, Gt(0), Le(600)] = Field(
        10.0,
        title="Least shift",
        description="Shorter shifts are not used: they would keep some of the true relation. Several times "
        "the decay of the indicator.",
    )
    most_lag: Annotated[Seconds, Ge(0), Le(60)] = Field(
        3.0,
        title="Largest lag",
        description="For every significant pair the lag of its largest correlation is looked for so far; "
        "0 looks at none.",
    )
    distance_step: Annotated[Micrometres, Gt(0), Le(1000)] = Field(
        25.0,
        title="Step of distance",
        description="Width of the classes of distance between somata (in pixels where the pixel size is not "
        "known).",
    )
    seed: Annotated[int, Ge(0)] = Field(0, title="Seed", description="Draws the shifts.")


def correlate_cells(
    activity: Activity,
    roi_ids: ArrayLike,
    places: NDArray[np.float64] | None = None,
    unit: str = "µm",
    settings: CorrelationSettings = CorrelationSettings(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Correlations:
    """Correlate all pairs of cells, test them by circular shift, and describe the network of those that pass.

    Parameters
    ----------
    activity : Activity
        Of all cells, in bins.
    roi_ids : (n_rois,) int64
    places : (n_rois, 2) float64, optional
        Centres of the somata, NaN for a cell without one; without them there is no profile of distance.
    unit : str
        Of the places: ``"µm"`` or ``"px"``.
    settings : CorrelationSettings
    on_progress, executor
        As in :func:`~napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    Correlations
        Constant and empty cells have NaN in the matrix, no link and module 0. With no cell, one cell, or a
        recording shorter than two of the least shifts, tables are empty or say NaN.

    Notes
    -----
    Cost: about 1.5 products of cells² · bins for matrix and spread, and the shifted part. Memory: four arrays
    of cells² numbers of 4 bytes and two of cells · bins; never cells² · bins.

    Gaps count as the cell's mean in the test, while the matrix takes each pair over its common samples.
    """
    ids = np.asarray(roi_ids, np.int64)
    x = without_slow(activity.values, activity.frames(settings.slow, at_least=0))
    matrix = correlation_matrix(
        x, settings.measure, on_progress=part(on_progress, 0.0, 0.35), executor=executor
    )
    z = standardised(ranked(x) if settings.measure == "spearman" else x)
    classes = DistanceClasses.over(places, settings.distance_step, unit) if places is not None else None
    test = shift_test(
        z,
        n_shifts=settings.shifts,
        least_shift=activity.frames(settings.least_shift),
        seed=settings.seed,
        two_sided=settings.negative,
        classes=classes if classes is not None and classes.n_classes else None,
        n_classes=classes.n_classes if classes is not None else 0,
        on_progress=part(on_progress, 0.35, 0.9),
        executor=executor,
    )
    # Cosine keeps the mean, which no shift changes: its links are those of the centred rows.
    tested = matrix if settings.measure != "cosine" else correlation_matrix(x, executor=executor)
    network = significant_pairs(tested, test, settings.false_discoveries / 100)
    cells, quality = _cells(matrix, network, tested, ids)
    on_progress(95, 100)
    pairs = _pairs(matrix, network, ids, z, activity, settings.most_lag)
    profile = DistanceProfile(unit=unit) if classes is None else distance_profile(matrix, classes, test)
    on_progress(100, 100)
    return Correlations(
        matrix,
        cells,
        pairs,
        profile,
        settings.measure,
        activity.name,
        activity.unit,
        activity.bin_s,
        network.n_pairs,
        settings.false_discoveries / 100,
        quality,
    )


def _cells(
    matrix: NDArray[np.float32], network: Network, tested: NDArray[np.float32], ids: NDArray[np.int64]
) -> tuple[NetworkCells, float]:
    n = len(matrix)
    links = sparse.csr_array(network.adjacency.astype(np.float64))
    row = np.repeat(np.arange(n), np.diff(links.indptr))
    links.data[:] = np.abs(tested[row, links.indices])
    module = modules(links)
    position = np.empty(n, np.int64)
    position[likeness_order(matrix)] = np.arange(n)
    others = np.isfinite(matrix).sum(axis=1) - np.isfinite(np.diagonal(matrix))
    total = np.nansum(matrix, axis=1, dtype=np.float64) - np.nan_to_num(np.diagonal(matrix))
    mean = np.where(others > 0, total / np.maximum(others, 1), np.nan)
    degree = network.adjacency.sum(axis=1).astype(np.int64)
    clustering = clustering_coefficients(network.adjacency)
    return NetworkCells(ids, mean, degree, clustering, module, position), modularity(links, module)


def _pairs(
    matrix: NDArray[np.float32],
    network: Network,
    ids: NDArray[np.int64],
    z: NDArray[np.float32],
    activity: Activity,
    most_lag_s: float,
) -> Pairs:
    a, b = network.row_a, network.row_b
    value = matrix[a, b].astype(np.float64)
    most = min(activity.frames(most_lag_s, at_least=0), activity.n_bins - 1)
    peak, lag = pair_lags(z, a, b, most) if most > 0 else (value, np.zeros(len(a), np.int64))
    return Pairs(
        ids[a],
        ids[b],
        value,
        network.z_score,
        network.p_value,
        network.q_value,
        peak,
        np.asarray(lag * activity.bin_s, np.float64),
    )
