"""Recordings at the edge of what there can be: every figure and the sheet must say what is there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_calcium.recording import Recording, Trace
from napari_calcium.results.tables import Activations, Coactivity, EnsembleEvents, Ensembles, Events, Members

__all__ = ["DEGENERATE"]

_NOTHING = {
    "events": Events(),
    "coactivity": Coactivity(),
    "ensemble_events": EnsembleEvents(),
    "ensembles": Ensembles(Members(), Activations()),
}


def _no_rois(_: Recording) -> Recording:
    return Recording(
        "no cells",
        np.empty(0, np.int64),
        10.0,
        {"raw": Trace(np.empty((0, 20), np.float32), "a.u.")},
        **_NOTHING,
    )


def _nothing(_: Recording) -> Recording:
    return Recording("nothing", np.empty(0, np.int64), None)


def _raw_only(full: Recording) -> Recording:
    return Recording("raw", full.roi_ids, full.frame_rate, {"raw": full.traces["raw"]})


def _no_rate(full: Recording) -> Recording:
    return Recording("no rate", full.roi_ids, None, {"raw": full.traces["raw"]})


def _one_frame(full: Recording) -> Recording:
    return Recording(
        "one frame", full.roi_ids, 10.0, {"raw": Trace(full.traces["raw"].values[:, :1], "a.u.")}
    )


def _one_neuron(full: Recording) -> Recording:
    traces = {name: Trace(trace.values[:1], trace.unit) for name, trace in full.traces.items()}
    events = full.events.take(full.events.roi_id == full.roi_ids[0])
    return Recording("one neuron", full.roi_ids[:1], full.frame_rate, traces, events=events)


def _gaps(full: Recording) -> Recording:
    traces = {}
    for name, trace in full.traces.items():
        values = trace.values.copy()
        values[3] = np.nan
        values[:, 200:260] = np.nan
        traces[name] = Trace(values, trace.unit)
    return full.replace(traces=traces)


def _all_nan(full: Recording) -> Recording:
    return full.replace(
        traces={n: Trace(np.full_like(t.values, np.nan), t.unit) for n, t in full.traces.items()}, **_NOTHING
    )


def _constant(full: Recording) -> Recording:
    return full.replace(
        traces={n: Trace(np.full_like(t.values, 7.0), t.unit) for n, t in full.traces.items()}, **_NOTHING
    )


def _no_similarity(full: Recording) -> Recording:
    found = full.ensembles
    return full.replace(ensembles=Ensembles(found.members, found.activations))


def _dark_image(full: Recording) -> Recording:
    return full.replace(images={"mean": np.full(full.rois.shape, np.nan, np.float32)})


def _few_positions(full: Recording) -> Recording:
    return full.replace(rois=full.rois.take(np.arange(5)))


DEGENERATE: dict[str, Callable[[Recording], Recording]] = {
    "no cells": _no_rois,
    "nothing at all": _nothing,
    "raw traces only": _raw_only,
    "no frame rate": _no_rate,
    "one frame": _one_frame,
    "one neuron": _one_neuron,
    "gaps": _gaps,
    "all NaN": _all_nan,
    "constant": _constant,
    "no events": lambda full: full.replace(**_NOTHING),
    "no ensembles": lambda full: full.replace(ensembles=_NOTHING["ensembles"]),
    "no similarity": _no_similarity,
    "no positions": lambda full: full.replace(rois=None, images={}, pixel_size_um=None),
    "no image": lambda full: full.replace(images={}),
    "an image of nothing": _dark_image,
    "few positions": _few_positions,
    "nothing but a test to come": lambda full: full.replace(ensemble_events=None, ensembles=None),
}
"""From a finished analysis to each of them."""
