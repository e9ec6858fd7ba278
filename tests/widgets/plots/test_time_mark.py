"""A stretch of time is marked with a drag and seen in every plot, with real mouse events."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QVBoxLayout, QWidget

from napari_calcium.selection import Selection
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.plots.population_plot import PopulationPlot
from napari_calcium.widgets.plots.time_mark import link_marks
from napari_calcium.widgets.plots.time_matrix_plot import TimeMatrixPlot
from napari_calcium.widgets.plots.time_plot import TimePlot
from napari_calcium.widgets.theme import PlotColors

DARK = PlotColors("#23242b", "#f0f1f2", "#565f6c", "#ff5050")
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def selection():
    return Selection()


@pytest.fixture
def plots(qtbot, selection):
    """Three plots of one widget, linked."""
    owner = QWidget()
    column = QVBoxLayout(owner)
    made = [TimePlot(DARK), TimeMatrixPlot(DARK), PopulationPlot(DARK)]
    for plot in made:
        column.addWidget(plot)
        plot.set_duration(100.0)
        plot.show_span(None)
    qtbot.addWidget(owner)
    owner.resize(500, 600)
    owner.show()
    qtbot.waitExposed(owner)
    qtbot.wait(60)  # axes take their width
    link_marks(owner, selection, Links(owner))
    yield made  # the owner lives as long


def place(plot, seconds):
    low, high = plot.box.viewRange()[1]
    return plot.mapFromScene(plot.box.mapViewToScene(QPointF(seconds, (low + high) / 2)))


def drag(plot, start, stop, modifier=SHIFT):
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton

    def send(kind, seconds, button, held):
        here = QPointF(place(plot, seconds))
        event = QMouseEvent(kind, here, plot.viewport().mapToGlobal(here), button, held, modifier)
        QApplication.sendEvent(plot.viewport(), event)

    send(QEvent.Type.MouseMove, start, none, none)
    send(QEvent.Type.MouseButtonPress, start, left, left)
    for share in (0.3, 0.6, 1.0):
        QTest.qWait(25)  # the scene passes on no more than some moves a second
        send(QEvent.Type.MouseMove, start + share * (stop - start), none, left)
    send(QEvent.Type.MouseButtonRelease, stop, left, none)
    QApplication.processEvents()


@pytest.mark.parametrize("source", [0, 1, 2])
def test_a_drag_with_shift_marks_in_every_plot_and_moves_none(plots, selection, source):
    before = [plot.span for plot in plots]
    drag(plots[source], 60, 20)
    assert selection.marked == pytest.approx((20, 60), abs=0.6)
    assert all(plot._mark.stretch == selection.marked for plot in plots)
    assert [plot.span for plot in plots] == before


def pinkish(plot, seconds):
    color = plot.grab().toImage().pixelColor(place(plot, seconds))
    return color.red() > color.green() + 15 and color.blue() > color.green() + 5


def test_the_mark_is_seen_where_it_is_at_any_zoom(plots, selection):
    selection.marked = (20.0, 60.0)
    for plot in plots:
        QApplication.processEvents()
        assert pinkish(plot, 40)
        assert not pinkish(plot, 80)
    plots[0].show_span((50.0, 70.0))
    QApplication.processEvents()
    assert pinkish(plots[0], 55)
    assert not pinkish(plots[0], 65)
    selection.marked = None
    QApplication.processEvents()
    assert not pinkish(plots[0], 55)


def test_a_drag_without_shift_moves_as_before(plots, selection):
    plots[0].show_span((20.0, 60.0))
    drag(plots[0], 50, 40, Qt.KeyboardModifier.NoModifier)
    assert selection.marked is None
    assert plots[0].span[0] > 20


def test_a_mark_ends_where_the_recording_ends(plots, selection):
    plots[0]._on_mark((-5.0, 30.0))
    assert selection.marked == (0.0, 30.0)
    plots[0]._on_mark((90.0, 130.0))
    assert selection.marked == (90.0, 100.0)
    plots[0]._on_mark((101.0, 130.0))
    assert selection.marked is None


def test_a_drag_of_no_length_takes_the_mark_away(plots, selection):
    selection.marked = (20.0, 60.0)
    plots[1].box._mark(None)
    assert selection.marked is None


def test_a_plot_that_is_gone_hears_nothing(qtbot, selection):
    listeners = len(selection.marked_changed)
    owner = QWidget()
    column = QVBoxLayout(owner)
    column.addWidget(TimePlot(DARK))
    link_marks(owner, selection, Links(owner))
    assert len(selection.marked_changed) == listeners + 1
    owner.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert len(selection.marked_changed) == listeners
    selection.marked = (1.0, 2.0)


def test_marking_again_what_is_marked_draws_nothing(plots, selection):
    selection.marked = (20.0, 60.0)
    rect = plots[0]._mark.boundingRect()
    plots[0].show_mark((20.0, 60.0))
    assert plots[0]._mark.boundingRect() == rect
    assert rect.width() < 42
