"""What the stages of the population say of each neuron, for the table of cells and its colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_calcium.recording import Recording
from napari_calcium.results.population_results import Components, Correlations, Coupling

__all__ = ["population_numbers"]

Number = tuple[str, str, str, NDArray[np.float64]]
"""Key, heading, one sentence, and the value of every neuron."""

_MOST_COMPONENTS = 10


def population_numbers(recording: Recording) -> list[Number]:
    """Return the numbers that the population's stages give to each neuron, those that have run.

    Returns
    -------
    list of (key, heading, sentence, (n_rois,) float64)
        In the order of the recording's neurons; NaN where not defined.
    """
    population = recording.population
    if population is None:
        return []
    numbers: list[Number] = []
    if population.coupling is not None:
        numbers += _of_coupling(population.coupling)
    if population.correlation is not None:
        numbers += _of_correlation(population.correlation)
    if population.clusters is not None:
        found = population.clusters
        cluster = np.where(found.cluster > 0, found.cluster, np.nan)
        numbers.append(("cluster", "Cluster", "Cluster of neurons with like activity.", cluster))
        about = "How well it fits its cluster: 1 well, 0 between two, below 0 better in another."
        numbers.append(("silhouette", "Silhouette", about, found.silhouette))
    if population.dimensionality is not None:
        numbers += _of_components(population.dimensionality)
    if population.sorting is not None:
        place = np.full(recording.n_rois, np.nan)
        place[recording.rows(population.sorting.roi_id)] = np.arange(1, len(population.sorting) + 1)
        numbers.append(("sorting", "Place", "Place from the top in the order of the stage Sorting.", place))
    return [(key, title, about, np.asarray(v, np.float64)) for key, title, about, v in numbers]


def _of_coupling(found: Coupling) -> list[Number]:
    cells = found.cells
    chorister = np.where(np.isfinite(cells.coupling), cells.chorister, np.nan).astype(np.float64)
    return [
        (
            "population_coupling",
            "Coupling",
            f"Correlation of its {found.input.replace('_', '-')} activity with that of all others together.",
            cells.coupling,
        ),
        ("coupling_q", "Coupling q", "False-discovery rate at which it is coupled.", cells.q_value),
        ("chorister", "Chorister", "1: significantly coupled to the others. 0: a soloist.", chorister),
    ]


def _of_correlation(found: Correlations) -> list[Number]:
    cells = found.cells
    module = np.where(cells.module > 0, cells.module, np.nan)
    mean = "Mean correlation with all other neurons."
    degree = f"Partners in the functional network (false-discovery rate {100 * found.alpha:.3g} %)."
    return [
        ("mean_correlation", "Mean correlation", mean, cells.mean_correlation),
        ("degree", "Degree", degree, cells.degree.astype(np.float64)),
        ("clustering", "Clustering", "Share of its partners' pairs that are linked too.", cells.clustering),
        ("module", "Module", "Module of the functional network; none without a partner.", module),
    ]


def _of_components(found: Components) -> list[Number]:
    title = {"pca": "PC", "ica": "IC", "nmf": "NMF", "factor_analysis": "Factor", "umap": "UMAP"}[
        found.method
    ]
    return [
        (
            f"component_{k + 1}",
            f"{title} {k + 1}",
            f"Its weight in component {k + 1}.",
            found.loadings[:, k].astype(np.float64),
        )
        for k in range(min(found.loadings.shape[1], _MOST_COMPONENTS))
    ]
