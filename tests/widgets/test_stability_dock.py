"""The Stability dock: points as they come, picked and adopted."""

from __future__ import annotations

import pandas as pd
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QPointF, Qt
from tests.widgets.settling import settle

from napari_calcium.doubt.stability import knobs_of, stability
from napari_calcium.pipeline import run
from napari_calcium.pipeline_settings import PipelineSettings
from napari_calcium.simulate import SimulationSettings, simulate
from napari_calcium.widgets.plots.stability_plot import StabilityPlot
from napari_calcium.widgets.stability_dock import StabilityDock
from napari_calcium.widgets.theme import PlotColors
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workbench import workbench_of


@pytest.fixture(scope="module")
def raw():
    made = simulate(SimulationSettings(n_rois=25, n_frames=600, frame_rate=10.0, n_ensembles=2, seed=5))
    return made.to_recording().replace(movie=None)


@pytest.fixture(scope="module")
def finished(raw):
    return run(raw)


@pytest.fixture(scope="module")
def some_points(finished):
    return stability(
        finished, [k for k in knobs_of(finished) if k.field in ("window", "false_discovery_rate")]
    )


@pytest.fixture
def quick(monkeypatch, some_points):
    """Points that are known already, handed over one by one."""

    def fake(recording, *, on_progress, on_point):
        for k, point in enumerate(some_points):
            on_progress(k, len(some_points))
            on_point(point)
        return some_points

    monkeypatch.setattr("napari_calcium.widgets.stability_dock.stability", fake)


@pytest.fixture
def dock(qtbot):
    viewer = ViewerModel()
    made = StabilityDock(viewer)
    qtbot.addWidget(made)
    made.resize(900, 360)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.runner.abandon()
    workbench_of(viewer).let_go()


def try_settings(dock, qtbot) -> None:
    with qtbot.waitSignal(dock.runner.finished, timeout=60_000):
        dock.run.click()
    settle()


def pick(dock, field: str, value: float) -> None:
    titles = [k.field for k in knobs_of(dock.recording)]
    strip = titles.index(field)
    dock._pick(strip, knobs_of(dock.recording)[strip].values.index(value))
    settle()


def test_it_says_what_to_do_first(dock, raw, finished):
    dock.session.open(raw)
    settle()
    assert "up to Ensembles" in dock.hint.text()
    dock.session.open(finished)
    settle()
    assert dock.pages.currentIndex() == 1
    assert dock.plot.isHidden() and dock.run.isEnabled() and dock.export() is None


def test_points_come_and_can_be_exported(dock, finished, quick, some_points, qtbot, tmp_path):
    dock.session.open(finished)
    settle()
    try_settings(dock, qtbot)
    assert dock.points == some_points
    assert not dock.plot.isHidden()
    frame = pd.read_csv(dock.export().write(tmp_path / "numbers.csv"))
    assert frame["value"].tolist() == [p.value for p in some_points]
    assert dock.export().write(tmp_path / "figure.png").stat().st_size > 5000


def test_a_picked_point_is_told_and_adopted(dock, raw, finished, quick, qtbot):
    dock.session.open(finished)
    settle()
    try_settings(dock, qtbot)
    assert not dock.adopt.isEnabled()
    pick(dock, "window", 0.5)
    assert "(now)" in dock.says.text() and not dock.adopt.isEnabled()
    pick(dock, "window", 1.0)
    assert "Coactivity: window 1 s" in dock.says.text()
    with qtbot.waitSignal(dock.runner.finished, timeout=60_000):
        dock.adopt.click()
    settle()
    settings = PipelineSettings()
    wanted = settings.replace(coactivity=settings.coactivity.replace(window=1.0))
    assert dock.session.recording == run(raw, wanted)
    assert dock.session.history[-1] == "Coactivity: window 1 s"
    assert dock.points == ()  # they were about the result before
    dock.session.undo()
    assert dock.session.recording is finished


def test_what_was_tried_stays_while_the_result_does(dock, finished, quick, qtbot):
    dock.session.open(finished)
    settle()
    try_settings(dock, qtbot)
    dock.session.selection.cells = (1, 2)
    dock.session.apply(finished.replace(name="renamed"), "rename")
    settle()
    assert dock.points
    dock.session.apply(finished.replace(ensembles=None), "no ensembles")
    settle()
    assert dock.pages.currentIndex() == 0
    dock.session.apply(run(finished), "again")
    settle()
    assert dock.points == ()


def test_it_can_be_cancelled(dock, finished, qtbot):
    dock.session.open(finished)
    settle()
    dock.run.click()
    with qtbot.waitSignal(dock.runner.finished, timeout=60_000):
        dock.runner.cancel()
    settle()
    assert dock.run.isEnabled()


@pytest.mark.parametrize("column", [0, 1])
def test_a_click_names_strip_and_value(qtbot, some_points, column):
    from napari_calcium.figures.stability_figure import prepare_stability

    plot = StabilityPlot(PlotColors("#23242b", "#f0f1f2", "#565f6c", "#ff5050"))
    qtbot.addWidget(plot)
    plot.resize(800, 400)
    plot.show()
    qtbot.waitExposed(plot)
    strips = prepare_stability(some_points)
    plot.show_strips(strips)
    settle()
    seen = []
    plot.picked.connect(lambda *place: seen.append(place))
    view = plot.plot_at(1, column).getViewBox()
    scene = view.mapViewToScene(QPointF(2.1, sum(view.viewRange()[1]) / 2))
    place = plot.mapFromScene(scene)
    qtbot.mouseMove(plot.viewport(), place)
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    settle()
    assert seen == [(column, 2)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_both_docks_open_from_the_menu_in_a_real_window(make_napari_viewer, qtbot, finished):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1200, 900)
    session_of(viewer).open(finished)
    _, compared = viewer.window.add_plugin_dock_widget("napari-calcium", "Compare")
    qtbot.waitUntil(lambda: compared.chosen == "events")
    _, dock = viewer.window.add_plugin_dock_widget("napari-calcium", "Stability")
    qtbot.wait(100)
    assert dock.run.isEnabled()
    dock.run.click()
    viewer.theme = "light"
    qtbot.waitUntil(lambda: len(dock.points) > 3, timeout=60_000)
    session_of(viewer).open(finished.replace(log=(), ensembles=None))
    qtbot.waitUntil(lambda: not dock.runner.busy, timeout=60_000)
    assert dock.points == ()
