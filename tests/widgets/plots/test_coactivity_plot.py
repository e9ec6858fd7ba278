from __future__ import annotations

from unittest.mock import Mock

import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt

from napari_calcium.results.tables import Coactivity, EnsembleEvents
from napari_calcium.widgets.plots.coactivity_plot import CoactivityPlot
from napari_calcium.widgets.theme import PlotColors

DARK = PlotColors("#23242b", "#f0f1f2", "#565f6c", "#ff5050")
STEP = 0.5


def table(n: int = 120) -> Coactivity:
    counts = np.zeros(n, np.int64)
    counts[[20, 70]] = [9, 5]
    flat = np.full(n, 3.0)
    return Coactivity(np.arange(n) * STEP, counts, flat, flat, flat, counts > 3, STEP, STEP)


def events() -> EnsembleEvents:
    peaks = np.array([20.5, 70.5]) * STEP
    return EnsembleEvents(
        np.arange(2), peaks, peaks, peaks, np.array([9, 5]), np.zeros(2), np.array([4, -1]), np.zeros(3, int)
    )


@pytest.fixture
def plot(qtbot):
    shown = CoactivityPlot(DARK)
    qtbot.addWidget(shown)
    shown.resize(600, 200)
    shown.show()
    qtbot.waitExposed(shown)
    shown.set_duration(60.0)
    shown.show_span(None)
    shown.show_coactivity(table(), events())
    return shown


def click(qtbot, plot, seconds: float) -> tuple[Mock, Mock]:
    chosen, times = Mock(), Mock()
    plot.ensemble_clicked.connect(chosen)
    plot.time_picked.connect(times)
    place = plot.mapFromScene(plot.box.mapViewToScene(QPointF(seconds, 2.0)))
    qtbot.mouseMove(plot.viewport(), place)
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    return chosen, times


def test_counts_stand_at_the_centre_of_their_window(plot):
    x, y = plot._counts.getData()
    assert x[np.argmax(y)] == pytest.approx(20.5 * STEP)
    assert y.max() == 9


def test_more_neurons_are_higher_on_the_screen(plot):
    low, high = (plot.box.mapViewToScene(QPointF(1, count)).y() for count in (0, 9))
    assert high < low


def test_a_click_picks_the_centre_of_the_window(qtbot, plot):
    chosen, times = click(qtbot, plot, 45.1)
    chosen.assert_not_called()
    times.assert_called_once_with(pytest.approx(45.25))


def test_a_click_on_an_event_chooses_its_ensemble(qtbot, plot):
    chosen, times = click(qtbot, plot, 20.5 * STEP)
    chosen.assert_called_once_with(4)
    times.assert_called_once_with(20.5 * STEP)


def test_an_event_of_no_ensemble_picks_the_time_alone(qtbot, plot):
    chosen, times = click(qtbot, plot, 70.5 * STEP)
    chosen.assert_not_called()
    times.assert_called_once_with(70.5 * STEP)


def test_before_the_test_there_is_no_threshold(plot):
    n = 120
    nan = np.full(n, np.nan)
    counts = Coactivity(np.arange(n) * STEP, np.ones(n, int), nan, nan, nan, np.zeros(n, bool), STEP, STEP)
    plot.show_coactivity(counts, None)
    assert np.isnan(plot._limit.getData()[1]).all()


def test_nothing_counted_is_nothing_drawn(qtbot, plot):
    plot.show_coactivity(None, None)
    assert np.size(plot._counts.getData()[0]) == 0
    _, times = click(qtbot, plot, 10.0)
    times.assert_not_called()
    plot.show_coactivity(Coactivity(), EnsembleEvents())
    plot.set_colors(DARK)


def test_a_long_recording_is_drawn_with_no_more_points_than_pixels(plot):
    n = 200_000
    counts = np.zeros(n, np.int64)
    counts[123_456] = 7
    flat = np.zeros(n)
    plot.set_duration(n * STEP)
    plot.show_coactivity(
        Coactivity(np.arange(n) * STEP, counts, flat, flat, flat, counts > 0, STEP, STEP), None
    )
    plot.show_span(None)
    x, y = plot._counts.getData()
    assert len(x) <= 2 * plot.pixels
    assert y.max() == 7


def test_a_click_names_the_event(qtbot, plot):
    heard = Mock()
    plot.event_clicked.connect(heard)
    click(qtbot, plot, 70.5 * STEP)
    heard.assert_called_once_with(1)


def test_expectation_and_threshold_are_drawn_with_the_counts(plot):
    assert plot._expected.getData()[1].max() == 3
    assert plot._limit.getData()[1].max() == 3


def test_events_of_other_ensembles_are_dimmed_and_the_chosen_lie_on_top(plot):
    plot.show_chosen(4)
    spots = plot._dots.points()
    assert [spot.pos().y() for spot in spots] == [5, 9]
    assert [spot.brush().color().alpha() == 255 for spot in spots] == [False, True]
    plot.show_chosen(None)
    assert all(spot.brush().color().alpha() == 255 for spot in plot._dots.points())


def test_an_event_can_be_ringed(plot):
    plot.show_event(0)
    (ring,) = plot._ring.points()
    assert (ring.pos().x(), ring.pos().y()) == (20.5 * STEP, 9)
    plot.show_event(None)
    assert len(plot._ring.points()) == 0
