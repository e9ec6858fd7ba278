"""Small recordings with known truth for the tests of widgets, made without running the pipeline."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from functools import partial

# Before napari reads its settings: tests neither see nor change those of the person who runs them.
os.environ["NAPARI_CONFIG"] = ""

import numpy as np
import pyqtgraph
import pytest
from napari.components import ViewerModel
from pytestqt.qtbot import QtBot

from napari_calcium.pipeline import STAGES, StageError
from napari_calcium.progress import silent
from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.results.tables import Activations, Coactivity, EnsembleEvents, Ensembles, Events, Members
from napari_calcium.session import Session
from napari_calcium.simulate import Simulation, SimulationSettings, simulate
from napari_calcium.widgets.preferences import Preferences
from napari_calcium.widgets.viewer_session import session_of


@pytest.fixture(autouse=True)
def no_docks_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open no docks but those that a test opens; a test of the workspace sets another preference."""
    monkeypatch.setattr(
        "napari_calcium.widgets.workspace.preferences", lambda: Preferences(open_explore=False)
    )


@pytest.fixture(autouse=True)
def every_move_of_the_mouse_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no plot pass over moves that come fast: those of a test do, now and then."""
    monkeypatch.setitem(pyqtgraph.CONFIG_OPTIONS, "mouseRateLimit", -1)


@pytest.fixture
def qtbot(qtbot: QtBot) -> QtBot:
    """Qt's robot, with patience for a machine that many share: 5 s were not always enough."""
    qtbot.waitUntil = partial(qtbot.waitUntil, timeout=30_000)
    qtbot.waitSignal = partial(qtbot.waitSignal, timeout=30_000)
    return qtbot


@pytest.fixture
def viewer() -> ViewerModel:
    """What most docks need of a viewer, without a window."""
    return ViewerModel()


@pytest.fixture
def session(viewer: ViewerModel) -> Session:
    return session_of(viewer)


@pytest.fixture(scope="session")
def simulation() -> Simulation:
    return simulate(
        SimulationSettings(
            n_rois=20, n_frames=400, height=96, width=96, n_vessels=0, n_ensembles=2, ensemble_size=(4, 5)
        )
    )


@pytest.fixture(scope="session")
def raw_recording(simulation: Simulation) -> Recording:
    """Raw traces, positions and mean image, no movie."""
    return simulation.to_recording("demo").replace(movie=None)


@pytest.fixture(scope="session")
def recording(simulation: Simulation, raw_recording: Recording) -> Recording:
    """Everything from raw to ensembles, the truth standing in for what stages find."""
    return analysed(simulation, raw_recording)


@pytest.fixture(scope="session")
def traces_only(recording: Recording) -> Recording:
    """The same without any position or image."""
    return recording.replace(rois=None, images={}, movie=None, pixel_size_um=None)


def analysed(simulation: Simulation, raw: Recording) -> Recording:
    f0 = np.repeat(np.percentile(simulation.raw, 20, axis=1, keepdims=True), raw.n_frames, axis=1)
    dff = simulation.raw / f0 - 1
    found = raw.with_step(
        LogEntry("baseline", {}, ("traces/raw",), ("traces/baseline", "traces/dff")),
        traces={"baseline": Trace(f0, "a.u."), "dff": Trace(dff, "ΔF/F")},
    )
    found = found.with_step(
        LogEntry("denoise", {}, ("traces/dff",), ("traces/denoised",)),
        traces={"denoised": Trace(simulation.dff, "ΔF/F")},
    )
    true = simulation.events
    n = len(true.roi_id)
    found = found.with_step(
        LogEntry("events", {}, ("traces/dff",), ("events",)),
        events=Events(
            true.roi_id, true.time_s, true.time_s + 0.2, true.time_s + 1, np.ones(n), np.full(n, 0.5)
        ),
    )
    return found.with_step(
        LogEntry("ensembles", {}, ("events",), ("ensembles",)), ensembles=true_ensembles(simulation)
    )


def true_ensembles(simulation: Simulation) -> Ensembles:
    pairs = [(k, cell) for k, group in enumerate(simulation.members) for cell in group.tolist()]
    n = len(pairs)
    members = Members(
        np.array([k for k, _ in pairs]),
        np.array([cell for _, cell in pairs]),
        np.linspace(0.5, 1.0, n),
        np.full(n, 5.0),
        np.full(n, 0.01),
        np.ones(n, bool),
    )
    order = np.lexsort((simulation.activations.time_s, simulation.activations.ensemble_id))
    times = simulation.activations.time_s[order]
    activations = Activations(
        simulation.activations.ensemble_id[order], times, np.full(len(times), 0.01), np.full(len(times), 4)
    )
    return Ensembles(members, activations, notes=("Chance alone would give 0.1 ensembles.",))


@pytest.fixture
def few() -> Recording:
    """Six cells of raw fluorescence without positions, as a reader leaves them."""
    raw = np.random.default_rng(0).uniform(100, 200, (6, 80)).astype(np.float32)
    read = LogEntry("read", {"frame_rate": 10.0}, writes=("traces/raw",), notes=("each row is a neuron",))
    return Recording("few", np.arange(6) * 10, 10.0, {"raw": Trace(raw, "a.u.")}, log=(read,))


@pytest.fixture
def few_session(few: Recording) -> Session:
    session = Session()
    session.open(few)
    return session


class FakeStages:
    """Stands in for ``run_stage``: a stage reads the one before and writes one trace; it can fail or wait."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.fail: str | None = None
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, recording, stage, settings, *, on_progress=silent, executor=None):
        self.ran.append(stage)
        on_progress(0, 10)
        for _ in range(5000):
            if self.gate.is_set():
                break
            time.sleep(0.001)
            on_progress(5, 10)
        if stage == self.fail:
            raise StageError(f"{stage} cannot run")
        before = STAGES[: STAGES.index(stage)]
        there = [s for s in before if f"made_{s}" in recording.traces]
        entry = LogEntry(
            stage,
            settings.model_dump(mode="json"),
            (f"traces/made_{there[-1]}" if there else "traces/raw",),
            (f"traces/made_{stage}",),
            (f"note of {stage}",),
        )
        return recording.with_step(entry, traces={f"made_{stage}": recording.traces["raw"]})


@pytest.fixture
def fake_stages(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStages]:
    """Stages that take no time, unless their gate is closed."""
    fake = FakeStages()
    for module in ("plan", "workbench"):
        monkeypatch.setattr(f"napari_calcium.widgets.{module}.run_stage", fake)
    yield fake
    fake.gate.set()


@pytest.fixture(scope="session")
def populated(recording: Recording) -> Recording:
    """With coactivity and ensemble events; all but the last belong to an ensemble, each has a guest."""
    return _with_population(recording)


_WINDOW = 0.5


def _with_population(recording: Recording) -> Recording:
    """Add counts of the recording's events, and an ensemble event at each activation, with a guest."""
    assert recording.events is not None and recording.ensembles is not None
    n = int(recording.duration_s / _WINDOW)
    which = np.minimum((recording.events.onset_s / _WINDOW).astype(int), n - 1)
    pairs = np.unique(np.column_stack([which, recording.events.roi_id]), axis=0)
    counts = np.bincount(pairs[:, 0], minlength=n)
    flat = np.full(n, 1.5)
    table = Coactivity(
        np.arange(n) * _WINDOW, counts, flat, flat / 10, 2 * flat, counts > 3, _WINDOW, _WINDOW
    )
    events = _ensemble_events(recording)
    alike = np.equal.outer(events.ensemble_id, events.ensemble_id).astype(np.float32) * 0.8
    np.fill_diagonal(alike, 1)
    known = recording.ensembles
    return recording.with_step(
        LogEntry("coactivity", {}, ("traces/dff",), ("coactivity", "ensemble_events")),
        coactivity=table,
        ensemble_events=events,
        ensembles=Ensembles(known.members, known.activations, alike, known.notes),
    )


def _ensemble_events(recording: Recording) -> EnsembleEvents:
    assert recording.ensembles is not None
    known = recording.ensembles
    order = np.argsort(known.activations.time_s, kind="stable")
    times, owner = known.activations.time_s[order], known.activations.ensemble_id[order]
    keep = np.concatenate([[True], np.diff(times) > 1.2])
    times, owner = times[keep], owner[keep].copy()
    owner[-1] = -1
    parts = []
    for ensemble in owner.tolist():
        members = known.members_of(ensemble).roi_id if ensemble >= 0 else recording.roi_ids[:3]
        guest = next(int(c) for c in recording.roi_ids if c not in known.members.roi_id)
        parts.append(np.unique([*members[1:], guest]))
    n = len(times)
    return EnsembleEvents(
        np.arange(n),
        times - _WINDOW / 2,
        times + _WINDOW / 2,
        times,
        np.array([len(p) for p in parts]),
        np.full(n, 1e-4),
        owner,
        np.concatenate([[0], np.cumsum([len(p) for p in parts])]),
        np.concatenate(parts),
        0.3,
    )
