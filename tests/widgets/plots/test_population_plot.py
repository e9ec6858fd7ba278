"""The population's course in a plot that has little height."""

from __future__ import annotations

import numpy as np
from qtpy.QtWidgets import QApplication

from napari_calcium.results.population_results import PopulationActivity
from napari_calcium.widgets.plots.population_plot import PopulationPlot
from napari_calcium.widgets.theme import PlotColors

DARK = PlotColors("#23242b", "#f0f1f2", "#565f6c", "#ff5050")


def course():
    values = 0.16 * np.abs(np.sin(np.arange(500) / 20))
    return PopulationActivity(np.arange(500) * 0.5, values, values, 9, "denoised", "ΔF/F", "mean", 0.5)


def test_a_low_plot_has_no_label_and_the_numbers_at_the_ends(qtbot):
    plot = PopulationPlot(DARK)
    qtbot.addWidget(plot)
    plot.set_duration(250.0)
    plot.show()
    for height, room in ((300, True), (80, False), (300, True)):
        plot.resize(600, height)
        for _ in range(4):
            QApplication.processEvents()
        plot.show_activity(course(), "Mean (%)")
        axis = plot.getPlotItem().getAxis("left")
        assert axis.label.isVisible() == room
        ends = axis._tickLevels
        assert (ends is None) == room
        if not room:
            assert [words for _, words in ends[0]] == ["0", "16"]
