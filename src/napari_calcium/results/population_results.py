"""What the stages of the population find: immutable tables, named as the results folder names them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_calcium.results.records import Record
from napari_calcium.results.tables import Table, empty_column

__all__ = [
    "PARTS",
    "CellClusters",
    "CellCoupling",
    "CellOrder",
    "ClusterNumbers",
    "Components",
    "Correlations",
    "Coupling",
    "DistanceProfile",
    "NetworkCells",
    "Pairs",
    "Population",
    "PopulationActivity",
    "Spectrum",
]


def _matrix() -> Any:
    return field(default_factory=lambda: np.empty((0, 0), np.float32))


@dataclass(frozen=True, eq=False)
class PopulationActivity(Table):
    """The population over time.

    Attributes
    ----------
    time_s : (n_bins,) float64
        Centre of each bin.
    activity : (n_bins,) float64
        Mean (or sum) of all cells that have a sample in the bin, in `unit`; NaN where none has.
    smoothed : (n_bins,) float64
        The same, smoothed.
    n_cells : (n_bins,) int64
        How many cells had a sample.
    input, unit : str
        What was read: ``"denoised"``, ``"events"`` …, and its unit.
    statistic : str
        ``"mean"`` or ``"sum"`` over cells.
    bin_s : float
    """

    time_s: NDArray[np.float64] = empty_column(np.float64)
    activity: NDArray[np.float64] = empty_column(np.float64)
    smoothed: NDArray[np.float64] = empty_column(np.float64)
    n_cells: NDArray[np.int64] = empty_column(np.int64)
    input: str = "denoised"
    unit: str = "ΔF/F"
    statistic: str = "mean"
    bin_s: float = 0.5


@dataclass(frozen=True, eq=False)
class Pairs(Table):
    """Pairs of cells whose correlation a circular shift does not give.

    Attributes
    ----------
    roi_id_a, roi_id_b : (n_pairs,) int64
    correlation : (n_pairs,) float64
        At lag 0.
    z_score : (n_pairs,) float64
        Correlation over its own spread under all circular shifts.
    p_value, q_value : (n_pairs,) float64
        Pooled p-value, and the false-discovery rate at which the pair is significant.
    peak_correlation : (n_pairs,) float64
        Largest correlation at any lag that was looked at, and
    peak_lag_s : (n_pairs,) float64
        that lag: above 0 b follows a.
    """

    roi_id_a: NDArray[np.int64] = empty_column(np.int64)
    roi_id_b: NDArray[np.int64] = empty_column(np.int64)
    correlation: NDArray[np.float64] = empty_column(np.float64)
    z_score: NDArray[np.float64] = empty_column(np.float64)
    p_value: NDArray[np.float64] = empty_column(np.float64)
    q_value: NDArray[np.float64] = empty_column(np.float64)
    peak_correlation: NDArray[np.float64] = empty_column(np.float64)
    peak_lag_s: NDArray[np.float64] = empty_column(np.float64)


@dataclass(frozen=True, eq=False)
class DistanceProfile(Table):
    """Mean correlation against the distance of two somata.

    Attributes
    ----------
    distance_from, distance_to : (n,) float64
        Edges of each class of distances, in `unit`.
    n_pairs : (n,) int64
    correlation : (n,) float64
        Mean over the pairs of the class; NaN where there is none.
    chance_low, chance_high : (n,) float64
        2.5th and 97.5th percentile of the same mean under circular shifts.
    p_value : (n,) float64
        Two-sided, of the shifts.
    unit : str
        ``"µm"``, or ``"px"`` where the size of a pixel is not known.
    """

    distance_from: NDArray[np.float64] = empty_column(np.float64)
    distance_to: NDArray[np.float64] = empty_column(np.float64)
    n_pairs: NDArray[np.int64] = empty_column(np.int64)
    correlation: NDArray[np.float64] = empty_column(np.float64)
    chance_low: NDArray[np.float64] = empty_column(np.float64)
    chance_high: NDArray[np.float64] = empty_column(np.float64)
    p_value: NDArray[np.float64] = empty_column(np.float64)
    unit: str = "µm"


@dataclass(frozen=True, eq=False)
class NetworkCells(Table):
    """Each cell in the matrix and in the functional network.

    Attributes
    ----------
    roi_id : (n_rois,) int64
    mean_correlation : (n_rois,) float64
        With all other cells; NaN where it has none.
    degree : (n_rois,) int64
        Significant partners.
    clustering : (n_rois,) float64
        Share of its partners' pairs that are linked too; NaN below two partners.
    module : (n_rois,) int64
        1 for the largest module; 0 for a cell without partner.
    position : (n_rois,) int64
        Place of the cell when the matrix is ordered by likeness.
    """

    roi_id: NDArray[np.int64] = empty_column(np.int64)
    mean_correlation: NDArray[np.float64] = empty_column(np.float64)
    degree: NDArray[np.int64] = empty_column(np.int64)
    clustering: NDArray[np.float64] = empty_column(np.float64)
    module: NDArray[np.int64] = empty_column(np.int64)
    position: NDArray[np.int64] = empty_column(np.int64)


@dataclass(frozen=True, eq=False)
class Correlations(Record):
    """Correlation of every pair of cells, and the functional network.

    Attributes
    ----------
    matrix : (n_rois, n_rois) float32
        In the order of the recording's cells; NaN where not defined.
    cells : NetworkCells
    pairs : Pairs
        Significant ones.
    distance : DistanceProfile
        Empty without positions.
    method, input, unit : str
    bin_s : float
    n_pairs : int
        Significant pairs in all (`pairs` lists a million at most).
    alpha : float
        False-discovery rate.
    modularity : float
        Of the modules; NaN without links.
    """

    matrix: NDArray[np.float32] = _matrix()
    cells: NetworkCells = field(default_factory=NetworkCells)
    pairs: Pairs = field(default_factory=Pairs)
    distance: DistanceProfile = field(default_factory=DistanceProfile)
    method: str = "pearson"
    input: str = "denoised"
    unit: str = "ΔF/F"
    bin_s: float = 0.5
    n_pairs: int = 0
    alpha: float = 0.05
    modularity: float = float("nan")


@dataclass(frozen=True, eq=False)
class CellCoupling(Table):
    """How each cell goes with the population of the others.

    Attributes
    ----------
    roi_id : (n_rois,) int64
    coupling : (n_rois,) float64
        Correlation with the mean of all other cells; NaN where not defined.
    z_score : (n_rois,) float64
        Coupling over its spread under circular shifts.
    p_value, q_value : (n_rois,) float64
        One-sided, of the shifts, and its false-discovery rate.
    chorister : (n_rois,) bool
        Significantly coupled; the others are soloists, unless their coupling is not defined.
    """

    roi_id: NDArray[np.int64] = empty_column(np.int64)
    coupling: NDArray[np.float64] = empty_column(np.float64)
    z_score: NDArray[np.float64] = empty_column(np.float64)
    p_value: NDArray[np.float64] = empty_column(np.float64)
    q_value: NDArray[np.float64] = empty_column(np.float64)
    chorister: NDArray[np.bool_] = empty_column(np.bool_)


@dataclass(frozen=True, eq=False)
class Coupling(Record):
    """Population coupling, over the whole recording and in sliding windows.

    Attributes
    ----------
    cells : CellCoupling
    sliding : (n_rois, n_windows) float32
        Coupling within each window; NaN where not defined (nothing happened, or samples are missing).
    time_s : (n_windows,) float64
        Centre of each window.
    window_s, bin_s : float
    input, unit : str
    """

    cells: CellCoupling = field(default_factory=CellCoupling)
    sliding: NDArray[np.float32] = _matrix()
    time_s: NDArray[np.float64] = empty_column(np.float64)
    window_s: float = 30.0
    bin_s: float = 0.5
    input: str = "denoised"
    unit: str = "ΔF/F"


@dataclass(frozen=True, eq=False)
class Spectrum(Table):
    """How much each principal component explains, beside what chance gives.

    Attributes
    ----------
    component : (n,) int64
        1, 2 …
    variance_share : (n,) float64
        Share of the variance of all standardised cells.
    eigenvalue : (n,) float64
        Of the correlation matrix: 1 is as much as one cell.
    chance : (n,) float64
        95th percentile of the same eigenvalue when every cell is shifted on its own.
    """

    component: NDArray[np.int64] = empty_column(np.int64)
    variance_share: NDArray[np.float64] = empty_column(np.float64)
    eigenvalue: NDArray[np.float64] = empty_column(np.float64)
    chance: NDArray[np.float64] = empty_column(np.float64)


@dataclass(frozen=True, eq=False)
class Components(Record):
    """The population in few dimensions.

    Attributes
    ----------
    roi_id : (n_rois,) int64
    loadings : (n_rois, n_components) float32
        Weight of each cell in each component (UMAP: its place in the plane); NaN for cells left out.
    scores : (n_bins, n_components) float32
        Each component over time: the trajectory.
    time_s : (n_bins,) float64
    spectrum : Spectrum
        Of the principal components, whatever the method.
    method, input, unit : str
    bin_s : float
    participation_ratio : float
        Effective number of dimensions, 1 to n_rois; NaN without activity.
    n_significant : int
        Components beyond chance by parallel analysis.
    marchenko_pastur : float
        Largest eigenvalue that independent cells of the same autocorrelation would have; NaN if not known.
    n_above_edge : int
        Eigenvalues above it.
    """

    roi_id: NDArray[np.int64] = empty_column(np.int64)
    loadings: NDArray[np.float32] = _matrix()
    scores: NDArray[np.float32] = _matrix()
    time_s: NDArray[np.float64] = empty_column(np.float64)
    spectrum: Spectrum = field(default_factory=Spectrum)
    method: str = "pca"
    input: str = "denoised"
    unit: str = "ΔF/F"
    bin_s: float = 0.5
    participation_ratio: float = float("nan")
    n_significant: int = 0
    marchenko_pastur: float = float("nan")
    n_above_edge: int = 0


@dataclass(frozen=True, eq=False)
class CellOrder(Table):
    """An order of the cells.

    Attributes
    ----------
    roi_id : (n_rois,) int64
        From top to bottom.
    value : (n_rois,) float64
        What they were sorted by; NaN where the order itself is all there is.
    method, input : str
    block_s : float
        Length of the blocks of time of which every other one made the order, starting with the first; 0
        where the whole recording did.
    duration_s : float
        Of the recording.
    """

    roi_id: NDArray[np.int64] = empty_column(np.int64)
    value: NDArray[np.float64] = empty_column(np.float64)
    method: str = "id"
    input: str = "denoised"
    block_s: float = 0.0
    duration_s: float = 0.0

    def held_out_s(self) -> NDArray[np.float64]:
        """Return start and end of the stretches that had no say in the order, (n, 2); none if all had."""
        if self.block_s <= 0:
            return np.empty((0, 2))
        starts = np.arange(self.block_s, self.duration_s, 2 * self.block_s)
        return np.column_stack([starts, np.minimum(starts + self.block_s, self.duration_s)])


@dataclass(frozen=True, eq=False)
class ClusterNumbers(Table):
    """How well each number of clusters divides the cells.

    Attributes
    ----------
    n_clusters : (n,) int64
    silhouette : (n,) float64
        Mean over the cells, −1 to 1.
    chance : (n,) float64
        95th percentile of the same when every cell is shifted in time on its own.
    """

    n_clusters: NDArray[np.int64] = empty_column(np.int64)
    silhouette: NDArray[np.float64] = empty_column(np.float64)
    chance: NDArray[np.float64] = empty_column(np.float64)


@dataclass(frozen=True, eq=False)
class CellClusters(Record):
    """Clusters of cells with like activity.

    Attributes
    ----------
    roi_id : (n_rois,) int64
    cluster : (n_rois,) int64
        1 for the largest; 0 for cells that take no part (constant, or empty).
    silhouette : (n_rois,) float64
        −1 to 1; below 0 a cell is nearer to another cluster.
    numbers : ClusterNumbers
        What was tried.
    method, input : str
    """

    roi_id: NDArray[np.int64] = empty_column(np.int64)
    cluster: NDArray[np.int64] = empty_column(np.int64)
    silhouette: NDArray[np.float64] = empty_column(np.float64)
    numbers: ClusterNumbers = field(default_factory=ClusterNumbers)
    method: str = "kmeans"
    input: str = "denoised"


@dataclass(frozen=True, eq=False)
class Population(Record):
    """All that is known of the population, a field a stage; None where a stage has not run."""

    activity: PopulationActivity | None = None
    correlation: Correlations | None = None
    coupling: Coupling | None = None
    dimensionality: Components | None = None
    sorting: CellOrder | None = None
    clusters: CellClusters | None = None

    def without(self, names: Iterable[str]) -> Self:
        """Return it without some parts, named as in the log (``"population/coupling"``)."""
        written = set(names)
        gone = {name: None for name in PARTS if f"population/{name}" in written}
        return dataclasses.replace(self, **gone)

    def joined(self, newer: Population) -> Self:
        """Return it with the parts that `newer` has."""
        parts = {name: part for name in PARTS if (part := getattr(newer, name)) is not None}
        return dataclasses.replace(self, **parts)

    @property
    def is_empty(self) -> bool:
        """Whether no stage has run."""
        return all(getattr(self, name) is None for name in PARTS)


PARTS: tuple[str, ...] = tuple(f.name for f in fields(Population))
"""Names of the parts, in the order of their stages."""
