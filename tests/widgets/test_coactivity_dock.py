"""The Coactivity dock with a viewer model: no napari window is needed."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt
from tests.widgets.settling import settle

from napari_calcium.figures.event_company import event_company
from napari_calcium.results.tables import Coactivity
from napari_calcium.widgets.coactivity_dock import CoactivityDock
from napari_calcium.widgets.theme import ensemble_mark


@pytest.fixture
def dock(qtbot, viewer, session):
    made = CoactivityDock(viewer)
    qtbot.addWidget(made)
    made.resize(900, 300)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def shown(dock, session, populated):
    session.open(populated)
    settle()
    return dock


def hint(dock) -> str:
    settle()
    return dock.hint.text() if dock.pages.currentIndex() == 0 else ""


def click(qtbot, dock, seconds: float) -> None:
    plot = dock.plot
    place = plot.mapFromScene(plot.box.mapViewToScene(QPointF(seconds, 1.0)))
    qtbot.mouseMove(plot.viewport(), place)
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_empty_states_say_what_to_do(dock, session, raw_recording, populated):
    assert "Open a recording" in hint(dock)
    session.open(raw_recording)
    assert "Calcium pipeline" in hint(dock)
    session.open(populated.replace(coactivity=Coactivity(), ensemble_events=None))
    assert "shorter than one window" in hint(dock)


def test_before_the_test_of_significance_it_says_which_stage_is_next(dock, session, populated):
    session.open(populated.replace(ensemble_events=None))
    assert hint(dock) == ""
    assert "run Ensemble events" in dock.who.text()
    assert not dock.next.isEnabled() and "threshold" not in dock.legend.text()


def test_the_legend_counts_the_events_and_says_what_chance_gives(shown, populated):
    assert f"{len(populated.ensemble_events)} events" in shown.legend.text()
    assert "by chance 0.3" in shown.legend.text()


def test_a_click_on_an_event_selects_it_everywhere(qtbot, shown, session, populated):
    events = populated.ensemble_events
    click(qtbot, shown, events.peak_s[1])
    company = event_company(populated, 1)
    assert session.selection.ensemble == company.ensemble
    assert session.selection.cells == (*company.members.tolist(), *company.guests.tolist())
    assert session.selection.time == events.peak_s[1]


def test_a_click_on_an_event_of_no_ensemble_lets_the_ensemble_go(qtbot, shown, session, populated):
    session.choose_ensemble(0)
    row = int(np.flatnonzero(populated.ensemble_events.ensemble_id < 0)[0])
    click(qtbot, shown, populated.ensemble_events.peak_s[row])
    assert session.selection.ensemble is None
    assert set(session.selection.cells) == set(populated.ensemble_events.members(row).tolist())


def test_members_guests_and_silent_members_are_told_apart(shown, session, populated):
    session.selection.time = float(populated.ensemble_events.peak_s[0])
    company = event_company(populated, 0)
    text = shown.who.text()
    color = ensemble_mark(company.ensemble, shown.colors.background)
    for cell in company.members.tolist():
        assert f"<a href='{cell}' style='color:{color};" in text
    assert f"{len(company.members)} members" in text
    assert f"{len(company.guests)} guest:" in text and f"{len(company.silent)} silent member" in text


def test_the_event_under_the_cursor_is_ringed_and_none_between_events(shown, session, populated):
    events = populated.ensemble_events
    session.selection.time = float(events.peak_s[2])
    assert shown.plot._ring.points()[0].pos().x() == events.peak_s[2]
    session.selection.time = float(events.end_s[-1]) + 2.0
    assert len(shown.plot._ring.points()) == 0
    assert "Click a dot" in shown.who.text()


def test_a_name_brings_its_cell_into_focus(shown, session, populated):
    session.selection.time = float(populated.ensemble_events.peak_s[0])
    cell = int(populated.ensemble_events.members(0)[0])
    shown.who.linkActivated.emit(str(cell))
    assert session.selection.focus == cell


def test_keys_and_buttons_walk_through_all_events_and_those_of_the_chosen_ensemble(
    qtbot, shown, session, populated
):
    events = populated.ensemble_events
    walked = []
    for _ in range(len(events) + 2):
        session.selection.ensemble = None
        qtbot.keyClick(shown, Qt.Key.Key_Right)
        walked.append(session.selection.time)
    assert list(dict.fromkeys(walked)) == events.peak_s.tolist()
    session.choose_ensemble(1)
    own = events.peak_s[events.ensemble_id == 1]
    session.selection.time = 1e6
    qtbot.mouseClick(shown.previous, Qt.MouseButton.LeftButton)
    assert session.selection.time == own[-1]
    qtbot.keyClick(shown, Qt.Key.Key_Left)
    assert session.selection.time == own[-2]


def test_time_and_span_go_both_ways(shown, session):
    session.selection.time = 7.5
    assert shown.plot._cursor.value() == 7.5
    session.selection.span = (5.0, 12.0)
    assert shown.plot.span == pytest.approx((5.0, 12.0))
    shown.plot.box.setXRange(6.0, 9.0, padding=0)
    assert session.selection.span == pytest.approx((6.0, 9.0))


def test_undo_takes_it_away(dock, session, raw_recording, populated):
    session.open(raw_recording)
    session.apply(populated, "all")
    settle()
    session.selection.time = float(populated.ensemble_events.peak_s[0])
    session.undo()
    assert "Calcium pipeline" in hint(dock)
    session.redo()
    assert hint(dock) == ""


def test_both_themes(shown, viewer, session, populated):
    session.selection.time = float(populated.ensemble_events.peak_s[0])
    ensemble = int(populated.ensemble_events.ensemble_id[0])
    for theme in ("light", "dark"):
        viewer.theme = theme
        settle()
        assert ensemble_mark(ensemble, shown.colors.background) in shown.who.text()


def test_export_has_the_figure_and_the_windows(shown, populated, tmp_path):
    export = shown.export()
    assert export.write(tmp_path / "c.png").stat().st_size > 1000
    lines = export.write(tmp_path / "c.csv").read_text("utf-8").splitlines()
    assert len(lines) == 1 + len(populated.coactivity)
