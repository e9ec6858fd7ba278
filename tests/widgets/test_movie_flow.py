"""Whole flows with a movie in a real napari window: dropped, run, cancelled; cells drawn with the mouse."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from tests.widgets.settling import settle

from napari_calcium.pipeline import TITLES, PipelineSettings
from napari_calcium.pipeline_settings import MOVIE_STAGES, STAGES
from napari_calcium.simulate import SimulationSettings, simulate
from napari_calcium.widgets.plan import StageState
from napari_calcium.widgets.tissue_layers import layer_role
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workbench import workbench_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A movie on disk with one bright cell that flashes, at 20 to 28 px from the top and the left."""
    made = simulate(
        SimulationSettings(
            n_rois=6, n_frames=200, frame_rate=10.0, height=64, width=64, n_ensembles=0, seed=1
        )
    )
    path = tmp_path_factory.mktemp("film") / "film.tif"
    frames = np.asarray(made.movie[:])
    flash = (np.arange(200) % 40 < 10).astype(np.uint16) * 400
    frames[:, 20:28, 20:28] += flash[:, None, None]
    tifffile.imwrite(path, frames, imagej=True, metadata={"axes": "TYX", "finterval": 0.1})
    return path, flash


@pytest.fixture
def window(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1200, 900)
    _, pipeline = viewer.window.add_plugin_dock_widget("napari-calcium", "Calcium pipeline")
    qtbot.wait(50)
    yield viewer, pipeline
    workbench_of(viewer).let_go()


def drop(viewer, path) -> None:
    viewer.open(str(path), plugin="napari-calcium")
    settle()


def only_movie(bench) -> None:
    bench.plan.load(PipelineSettings(registration={"method": "rigid"}, **dict.fromkeys(STAGES)))


def on_screen(viewer, y: float, x: float) -> np.ndarray:
    canvas = viewer.window._qt_viewer.canvas
    place = (canvas.view.transform * canvas.view.scene.transform).map([x, y, 0, 1])[:2]
    return np.rint(place).astype(int)  # as a mouse has it


def paint(viewer, places) -> None:
    """Press the left button at the first place, pull through the others, and let go."""
    settle()
    events = viewer.window._qt_viewer.canvas._scene_canvas.events
    points = [on_screen(viewer, *place) for place in places]
    press = events.mouse_press(pos=points[0], modifiers=(), button=1)
    for point in points[1:]:
        events.mouse_move(pos=point, modifiers=(), button=1, press_event=press, last_event=press, buttons=[1])
    events.mouse_release(pos=points[-1], modifiers=(), button=1)
    settle()


def test_a_dropped_movie_runs_to_traces_with_progress(window, film, qtbot):
    viewer, pipeline = window
    bench = workbench_of(viewer)
    drop(viewer, film[0])
    assert bench.session.recording.n_frames == 200
    shown = [stage for stage in MOVIE_STAGES if not pipeline.sections[stage].isHidden()]
    assert shown == list(MOVIE_STAGES)
    only_movie(bench)
    shares = []
    bench.runner.progressed.connect(lambda share, seconds: shares.append(share))
    with qtbot.waitSignal(bench.runner.finished, timeout=120_000) as done:
        qtbot.mouseClick(pipeline.run_all, Qt.MouseButton.LeftButton)
    assert done.args[1] is None
    assert list(bench.session.recording.traces) == ["raw", "neuropil", "corrected"]
    assert bench.session.history[2:] == tuple(TITLES[stage] for stage in MOVIE_STAGES)
    assert {bench.plan.state(stage) for stage in MOVIE_STAGES} == {StageState.UP_TO_DATE}
    known = [share for share in shares if share is not None]
    assert known == sorted(known)
    roles = [layer_role(layer) for layer in viewer.layers]
    assert "registered" in roles and "somata" in roles


def test_cancelling_leaves_the_recording_as_it_was(window, film, qtbot):
    viewer, pipeline = window
    bench = workbench_of(viewer)
    drop(viewer, film[0])
    before = bench.session.recording
    with qtbot.waitSignal(bench.runner.finished, timeout=60_000):
        qtbot.mouseClick(pipeline.run_all, Qt.MouseButton.LeftButton)
        bench.runner.cancel()
    assert bench.session.recording is before and bench.runner.was_cancelled
    assert "Cancelled" in pipeline.progress.message


def test_closing_the_window_during_a_run_ends_it(make_napari_viewer, film, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.window.add_plugin_dock_widget("napari-calcium", "Calcium pipeline")
    drop(viewer, film[0])
    bench = workbench_of(viewer)
    assert bench.run_all() == ""
    job = bench.runner._job
    viewer.close()
    assert job.wait(60) and not bench.runner.busy


def test_a_movie_that_vanished_is_one_readable_line(window, film, tmp_path, qtbot):
    viewer, pipeline = window
    path = tmp_path / "gone.tif"
    path.write_bytes(film[0].read_bytes())
    drop(viewer, path)
    before = session_of(viewer).recording
    path.unlink()
    with qtbot.waitSignal(workbench_of(viewer).runner.finished, timeout=60_000):
        qtbot.mouseClick(pipeline.run_all, Qt.MouseButton.LeftButton)
    assert pipeline.progress.message.startswith("⚠ gone.tif: the movie is no longer there")
    assert session_of(viewer).recording is before


def test_a_cell_painted_with_the_mouse_has_its_trace_at_once(window, film, qtbot):
    viewer, _ = window
    bench, session = workbench_of(viewer), session_of(viewer)
    drop(viewer, film[0])
    _, choose = viewer.window.add_plugin_dock_widget("napari-calcium", "Choose cells")
    _, traces = viewer.window.add_plugin_dock_widget("napari-calcium", "Traces")
    qtbot.wait(50)
    qtbot.mouseClick(choose.drawing.draw, Qt.MouseButton.LeftButton)
    layer = viewer.layers.selection.active
    layer.brush_size = 4
    pixel = session.recording.pixel_size_um or 1.0
    paint(viewer, [(y * pixel, x * pixel) for y, x in ((22, 22), (22, 25), (25, 25), (25, 22))])
    painted = np.argwhere(layer.data)
    assert len(painted) > 15 and painted.min() >= 19 and painted.max() <= 28
    with qtbot.waitSignal(bench.runner.finished, timeout=60_000):
        qtbot.mouseClick(choose.drawing.use, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: session.selection.cells == (0,))
    traces.parentWidget().raise_()
    settle()
    assert np.corrcoef(session.recording.traces["raw"].values[0], film[1])[0, 1] > 0.95
    qtbot.waitUntil(lambda: [lane.cell for lane in traces.plot.lanes.lanes] == [0])
    session.undo()
    assert session.recording.n_rois == 0
