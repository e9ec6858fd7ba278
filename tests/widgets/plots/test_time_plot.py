import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_calcium.results.behaviour_results import Epochs
from napari_calcium.widgets.plots.population_plot import PopulationPlot
from napari_calcium.widgets.plots.quality_plot import QualityPlot
from napari_calcium.widgets.plots.row_bars import RowBars
from napari_calcium.widgets.plots.time_matrix_plot import TimeMatrixPlot
from napari_calcium.widgets.plots.time_plot import TimePlot
from napari_calcium.widgets.theme import PlotColors

DARK = PlotColors("#23242b", "#f0f1f2", "#565f6c", "#ff5050")


@pytest.mark.parametrize("kind", [TimePlot, TimeMatrixPlot, QualityPlot, PopulationPlot, RowBars])
def test_the_label_under_the_axis_is_not_cut_off(qtbot, kind):
    plot = kind(TimeMatrixPlot(DARK), DARK, "Coupling (r)") if kind is RowBars else kind(DARK)
    qtbot.addWidget(plot)
    plot.resize(500, 200)
    plot.show()
    for _ in range(4):
        QApplication.processEvents()
    label = plot.getPlotItem().getAxis("bottom").label
    assert label.sceneBoundingRect().bottom() <= plot.height()


def test_what_draws_nothing_takes_no_part_in_a_move(qtbot):
    """pyqtgraph and Qt measure every item that is seen at each move."""
    plot = TimePlot(DARK)
    qtbot.addWidget(plot)
    plot.set_duration(100.0)
    parts = (plot._shades, plot.bad_frames, plot._mark)
    assert not any(part.isVisible() for part in parts)
    plot.show_mark((3.0, 5.0))
    plot.bad_frames.show_spans(np.array([[1.0, 2.0]]))
    plot.show_epochs(Epochs(np.array(["run"]), np.array([1.0]), np.array([2.0])))
    assert all(part.isVisible() for part in parts)
    plot.show_mark(None)
    plot.bad_frames.show_spans(np.empty((0, 2)))
    plot.show_epochs(None)
    assert not any(part.isVisible() for part in parts)
