"""What a run found is said where one looks, and a button leads there."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_calcium.guidance.finding import finding
from napari_calcium.results.tables import Ensembles, Events
from napari_calcium.widgets import outcome_row
from napari_calcium.widgets.outcome_row import OutcomeRow
from napari_calcium.widgets.workbench import Workbench
from napari_calcium.widgets.worker import Failure


class Shown:
    """Stands in for the workspace: remembers which docks were asked for."""

    def __init__(self) -> None:
        self.docks: list[str] = []

    def show(self, name: str) -> None:
        self.docks.append(name)


@pytest.fixture
def docks(monkeypatch):
    shown = Shown()
    monkeypatch.setattr(outcome_row, "workspace_of", lambda viewer: shown)
    return shown.docks


@pytest.fixture
def bench(session, raw_recording):
    session.open(raw_recording)
    return Workbench(session)


@pytest.fixture
def row(qtbot, bench, docks):
    class Viewer:
        pass

    viewer = Viewer()
    widget = OutcomeRow(viewer, bench)
    widget.viewer = viewer  # the row holds it weakly
    qtbot.addWidget(widget)
    return widget


def run_to(bench, recording, failure=None) -> None:
    """Do as a run does that ends with this recording."""
    bench.runner.started.emit("Run all")
    bench.session.apply(recording, "Run all")
    bench.runner.finished.emit("Features", failure)


def test_it_says_what_was_found_and_leads_to_the_ensembles(qtbot, row, bench, docks, recording):
    assert row.text == ""
    run_to(bench, recording)
    assert row.text == f"✓ {finding(recording)}"
    qtbot.mouseClick(row.lead, Qt.MouseButton.LeftButton)
    assert docks == ["Ensembles"]
    known = recording.ensembles
    most = max(known.ids, key=lambda k: len(known.activations_of(k)))
    assert bench.session.selection.ensemble == most
    assert set(bench.session.selection.cells) == set(known.members_of(most).roi_id.tolist())


def test_an_ensemble_that_is_chosen_stays_chosen(qtbot, row, bench, recording):
    run_to(bench, recording)
    last = recording.ensembles.ids[-1]
    bench.session.choose_ensemble(last)
    qtbot.mouseClick(row.lead, Qt.MouseButton.LeftButton)
    assert bench.session.selection.ensemble == last


@pytest.mark.parametrize(("keep_events", "dock"), [(True, "Coactivity"), (False, "Traces")])
def test_without_ensembles_it_leads_to_what_shows_why(qtbot, row, bench, docks, recording, keep_events, dock):
    none = recording.replace(ensembles=Ensembles())
    run_to(bench, none if keep_events else none.replace(events=Events()))
    assert row.text.startswith("Found no ensembles.")
    assert dock in row.lead.text()
    qtbot.mouseClick(row.lead, Qt.MouseButton.LeftButton)
    assert docks == [dock]
    assert bench.session.selection.ensemble is None


def test_a_run_that_did_not_look_for_ensembles_says_nothing(row, bench, recording):
    run_to(bench, recording)
    other = recording.replace(traces={**recording.traces})
    run_to(bench, other)  # saving, features: the ensembles are those of before
    assert row.text == ""


def test_it_goes_with_the_next_run_with_undo_and_with_another_recording(row, bench, recording, raw_recording):
    run_to(bench, recording)
    bench.runner.started.emit("Save results")
    assert row.text == ""
    run_to(bench, recording.replace(ensembles=Ensembles()))
    assert row.text
    bench.session.undo()
    assert row.text == ""
    run_to(bench, recording.replace(ensembles=Ensembles(recording.ensembles.members)))
    assert row.text
    bench.session.open(raw_recording)
    assert row.text == ""


def test_a_run_that_failed_before_the_ensembles_says_nothing_of_them(row, bench, raw_recording):
    run_to(bench, raw_recording.replace(events=Events()), Failure("no", "…"))
    assert row.text == ""
    assert np.isfinite(row.sizeHint().width())
