from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QTableWidget

from napari_calcium.figures.palette import rgb
from napari_calcium.guidance.finding import finding
from napari_calcium.recording import Trace
from napari_calcium.results.tables import Activations, Ensembles, Events, Members
from napari_calcium.widgets.ensembles_dock import EnsemblesDock
from napari_calcium.widgets.theme import ensemble_mark, link_color, plot_colors


@pytest.fixture
def dock(qtbot, viewer, session):
    made = EnsemblesDock(viewer)
    qtbot.addWidget(made)
    made.resize(420, 700)
    made.show()
    qtbot.waitExposed(made)
    return made


def texts(table: QTableWidget) -> list[list[str]]:
    return [[table.item(r, c).text() for c in range(table.columnCount())] for r in range(table.rowCount())]


def selected(table: QTableWidget) -> list[str]:
    return [table.item(i.row(), 0).text() for i in table.selectionModel().selectedRows()]


def press(qtbot, table: QTableWidget, row: int) -> None:
    place = table.visualItemRect(table.item(row, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def hint(dock: EnsemblesDock) -> str:
    return dock.hint.text() if dock.pages.currentIndex() == 0 else ""


def test_without_a_recording_it_says_how_to_open_one(dock):
    assert "Open a recording" in hint(dock)


def test_before_the_stages_ran_it_says_where_to_run_them(dock, session, raw_recording):
    session.open(raw_recording)
    assert "Calcium pipeline" in hint(dock)


def test_none_found_is_a_result(dock, session, raw_recording):
    none = raw_recording.replace(ensembles=Ensembles())
    session.open(none)
    assert hint(dock) == finding(none)
    none = raw_recording.replace(
        ensembles=Ensembles(notes=("None.", "Chance would give 0.2.")), events=Events()
    )
    session.open(none)
    assert hint(dock) == f"{finding(none)}\n\nChance would give 0.2."
    assert "no events" in hint(dock)


def test_lists_neurons_activations_first_and_last(dock, session, recording):
    session.open(recording)
    assert hint(dock) == ""
    expected = []
    for k in recording.ensembles.ids:
        times = recording.ensembles.activations_of(k).time_s
        members = len(recording.ensembles.members_of(k))
        expected.append([str(k), str(members), f"{len(times)}×", f"{times[0]:.1f} – {times[-1]:.1f}"])
    assert texts(dock.table) == expected


def test_the_notes_stand_above(dock, session, recording):
    session.open(recording)
    assert dock.notes.text() == "Chance alone would give 0.1 ensembles."


def test_links_are_readable_in_every_theme(viewer, dock, session, populated):
    session.open(populated)
    for theme in ("dark", "light"):
        viewer.theme = theme
        assert f"color:{link_color(viewer)}" in dock.notes.text()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_swatch_has_the_colour_that_the_plots_have(dock, viewer, session, recording, theme):
    session.open(recording)
    viewer.theme = theme
    ground = plot_colors(viewer).background
    for row, k in enumerate(recording.ensembles.ids):
        picture = dock.table.item(row, 0).icon().pixmap(14, 14).toImage()
        shown = picture.pixelColor(7, 7).getRgb()[:3]
        # Qt may keep icons in fewer bits than the screen has.
        np.testing.assert_allclose(shown, rgb(ensemble_mark(k, ground)), atol=8)


def test_choosing_one_selects_its_members(qtbot, dock, session, recording):
    session.open(recording)
    press(qtbot, dock.table, 1)
    assert session.selection.ensemble == 1
    assert set(session.selection.cells) == set(recording.ensembles.members_of(1).roi_id.tolist())


def test_members_are_listed_those_that_take_part_most_first(dock, session, recording):
    session.open(recording)
    session.choose_ensemble(0)
    members = recording.ensembles.members_of(0)
    order = np.argsort(-members.participation, kind="stable")
    assert [row[0] for row in texts(dock.members)] == [str(k) for k in members.roi_id[order]]
    assert texts(dock.members)[0][1] == f"{100 * members.participation[order[0]]:.0f} %"


def test_an_ensemble_chosen_elsewhere_is_shown_as_chosen(dock, session, recording):
    session.open(recording)
    session.choose_ensemble(1)
    assert selected(dock.table) == ["1"]
    session.selection.clear()
    assert selected(dock.table) == []
    assert texts(dock.members) == []
    assert dock.activation.text() == "Choose an ensemble"


def test_a_member_is_brought_into_focus(qtbot, dock, session, recording):
    session.open(recording)
    session.choose_ensemble(0)
    press(qtbot, dock.members, 2)
    assert session.selection.focus == int(texts(dock.members)[2][0])
    session.selection.focus = int(texts(dock.members)[1][0])
    assert selected(dock.members) == [texts(dock.members)[1][0]]
    session.selection.focus = None
    assert selected(dock.members) == []


def test_buttons_walk_through_the_activations(qtbot, dock, session, recording):
    session.open(recording)
    session.choose_ensemble(1)
    times = recording.ensembles.activations_of(1).time_s
    walked = []
    for _ in range(len(times) + 2):
        qtbot.mouseClick(dock.next, Qt.MouseButton.LeftButton)
        walked.append(session.selection.time)
    spaced = times[np.concatenate([[True], np.diff(times) > 1.01 / recording.frame_rate])]
    np.testing.assert_allclose(list(dict.fromkeys(walked)), spaced)
    qtbot.mouseClick(dock.previous, Qt.MouseButton.LeftButton)
    assert session.selection.time < times[-1]


def test_walking_through_a_long_recording_shows_each_activation_closely(qtbot, dock, session, recording):
    n_frames = 31_250
    long = recording.replace(
        traces={"raw": Trace(np.zeros((recording.n_rois, n_frames), np.float32), "a.u.")}, frame_rate=10.0
    )
    session.open(long)
    session.selection.ensemble = long.ensembles.ids[0]
    qtbot.mouseClick(dock.next, Qt.MouseButton.LeftButton)
    begin, end = session.selection.span
    assert end - begin == pytest.approx(20) and begin <= session.selection.time <= end
    # Who looks closer, keeps it: what is shown moves along.
    session.selection.span = (begin, begin + 5)
    qtbot.mouseClick(dock.next, Qt.MouseButton.LeftButton)
    begin, end = session.selection.span
    assert end - begin == pytest.approx(5) and begin <= session.selection.time <= end


def test_it_says_which_activation_is_under_the_cursor(dock, session, recording):
    session.open(recording)
    session.choose_ensemble(1)
    table = recording.ensembles.activations_of(1)
    session.selection.time = float(table.time_s[2])
    assert dock.activation.text() == f"3 of {len(table)} · {table.time_s[2]:.2f} s · 4 members"
    session.selection.time = float(table.time_s[2]) + 1.7
    assert dock.activation.text() == f"{len(table)} activations"


def test_a_click_on_a_tick_jumps_there(dock, session, recording):
    session.open(recording)
    when = float(recording.ensembles.activations_of(1).time_s[0])
    dock.plot.clicked.emit(when, 1.5)
    assert session.selection.ensemble == 1
    assert session.selection.time == when


def test_an_ensemble_that_was_never_active(dock, session, raw_recording):
    members = Members(
        np.zeros(2, int),
        raw_recording.roi_ids[:2],
        *(np.ones(2) for _ in range(3)),
        np.ones(2, bool),
    )
    session.open(raw_recording.replace(ensembles=Ensembles(members, Activations())))
    session.choose_ensemble(0)
    assert texts(dock.table)[0][2:] == ["0×", "never"]
    assert dock.activation.text() == "Never active"
    assert not dock.next.isEnabled()


def test_undo_takes_the_list_away(dock, session, raw_recording, recording):
    session.open(raw_recording)
    session.apply(recording, "All stages")
    session.choose_ensemble(1)
    session.undo()
    assert "Calcium pipeline" in hint(dock)
    session.redo()
    assert len(texts(dock.table)) == 2
    assert selected(dock.table) == []


def test_escape_lets_it_go(qtbot, dock, session, recording):
    session.open(recording)
    session.choose_ensemble(1)
    qtbot.keyClick(dock, Qt.Key.Key_Escape)
    assert session.selection.ensemble is None
