"""The Traces dock with a viewer model: no napari window is needed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt
from tests.widgets.settling import settle

from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.widgets.plots.trace_lanes import PREVIEW
from napari_calcium.widgets.traces import TracesDock


@pytest.fixture
def dock(qtbot, viewer, session):
    made = TracesDock(viewer)
    qtbot.addWidget(made)
    made.resize(900, 400)
    made.show()
    qtbot.waitExposed(made)
    return made


def cells(dock: TracesDock) -> list[int]:
    settle()
    return list(dict.fromkeys(lane.cell for lane in dock.plot.lanes.lanes))


def hint(dock: TracesDock) -> str:
    settle()
    return dock.hint.text() if dock.pages.currentIndex() == 0 else ""


# --- what it says when there is nothing to draw


def test_without_a_recording_it_says_how_to_open_one(dock):
    assert "Open a recording" in hint(dock)


def test_without_a_selection_it_says_where_to_click(dock, session, recording, traces_only):
    session.open(recording)
    assert "soma" in hint(dock)
    session.open(traces_only)
    assert "heatmap" in hint(dock)


def test_without_cells_it_says_so(dock, session):
    session.open(Recording("nobody", np.empty(0, int), 10.0))
    assert "no cells" in hint(dock)


def test_without_a_stage_it_says_so(dock, session, recording):
    session.open(recording)
    session.selection.cells = (3,)
    for box in dock.boxes.values():
        box.setChecked(False)
    assert "stages" in hint(dock)


# --- what it draws


def test_selected_cells_are_drawn_in_the_order_of_picking(dock, session, recording):
    session.open(recording)
    session.selection.cells = (7, 2, 11)
    assert cells(dock) == [7, 2, 11]
    assert hint(dock) == ""


def test_a_selection_made_before_the_dock_was_opened_is_drawn(qtbot, viewer, session, recording):
    session.open(recording)
    session.selection.cells = (4,)
    dock = TracesDock(viewer)
    qtbot.addWidget(dock)
    dock.show()
    qtbot.waitExposed(dock)
    assert cells(dock) == [4]


def test_a_hidden_dock_draws_nothing_until_it_is_seen(dock, session, recording):
    session.open(recording)
    dock.hide()
    session.selection.cells = (4,)
    assert cells(dock) == []
    dock.show()
    assert cells(dock) == [4]


def test_only_stages_that_are_there_can_be_chosen(dock, session, raw_recording, recording):
    def seen() -> set[str]:
        return {name for name, box in dock.boxes.items() if not box.isHidden()}

    session.open(raw_recording)
    assert seen() == {"raw"}
    session.apply(recording, "All stages")
    assert seen() == {"raw", "baseline", "dff", "denoised"}


def test_the_newest_unit_is_drawn_until_the_user_says_otherwise(dock, session, raw_recording, recording):
    def on() -> set[str]:
        return {name for name, box in dock.boxes.items() if box.isChecked()}

    session.open(raw_recording)
    assert on() == {"raw"}
    session.apply(recording, "All stages")
    assert on() == {"dff", "denoised"}
    dock.boxes["raw"].setChecked(True)
    dock.boxes["denoised"].setChecked(False)
    session.undo()
    session.redo()
    assert on() == {"raw", "dff"}


def test_raw_and_its_baseline_share_a_lane(dock, session, recording):
    session.open(recording)
    session.selection.cells = (4,)
    for name in ("raw", "baseline"):
        dock.boxes[name].setChecked(True)
    for name in ("dff", "denoised"):
        dock.boxes[name].setChecked(False)
    settle()
    (lane,) = dock.plot.lanes.lanes
    assert [name for name, _ in lane.lines] == ["raw", "baseline"]


def test_more_cells_than_can_be_read_are_counted(dock, session):
    n = 260
    values = np.random.default_rng(0).random((n, 20)).astype(np.float32)
    session.open(Recording("many", np.arange(n), 10.0, {"raw": Trace(values, "a.u.")}))
    session.selection.cells = range(n)
    assert len(cells(dock)) == 200
    assert "200 of 260" in dock.note.text()
    session.selection.cells = (1,)
    settle()
    assert dock.note.text() == ""


def test_events_can_be_taken_away(dock, session, recording):
    session.open(recording)
    cell = int(recording.events.roi_id[0])
    session.selection.cells = (cell,)
    settle()
    x, _ = dock.plot._events["events"].getData()
    own = recording.events.roi_id == cell
    np.testing.assert_allclose(x[::2], recording.events.onset_s[own])
    dock.events_box.setChecked(False)
    settle()
    assert np.size(dock.plot._events["events"].getData()[0]) == 0


def test_an_ensemble_brings_its_members_and_its_activations(dock, session, recording):
    session.open(recording)
    session.choose_ensemble(1)
    assert set(cells(dock)) == set(recording.ensembles.members_of(1).roi_id.tolist())
    x, _ = dock.plot._bands.getData()
    np.testing.assert_allclose(x[::2], recording.ensembles.activations_of(1).time_s)
    session.selection.ensemble = None
    settle()
    assert np.size(dock.plot._bands.getData()[0]) == 0


def test_a_preview_is_drawn_while_it_lasts(dock, session, recording):
    session.open(recording)
    session.selection.cells = (3, 4)
    rows = recording.rows([4])
    some = Recording(
        "preview", recording.roi_ids[rows], recording.frame_rate, {"dff": Trace(np.zeros((1, 400)), "ΔF/F")}
    )
    session.preview = some.with_step(LogEntry("baseline", {}, (), ("traces/dff",)), traces=dict(some.traces))
    settle()
    assert [PREVIEW in dict(lane.lines) for lane in dock.plot.lanes.lanes] == [False, True]
    assert "preview of Baseline" in dock.note.text()
    session.preview = None
    settle()
    assert "preview" not in dock.note.text()
    assert not any(PREVIEW in dict(lane.lines) for lane in dock.plot.lanes.lanes)


# --- links


def click(qtbot, dock: TracesDock, seconds: float, height: float) -> None:
    settle()
    plot = dock.plot
    place = plot.mapFromScene(plot.box.mapViewToScene(QPointF(seconds, height)))
    qtbot.mouseMove(plot.viewport(), place)
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_a_click_on_a_trace_brings_cell_and_time_into_focus(qtbot, dock, session, recording):
    session.open(recording)
    session.selection.cells = (7, 2)
    click(qtbot, dock, 20.0, 1.5)
    assert session.selection.focus == 2
    assert session.selection.cells == (7, 2)
    assert session.selection.time == pytest.approx(20, abs=0.2)


def test_the_cursor_and_the_clock_follow_the_time(dock, session, recording):
    session.open(recording)
    session.selection.time = 12.34
    assert dock.plot._cursor.value() == 12.34
    assert dock.clock.text() == "12.34 s"


def test_the_span_goes_both_ways(qtbot, dock, session, recording):
    session.open(recording)
    session.selection.span = (5.0, 15.0)
    assert dock.plot.span == pytest.approx((5, 15))
    qtbot.mouseClick(dock.all_button, Qt.MouseButton.LeftButton)
    assert session.selection.span is None
    assert dock.plot.span == pytest.approx((0, recording.duration_s))


def test_down_and_up_walk_through_all_cells_when_one_is_selected(qtbot, dock, session, recording):
    session.open(recording)
    qtbot.keyClick(dock, Qt.Key.Key_Down)
    assert session.selection.cells == (0,)
    qtbot.keyClick(dock, Qt.Key.Key_Down)
    assert session.selection.cells == (1,)
    qtbot.keyClick(dock, Qt.Key.Key_Up)
    qtbot.keyClick(dock, Qt.Key.Key_Up)
    assert session.selection.cells == (19,)
    assert session.selection.focus == 19


def test_down_and_up_walk_through_the_selected_cells_when_there_are_several(qtbot, dock, session, recording):
    session.open(recording)
    session.selection.cells = (7, 2, 11)
    walked = []
    for _ in range(4):
        qtbot.keyClick(dock, Qt.Key.Key_Down)
        walked.append(session.selection.focus)
    assert walked == [7, 2, 11, 7]
    assert session.selection.cells == (7, 2, 11)


def test_arrows_step_by_a_frame_home_shows_all_escape_clears(qtbot, dock, session, recording):
    session.open(recording)
    session.selection.cells, session.selection.time, session.selection.span = (7,), 1.0, (0.0, 3.0)
    qtbot.keyClick(dock, Qt.Key.Key_Right)
    assert session.selection.time == pytest.approx(1 + 1 / recording.frame_rate)
    qtbot.keyClick(dock, Qt.Key.Key_Left)
    assert session.selection.time == pytest.approx(1)
    qtbot.keyClick(dock, Qt.Key.Key_Home)
    assert session.selection.span is None
    qtbot.keyClick(dock, Qt.Key.Key_Escape)
    assert session.selection.cells == ()


def test_keys_without_a_recording_are_harmless(qtbot, dock, session):
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_Escape, Qt.Key.Key_A):
        qtbot.keyClick(dock, key)
    assert session.selection.cells == ()
    assert dock.hint.text()


def test_a_recording_without_a_frame_rate_counts_frames(dock, session, recording):
    session.open(recording.replace(frame_rate=None))
    session.selection.cells = (3,)
    session.selection.time = 40.0
    settle()
    assert dock.clock.text() == "frame 40"
    session.apply(recording, "Frame rate")
    assert dock.clock.text() == f"{session.selection.time:.2f} s"
    session.undo()
    settle()
    assert "frame rate not known" in dock.plot.getPlotItem().getAxis("bottom").labelText


def test_the_theme_changes_the_plot(dock, viewer):
    viewer.theme = "light"
    light = dock.plot.backgroundBrush().color().lightness()
    viewer.theme = "dark"
    assert dock.plot.backgroundBrush().color().lightness() < light


def test_events_are_exported_under_the_trace_they_were_found_on(dock, session, recording):
    found = recording.replace(
        log=tuple(
            dataclasses.replace(e, settings={"input": "dff"}) if e.stage == "events" else e
            for e in recording.log
        )
    )
    session.open(found)
    session.selection.cells = (3,)
    settle()
    assert dock.boxes["denoised"].isChecked()
    assert dock.export().name == "demo_dff"
    data = dock.export().figure.prepare(found)
    assert data.name == "dff" and [name for name, _, _ in data.over] == ["denoised"]
    dock.boxes["dff"].setChecked(False)
    settle()
    assert dock.export().figure.prepare(found).name == "denoised"


def with_spikes(recording: Recording, unit: str) -> Recording:
    entry = LogEntry("spikes", {"method": "network"}, ("traces/dff",), ("traces/spikes",))
    values = np.abs(recording.traces["dff"].values)
    return recording.with_step(entry, traces={"spikes": Trace(values, unit)})


@pytest.mark.parametrize("unit", ["spikes/s", "ΔF/F"])
def test_inferred_spikes_are_drawn_under_their_trace_and_never_over_it(dock, session, recording, unit):
    made = with_spikes(recording, unit)
    session.open(made)
    session.selection.cells = (3, 4)
    settle()
    assert dock.boxes["spikes"].isChecked()
    lanes = dock.plot.lanes.lanes
    assert [[name for name, _ in lane.lines] for lane in lanes] == [["dff", "denoised"], ["spikes"]] * 2
    data = dock.export().figure.prepare(made)
    assert "spikes" not in [data.name, *(name for name, _, _ in data.over)]
    for name in ("dff", "denoised"):
        dock.boxes[name].setChecked(False)
    settle()
    alone = dock.export().figure.prepare(made)
    assert alone.name == "spikes" and alone.over == ()
    assert alone.quantity == ("Inferred spikes" if unit == "spikes/s" else "Deconvolved activity")
