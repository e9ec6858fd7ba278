"""The Compare dock: B on a few cells, on all, and in the place of A."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from tests.widgets.settling import settle

from napari_calcium.doubt.comparison import compare
from napari_calcium.pipeline import run, run_stage
from napari_calcium.pipeline_settings import PipelineSettings, default_settings
from napari_calcium.simulate import SimulationSettings, simulate
from napari_calcium.widgets.compare_dock import CompareDock
from napari_calcium.widgets.compared_traces import compared_lanes, few_with
from napari_calcium.widgets.plots.trace_lanes import PREVIEW
from napari_calcium.widgets.workbench import workbench_of


@pytest.fixture(scope="module")
def raw():
    made = simulate(SimulationSettings(n_rois=25, n_frames=700, frame_rate=10.0, n_ensembles=2, seed=5))
    return made.to_recording().replace(movie=None)


@pytest.fixture(scope="module")
def finished(raw):
    return run(raw)


@pytest.fixture(scope="module")
def stricter(raw):
    settings = PipelineSettings()
    return run(raw, settings.replace(events=settings.events.replace(n_sd=7.0)))


@pytest.fixture
def dock(qtbot, finished):
    viewer = ViewerModel()
    made = CompareDock(viewer)
    qtbot.addWidget(made)
    made.resize(400, 700)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.runner.abandon()
    workbench_of(viewer).let_go()


def choose(dock, stage: str) -> None:
    dock.stage.setCurrentIndex(dock.stage.findData(stage))
    settle()


def edit(dock, field: str, value: float) -> None:
    dock.form.row(field).editor.setValue(value)
    settle()


def whole(dock, qtbot) -> None:
    with qtbot.waitSignal(dock.runner.finished, timeout=60_000):
        dock.run.click()
    settle()


def cells(dock) -> dict[str, list[str]]:
    return {
        dock.table.item(row, 0).text(): [dock.table.item(row, k).text() for k in range(1, 6)]
        for row in range(dock.table.rowCount())
    }


def test_it_says_what_to_do_first(dock, raw):
    settle()
    assert "Open a recording" in dock.hint.text()
    dock.session.open(raw)
    settle()
    assert "no result yet" in dock.hint.text()


def test_stages_that_ran_can_be_chosen_and_b_begins_as_a(dock, finished):
    dock.session.open(finished)
    settle()
    offered = [dock.stage.itemData(k) for k in range(dock.stage.count())]
    assert offered == [e.stage for e in finished.log if e.stage != "simulate"]
    assert dock.chosen == "events"
    assert dock.settings_b == PipelineSettings().events
    assert not dock.run.isEnabled() and not dock.adopt.isEnabled()
    assert "Change a setting" in dock.says.text()


def test_selected_cells_are_tried_at_once(dock, finished, qtbot):
    dock.session.open(finished)
    chosen = np.unique(finished.events.roi_id)[:3].tolist()
    dock.session.selection.cells = chosen
    settle()
    edit(dock, "n_sd", 7.0)
    qtbot.waitUntil(lambda: dock.table.rowCount() > 0)
    a, b, both, lost, _ = cells(dock)["Events"]
    own = np.isin(finished.events.roi_id, chosen).sum()
    assert int(a) == own and int(b) <= own
    assert int(a) == int(both) + abs(int(lost.replace("−", "-")))
    assert [lane.cell for lane in dock.plot.lanes.lanes] == chosen
    assert "selected cells" in dock.says.text() and not dock.adopt.isEnabled()


def test_b_on_all_cells_is_compared_and_can_be_adopted(dock, finished, stricter, qtbot, tmp_path):
    dock.session.open(finished)
    settle()
    edit(dock, "n_sd", 7.0)
    assert dock.export() is None
    whole(dock, qtbot)
    assert dock.whole == stricter
    found = compare(finished, stricter)
    told = cells(dock)
    assert told["Events"][:3] == [f"{n:,}" for n in (found.rows[0].a, found.rows[0].b, found.rows[0].both)]
    table = dock.export().write(tmp_path / "changes.csv")
    assert pd.read_csv(table)["what"].tolist() == found.to_dataframe()["what"].tolist()
    dock.adopt.click()
    settle()
    assert dock.session.recording == stricter
    assert dock.session.history[-1] == "Events: adopt B"
    assert workbench_of(dock._viewer).plan.stage("events").n_sd == 7.0
    assert not dock.run.isEnabled()  # A is what B was
    dock.session.undo()
    assert dock.session.recording is finished


def test_many_selected_cells_come_page_by_page(dock, finished, qtbot):
    dock.session.open(finished)
    dock.session.selection.cells = finished.roi_ids.tolist()
    settle()
    edit(dock, "n_sd", 7.0)
    size = len(dock.pager.page)
    assert 3 <= size <= 12 and size <= max(3, dock.plot.room)  # what is on a page can be seen
    assert f"Cells 1 to {size} of 25" in dock.pager.says.text()
    assert not dock.pager.isHidden() and not dock.pager.back.isEnabled()
    seen = []
    for _ in range(-(-25 // size)):
        qtbot.waitUntil(lambda: dock._few is not None)
        seen += [lane.cell for lane in dock.plot.lanes.lanes]
        assert "of 25 cells" in dock.says.text()
        dock.pager.forth.click()
        settle()
    assert seen == finished.roi_ids.tolist()
    assert not dock.pager.forth.isEnabled()
    dock.session.selection.cells = finished.roi_ids[:3].tolist()
    settle()
    assert dock.pager.isHidden()
    assert [lane.cell for lane in dock.plot.lanes.lanes] == finished.roi_ids[:3].tolist()


def test_a_stage_of_the_population_is_compared_and_counted(dock, finished, qtbot):
    dock.session.open(run_stage(finished, "correlation", default_settings("correlation")))
    settle()
    choose(dock, "correlation")
    edit(dock, "bin", 2.0)
    assert "about all cells" in dock.says.text()
    whole(dock, qtbot)
    told = cells(dock)
    assert told["Events"][3] == told["Events"][4] == "0"
    pairs = [len(r.population.correlation.pairs) for r in (dock.session.recording, dock.whole)]
    assert told["Correlated pairs"][:2] == [f"{n:,}" for n in pairs]
    dock.adopt.click()
    settle()
    assert dock.session.history[-1] == "Correlation: adopt B"


def test_a_stage_about_all_cells_has_no_preview(dock, finished):
    dock.session.open(finished)
    dock.session.selection.cells = (1, 2)
    settle()
    choose(dock, "coactivity")
    edit(dock, "window", 1.0)
    assert "about all cells" in dock.says.text()
    assert dock.table.rowCount() == 0
    dock.reset.click()
    settle()
    assert dock.settings_b.window == 0.5 and not dock.run.isEnabled()


def test_an_edit_stops_the_run_of_older_settings(dock, finished, qtbot):
    dock.session.open(finished)
    settle()
    edit(dock, "n_sd", 7.0)
    dock.run.click()
    edit(dock, "n_sd", 9.0)
    qtbot.waitUntil(lambda: not dock.runner.busy, timeout=60_000)
    assert dock.whole is None
    dock.run.click()
    dock.run_whole()  # asked again while at work: begins anew
    qtbot.waitUntil(lambda: not dock.runner.busy and dock.whole is not None, timeout=60_000)
    settings = PipelineSettings()
    assert len(dock.whole.events) < len(finished.events)
    assert dock.whole.log[4].settings == settings.events.replace(n_sd=9.0).model_dump(mode="json")


def test_another_recording_takes_b_away(dock, finished, qtbot):
    dock.session.open(finished)
    settle()
    edit(dock, "n_sd", 7.0)
    whole(dock, qtbot)
    dock.session.open(finished.replace(name="other"))
    settle()
    assert dock.whole is None and dock.table.rowCount() == 0


def test_a_click_on_an_ensemble_chooses_it(dock, finished, qtbot):
    dock.session.open(finished)
    settle()
    edit(dock, "n_sd", 4.1)
    whole(dock, qtbot)
    rows = [row for row, k in dock.table._ensembles.items()]
    if len(finished.ensembles):
        dock.table.cellClicked.emit(rows[0], 0)
        assert dock.session.selection.ensemble == dock.table._ensembles[rows[0]]


# --- a few cells


def test_few_cells_are_what_a_whole_run_makes_of_them(raw, finished):
    """Where nothing is measured in all traces: the decay of the indicator is told."""
    settings = PipelineSettings()
    told = settings.replace(events=settings.events.replace(indicator="GCaMP6f"))
    base = run(raw, told)
    other = told.baseline.replace(percentile=20)
    few = few_with(base, "baseline", other, [3, 7])
    full = run(raw, told.replace(baseline=other))
    np.testing.assert_array_equal(few.traces["dff"].values, full.traces["dff"].values[full.rows([3, 7])])
    assert set(few.roi_ids.tolist()) == {3, 7}
    assert "events" in [entry.stage for entry in few.log]


def test_b_is_drawn_over_a(finished):
    few = few_with(finished, "baseline", PipelineSettings().baseline.replace(percentile=20), [3, 7])
    lanes, events_a, events_b = compared_lanes(finished, few, "baseline", [3, 7])
    assert [[name for name, _ in lane.lines] for lane in lanes.lanes] == [["dff", PREVIEW]] * 2
    assert events_a is finished.events and events_b is few.events
    lanes, _, _ = compared_lanes(finished, few, "events", [3])
    assert [name for name, _ in lanes.lanes[0].lines] == ["dff"]
    lanes, _, events_b = compared_lanes(finished, None, "baseline", [3])
    assert [name for name, _ in lanes.lanes[0].lines] == ["dff"] and events_b is None
