"""Points of one colour share one brush: pyqtgraph paints, and keeps, a symbol for each."""

from __future__ import annotations

import numpy as np

from napari_calcium.widgets.plots.shared_pens import shared_brush, shared_brushes, shared_pen
from napari_calcium.widgets.plots.trajectory_plot import TrajectoryPlot
from napari_calcium.widgets.theme import PlotColors

DARK = PlotColors("#23242b", "#f0f1f2", "#565f6c", "#ff5050")


def test_each_row_has_its_colour_and_each_colour_one_brush():
    fill = np.random.default_rng(0).integers(0, 3, (200, 3)).astype(np.uint8) * 90
    brushes = shared_brushes(fill, 220)
    assert [brush.color().getRgb() for brush in brushes] == [(*row, 220) for row in fill.tolist()]
    assert len({id(brush) for brush in brushes}) == len(np.unique(fill, axis=0))
    again = shared_brushes(fill[::-1], 220)
    assert {id(brush) for brush in again} == {id(brush) for brush in brushes}


def test_none_are_asked_for():
    assert shared_brushes(np.empty((0, 3), np.uint8)) == []


def test_the_same_look_is_the_same_object():
    assert shared_brush("#ff0000") is shared_brush("#ff0000")
    assert shared_pen("#ff0000", 2) is shared_pen("#ff0000", 2)
    assert shared_pen("#ff0000", 2) is not shared_pen("#ff0000", 1)
    assert shared_pen("#ff0000", 2).width() == 2


def test_turning_a_trajectory_paints_no_symbol_anew(qtbot):
    plot = TrajectoryPlot(DARK)
    qtbot.addWidget(plot)
    rng = np.random.default_rng(1)
    fill = rng.integers(0, 8, (300, 3)).astype(np.uint8) * 30
    plot.show_way(rng.normal(size=(300, 3)), np.arange(300.0), fill, ("PC 1", "PC 2", "PC 3"))
    painted = len(plot._dots.fragmentAtlas)
    assert painted <= len(np.unique(fill, axis=0))
    for _ in range(5):
        plot.turn(10, 3)
    assert len(plot._dots.fragmentAtlas) == painted
