"""The population in the results folder: tables and matrices under ``population/``, written and read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_calcium.io.folder_files import array_of, naming, table_of, typed
from napari_calcium.results.population_results import (
    CellClusters,
    CellCoupling,
    CellOrder,
    ClusterNumbers,
    Components,
    Correlations,
    Coupling,
    DistanceProfile,
    NetworkCells,
    Pairs,
    Population,
    PopulationActivity,
    Spectrum,
)
from napari_calcium.results.tables import Table

__all__ = ["about_population", "read_population", "write_population"]

_UNITS = {"ΔF/F": "dff", "a.u.": "au", "events/s": "events_per_s", "spikes/s": "spikes_per_s"}
_LENGTHS = {"µm": "um", "px": "px"}


def write_population(population: Population | None, folder: Path) -> None:
    """Write what there is of a population into a folder, which is made if anything is written.

    Parameters
    ----------
    population : Population or None
    folder : Path
        ``population`` in the results folder.
    """
    if population is None or population.is_empty:
        return
    folder.mkdir(exist_ok=True)
    for name, columns in _tables(population).items():
        pd.DataFrame(columns).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    if population.correlation is not None:
        np.save(folder / "correlation.npy", population.correlation.matrix)
    if population.coupling is not None:
        np.save(folder / "coupling_sliding.npy", population.coupling.sliding)


def _tables(population: Population) -> dict[str, dict[str, Any]]:
    """Return the columns of every table by the name of its file."""
    tables: dict[str, dict[str, Any]] = {}
    if (activity := population.activity) is not None:
        tables["activity"] = _with_unit(activity, _activity_names(activity.unit))
    if (found := population.correlation) is not None:
        tables["correlation_cells"] = found.cells.columns()
        tables["correlation_pairs"] = found.pairs.columns()
        tables["correlation_distance"] = _with_unit(found.distance, _distance_names(found.distance.unit))
    if (coupling := population.coupling) is not None:
        tables["coupling_cells"] = coupling.cells.columns()
        tables["coupling_windows"] = {"time_s": coupling.time_s}
    if (parts := population.dimensionality) is not None:
        names = _component_names(parts.loadings.shape[1])
        tables["components"] = parts.spectrum.columns()
        tables["component_cells"] = {"roi_id": parts.roi_id, **_columns(names, parts.loadings)}
        tables["component_times"] = {"time_s": parts.time_s, **_columns(names, parts.scores)}
    if (order := population.sorting) is not None:
        tables["sorting"] = order.columns()
    if (clusters := population.clusters) is not None:
        cells = {name: getattr(clusters, name) for name in ("roi_id", "cluster", "silhouette")}
        tables["clusters"] = cells
        tables["cluster_numbers"] = clusters.numbers.columns()
    return tables


def _activity_names(unit: str) -> dict[str, str]:
    suffix = _UNITS.get(unit, "")
    return {name: f"{name}_{suffix}".rstrip("_") for name in ("activity", "smoothed")}


def _distance_names(unit: str) -> dict[str, str]:
    return {name: f"{name}_{_LENGTHS[unit]}" for name in ("distance_from", "distance_to")}


def _with_unit(table: Table, names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): values for name, values in table.columns().items()}


def _component_names(n: int) -> list[str]:
    return [f"component_{k}" for k in range(1, n + 1)]


def _columns(names: list[str], values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return dict(zip(names, values.T, strict=True))


_NUMBERS: dict[str, tuple[str, ...]] = {
    "activity": ("input", "unit", "statistic", "bin_s"),
    "correlation": ("method", "input", "unit", "bin_s", "n_pairs", "alpha", "modularity"),
    "coupling": ("window_s", "bin_s", "input", "unit"),
    "dimensionality": (
        "method",
        "input",
        "unit",
        "bin_s",
        "participation_ratio",
        "n_significant",
        "marchenko_pastur",
        "n_above_edge",
    ),
    "sorting": ("method", "input", "block_s", "duration_s"),
    "clusters": ("method", "input"),
}


def about_population(population: Population | None) -> dict[str, Any]:
    """Return what the tables do not hold, for the log: units, widths, numbers of the whole recording."""
    about: dict[str, Any] = {}
    for part, names in _NUMBERS.items():
        if population is not None and (found := getattr(population, part)) is not None:
            about[part] = {name: getattr(found, name) for name in names}
    if population is not None and population.correlation is not None:
        about["correlation"]["distance_unit"] = population.correlation.distance.unit
    return about


def read_population(folder: Path, about: Mapping[str, Any]) -> Population | None:
    """Read back what :func:`write_population` wrote.

    Parameters
    ----------
    folder : Path
    about : mapping
        What :func:`about_population` gave, from the log.

    Returns
    -------
    Population or None
        None where no stage of the population has run.
    """
    if not about:
        return None
    readers: dict[str, Callable[[Path, dict[str, Any]], Any]] = {
        "activity": _activity,
        "correlation": _correlation,
        "coupling": _coupling,
        "dimensionality": _dimensionality,
        "sorting": _sorting,
        "clusters": _clusters,
    }
    return Population(**{name: readers[name](folder, _numbers(given)) for name, given in about.items()})


def _numbers(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return numbers as they were: JSON has no NaN, and calls it null."""
    return {name: float("nan") if value is None else value for name, value in about.items()}


def _table(path: Path, kind: type[Table], names: Mapping[str, str] | None = None) -> dict[str, Any]:
    frame = table_of(path)
    given = names or {}
    with naming(path):
        return {
            name: typed(frame[given.get(name, name)], column.dtype, path)
            for name, column in kind().columns().items()
        }


def _column(path: Path, name: str, kind: type) -> NDArray[Any]:
    frame = table_of(path)
    with naming(path):
        return typed(frame[name], np.dtype(kind), path)


def _activity(folder: Path, about: dict[str, Any]) -> PopulationActivity:
    names = _activity_names(about["unit"])
    return PopulationActivity(**_table(folder / "activity.csv", PopulationActivity, names), **about)


def _correlation(folder: Path, about: dict[str, Any]) -> Correlations:
    unit = about.pop("distance_unit")
    distance = _table(folder / "correlation_distance.csv", DistanceProfile, _distance_names(unit))
    return Correlations(
        array_of(folder / "correlation.npy"),
        NetworkCells(**_table(folder / "correlation_cells.csv", NetworkCells)),
        Pairs(**_table(folder / "correlation_pairs.csv", Pairs)),
        DistanceProfile(**distance, unit=unit),
        **about,
    )


def _coupling(folder: Path, about: dict[str, Any]) -> Coupling:
    return Coupling(
        CellCoupling(**_table(folder / "coupling_cells.csv", CellCoupling)),
        array_of(folder / "coupling_sliding.npy"),
        _column(folder / "coupling_windows.csv", "time_s", float),
        **about,
    )


def _dimensionality(folder: Path, about: dict[str, Any]) -> Components:
    cells, times = (table_of(folder / f"component_{of}.csv") for of in ("cells", "times"))
    loadings = cells.drop(columns="roi_id").to_numpy(np.float32)
    scores = times.drop(columns="time_s").to_numpy(np.float32)
    return Components(
        cells["roi_id"].to_numpy(np.int64),
        loadings,
        scores,
        times["time_s"].to_numpy(np.float64),
        Spectrum(**_table(folder / "components.csv", Spectrum)),
        **about,
    )


def _sorting(folder: Path, about: dict[str, Any]) -> CellOrder:
    return CellOrder(**_table(folder / "sorting.csv", CellOrder), **about)


def _clusters(folder: Path, about: dict[str, Any]) -> CellClusters:
    path = folder / "clusters.csv"
    return CellClusters(
        _column(path, "roi_id", int),
        _column(path, "cluster", int),
        _column(path, "silhouette", float),
        ClusterNumbers(**_table(folder / "cluster_numbers.csv", ClusterNumbers)),
        **about,
    )
