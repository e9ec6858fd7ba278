"""What a saved recording says of itself: all that is no array, as JSON knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium import __version__
from napari_calcium.io.nwb_layout import MORE, SCHEMA_VERSION, interface_of, safe_names, series_names
from napari_calcium.io.object_tree import to_plain
from napari_calcium.recording import Recording
from napari_calcium.results.tables import Table

__all__ = ["about", "more_results", "quality_names", "tables_of", "trace_names"]

_IN_TABLES = frozenset(
    {
        *(
            "name",
            "roi_ids",
            "frame_rate",
            "traces",
            "cell_names",
            "rois",
            "images",
            "movie",
            "pixel_size_um",
        ),
        *("events", "coactivity", "ensemble_events", "ensembles", "features", "recording_features"),
        *("source", "log", "motion", "session_facts"),
    }
)
"""Fields of a recording that have a place of their own in the file."""


def about(recording: Recording) -> dict[str, Any]:
    """Return what is not an array, for JSON; NaN is written as Python reads it."""
    rois, movie, found = recording.rois, recording.movie, recording.ensembles
    traces, images = trace_names(recording), safe_names(tuple(recording.images), "image")
    return {
        "schema_version": SCHEMA_VERSION,
        "program": f"napari-calcium {__version__}",
        "name": recording.name,
        "frame_rate": recording.frame_rate,
        "pixel_size_um": recording.pixel_size_um,
        "cell_names": list(recording.cell_names),
        "traces": [
            [name, f"{interface_of(name, trace.unit)}/{traces[name]}", trace.unit]
            for name, trace in recording.traces.items()
        ],
        "images": [[name, images[name]] for name in recording.images],
        "rois": None if rois is None else {"shape": list(rois.shape), "quality": quality_names(recording)},
        "movie": None
        if movie is None or movie.path is None
        else {"path": movie.path, "shape": list(movie.data.shape), "dtype": np.dtype(movie.data.dtype).str},
        "tables": _of_tables(recording),
        "ensembles": None
        if found is None
        else {"notes": list(found.notes), "expected_by_chance": float(found.expected_by_chance)},
        "features": _feature_types(recording),
        "recording_features": {name: float(v) for name, v in recording.recording_features.items()},
        "source": None if recording.source is None else asdict(recording.source),
        MORE: more_results(recording)[0],
        "log": [asdict(entry) | {"settings": _plain(entry.settings)} for entry in recording.log],
    }


def more_results(recording: Recording) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return every other result of a recording as plain data, and the arrays that belong to it, by name."""
    arrays: dict[str, NDArray[Any]] = {}
    plain = {
        item.name: to_plain(value, arrays.__setitem__, item.name)
        for item in fields(recording)
        if item.name not in _IN_TABLES and (value := getattr(recording, item.name)) is not None
    }
    return plain, arrays


def _of_tables(recording: Recording) -> dict[str, dict[str, Any]]:
    """Return what describes a table as a whole: its unit, its windows."""
    return {
        name: {key: v for key, v in vars(table).items() if isinstance(v, (int, float, str))}
        for name, table in tables_of(recording).items()
    }


def _feature_types(recording: Recording) -> list[list[str]] | None:
    if recording.features is None:
        return None
    safe = safe_names(tuple(recording.features), "feature")
    return [[name, safe[name], values.dtype.str] for name, values in recording.features.items()]


def _plain(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_plain(value) for value in data]
    return data.item() if isinstance(data, np.generic) else data


def tables_of(recording: Recording) -> dict[str, Table]:
    """Return the tables that are there, by the names they have in the file."""
    found = recording.ensembles
    tables: dict[str, Table | None] = {
        "motion": recording.motion,
        "events": recording.events,
        "coactivity": recording.coactivity,
        "ensemble_events": recording.ensemble_events,
        "ensemble_members": None if found is None else found.members,
        "ensemble_activations": None if found is None else found.activations,
    }
    return {name: table for name, table in tables.items() if table is not None}


def trace_names(recording: Recording) -> dict[str, str]:
    """Return what each trace is called in the file."""
    return series_names(tuple(recording.traces))


def quality_names(recording: Recording) -> dict[str, str]:
    """Return what each measure of the ROIs is called in the file."""
    names = tuple(recording.rois.quality) if recording.rois is not None else ()
    return {name: f"quality {safe}" for name, safe in safe_names(names, "measure").items()}
