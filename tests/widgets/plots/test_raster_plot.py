from __future__ import annotations

from unittest.mock import Mock

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication

from napari_calcium.figures.palette import rgb
from napari_calcium.figures.raster_pyramid import RasterPyramid
from napari_calcium.figures.raster_view import RasterView
from napari_calcium.widgets.plots.raster_plot import RasterPlot
from napari_calcium.widgets.theme import PlotColors, ensemble_mark

DARK = PlotColors("#23242b", "#f0f1f2", "#565f6c", "#ff5050")
LIGHT = PlotColors("#f0f0f0", "#101010", "#b0b0b0", "#c00000")
CELLS, FRAMES, RATE = 60, 2000, 10.0


def view(n: int = CELLS) -> RasterView:
    levels = np.random.default_rng(0).integers(1, 256, (n, FRAMES)).astype(np.uint8)
    homes = np.full(n, -1)
    homes[:10] = 3
    pyramid = RasterPyramid.build(levels, np.arange(n)[::-1])
    times = {3: np.array([20.0, 150.0]), 5: np.empty(0)}
    return RasterView(pyramid, 100 + np.arange(n)[::-1], homes, RATE, activations=times)


@pytest.fixture
def plot(qtbot):
    shown = RasterPlot(DARK)
    qtbot.addWidget(shown)
    shown.resize(700, 400)
    shown.show()
    qtbot.waitExposed(shown)
    shown.set_duration(FRAMES / RATE)
    shown.show_span(None)
    shown.show_view(view())
    QApplication.processEvents()
    return shown


def place_of(plot, seconds: float, height: float) -> QPoint:
    return plot.mapFromScene(plot.box.mapViewToScene(QPointF(seconds, height)))


def turn(plot, steps: int, modifier, seconds: float = 100.0, height: float = 30.0) -> None:
    place = QPointF(place_of(plot, seconds, height))
    event = QWheelEvent(
        place,
        QPointF(plot.mapToGlobal(place.toPoint())),
        QPoint(),
        QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton,
        modifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    plot.wheelEvent(event)


def test_a_click_names_cell_and_time(qtbot, plot):
    clicked = Mock()
    plot.cell_clicked.connect(clicked)
    place = place_of(plot, 80.0, 12.5)
    qtbot.mouseMove(plot.viewport(), place)
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    cell, seconds, add = clicked.call_args.args
    assert cell == 100 + CELLS - 1 - 12 and not add
    assert seconds == pytest.approx(80.0, abs=0.5)


def test_a_click_with_shift_says_so(qtbot, plot):
    clicked = Mock()
    plot.cell_clicked.connect(clicked)
    place = place_of(plot, 80.0, 12.5)
    qtbot.mouseMove(plot.viewport(), place)
    shift = Qt.KeyboardModifier.ShiftModifier
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, shift, place)
    assert clicked.call_args.args[2]


def test_the_picture_is_no_larger_than_the_plot_and_lies_where_it_belongs(plot):
    height, width = plot._image.image.shape
    assert height <= plot.box.height() + 2 and width <= plot.pixels + 2
    rect = plot._image.mapRectToView(plot._image.boundingRect())
    assert (rect.left(), rect.top()) == (0, 0)
    assert rect.right() >= FRAMES / RATE - 1e-9 and rect.bottom() >= CELLS - 1e-9


def test_zoomed_in_every_frame_is_drawn(plot):
    plot.show_span((50.0, 52.0))
    shown = plot._image.image
    assert shown.shape[1] == 20
    np.testing.assert_array_equal(shown, plot.view.pyramid.coarse[0][0][::-1][:, 500:520])


def test_control_and_wheel_zoom_in_neurons_around_the_mouse_and_shift_scrolls(plot):
    turn(plot, 3, Qt.KeyboardModifier.ControlModifier, height=30.0)
    first, last = plot.rows
    assert last - first < CELLS
    assert first < 30 < last
    assert plot.span == (0.0, FRAMES / RATE)
    turn(plot, -2, Qt.KeyboardModifier.ShiftModifier)
    assert plot.rows[0] > first
    assert plot.rows[1] - plot.rows[0] == pytest.approx(last - first)
    for _ in range(200):
        turn(plot, 5, Qt.KeyboardModifier.ControlModifier, height=sum(plot.rows) / 2)
    assert plot.rows[1] - plot.rows[0] == pytest.approx(4)
    for _ in range(50):
        turn(plot, -5, Qt.KeyboardModifier.ControlModifier, height=sum(plot.rows) / 2)
    assert plot.rows == (0, CELLS)


def test_rows_have_names_once_there_is_room(plot):
    axis = plot.getPlotItem().getAxis("left")
    assert axis._tickLevels is None
    plot.box.setYRange(5, 10, padding=0)
    assert (5.5, str(plot.view.cells[5])) in axis._tickLevels[0]


def test_the_focus_is_brought_into_sight_and_nothing_moves_if_it_is(plot):
    plot.box.setYRange(0, 10, padding=0)
    cell = int(plot.view.cells[40])
    plot.show_focus(cell)
    first, last = plot.rows
    assert first <= 40 and last >= 41 and last - first == pytest.approx(10)
    before = plot.rows
    plot.show_focus(int(plot.view.cells[int(first) + 2]))
    plot.show_focus(None)
    plot.show_focus(99_999)
    assert plot.rows == before


def test_selected_rows_are_marked_in_the_colour_of_the_chosen_ensemble(plot):
    plot.show_cells((int(plot.view.cells[7]), int(plot.view.cells[2]), 99_999), 3)
    _, y = plot.strip._marks.getData()
    assert sorted(set(y)) == [2.5, 7.5]
    assert plot.strip._marks.opts["pen"].color().name() == ensemble_mark(3, DARK.background)
    plot.box.setYRange(0, 12, padding=0)
    assert len(plot._boxes.getData()[0]) == 2 * 2 * 2
    plot.show_cells((), None)
    assert plot.strip._marks.getData()[0] is None or not len(plot.strip._marks.getData()[0])


def test_activations_of_the_chosen_ensemble_go_through_all_rows(plot):
    plot.show_cells((), 3)
    x, y = plot._bands.getData()
    assert sorted(set(x)) == [20.0, 150.0] and (y.min(), y.max()) == (0, CELLS)
    plot.show_cells((), None)
    assert plot._bands.getData()[0] is None or not len(plot._bands.getData()[0])


def test_rows_of_an_ensemble_have_its_colour_beside_them_in_both_themes(plot):
    for colors in (DARK, LIGHT):
        plot.set_colors(colors)
        table = plot.strip._image.image[:, 0]
        assert tuple(table[4]) == (*rgb(ensemble_mark(3, colors.background)), 255)
        assert table[20][3] == 0


def test_it_says_what_is_under_the_mouse(plot):
    heard = Mock()
    plot.hovered.connect(heard)
    plot._on_move(plot.box.mapViewToScene(QPointF(12.34, 3.2)))
    assert heard.call_args.args[0] == (3, 123)
    plot._on_move(QPointF(1, 1))
    assert heard.call_args.args[0] is None


def test_another_number_of_neurons_is_shown_whole_the_same_number_stays_zoomed(plot):
    plot.box.setYRange(5, 15, padding=0)
    plot.show_view(view())
    assert plot.rows == (5, 15)
    plot.show_view(view(7))
    assert plot.rows == (0, 7)
    plot.show_view(None)
    assert plot._image.image is None


def test_a_move_in_time_leaves_the_axis_of_the_neurons_as_it_is(plot, monkeypatch):
    """It draws itself anew whenever it is told its ticks, which took as long as the rest of a move."""
    told = []
    axis = plot.getPlotItem().getAxis("left")
    monkeypatch.setattr(axis, "setTicks", told.append)
    for start in (0.0, 20.0, 40.0):
        plot.box.setXRange(start, start + 50, padding=0)
    assert told == []
    plot.box.setYRange(0, 8, padding=0)
    assert len(told) == 1 and len(told[0][0]) == 8
    plot.box.setXRange(5, 15, padding=0)
    assert len(told) == 1
