from __future__ import annotations

from unittest.mock import Mock

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication

from napari_calcium.recording import Recording, Trace
from napari_calcium.results.tables import Events
from napari_calcium.widgets.plots.trace_lanes import PREVIEW, make_lanes
from napari_calcium.widgets.plots.traces_plot import TracesPlot
from napari_calcium.widgets.theme import PlotColors

DARK = PlotColors("#23242b", "#f0f1f2", "#565f6c", "#ff5050")
RATE = 10.0


def made(n: int = 3, n_frames: int = 600) -> Recording:
    values = np.random.default_rng(0).random((n, n_frames)).astype(np.float32)
    return Recording("a", np.arange(n) + 5, RATE, {"dff": Trace(values, "ΔF/F")})


@pytest.fixture
def plot(qtbot):
    shown = TracesPlot(DARK)
    qtbot.addWidget(shown)
    shown.resize(700, 320)
    shown.show()
    qtbot.waitExposed(shown)
    shown.set_duration(60.0)
    shown.show_span(None)
    shown.show_lanes(make_lanes(made(), (5, 6, 7), ["dff"]))
    return shown


def drawn(plot: TracesPlot, name: str) -> tuple[np.ndarray, np.ndarray]:
    return plot._lines[name].getData()


def click(qtbot, plot: TracesPlot, seconds: float, height: float) -> None:
    place = plot.mapFromScene(plot.box.mapViewToScene(QPointF(seconds, height)))
    # pyqtgraph hears of clicks through moves and releases of the scene.
    qtbot.mouseMove(plot.viewport(), place)
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)


def wheel(plot: TracesPlot, turn: int, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    middle = QPointF(plot.viewport().rect().center())
    event = QWheelEvent(
        middle,
        QPointF(plot.mapToGlobal(QPoint(0, 0))) + middle,
        QPoint(),
        QPoint(0, turn),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(plot.viewport(), event)


def test_all_of_the_recording_is_in_view_at_first(plot):
    assert plot.span == pytest.approx((0, 60))
    x, y = drawn(plot, "dff")
    assert x[~np.isnan(y)].max() == pytest.approx(59.9)


def test_no_more_points_than_pixels_are_drawn(plot):
    lanes = make_lanes(made(3, 100_000), (5, 6, 7), ["dff"])
    plot.set_duration(10_000)
    plot.show_span(None)
    plot.show_lanes(lanes)
    x, _ = drawn(plot, "dff")
    assert len(x) <= 3 * (2 * plot.pixels + 1)


def test_zooming_brings_out_detail_and_tells_the_span(plot):
    spans = Mock()
    plot.span_picked.connect(spans)
    wheel(plot, 360)
    start, stop = plot.span
    assert 0 < start < stop < 60
    spans.assert_called_with((start, stop))
    x, y = drawn(plot, "dff")
    assert x[~np.isnan(y)].min() >= start - 0.3
    assert x[~np.isnan(y)].max() <= stop + 0.3


def test_zooming_out_ends_at_the_whole_recording(plot):
    plot.show_span((10, 20))
    spans = Mock()
    plot.span_picked.connect(spans)
    for _ in range(40):
        wheel(plot, -360)
    assert plot.span == pytest.approx((0, 60))
    spans.assert_called_with(None)


def test_showing_a_span_is_no_pick(plot):
    spans = Mock()
    plot.span_picked.connect(spans)
    plot.show_span((5, 9))
    assert plot.span == pytest.approx((5, 9))
    plot.show_span(None)
    spans.assert_not_called()


def test_a_double_click_shows_all(qtbot, plot):
    plot.show_span((5, 9))
    spans = Mock()
    plot.span_picked.connect(spans)
    qtbot.mouseDClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=plot.viewport().rect().center())
    spans.assert_called_with(None)
    assert plot.span == pytest.approx((0, 60))


@pytest.mark.parametrize(("height", "cell"), [(0.5, 5), (1.5, 6), (2.9, 7)])
def test_a_click_names_cell_and_time(qtbot, plot, height, cell):
    clicks = Mock()
    plot.cell_clicked.connect(clicks)
    click(qtbot, plot, 30.0, height)
    clicks.assert_called_once()
    assert clicks.call_args.args[0] == cell
    assert clicks.call_args.args[1] == pytest.approx(30, abs=0.2)


def test_a_click_on_an_axis_is_none(qtbot, plot):
    clicks = Mock()
    plot.clicked.connect(clicks)
    qtbot.mouseMove(plot.viewport(), QPoint(5, 100))
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(5, 100))
    clicks.assert_not_called()


def test_pulling_the_cursor_picks_the_time(plot):
    times = Mock()
    plot.time_picked.connect(times)
    plot._cursor.setValue(12.5)
    plot._cursor.sigDragged.emit(plot._cursor)
    times.assert_called_once_with(12.5)


def test_showing_a_time_is_no_pick_and_brings_it_into_view(plot):
    times = Mock()
    plot.time_picked.connect(times)
    plot.show_span((0, 10))
    plot.show_time(42.0)
    start, stop = plot.span
    assert start < 42 < stop
    assert stop - start == pytest.approx(10)
    plot.show_time(59.99)
    assert plot.span[1] == pytest.approx(60)
    times.assert_not_called()


def test_events_stand_at_the_foot_of_their_lane(plot):
    onsets = np.array([10.0, 20.0])
    events = Events(np.array([5, 7]), onsets, onsets, onsets, np.ones(2), np.ones(2))
    plot.show_lanes(make_lanes(made(), (5, 6, 7), ["dff"]), events)
    x, y = plot._events["events"].getData()
    np.testing.assert_array_equal(x, [10, 10, 20, 20])
    assert y[:2].max() <= 1
    assert y[2:].min() > 2.5
    assert np.size(plot._events[PREVIEW].getData()[0]) == 0


def test_activations_run_through_all_lanes(plot):
    plot.show_activations(np.array([3.0, 9.0]), 0)
    x, y = plot._bands.getData()
    np.testing.assert_array_equal(x, [3, 3, 9, 9])
    np.testing.assert_array_equal(y, [0, 3, 0, 3])
    plot.show_activations(np.empty(0), None)
    assert plot._bands.getData()[0] is None or not len(plot._bands.getData()[0])


def test_many_lanes_scroll_and_each_keeps_room(plot):
    many = made(80)
    seen = Mock()
    plot.scrolled.connect(seen)
    plot.show_lanes(make_lanes(many, many.roi_ids.tolist(), ["dff"]))
    room = len(plot.places)
    assert room < 80
    assert plot.box.height() / room >= 18
    seen.assert_called_with(0, 80 - room)
    wheel(plot, -120, Qt.KeyboardModifier.ShiftModifier)
    assert plot.places[0] == 1
    plot.scroll_to(1000)
    assert plot.places[-1] == 79
    _, y = drawn(plot, "dff")
    assert np.nanmin(y) >= plot.places[0]
    plot.scroll_to(-5)
    assert plot.places[0] == 0


def test_the_focus_is_scrolled_into_view(plot):
    many = made(80)
    plot.show_lanes(make_lanes(many, many.roi_ids.tolist(), ["dff"]))
    plot.show_focus(70)
    assert 65 in plot.places
    assert plot._focus.isVisible()
    plot.show_focus(None)
    assert not plot._focus.isVisible()


def test_the_axis_names_unit_and_values_in_percent(plot):
    right = plot.getPlotItem().getAxis("right")
    assert right.labelText == "ΔF/F (%)"
    ticks = right._tickLevels[0]
    heights = {text: height for height, text in ticks[:2]}
    lanes = plot.lanes
    assert heights["0"] == pytest.approx(lanes.height_of(0, 0.0))
    text = next(t for t in heights if t != "0")
    assert heights[text] == pytest.approx(lanes.height_of(0, float(text) / 100))


def test_small_lanes_share_one_scale_at_the_foot(plot):
    many = made(12)
    plot.show_lanes(make_lanes(many, many.roi_ids.tolist(), ["dff"]))
    ticks = plot.getPlotItem().getAxis("right")._tickLevels[0]
    (foot, zero), (top, text) = ticks
    assert zero == "0"
    lane = plot.lanes.lanes[plot.places[-1]]
    per_lane = (lane.high - lane.low) / 0.88
    assert foot - top == pytest.approx(float(text) / 100 / per_lane, rel=1e-6)


def test_lanes_of_their_own_scale_say_so(plot):
    many = made(12)
    plot.show_lanes(make_lanes(many, many.roi_ids.tolist(), ["dff"], same_scale=False))
    assert "scaled to each lane" in plot.getPlotItem().getAxis("right").labelText


@pytest.mark.parametrize("unit", ["z-score", "spikes/frame", "a.u."])
def test_other_units_are_named(plot, unit):
    made = Recording("a", np.arange(2), RATE, {"dff": Trace(np.random.default_rng(0).random((2, 50)), unit)})
    plot.show_lanes(make_lanes(made, (0, 1), ["dff"]))
    assert unit in plot.getPlotItem().getAxis("right").labelText


def test_time_without_a_frame_rate_is_frames(plot):
    plot.set_duration(600, in_frames=True)
    assert plot.getPlotItem().getAxis("bottom").labelText == "Frame (frame rate not known)"


def test_an_empty_plot_and_a_new_theme_are_fine(plot):
    plot.show_lanes(make_lanes(made(), (), ["dff"]))
    plot.set_colors(PlotColors("#ebe7e6", "#1e1e21", "#b4b2af", "#c00000"))
    plot.show_focus(5)
    assert plot.backgroundBrush().color().name() == "#ebe7e6"
