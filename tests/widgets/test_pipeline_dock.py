from itertools import pairwise

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QShortcut

from napari_calcium.pipeline import STAGES, TITLES, PipelineSettings
from napari_calcium.pipeline_settings import MOVIE_STAGES
from napari_calcium.recording import Movie, Trace
from napari_calcium.traces.baseline import MaximinBaseline, PercentileBaseline
from napari_calcium.widgets.pipeline_dock import PipelineDock
from napari_calcium.widgets.workbench import workbench_of

USED = tuple(stage for stage in STAGES if getattr(PipelineSettings(), stage) is not None)
"""Stages that are not skipped by default."""


@pytest.fixture
def bench(qapp, viewer, few, fake_stages):
    made = workbench_of(viewer)
    made.session.open(few)
    yield made
    made.let_go()


@pytest.fixture
def dock(viewer, bench, qtbot):
    made = PipelineDock(viewer)
    qtbot.addWidget(made)
    made.show()
    return made


def click(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def run_all(dock, bench, qtbot):
    with qtbot.waitSignal(bench.runner.finished):
        click(qtbot, dock.run_all)


def states(dock):
    return [dock.sections[stage].state.split(" ", 1)[1] for stage in USED]


def test_stages_stand_in_the_order_of_the_pipeline(dock):
    assert tuple(dock.sections) == tuple(TITLES)
    heights = [dock.sections[stage].y() for stage in STAGES]
    assert heights == sorted(heights)


def test_run_all_makes_every_stage_up_to_date_and_says_what_came_of_it(dock, bench, qtbot):
    assert states(dock) == ["not run"] * len(USED)
    run_all(dock, bench, qtbot)
    assert states(dock) == ["up to date"] * len(USED)
    assert dock.sections["significance"].brief == "Note of significance"
    click(qtbot, dock.run_all)
    assert dock.progress.message == "Everything is up to date."


def test_an_edit_makes_the_stage_and_those_after_it_out_of_date(dock, bench, qtbot):
    run_all(dock, bench, qtbot)
    dock.panels["baseline"].form.settings = MaximinBaseline()
    dock.panels["baseline"].form.row("window").editor.setValue(33)
    assert states(dock) == ["out of date"] * len(USED)


def test_a_stage_without_its_tick_is_skipped(dock, bench, qtbot):
    dock.sections["denoise"]._tick.click()
    assert bench.plan.settings.denoise is None
    assert states(dock)[USED.index("denoise")] == "skipped"
    run_all(dock, bench, qtbot)
    assert "Denoise" not in bench.session.history


def test_undo_redo_and_history_go_through_what_was_done(dock, bench, qtbot):
    assert not dock.undo.isEnabled()
    run_all(dock, bench, qtbot)
    assert dock.undo.toolTip().startswith(f"Undo: {TITLES[USED[-1]]}")
    click(qtbot, dock.undo)
    assert states(dock)[-2:] == ["up to date", "not run"]
    assert dock.redo.toolTip().startswith(f"Redo: {TITLES[USED[-1]]}")
    click(qtbot, dock.redo)
    assert states(dock)[-1] == "up to date"
    dock.history.menu().aboutToShow.emit()
    actions = dock.history.menu().actions()
    assert [a.text() for a in actions] == list(bench.session.history[1:])
    actions[0].trigger()
    assert states(dock) == ["not run"] * len(USED)
    assert not dock.undo.isEnabled()


def test_forms_follow_undo(dock, bench, qtbot):
    for percentile in (11, 22):
        dock.panels["baseline"].form.settings = PercentileBaseline()
        dock.panels["baseline"].form.row("percentile").editor.setValue(percentile)
        with qtbot.waitSignal(bench.runner.finished):
            bench.run_stage("baseline")
    click(qtbot, dock.undo)
    assert dock.panels["baseline"].form.settings == PercentileBaseline(percentile=11)
    click(qtbot, dock.redo)
    assert dock.panels["baseline"].form.settings == PercentileBaseline(percentile=22)


def test_nothing_can_be_undone_or_saved_while_a_run_goes_on(dock, bench, fake_stages, qtbot):
    run_all(dock, bench, qtbot)
    fake_stages.gate.clear()
    bench.run_stage("baseline")
    assert not any(b.isEnabled() for b in (dock.run_all, dock.undo, dock.redo, dock.save, dock.history))
    with qtbot.waitSignal(bench.runner.finished):
        bench.runner.cancel()
    assert dock.run_all.isEnabled()
    assert dock.undo.isEnabled()


def test_the_stage_at_work_says_so(dock, bench, fake_stages, qtbot):
    fake_stages.gate.clear()
    click(qtbot, dock.run_all)
    qtbot.waitUntil(lambda: states(dock)[0] == "running")
    assert set(states(dock)[1:]) == {"not run"}
    with qtbot.waitSignal(bench.runner.finished):
        fake_stages.gate.set()
    assert set(states(dock)) == {"up to date"}


def test_the_mode_is_chosen_and_told(dock, bench):
    assert dock.mode.currentText() == "Calibrated"
    dock.mode.setCurrentIndex(1)
    dock.mode.activated.emit(1)
    course = PipelineSettings.course()
    assert [getattr(bench.plan.settings, s) for s in STAGES] == [getattr(course, s) for s in STAGES]
    assert dock.panels["ensembles"].form.settings == course.ensembles
    bench.plan.set_stage("baseline", MaximinBaseline(window=3))
    assert dock.mode.currentText() == "Own settings"
    dock.mode.activated.emit(2)
    assert bench.plan.stage("baseline") == MaximinBaseline(window=3)
    dock.mode.activated.emit(0)
    assert bench.plan.stage("baseline") == PipelineSettings().baseline


def test_a_form_that_cannot_be_used_stops_run_all_and_is_opened(dock, bench, monkeypatch, qtbot):
    form = dock.panels["events"].form
    monkeypatch.setattr(type(form), "error", property(lambda self: "rise: too long" if self is form else ""))
    click(qtbot, dock.run_all)
    assert dock.progress.message == "⚠ Events: rise: too long"
    assert dock.sections["events"].is_open
    assert not bench.runner.busy


def test_a_recording_that_came_as_dff_says_that_the_baseline_is_skipped(dock, bench, few, qtbot):
    bench.session.open(few.replace(traces={"dff": Trace(few.traces["raw"].values, "ΔF/F")}))
    assert states(dock)[0] == "not needed"
    assert "came as ΔF/F" in dock.sections["baseline"].brief


def test_without_a_recording_nothing_can_run_and_it_says_why(dock, bench):
    bench.session.close()
    assert not dock.run_all.isEnabled()
    assert "Open a recording first" in dock.run_all.toolTip()
    assert not dock.save.isEnabled()


def test_a_pipeline_is_saved_and_loaded_as_yaml(dock, bench, tmp_path, monkeypatch):
    path = tmp_path / "mine"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    bench.plan.set_stage("baseline", MaximinBaseline(window=1 / 3 + 1))
    bench.plan.set_enabled("denoise", False)
    saved = bench.plan.settings
    dock.saver.save_pipeline()
    assert PipelineSettings.from_yaml(path.with_suffix(".yaml").read_text("utf-8")) == saved
    bench.plan.load(PipelineSettings())
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(path) + ".yaml", ""))
    dock.saver.load_pipeline()
    assert bench.plan.settings == saved
    assert dock.panels["baseline"].form.settings == MaximinBaseline(window=1 / 3 + 1)


def test_a_pipeline_that_cannot_be_read_changes_nothing_and_is_one_line(dock, bench, tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_text("basline: {}\nevents: 3\n", encoding="utf-8")
    before = bench.plan.settings
    dock.saver.read_pipeline(path)
    assert dock.progress.message.startswith("⚠ odd.yaml: ")
    assert "basline" in dock.progress.message
    assert "\n" not in dock.progress.message
    assert bench.plan.settings == before


def test_everything_has_a_name_for_screen_readers_and_can_be_reached_by_keyboard(dock):
    for stage in STAGES:
        for widget in (dock.sections[stage]._toggle, dock.sections[stage]._tick, dock.panels[stage].run):
            assert widget.accessibleName()
            assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_tab_goes_from_top_to_bottom(dock, qtbot):
    dock.resize(400, 8000)
    for section in dock.sections.values():
        section.is_open = True
    qtbot.wait(20)
    places, widget = [], dock.mode
    for _ in range(2000):
        if (
            widget.isVisible()
            and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            and dock.isAncestorOf(widget)
        ):
            corner = widget.mapTo(dock, widget.rect().center())
            places.append((corner.y(), corner.x(), type(widget).__name__, widget.accessibleName()))
        widget = widget.nextInFocusChain()
        if widget is dock.mode:
            break
    heights = [y for y, *_ in places]
    assert all(below >= above - 12 for above, below in pairwise(heights)), places
    assert len(places) > 5 * len(STAGES)


def test_keys_run_undo_and_redo(dock, bench, qtbot):
    keys = {shortcut.key().toString(): shortcut for shortcut in dock.findChildren(QShortcut)}
    assert set(keys) == {"Ctrl+Alt+R", "Ctrl+Alt+Z", "Ctrl+Alt+Shift+Z"}
    with qtbot.waitSignal(bench.runner.finished):
        keys["Ctrl+Alt+R"].activated.emit()
    keys["Ctrl+Alt+Z"].activated.emit()
    assert states(dock)[-1] == "not run"
    keys["Ctrl+Alt+Shift+Z"].activated.emit()
    assert states(dock)[-1] == "up to date"


def test_the_save_button_saves_without_a_complaint(dock, bench, tmp_path, monkeypatch, qtbot):
    monkeypatch.setattr("napari_calcium.figures.export.draw_all", lambda _, folder, **__: folder.mkdir())
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "mine"), ""))
    run_all(dock, bench, qtbot)
    with qtbot.waitSignal(bench.runner.finished) as signal:
        click(qtbot, dock.save)
    assert signal.args[1] is None
    assert (tmp_path / "mine" / "log.json").exists()
    assert not bench.has_unsaved_results


def test_stages_of_a_movie_show_for_a_movie_only_with_what_a_run_takes(dock, bench, few):
    assert all(dock.sections[stage].isHidden() for stage in MOVIE_STAGES)
    assert dock.estimate.isHidden()
    long = np.broadcast_to(np.uint16(0), (100_000, 64, 64))  # takes no memory
    film = few.replace(movie=Movie(long), traces={}, roi_ids=np.empty(0, np.int64), log=(), cell_names=())
    bench.session.open(film)
    assert not any(dock.sections[stage].isHidden() for stage in MOVIE_STAGES)
    assert "Run all takes about" in dock.estimate.text() and "of memory" in dock.estimate.text()
    for stage in MOVIE_STAGES:
        bench.plan.set_enabled(stage, False)
    assert "min" not in dock.estimate.text()


def test_too_little_memory_is_told_before_the_run(dock, bench, few, monkeypatch):
    monkeypatch.setattr("napari_calcium.guidance.run_estimate.free_memory_mb", lambda: 100.0)
    bench.session.apply(few.replace(name="again"), "again")
    assert dock.estimate.text().startswith("⚠ Run all: this needs") and not dock.estimate.isHidden()


def test_a_form_is_made_when_it_is_wanted(dock):
    """All at once they take a quarter of a second, in which the window would be deaf."""
    assert "events" not in dock.panels
    dock.sections["events"].is_open = True
    assert "events" in dock.panels
    assert dock.panels["events"].isVisibleTo(dock)


def test_what_came_of_the_stages_is_told_without_their_forms(dock, bench, qtbot):
    run_all(dock, bench, qtbot)
    assert dock.sections["significance"].brief == "Note of significance"
    assert not dock.panels


def test_a_folded_form_rests_until_it_is_opened(dock, bench, few, monkeypatch):
    panel = dock.panels["baseline"]
    asked = []
    monkeypatch.setattr(panel, "_show_advice", lambda: asked.append(1))
    bench.session.open(few.replace(name="other"))
    bench.session.apply(few.replace(name="third"), "a step")
    assert asked == []
    dock.sections["baseline"].is_open = True
    assert len(asked) == 1
    bench.session.undo()
    assert len(asked) > 1
