"""The small plots of stability: they fill their place, and are never squeezed until nothing can be read."""

import numpy as np
import pytest
from qtpy.QtWidgets import QScrollArea
from tests.widgets.settling import settle

from napari_calcium.figures.stability_figure import METRICS, StabilityStrip
from napari_calcium.widgets.plots.stability_plot import StabilityPlot
from napari_calcium.widgets.theme import PlotColors

NAMES = [name for _, names in METRICS for name in names]


def strips(n, values=(3.0, 5.0, 2000.0)):
    lines = {name: np.array(values) for name in NAMES}
    return tuple(StabilityStrip(f"Stage: {k}", ("a", "b", "c"), 1, lines) for k in range(n))


@pytest.fixture
def plot(qtbot):
    made = StabilityPlot(PlotColors("#000000", "#ffffff", "#808080", "#ff0000"))
    area = QScrollArea()
    qtbot.addWidget(area)
    area.setWidgetResizable(True)
    area.setWidget(made)
    area.resize(660, 180)
    area.show()
    qtbot.waitExposed(area)
    yield made


@pytest.mark.parametrize("counts", [(1, 2, 4), (4,), (4, 1)])
def test_plots_fill_their_place_as_strips_come_and_go(plot, counts):
    for n in counts:
        plot.show_strips(strips(n))
        settle()
    right = plot.plot_at(0, counts[-1] - 1).sceneBoundingRect().right()
    assert right > 0.9 * plot.width()


def test_in_a_low_place_rows_keep_their_height(plot):
    plot.show_strips(strips(4))
    settle()
    for row in range(len(METRICS)):
        assert plot.plot_at(row, 0).sceneBoundingRect().height() >= 30
    assert plot.height() > 180  # the rest is scrolled to


@pytest.mark.parametrize("values", [(0.0, 0.0, 0.0), (1.0, 2.0, 3.0), (10.0, np.nan, 98_765.0)])
def test_two_values_stand_beside_each_row(plot, values):
    plot.show_strips(strips(2, values))
    for row in range(len(METRICS)):
        axis = plot.plot_at(row, 0).getAxis("left")
        heights = [height for height, _ in axis._tickLevels[0]]
        low, high = plot.plot_at(row, 0).getViewBox().viewRange()[1]
        assert 1 <= len(heights) <= 2
        assert all(low <= height <= high for height in heights)
