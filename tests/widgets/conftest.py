"""Small recordings with known truth for the tests of widgets, made without running the pipeline."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

# Before napari reads its settings: tests neither see nor change those of the person who runs them.
os.environ["NAPARI_CONFIG"] = ""

import numpy as np
import pytest

from napari_calcium.pipeline import STAGES, StageError
from napari_calcium.progress import silent
from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.results import Activations, Ensembles, Events, Members
from napari_calcium.session import Session
from napari_calcium.simulate import Simulation, SimulationSettings, simulate


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
