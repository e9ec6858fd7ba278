import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_calcium.widgets.plots.quality_plot import QualityPlot
from napari_calcium.widgets.theme import PlotColors

COLORS = PlotColors("#202020", "#ffffff", "#808080", "#ff0000")


@pytest.fixture
def plot(qtbot):
    made = QualityPlot(COLORS)
    qtbot.addWidget(made)
    return made


def heights(plot):
    """Sums of the lower (cells) and of all bars."""
    opts = plot._bars.opts
    half = len(opts["y1"]) // 2
    return int(np.sum(opts["y1"][:half])), int(np.sum(opts["y1"][half:]))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.floats(-1e4, 1e4) | st.just(np.nan), max_size=12), st.floats(0, 5))
def test_every_known_candidate_stands_in_a_bar_whatever_its_quality(plot, quality, threshold):
    values = np.array(quality, np.float64)
    chosen = np.nan_to_num(values, nan=9.0) >= threshold
    plot.show_quality(
        values, chosen, threshold, float(values[0]) if len(values) and values[0] == values[0] else None
    )
    known = np.isfinite(values)
    assert heights(plot) == (int((chosen & known).sum()), int(known.sum()))
    assert plot.threshold == pytest.approx(threshold)


def test_pulling_the_line_tells_the_threshold_never_below_zero(plot):
    moved, picked = [], []
    plot.threshold_moved.connect(moved.append)
    plot.threshold_picked.connect(picked.append)
    plot._line.setValue(-3.0)
    plot._line.sigDragged.emit(plot._line)
    plot._line.sigPositionChangeFinished.emit(plot._line)
    assert moved == picked == [0.0]


def test_showing_what_is_so_tells_nobody(plot):
    moved = []
    plot.threshold_moved.connect(moved.append)
    plot.show_quality(np.array([1.0, 2.0]), np.array([True, True]), 0.7, 1.0)
    assert moved == []
