from __future__ import annotations

from unittest.mock import Mock

import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt

from napari_calcium.results.tables import Activations, Ensembles, Members
from napari_calcium.widgets.plots.activations_plot import ActivationsPlot
from napari_calcium.widgets.theme import PlotColors, ensemble_mark

DARK = PlotColors("#23242b", "#f0f1f2", "#565f6c", "#ff5050")
TIMES = {0: [5.0, 30.0], 3: [12.0], 4: []}


def ensembles() -> Ensembles:
    ids = np.array([k for k in TIMES for _ in range(2)])
    members = Members(
        ids, np.arange(len(ids)), *(np.ones(len(ids)) for _ in range(3)), np.ones(len(ids), bool)
    )
    owner = np.array([k for k, times in TIMES.items() for _ in times])
    when = np.array([t for times in TIMES.values() for t in times])
    return Ensembles(members, Activations(owner, when, np.zeros(3), np.full(3, 2)))


@pytest.fixture
def plot(qtbot):
    shown = ActivationsPlot(DARK)
    qtbot.addWidget(shown)
    shown.resize(600, 240)
    shown.show()
    qtbot.waitExposed(shown)
    shown.set_duration(60.0)
    shown.show_span(None)
    shown.show_ensembles(ensembles())
    return shown


def click(qtbot, plot, seconds: float, height: float) -> None:
    place = plot.mapFromScene(plot.box.mapViewToScene(QPointF(seconds, height)))
    qtbot.mouseMove(plot.viewport(), place)
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)


def spied(plot) -> tuple[Mock, Mock]:
    chosen, times = Mock(), Mock()
    plot.ensemble_clicked.connect(chosen)
    plot.time_picked.connect(times)
    return chosen, times


def test_a_row_of_ticks_for_each_in_its_colour(plot):
    for row, (ensemble, item) in enumerate(zip(TIMES, plot._items, strict=True)):
        x, y = item.getData()
        assert sorted(set(x if x is not None else [])) == TIMES[ensemble]
        if len(TIMES[ensemble]):
            assert row < y.min() < y.max() < row + 1
        assert item.opts["pen"].color().name() == ensemble_mark(ensemble, DARK.background)


def test_a_click_on_a_tick_names_ensemble_and_time(qtbot, plot):
    chosen, times = spied(plot)
    click(qtbot, plot, 12.2, 1.5)
    chosen.assert_called_once_with(3)
    times.assert_called_once_with(12.0)


def test_a_click_beside_the_ticks_names_the_ensemble_alone(qtbot, plot):
    chosen, times = spied(plot)
    click(qtbot, plot, 45.0, 0.5)
    chosen.assert_called_once_with(0)
    times.assert_not_called()


def test_a_click_on_an_ensemble_that_was_never_active(qtbot, plot):
    chosen, times = spied(plot)
    click(qtbot, plot, 20.0, 2.5)
    chosen.assert_called_once_with(4)
    times.assert_not_called()


def test_the_chosen_row_has_a_ground(plot):
    plot.show_chosen(3)
    assert plot._ground.isVisible()
    assert plot._ground.getRegion() == (1, 2)
    plot.show_chosen(99)
    assert not plot._ground.isVisible()
    plot.show_chosen(None)
    assert not plot._ground.isVisible()


def test_no_ensembles_leave_an_empty_plot(qtbot, plot):
    plot.show_ensembles(None)
    chosen, _ = spied(plot)
    click(qtbot, plot, 20.0, 0.5)
    chosen.assert_not_called()
    plot.show_ensembles(Ensembles())
    assert plot._items == []


def test_a_hundred_ensembles_name_only_some_rows(plot):
    n = 100
    members = Members(np.arange(n), np.arange(n), *(np.ones(n) for _ in range(3)), np.ones(n, bool))
    plot.show_ensembles(Ensembles(members))
    names = plot.getPlotItem().getAxis("left")._tickLevels[0]
    assert 0 < len(names) <= plot.box.height() / 14 + 1
