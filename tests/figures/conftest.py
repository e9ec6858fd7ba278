"""Recordings for figures: simulated, with the results taken from the truth instead of from the stages."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.results.tables import (
    Activations,
    Coactivity,
    EnsembleEvents,
    Ensembles,
    Events,
    Members,
)
from napari_calcium.simulate import Simulation, SimulationSettings, simulate

WINDOW = 0.5


def true_events(simulation: Simulation) -> Events:
    truth, rate = simulation.events, simulation.frame_rate
    peak = np.minimum(truth.time_s + 0.2, simulation.settings.duration_s - 1 / rate)
    peak = np.maximum(peak, truth.time_s)
    return Events(
        roi_id=truth.roi_id,
        onset_s=truth.time_s,
        peak_s=peak,
        end_s=peak + 1.0,
        amplitude=0.5 * truth.n_spikes.astype(float),
        fwhm_s=np.full(len(truth), 1.1),
    )


def true_coactivity(simulation: Simulation, events: Events) -> Coactivity:
    n = max(1, int(simulation.settings.duration_s / WINDOW))
    where = np.minimum((events.onset_s / WINDOW).astype(int), n - 1)
    active = np.zeros(n, np.int64)
    pairs = np.unique(np.column_stack([where, events.roi_id]), axis=0)
    np.add.at(active, pairs[:, 0], 1)
    expected = np.full(n, active.mean())
    threshold = np.full(n, active.mean() + 4.0)
    return Coactivity(
        time_s=WINDOW * np.arange(n),
        active_neurons=active,
        expected=expected,
        p_value=np.full(n, 0.5),
        threshold=threshold,
        significant=active > threshold,
        window_s=WINDOW,
        step_s=WINDOW,
    )


def true_ensemble_events(simulation: Simulation) -> EnsembleEvents:
    parts, keep, owner = [], [], []
    events = simulation.events
    chance = simulation.settings.duration_s * np.array([0.21, 0.47, 0.83])
    times = np.concatenate([simulation.activations.time_s, chance])
    labels = np.concatenate([simulation.activations.ensemble_id, [-1] * len(chance)])
    for time, label in sorted(zip(times.tolist(), labels.tolist(), strict=True)):
        near = np.unique(events.roi_id[np.abs(events.time_s - time) < 0.4])
        # A chance event has contributors of its own, whatever happened around it.
        strangers = np.arange(simulation.settings.n_rois)[int(time) % 5 :: 7]
        members = near if label >= 0 else strangers
        if not len(members):
            continue
        parts.append(members)
        keep.append(time)
        owner.append(label)
    n = len(keep)
    return EnsembleEvents(
        event_id=np.arange(n),
        start_s=np.array(keep) - 0.25,
        end_s=np.array(keep) + 0.25,
        peak_s=np.array(keep, float),
        n_neurons=np.array([len(p) for p in parts], np.int64),
        p_value=np.full(n, 1e-5),
        ensemble_id=np.array(owner, np.int64),
        member_offsets=np.concatenate([[0], np.cumsum([len(p) for p in parts])]).astype(np.int64),
        member_ids=np.concatenate(parts) if parts else np.empty(0, np.int64),
        expected_by_chance=0.4,
    )


def jaccard(events: EnsembleEvents, n_rois: int) -> np.ndarray:
    held = np.zeros((len(events), n_rois))
    for k in range(len(events)):
        held[k, events.members(k)] = 1
    both = held @ held.T
    size = held.sum(axis=1)
    return (both / np.maximum(size[:, None] + size - both, 1)).astype(np.float32)


def true_ensembles(simulation: Simulation, events: EnsembleEvents) -> Ensembles:
    truth = simulation.events
    ids, cells, shares = [], [], []
    for k, members in enumerate(simulation.members):
        n = max(1, int((simulation.activations.ensemble_id == k).sum()))
        share = [((truth.roi_id == m) & (truth.ensemble_id == k)).sum() / n for m in members]
        for place in np.argsort(-np.array(share), kind="stable"):
            ids.append(k)
            cells.append(members[place])
            shares.append(share[place])
    order = np.lexsort((simulation.activations.time_s, simulation.activations.ensemble_id))
    total = len(order)
    return Ensembles(
        members=Members(
            np.array(ids, np.int64),
            np.array(cells, np.int64),
            np.array(shares, float),
            np.full(len(ids), 9.0),
            np.full(len(ids), 0.001),
            np.array(shares, float) > 0.75,
        ),
        activations=Activations(
            simulation.activations.ensemble_id[order],
            simulation.activations.time_s[order],
            np.full(total, 1e-6),
            np.full(total, 8),
        ),
        similarity=jaccard(events, simulation.settings.n_rois),
        expected_by_chance=0.05,
    )


def analysed(simulation: Simulation) -> Recording:
    """Return a recording as after the whole pipeline, with the truth for results."""
    recording = simulation.to_recording()
    dff = simulation.raw / simulation.baseline - 1
    events, groups = true_events(simulation), true_ensemble_events(simulation)
    log = LogEntry("baseline", {"method": "percentile", "percentile": 20.0}, writes=("traces/dff",))
    return recording.replace(
        traces={
            "raw": recording.traces["raw"],
            "baseline": Trace(simulation.baseline, "a.u."),
            "dff": Trace(dff + 0.1, "ΔF/F"),
            "background_corrected": Trace(dff, "ΔF/F"),
            "denoised": Trace(0.5 * simulation.dff, "ΔF/F"),
        },
        events=events,
        coactivity=true_coactivity(simulation, events),
        ensemble_events=groups,
        ensembles=true_ensembles(simulation, groups),
        log=(*recording.log, log),
    )


@pytest.fixture(scope="session")
def field() -> Simulation:
    return simulate(
        SimulationSettings(
            seed=3, n_rois=40, n_frames=1500, height=96, width=128, n_ensembles=3, ensemble_size=(6, 8)
        )
    )


@pytest.fixture(scope="session")
def analyse() -> Callable[[Simulation], Recording]:
    """Return the function that makes a finished analysis of a simulation."""
    return analysed


@pytest.fixture(scope="session")
def recording(field: Simulation) -> Recording:
    return analysed(field)
