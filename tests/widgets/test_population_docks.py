"""The docks of the population with a viewer model: no napari window is needed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_calcium.pipeline import run_stage
from napari_calcium.pipeline_settings import default_settings
from napari_calcium.results.behaviour_results import Behaviour
from napari_calcium.results.population_results import Population
from napari_calcium.session import CellView, FocusView, RecordingView, SpanView, TimeView
from napari_calcium.stages.pipeline_population import POPULATION_STAGES
from napari_calcium.widgets.activity_dock import ActivityDock
from napari_calcium.widgets.correlation_dock import CorrelationDock
from napari_calcium.widgets.coupling_dock import CouplingDock
from napari_calcium.widgets.embedding_dock import EmbeddingDock, signals_of
from napari_calcium.widgets.network_layer import links_to_show
from napari_calcium.widgets.plots.time_plot import TimePlot
from napari_calcium.widgets.workbench import workbench_of

DOCKS = (ActivityDock, CouplingDock, CorrelationDock, EmbeddingDock)
OF_STAGES = DOCKS[1:]


@pytest.fixture(scope="module")
def whole(recording):
    made = recording
    for stage in POPULATION_STAGES:
        made = run_stage(made, stage, default_settings(stage))
    return made


@pytest.fixture
def shown(qtbot, viewer):
    """Return what makes a dock and waits until it is drawn."""
    docks = []

    def show(kind):
        dock = kind(viewer)
        qtbot.addWidget(dock)
        dock.resize(520, 420)
        dock.show()
        qtbot.waitExposed(dock)
        docks.append(dock)
        settle(qtbot, dock)
        return dock

    yield show
    for dock in docks:
        if hasattr(dock, "_job"):
            dock._job.abandon()


def settle(qtbot, dock):
    for _ in range(4):
        QApplication.processEvents()
    if hasattr(dock, "_job"):
        qtbot.waitUntil(lambda: not dock._job.busy)
    QApplication.processEvents()


def hint(dock):
    return dock.hint.text() if dock.pages.currentIndex() == 0 else ""


@pytest.mark.parametrize("kind", DOCKS)
def test_docks_play_the_views_parts(kind, shown):
    dock = shown(kind)
    for protocol in (RecordingView, CellView, FocusView):
        assert isinstance(dock, protocol)
    assert isinstance(dock, TimeView) == (kind is not CorrelationDock)
    assert isinstance(dock, SpanView) == (kind in (ActivityDock, CouplingDock))


@pytest.mark.parametrize("kind", DOCKS)
def test_without_a_recording_it_says_to_open_one(kind, shown):
    assert "Open a recording" in hint(shown(kind))


@pytest.mark.parametrize("kind", OF_STAGES)
def test_before_its_stage_has_run_a_button_runs_it(kind, shown, session, viewer, recording, qtbot):
    session.open(recording)
    dock = shown(kind)
    assert hint(dock) == dock.what
    assert dock.run.isVisible()
    dock.run.click()
    bench = workbench_of(viewer)
    qtbot.waitUntil(lambda: not bench.runner.busy)
    settle(qtbot, dock)
    assert dock.found(session.recording) is not None
    assert not hint(dock)


@pytest.mark.parametrize("kind", OF_STAGES)
def test_a_recording_of_one_neuron_is_no_crash(kind, shown, session, whole, qtbot):
    one = whole.replace(
        roi_ids=whole.roi_ids[:1],
        traces={k: type(t)(t.values[:1], t.unit) for k, t in whole.traces.items()},
        rois=None,
        ensembles=None,
        events=None,
        population=None,
        features=None,
        log=(),
    )
    session.open(run_stage(one, kind.stage, default_settings(kind.stage).replace(input="dff")))
    dock = shown(kind)
    assert hint(dock) or kind is EmbeddingDock


@pytest.mark.parametrize("kind", DOCKS)
def test_a_dock_that_is_hidden_draws_when_seen(kind, shown, session, whole, qtbot):
    dock = shown(kind)
    dock.hide()
    session.open(whole)
    settle(qtbot, dock)
    dock.show()
    settle(qtbot, dock)
    assert not hint(dock)


@pytest.mark.parametrize("kind", DOCKS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_themes_are_followed(kind, theme, shown, session, whole, viewer, qtbot):
    session.open(whole)
    dock = shown(kind)
    viewer.theme = theme
    settle(qtbot, dock)
    assert not hint(dock)


@pytest.mark.parametrize("kind", DOCKS)
def test_numbers_and_figures_are_exported(kind, shown, session, whole, tmp_path):
    session.open(whole)
    export = shown(kind).export()
    table = pd.read_csv(export.write(tmp_path / "numbers.csv"))
    assert len(table) > 0
    assert export.write(tmp_path / "figure.png").stat().st_size > 5000


# --- coupling and activity


@pytest.mark.parametrize("kind", [ActivityDock, CouplingDock])
def test_a_click_on_a_row_is_the_cell_and_the_moment(kind, shown, session, whole):
    session.open(whole)
    dock = shown(kind)
    plot = dock.plot if kind is CouplingDock else dock.heatmap
    cell = int(plot.matrix.cells[2])
    plot.cell_clicked.emit(cell, 12.5, False)
    assert session.selection.cells == (cell,)
    assert session.selection.focus == cell
    assert session.selection.time == 12.5
    plot.cell_clicked.emit(int(plot.matrix.cells[3]), 12.5, True)
    assert len(session.selection.cells) == 2
    plot.cell_clicked.emit(cell, 12.5, True)
    assert session.selection.cells == (int(plot.matrix.cells[3]),)


@pytest.mark.parametrize("kind", [ActivityDock, CouplingDock])
def test_spans_go_with_the_other_views(kind, shown, session, whole):
    session.open(whole)
    dock = shown(kind)
    plot = dock.plot if kind is CouplingDock else dock.heatmap
    session.selection.span = (5.0, 15.0)
    assert plot.span == pytest.approx((5, 15))
    plot.span_picked.emit((7.0, 9.0))
    assert session.selection.span == (7.0, 9.0)


def test_rows_of_the_coupling_are_sorted_as_asked(shown, session, whole, qtbot):
    session.open(whole)
    dock = shown(CouplingDock)
    found = whole.population.coupling
    value = dict(zip(whole.roi_ids.tolist(), found.cells.coupling, strict=True))
    known = [value[c] for c in dock.plot.matrix.cells.tolist() if np.isfinite(value[c])]
    assert known == sorted(known, reverse=True)
    dock.orders.setCurrentIndex(dock.orders.findData("id"))
    dock.orders.activated.emit(0)
    settle(qtbot, dock)
    assert dock.plot.matrix.cells.tolist() == sorted(whole.roi_ids.tolist())
    row = whole.rows(dock.plot.matrix.cells)
    np.testing.assert_array_equal(dock.plot.matrix.values, found.sliding[row])


def test_only_choristers_are_shown_if_asked(shown, session, whole, qtbot):
    session.open(whole)
    dock = shown(CouplingDock)
    dock.only.setChecked(True)
    settle(qtbot, dock)
    chorister = set(whole.roi_ids[whole.population.coupling.cells.chorister].tolist())
    assert set(dock.plot.matrix.cells.tolist()) == chorister


def test_what_is_not_defined_is_white_and_zero_is_not(shown, session, whole, viewer):
    session.open(whole)
    dock = shown(CouplingDock)
    for theme in ("dark", "light"):
        viewer.theme = theme
        picture = dock.plot._colored(np.array([[np.nan, 0.0, 1.0, -1.0]], np.float32))
        assert picture[0, 0].tolist() == [255] * 3
        assert picture[0, 1].max() < 220
        assert picture[0, 2, 0] > picture[0, 2, 2] + 50
        assert picture[0, 3, 2] > picture[0, 3, 0] + 50


def test_activity_follows_the_bin_and_the_settings_of_its_stage(shown, session, whole, viewer, qtbot):
    session.open(whole)
    dock = shown(ActivityDock)
    assert dock.heatmap.matrix.step_s == pytest.approx(0.5)
    dock.bin.setValue(1.0)
    settle(qtbot, dock)
    assert dock.heatmap.matrix.step_s == pytest.approx(1.0)
    mean = dock._found.activity
    settings = default_settings("population_activity").replace(statistic="sum")
    workbench_of(viewer).plan.set_stage("population_activity", settings)
    settle(qtbot, dock)
    np.testing.assert_allclose(dock._found.activity, mean * whole.n_rois, rtol=1e-6)


def test_a_new_order_is_shown_and_held_out_time_is_bright(shown, session, whole, qtbot):
    session.open(whole)
    dock = shown(ActivityDock)
    assert dock.heatmap.matrix.cells.tolist() == whole.population.sorting.roi_id.tolist()
    settings = default_settings("sorting").replace(held_out=True, block=5.0)
    newer = run_stage(whole, "sorting", settings)
    session.apply(newer, "Sorting")
    settle(qtbot, dock)
    assert dock.heatmap.matrix.cells.tolist() == newer.population.sorting.roi_id.tolist()
    np.testing.assert_allclose(dock.heatmap.matrix.dimmed_s[0], [0, 5])
    assert "held-out" in dock.note.text()


def test_event_rates_are_shown_if_asked(shown, session, whole):
    session.open(whole)
    dock = shown(ActivityDock)
    assert not dock.rates.isVisible()
    dock.show_rates.setChecked(True)
    assert dock.rates.isVisible()


def test_the_status_bar_says_what_is_under_the_mouse(shown, session, whole, viewer):
    session.open(whole)
    dock = shown(ActivityDock)
    dock.heatmap.hovered.emit((0, 3))
    assert "1.50–2.00 s" in str(viewer.status) and "%" in str(viewer.status)
    dock.heatmap.hovered.emit(None)
    assert str(viewer.status) == "Ready"


# --- correlation


def test_brushing_selects_the_neurons_of_rows_and_columns(shown, session, whole):
    session.open(whole)
    dock = shown(CorrelationDock)
    dock.plot.brush((0.5, 4.2), (1.5, 5.8), done=True)
    order = dock.plot.matrix.order
    expected = set(whole.roi_ids[order[[0, 1, 4, 5]]].tolist())
    assert set(session.selection.cells) == expected
    dock.plot.brush((8.1, 8.1), (8.9, 8.9), done=True, add=True)
    assert set(session.selection.cells) == expected | {int(whole.roi_ids[order[8]])}


def test_brushing_beside_the_matrix_selects_what_it_covers(shown, session, whole):
    session.open(whole)
    dock = shown(CorrelationDock)
    n = whole.n_rois
    dock.plot.brush((-5.0, -5.0), (n + 5.0, n + 5.0), done=True)
    assert len(session.selection.cells) == n


def test_a_pair_is_both_cells(shown, session, whole):
    session.open(whole)
    dock = shown(CorrelationDock)
    dock.plot.pair_clicked.emit(3, 7, False)
    assert session.selection.cells == (int(whole.roi_ids[3]), int(whole.roi_ids[7]))
    assert session.selection.focus == int(whole.roi_ids[3])


def test_the_line_below_says_how_a_pair_stands(shown, session, whole):
    session.open(whole)
    dock = shown(CorrelationDock)
    assert "pairs beyond chance" in dock.readout.text()
    found = whole.population.correlation
    a, b = whole.rows([found.pairs.roi_id_a[0], found.pairs.roi_id_b[0]]).tolist()
    dock.plot.hovered.emit((a, b))
    assert f"r = {found.matrix[a, b]:.2f}" in dock.readout.text()
    assert "q = " in dock.readout.text()
    weak = np.argwhere(np.abs(found.matrix) < 0.01)[0]
    dock.plot.hovered.emit(tuple(weak.tolist()))
    assert "not beyond chance" in dock.readout.text()


def test_the_network_is_a_layer_that_comes_and_goes(shown, session, whole, viewer):
    session.open(whole)
    dock = shown(CorrelationDock)
    before = [layer.name for layer in viewer.layers]
    dock.show_network.setChecked(True)
    layer = dock.network.layer
    assert layer.name == "Functional network"
    assert len(layer.data) == min(500, len(whole.population.correlation.pairs))
    dock.show_network.setChecked(False)
    assert [other.name for other in viewer.layers] == before


def test_lines_join_the_somata_of_a_pair(shown, session, whole):
    session.open(whole)
    dock = shown(CorrelationDock)
    dock.show_network.setChecked(True)
    found = whole.population.correlation
    row = links_to_show(found, (), 500)[0]
    ends = [
        whole.rois.centroids[whole.rois.ids == getattr(found.pairs, name)[row]][0]
        for name in ("roi_id_a", "roi_id_b")
    ]
    line = dock.network.layer.data[0]
    np.testing.assert_allclose(line[0], ends[0], atol=1e-3)
    np.testing.assert_allclose(line[0] + line[1], ends[1], atol=1e-3)


def test_with_cells_selected_only_their_links_are_drawn(shown, session, whole, qtbot):
    session.open(whole)
    dock = shown(CorrelationDock)
    dock.show_network.setChecked(True)
    pairs = whole.population.correlation.pairs
    cell = int(pairs.roi_id_a[0])
    session.selection.cells = (cell,)
    settle(qtbot, dock)
    own = int(((pairs.roi_id_a == cell) | (pairs.roi_id_b == cell)).sum())
    assert len(dock.network.layer.data) == own


def test_the_network_of_another_recording_goes(shown, session, whole, recording, qtbot):
    session.open(whole)
    dock = shown(CorrelationDock)
    dock.show_network.setChecked(True)
    session.open(recording)
    settle(qtbot, dock)
    assert dock.network.layer is None


def test_the_strongest_links_come_first(whole):
    found = whole.population.correlation
    rows = links_to_show(found, (), 5)
    strength = np.sort(np.abs(found.pairs.correlation))[::-1][:5]
    np.testing.assert_allclose(np.abs(found.pairs.correlation[rows]), strength)


def test_orders_that_were_not_made_cannot_be_chosen(shown, session, whole, qtbot):
    session.open(
        whole.replace(ensembles=None, population=Population(correlation=whole.population.correlation))
    )
    dock = shown(CorrelationDock)
    enabled = {
        dock.orders.itemData(k): dock.orders.model().item(k).isEnabled() for k in range(dock.orders.count())
    }
    assert enabled == {"likeness": True, "module": True, "ensemble": False, "sorting": False, "id": True}


def test_without_positions_there_is_no_distance_and_no_network(shown, session, traces_only):
    session.open(run_stage(traces_only, "correlation", default_settings("correlation")))
    dock = shown(CorrelationDock)
    assert not dock.show_network.isEnabled()
    assert not dock.tabs.isTabEnabled(1)


# --- embedding


def test_a_lasso_selects_the_neurons_inside(shown, session, whole):
    session.open(whole)
    dock = shown(EmbeddingDock)
    points = dock.cloud.points
    x, y = points[4]
    path = np.array([[x - 1e-4, y - 1e-4], [x + 1e-4, y - 1e-4], [x + 1e-4, y + 1e-4], [x - 1e-4, y + 1e-4]])
    dock.cloud.lasso(path, done=True)
    assert int(whole.roi_ids[4]) in session.selection.cells
    known = np.isfinite(points).all(axis=1)
    low, high = points[known].min(axis=0) - 1, points[known].max(axis=0) + 1
    around = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
    dock.cloud.lasso(around, done=True)
    assert set(session.selection.cells) == set(whole.roi_ids[known].tolist())


def test_a_click_on_a_point_is_the_cell(shown, session, whole):
    session.open(whole)
    dock = shown(EmbeddingDock)
    dock.cloud.point_clicked.emit(2, False)
    assert session.selection.focus == int(whole.roi_ids[2])


def test_other_components_and_colours_are_shown(shown, session, whole, qtbot):
    session.open(whole)
    dock = shown(EmbeddingDock)
    dock.up.setCurrentIndex(2)
    dock.up.activated.emit(2)
    settle(qtbot, dock)
    np.testing.assert_array_equal(dock.cloud.points, whole.population.dimensionality.loadings[:, [0, 2]])
    for place in range(dock.colour.count()):
        dock.colour.setCurrentIndex(place)
        dock.colour.activated.emit(place)
        settle(qtbot, dock)
        assert dock.cloud._fill.shape == (whole.n_rois, 3)


def test_the_moment_under_the_cursor_is_ringed_and_a_click_goes_there(shown, session, whole):
    session.open(whole)
    dock = shown(EmbeddingDock)
    session.selection.time = 10.2
    here = np.column_stack(dock.way._here.getData())[0]
    row = int(np.argmin(np.abs(whole.population.dimensionality.time_s - 10.2)))
    np.testing.assert_allclose(here, dock.way._seen[row])
    dock.way.time_picked.emit(3.0)
    assert session.selection.time == 3.0


def test_turning_keeps_distances_and_a_double_click_goes_back(shown, session, whole):
    from napari_calcium.widgets.plots.trajectory_plot import turned

    matrix = turned(37.0, -20.0)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    session.open(whole)
    dock = shown(EmbeddingDock)
    before = dock.way._seen.copy()
    dock.way.turn(100, 0)
    assert not np.allclose(before, dock.way._seen)
    dock.way.turn(-100, 0)
    np.testing.assert_allclose(before, dock.way._seen, atol=1e-9)


@pytest.mark.parametrize("kind", [ActivityDock, CouplingDock])
def test_a_marked_stretch_is_marked_here_too_and_escape_clears_it(kind, shown, session, whole, qtbot):
    session.open(whole)
    dock = shown(kind)
    session.selection.marked = (5.0, 9.0)
    plots = dock.findChildren(TimePlot)
    assert plots and all(plot._mark.stretch == (5.0, 9.0) for plot in plots)
    plots[0].mark_picked.emit((6.0, 7.0))
    assert session.selection.marked == (6.0, 7.0)
    qtbot.keyClick(plots[0], Qt.Key.Key_Escape)
    assert session.selection.marked is None
    assert all(plot._mark.stretch is None for plot in plots)


def test_the_way_through_a_marked_stretch_is_bold(shown, session, whole):
    session.open(whole)
    session.selection.marked = (5.0, 9.0)
    dock = shown(EmbeddingDock)
    time_s = whole.population.dimensionality.time_s
    assert len(dock.way._marked.getData()[0]) == ((time_s >= 5) & (time_s <= 9)).sum() > 0
    session.selection.marked = None
    x, _ = dock.way._marked.getData()
    assert x is None or not len(x)


def test_moments_are_coloured_by_behaviour(whole):
    n = whole.n_frames
    animal = Behaviour(("speed",), ("cm/s",), np.arange(n, dtype=float)[None])
    time_s = np.array([0.0, 1.0, (n - 1) / whole.frame_rate])
    values, unit = signals_of(whole.replace(behaviour=animal), time_s)["speed"]
    assert unit == "cm/s"
    np.testing.assert_allclose(values, np.floor(time_s * whole.frame_rate + 1e-9), atol=1)


def test_moments_are_coloured_by_what_there_is(whole, shown, session, qtbot):
    names = signals_of(whole, whole.population.dimensionality.time_s)
    assert list(names)[:2] == ["Time", "Population activity"]
    assert all(len(v) == len(whole.population.dimensionality.time_s) for v, _ in names.values())
    session.open(whole)
    dock = shown(EmbeddingDock)
    before = dock.way._fill.copy()
    dock.signal.setCurrentIndex(1)
    dock.signal.activated.emit(1)
    settle(qtbot, dock)
    assert not np.array_equal(before, dock.way._fill)


@pytest.mark.parametrize("kind", [CouplingDock, CorrelationDock, EmbeddingDock])
def test_what_to_do_first_is_told_and_the_button_is_there_where_it_helps(shown, qtbot, session, whole, kind):
    dock = shown(kind)
    assert dock.hint.isVisible() and dock.hint.text()
    assert not dock.run.isVisible()
    session.open(whole.replace(population=None))
    settle(qtbot, dock)
    assert dock.hint.isVisible() and dock.run.isVisible()


@pytest.mark.parametrize("kind", DOCKS)
def test_a_step_that_changes_nothing_of_it_prepares_nothing_anew(kind, shown, session, whole, monkeypatch):
    """Qt hands out a new string each time a box is asked, so words must not be compared by identity."""
    session.open(whole)
    dock = shown(kind)
    asked = []
    for name in ("_ask", "_show_cloud", "_show_way"):
        if hasattr(dock, name):
            monkeypatch.setattr(dock, name, lambda *_: asked.append("drawn"))
    if hasattr(dock, "_job"):
        monkeypatch.setattr(dock._job, "ask", lambda *_: asked.append("prepared"))
    session.apply(session.recording.replace(), "a step")
    session.selection.cells = whole.roi_ids[:2].tolist()
    for _ in range(4):
        QApplication.processEvents()
    assert asked == []
