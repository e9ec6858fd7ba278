"""The Similarity dock with a viewer model: no napari window is needed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from qtpy.QtWidgets import QApplication

from napari_calcium.figures.similarity_tree import arrange
from napari_calcium.results.tables import EnsembleEvents, Ensembles
from napari_calcium.widgets.similarity_dock import SimilarityDock


@pytest.fixture
def dock(qtbot, viewer, session):
    made = SimilarityDock(viewer)
    qtbot.addWidget(made)
    made.resize(420, 500)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made._job.abandon()


@pytest.fixture
def ready(qtbot, dock):
    def wait() -> SimilarityDock:
        for _ in range(3):
            QApplication.processEvents()
        qtbot.waitUntil(lambda: not dock._job.busy)
        return dock

    return wait


def hint(dock) -> str:
    QApplication.processEvents()
    return dock.hint.text() if dock.pages.currentIndex() == 0 else ""


def test_empty_states_say_what_to_do(dock, session, raw_recording, populated):
    assert "Open a recording" in hint(dock)
    session.open(raw_recording)
    assert "Calcium pipeline" in hint(dock)
    session.open(populated.replace(ensemble_events=EnsembleEvents(), ensembles=Ensembles()))
    assert "No ensemble events" in hint(dock)
    session.open(populated.replace(ensembles=Ensembles(populated.ensembles.members)))
    assert "does not compare events" in hint(dock)


@pytest.mark.parametrize("order", ["ensemble", "tree", "time"])
def test_events_stand_in_the_order_that_was_chosen(ready, session, populated, order):
    session.open(populated)
    dock = ready()
    dock.orders.setCurrentIndex(dock.orders.findData(order))
    dock.orders.activated.emit(dock.orders.currentIndex())
    ready()
    expected = arrange(populated.ensembles.similarity, populated.ensemble_events.ensemble_id, order)
    np.testing.assert_array_equal(dock.plot.view.arrangement.order, expected.order)


def test_a_click_selects_the_event_everywhere(ready, session, populated):
    session.open(populated)
    dock = ready()
    dock.plot.event_clicked.emit(2)
    events = populated.ensemble_events
    assert session.selection.time == events.peak_s[2]
    assert session.selection.ensemble == events.ensemble_id[2]
    assert set(session.selection.cells) == set(events.members(2).tolist())


def test_the_event_under_the_cursor_and_the_chosen_ensemble_are_marked(ready, session, populated):
    session.open(populated)
    dock = ready()
    session.selection.time = float(populated.ensemble_events.peak_s[1])
    assert dock.plot._event == 1
    session.selection.time = float(populated.ensemble_events.end_s[-1]) + 2
    assert dock.plot._event is None
    session.choose_ensemble(1)
    assert dock.plot._chosen == 1


def test_the_mouse_reads_the_two_events_and_their_similarity(ready, session, populated):
    session.open(populated)
    dock = ready()
    dock.plot.hovered.emit((0, 1))
    events = populated.ensemble_events
    assert f"{events.peak_s[0]:.1f} s (ensemble {events.ensemble_id[0]})" in dock.readout.text()
    assert dock.readout.text().endswith(f"similarity {populated.ensembles.similarity[0, 1]:.2f}")
    dock.plot.hovered.emit(None)
    assert f"{len(events)} ensemble events; 1 in no ensemble" == dock.readout.text()


def test_export_has_the_figure_and_the_stored_matrix(ready, session, populated, tmp_path):
    session.open(populated)
    export = ready().export()
    assert export.write(tmp_path / "s.svg").stat().st_size > 1000
    saved = pd.read_csv(export.write(tmp_path / "s.csv"), index_col="event_id")
    np.testing.assert_allclose(saved.to_numpy(), populated.ensembles.similarity, rtol=1e-6)
    assert saved.index.tolist() == populated.ensemble_events.event_id.tolist()


def test_undo_takes_it_away_and_another_recording_is_shown_whole(ready, session, raw_recording, populated):
    session.open(raw_recording)
    session.apply(populated, "all")
    dock = ready()
    session.undo()
    assert "Calcium pipeline" in hint(dock)
    assert dock.export() is None


def test_both_themes(ready, viewer, session, populated):
    session.open(populated)
    dock = ready()
    for theme in ("light", "dark"):
        viewer.theme = theme
        assert dock.plot.backgroundBrush().color().name() == dock.colors.background


def test_a_step_that_changes_none_of_it_prepares_nothing_anew(ready, session, populated, monkeypatch):
    session.open(populated)
    dock = ready()
    asked = []
    monkeypatch.setattr(dock._job, "ask", lambda *_: asked.append(1))
    session.apply(populated.replace(features=None), "a step")
    ready()
    assert asked == []
    dock.orders.setCurrentIndex(1)
    dock.later()
    ready()
    assert asked == [1]
