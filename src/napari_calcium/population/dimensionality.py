"""The population in few dimensions: principal, independent, non-negative components, factors, UMAP."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from threadpoolctl import threadpool_limits

from napari_calcium.plurals import count_of
from napari_calcium.population.binned_activity import Activity, PopulationInput
from napari_calcium.population.factor_model import factor_model
from napari_calcium.population.principal_components import (
    chance_eigenvalues,
    independent_samples,
    leading_components,
    marchenko_pastur_edge,
    n_beyond_chance,
    participation_ratio,
)
from napari_calcium.population.standardising import row_scale
from napari_calcium.progress import Progress, part, silent
from napari_calcium.results.population_results import Components, Spectrum
from napari_calcium.settings import Zero

if TYPE_CHECKING:
    from sklearn.decomposition import NMF, FastICA

__all__ = [
    "DimensionalitySettings",
    "FactorAnalysis",
    "IndependentComponents",
    "MissingExtra",
    "NonNegativeFactors",
    "PrincipalComponents",
    "UmapPlane",
    "reduce_dimensions",
]

_SPECTRUM = 30
_FEWEST = 3
"""Components that are kept in any case, so that there is a trajectory to look at."""


class MissingExtra(ImportError):
    """An optional package is not installed; the message is one line that says how to get it."""


class _Reduction(PopulationInput):
    copies: Annotated[int, Ge(0), Le(500)] = Field(
        20,
        title="Shifted copies",
        description="Copies in which every cell is shifted in time on its own: their components are chance. "
        "0 leaves the test out.",
    )
    seed: Annotated[int, Ge(0)] = Field(
        0, title="Seed", description="Draws the shifts, and where a method starts."
    )


class _Linear(_Reduction):
    components: Annotated[int, Ge(0), Le(100), Zero("automatic")] = Field(
        0,
        title="Components",
        description="How many are kept. 0: as many as exceed chance, but three at least.",
    )


class PrincipalComponents(_Linear):
    """Directions of largest shared variance, one after the other, at right angles."""

    method: Literal["pca"] = "pca"


class FactorAnalysis(_Linear):
    """Shared variance told apart from what each cell has alone: noise of one cell makes no factor."""

    method: Literal["factor_analysis"] = "factor_analysis"


class NonNegativeFactors(_Linear):
    """Groups of cells that add up, never cancel: activity below the level at rest counts as none."""

    method: Literal["nmf"] = "nmf"


class IndependentComponents(_Linear):
    """Time courses that are as independent as can be: good at sparse groups, blind to Gaussian noise."""

    method: Literal["ica"] = "ica"


class UmapPlane(_Reduction):
    """Cells (and moments) that are alike near each other in a plane; distances far apart mean little."""

    method: Literal["umap"] = "umap"
    dimensions: Annotated[int, Ge(2), Le(3)] = Field(
        2, title="Dimensions", description="Of the space into which cells are laid."
    )
    neighbours: Annotated[int, Ge(2), Le(200)] = Field(
        15, title="Neighbours", description="Few show fine clumps (of noise, too), many the whole."
    )


DimensionalitySettings = Annotated[
    PrincipalComponents | FactorAnalysis | NonNegativeFactors | IndependentComponents | UmapPlane,
    Field(discriminator="method"),
]

_SPECTRAL = 10
"""Fewer points have too few eigenvectors for UMAP to begin with."""

Found = tuple[NDArray[np.floating], NDArray[np.floating]]
"""Loadings (n_rois, k) and scores (n_bins, k)."""

OnNote = Callable[[str], object]


def reduce_dimensions(
    activity: Activity,
    roi_ids: ArrayLike,
    settings: DimensionalitySettings = PrincipalComponents(),
    *,
    on_note: OnNote = lambda note: None,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Components:
    """Describe the population by few time courses and each cell's weight in them.

    Parameters
    ----------
    activity : Activity
    roi_ids : (n_rois,) int64
    settings : DimensionalitySettings
    on_note : callable
        Told in one line what is to be known of the result, such as a fit that has not settled.
    on_progress, executor
        As in :func:`~napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    Components
        Cells are standardised (each counts the same); constant and empty ones are left out and have NaN. Gaps
        count as the cell's mean; bins in which no cell has a sample have NaN scores. Without an active cell
        there is no component.

    Raises
    ------
    MissingExtra
        If UMAP is wanted and not installed.

    Notes
    -----
    Loadings of principal components are the correlation of cell and component. Signs mean nothing; they are
    chosen so that the loadings' sum is positive. A component is a direction, not a mechanism: slow drifts and
    movement often are the first ones, and a sequence takes several.
    """
    ids = np.asarray(roi_ids, np.int64)
    x = activity.values
    scale = row_scale(x)
    rows = np.flatnonzero(scale.defined)
    z = scale.unit(x, slice(None))[rows]
    spectrum, beyond = _spectrum(z, ids[rows], settings, part(on_progress, 0.0, 0.7), executor)
    samples = independent_samples(z)
    edge = marchenko_pastur_edge(len(z), samples)
    wanted = settings.components if isinstance(settings, _Linear) else 0
    k = min(wanted or max(_FEWEST, beyond), len(z), activity.n_bins)
    with threadpool_limits(limits=1, user_api="blas"):
        loadings, scores = _FIT[settings.method](x[rows], z, k, settings, on_note)
    on_progress(95, 100)
    whole = np.full((len(x), loadings.shape[1]), np.nan, np.float32)
    whole[rows] = loadings
    over_time = scores.astype(np.float32)
    if scale.has_gaps and over_time.size:
        over_time[np.isnan(x[rows]).all(axis=0)] = np.nan
    with np.errstate(invalid="ignore"):
        above = int((spectrum.eigenvalue > edge).sum())
    on_progress(100, 100)
    return Components(
        ids,
        whole,
        over_time,
        activity.time_s,
        spectrum,
        settings.method,
        activity.name,
        activity.unit,
        activity.bin_s,
        participation_ratio(z),
        beyond,
        edge,
        above,
    )


def _spectrum(
    z: NDArray[np.float32],
    ids: NDArray[np.int64],
    settings: _Reduction,
    on_progress: Progress,
    executor: Executor | None,
) -> tuple[Spectrum, int]:
    values = leading_components(z, _SPECTRUM)[0]
    chance = chance_eigenvalues(
        z,
        ids,
        _SPECTRUM,
        n_copies=settings.copies,
        seed=settings.seed,
        on_progress=on_progress,
        executor=executor,
    )
    spectrum = Spectrum(np.arange(1, len(values) + 1), values / max(1, len(z)), values, chance[: len(values)])
    return spectrum, n_beyond_chance(values, spectrum.chance) if settings.copies else 0


def _pca(x: NDArray[np.float32], z: NDArray[np.float32], k: int, settings: object, on_note: OnNote) -> Found:
    values, cells, time = leading_components(z, k)
    return cells * np.sqrt(values), time * np.sqrt(z.shape[1])


def _factors(
    x: NDArray[np.float32], z: NDArray[np.float32], k: int, settings: FactorAnalysis, on_note: OnNote
) -> Found:
    if not k:
        return _none(z)
    values, cells, _ = leading_components(z, k)
    loadings, scores, _ = factor_model(z, cells * np.sqrt(values))
    return loadings, scores


def _nmf(
    x: NDArray[np.float32], z: NDArray[np.float32], k: int, settings: NonNegativeFactors, on_note: OnNote
) -> Found:
    if not k:
        return _none(z)
    from sklearn.decomposition import NMF

    # The level at rest: events and spikes rest at 0, fluorescence anywhere.
    rest = np.nan_to_num(np.nanmedian(x, axis=1, keepdims=True))
    above = np.nan_to_num(np.maximum(x - rest, 0)).astype(np.float64)
    top = above.std(axis=1, keepdims=True)
    above /= np.where(top > 0, top, 1.0)
    with _quiet():
        model = NMF(k, init="nndsvda", random_state=settings.seed, max_iter=400)
        scores = model.fit_transform(np.ascontiguousarray(above.T))
    _tell_if_unsettled(model, on_note)
    size = np.sqrt((scores**2).mean(axis=0))
    size[size == 0] = 1.0
    loadings = model.components_.T * size
    order = np.argsort(-(loadings**2).sum(axis=0), kind="stable")
    return loadings[:, order], (scores / size)[:, order]


def _ica(
    x: NDArray[np.float32], z: NDArray[np.float32], k: int, settings: IndependentComponents, on_note: OnNote
) -> Found:
    if not k:
        return _none(z)
    from sklearn.decomposition import FastICA

    values, _, time = leading_components(z, k)
    there = values > 1e-9
    white = time[:, there] / np.sqrt(values[there]) * np.sqrt(len(time))
    with _quiet():
        model = FastICA(whiten=False, random_state=settings.seed, max_iter=1000, tol=1e-5)
        sources = np.asarray(model.fit_transform(white), np.float64)
    _tell_if_unsettled(model, on_note)
    sources /= np.maximum(sources.std(axis=0), 1e-12)
    # Transients are short and go up: the long tail is the side of activity.
    sources *= np.where((sources**3).mean(axis=0) < 0, -1.0, 1.0)
    loadings = (z.astype(np.float64) @ sources) / np.sqrt(len(sources))
    order = np.argsort(-(loadings**2).sum(axis=0), kind="stable")
    return loadings[:, order], sources[:, order]


def _umap(
    x: NDArray[np.float32], z: NDArray[np.float32], k: int, settings: UmapPlane, on_note: OnNote
) -> Found:
    try:
        with _quiet():  # it warns of what it lacks itself, such as tensorflow
            from umap import UMAP
    except ImportError:
        raise MissingExtra(
            "UMAP is not installed; install it with: pip install napari-calcium[umap]"
        ) from None
    planes = []
    values, cells, time = leading_components(z, min(50, *z.shape))
    for points, metric in ((cells * np.sqrt(values), "cosine"), (time, "euclidean")):
        near = min(settings.neighbours, len(points) - 1)
        if near < 2 or not points.shape[1]:
            planes.append(np.zeros((len(points), settings.dimensions)))
            continue
        with _quiet():
            plane = UMAP(
                near,
                settings.dimensions,
                metric=metric,
                random_state=settings.seed,
                init="spectral" if len(points) >= _SPECTRAL else "random",
                n_jobs=1,
            )
            planes.append(np.asarray(plane.fit_transform(points), np.float64))
    return planes[0], planes[1]


def _none(z: NDArray[np.float32]) -> Found:
    return np.empty((len(z), 0)), np.empty((z.shape[1], 0))


def _quiet() -> AbstractContextManager[object]:
    """Ignore the libraries' warnings; what matters of them is told as a note."""
    return warnings.catch_warnings(action="ignore")


def _tell_if_unsettled(model: NMF | FastICA, on_note: OnNote) -> None:
    if model.n_iter_ >= model.max_iter:
        rounds = count_of(model.n_iter_, "round")
        on_note(
            f"⚠ the components had not settled after {rounds}; others may fit as well: compare with another "
            "seed, or take fewer components"
        )


_FIT: dict[str, Callable[..., Found]] = {
    "pca": _pca,
    "factor_analysis": _factors,
    "nmf": _nmf,
    "ica": _ica,
    "umap": _umap,
}
