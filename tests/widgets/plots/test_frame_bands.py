import numpy as np
import pyqtgraph as pg
import pytest

from napari_calcium.widgets.plots.frame_bands import FrameBands
from napari_calcium.widgets.plots.frames_plot import FramesPlot
from napari_calcium.widgets.theme import PlotColors

COLORS = PlotColors("#202020", "#ffffff", "#808080", "#ff0000")


@pytest.fixture
def plot(qtbot):
    made = FramesPlot(COLORS, "Shift (px)")
    qtbot.addWidget(made)
    made.resize(400, 200)
    made.set_duration(100.0)
    made.show()
    qtbot.waitExposed(made)
    return made


def reddish(plot, seconds):
    """Whether the ground of a plot is shaded at a moment."""
    picture = plot.grab().toImage()
    place = plot.mapFromScene(plot.box.mapViewToScene(pg.Point(seconds, plot.box.viewRange()[1][0])))
    color = picture.pixelColor(place.x(), place.y() - 8)
    return color.red() > color.blue() + 30


def test_a_single_bad_frame_is_seen_at_any_zoom(plot):
    plot.show_lines(100.0, [(np.zeros(10_000), "#0072b2")])
    plot.bad_frames.show_spans(np.array([[40.0, 40.01]]))
    plot.show_span(None)
    assert reddish(plot, 40.05) and not reddish(plot, 60)
    plot.show_span((39.99, 40.03))
    assert reddish(plot, 40.005) and not reddish(plot, 40.02)


def test_lines_follow_the_span_and_gaps_stay_gaps(plot):
    values = np.linspace(-2, 5, 1000)
    values[300:400] = np.nan
    plot.show_lines(10.0, [(values, "#0072b2"), (-values, "#e69f00")])
    plot.show_span(None)
    low, high = plot.box.viewRange()[1]
    assert low < -5 and high > 5
    x, y = plot._curves[0].getData()
    assert x[0] == 0 and np.isnan(y).any()
    assert len(plot._curves[2].getData()[0]) == 0
    plot.show_lines(10.0, [(np.full(10, np.nan), "#0072b2")])


def test_a_click_picks_the_moment(plot, qtbot):
    from qtpy.QtCore import QPointF, Qt

    plot.show_lines(10.0, [(np.zeros(1000), "#0072b2")])
    plot.show_span(None)
    seen = []
    plot.time_picked.connect(seen.append)
    place = plot.mapFromScene(plot.box.mapViewToScene(QPointF(25.0, 0)))
    qtbot.mouseMove(plot.viewport(), place)
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert seen and abs(seen[-1] - 25) < 1


def test_bands_are_kept(qtbot):
    bands = FrameBands("#d55e00")
    assert len(bands.spans) == 0
    bands.show_spans(np.array([[1.0, 2.0]]))
    assert bands.spans.tolist() == [[1, 2]]
