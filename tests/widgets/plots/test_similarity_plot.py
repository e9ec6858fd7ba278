from __future__ import annotations

from unittest.mock import Mock

import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt
from qtpy.QtWidgets import QApplication

from napari_calcium.figures.palette import rgb
from napari_calcium.figures.raster_pyramid import RasterPyramid
from napari_calcium.figures.similarity_tree import arrange, similarity_levels
from napari_calcium.widgets.plots.similarity_plot import SimilarityPlot, SimilarityView
from napari_calcium.widgets.theme import PlotColors, ensemble_mark

DARK = PlotColors("#23242b", "#f0f1f2", "#565f6c", "#ff5050")
LIGHT = PlotColors("#f0f0f0", "#101010", "#b0b0b0", "#c00000")
OWNER = np.array([1, 0, 1, -1, 0, 1])


def view(by="ensemble", owner=OWNER) -> SimilarityView:
    similarity = np.where(owner[:, None] == owner, 0.8, 0.1).astype(np.float32)
    np.fill_diagonal(similarity, 1)
    arrangement = arrange(similarity, owner, by)
    levels, high = similarity_levels(similarity, arrangement.order)
    return SimilarityView(arrangement, RasterPyramid.build(levels, np.arange(len(levels))), high)


@pytest.fixture
def plot(qtbot):
    shown = SimilarityPlot(DARK)
    qtbot.addWidget(shown)
    shown.resize(420, 380)
    shown.show()
    qtbot.waitExposed(shown)
    shown.show_view(view())
    QApplication.processEvents()
    return shown


def click(qtbot, plot, column: float, row: float) -> Mock:
    heard = Mock()
    plot.event_clicked.connect(heard)
    place = plot.mapFromScene(plot.box.mapViewToScene(QPointF(column, row)))
    qtbot.mouseMove(plot.viewport(), place)
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    return heard


def test_a_click_names_the_event_of_the_row(qtbot, plot):
    order = plot.view.arrangement.order
    click(qtbot, plot, 4.5, 2.5).assert_called_once_with(int(order[2]))


def test_a_click_on_the_strip_names_it_too(qtbot, plot):
    order = plot.view.arrangement.order
    heard = Mock()
    plot.event_clicked.connect(heard)
    side = plot._side.sceneBoundingRect()
    y = plot.box.mapViewToScene(QPointF(0, 3.5)).y()
    place = plot.mapFromScene(QPointF(side.center().x(), y))
    qtbot.mouseMove(plot.viewport(), place)
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    heard.assert_called_once_with(int(order[3]))


def test_the_matrix_lies_in_the_order_and_fills_the_plot(plot):
    np.testing.assert_array_equal(plot._image.image, plot.view.pyramid.coarse[0][0])
    rect = plot._image.mapRectToView(plot._image.boundingRect())
    assert (rect.left(), rect.top(), rect.right(), rect.bottom()) == (0, 0, 6, 6)


def test_the_matrix_is_square_whatever_room_there_is(qtbot, plot):
    for width, height in ((700, 170), (300, 170), (420, 900), (900, 400), (260, 900)):
        plot.resize(width, min(height, plot.maximumHeight()))
        for _ in range(5):  # the layout of the boxes follows that of the widget
            QApplication.processEvents()
            plot.resize(width, min(height, plot.maximumHeight()))
        assert plot.box.height() == pytest.approx(plot.box.width(), abs=2), (width, height)
        assert plot.box.width() > 50


def test_both_strips_have_the_colours_of_the_ensembles_in_both_themes(plot):
    for colors in (DARK, LIGHT):
        plot.set_colors(colors)
        expected = [rgb(ensemble_mark(k, colors.background)) for k in [0, 0, 1, 1, 1, -1]]
        assert plot._side_image.image[:, 0].tolist() == [list(c) for c in expected]
        assert plot._top_image.image[0].tolist() == [list(c) for c in expected]


def test_an_event_is_a_cross_and_an_ensemble_a_frame(plot):
    row = int(plot.view.arrangement.order[4])
    plot.show_event(row)
    x, y = plot._cross.getData()
    assert {4.0, 5.0} <= set(x) and {4.0, 5.0} <= set(y)
    plot.show_chosen(1)
    x, y = plot._blocks.getData()
    assert (x.min(), x.max(), y.min(), y.max()) == (2, 5, 2, 5)
    plot.show_event(None)
    plot.show_chosen(None)
    assert np.size(plot._cross.getData()[0]) == np.size(plot._blocks.getData()[0]) == 0


def test_the_tree_takes_no_room_where_there_is_none(plot):
    assert plot._tree_box.width() > 20
    plot.show_view(view("time"))
    QApplication.processEvents()
    assert plot._tree_box.maximumWidth() == 0


def test_the_lines_of_a_tree_of_many_events_do_not_fill_it(plot):
    assert plot._tree.opts["pen"].color().alphaF() == 1
    plot.show_view(view(owner=np.arange(300) % 5))
    assert plot._tree.opts["pen"].color().alphaF() < 0.3
    plot.set_colors(LIGHT)
    pen = plot._tree.opts["pen"].color()
    assert pen.name() == LIGHT.text and pen.alphaF() < 0.3


def test_it_says_which_two_events_are_under_the_mouse(plot):
    heard = Mock()
    plot.hovered.connect(heard)
    plot._on_move(plot.box.mapViewToScene(QPointF(1.5, 3.5)))
    order = plot.view.arrangement.order
    assert heard.call_args.args[0] == (int(order[3]), int(order[1]))


def test_one_event_and_none(qtbot, plot):
    plot.show_view(view(owner=np.array([0])))
    click(qtbot, plot, 0.5, 0.5).assert_called_once_with(0)
    plot.show_view(None)
    assert plot._image.image is None
