"""Ticks of several colours over time: each is on the screen at any zoom, and no pixel is painted twice."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qtpy.QtGui import QImage, QPainter
from qtpy.QtWidgets import QApplication

from napari_calcium.widgets.plots.tick_lines import TickLines, _parted


@pytest.fixture
def shown(qtbot):
    plot = pg.PlotWidget(background="#000000")
    qtbot.addWidget(plot)
    plot.resize(420, 120)
    for axis in ("left", "bottom"):
        plot.getPlotItem().hideAxis(axis)
    lines = TickLines(0.0, 1.0)
    plot.getPlotItem().addItem(lines, ignoreBounds=True)
    plot.getPlotItem().getViewBox().setRange(xRange=(0, 1000), yRange=(0, 1), padding=0)
    plot.show()
    qtbot.waitExposed(plot)
    QApplication.processEvents()
    return plot, lines


def columns_of(plot, channel) -> np.ndarray:
    """Return which columns of the picture have a colour, 0 red, 1 green, 2 blue."""
    picture = QImage(plot.viewport().size(), QImage.Format.Format_RGBA8888)
    painter = QPainter(picture)
    plot.render(painter)
    painter.end()
    height, width = picture.height(), picture.width()
    pointer = picture.constBits()
    pointer.setsize(picture.sizeInBytes())
    pixels = np.frombuffer(pointer, np.uint8).reshape(height, -1, 4)[:, :width]
    return (pixels[height // 2, :, channel] > 120).nonzero()[0]


def test_a_single_tick_among_many_is_seen_at_every_zoom(shown):
    plot, lines = shown
    lines.show_lines({"#ff0000": np.array([700.0]), "#0000ff": np.linspace(0, 400, 5000)})
    for span in ((0, 1000), (650, 750), (699.9, 700.1)):
        plot.getPlotItem().getViewBox().setXRange(*span, padding=0)
        found = columns_of(plot, 0)
        share = (700 - span[0]) / (span[1] - span[0])
        assert len(found) in (1, 2)
        assert abs(found.mean() / plot.viewport().width() - share) < 0.02


def test_without_any_it_takes_no_part_in_a_move(shown):
    plot, lines = shown
    assert not lines.isVisible()
    lines.show_lines({"#ff0000": np.array([5.0])})
    assert lines.isVisible()
    lines.show_lines({})
    assert not lines.isVisible() and len(columns_of(plot, 0)) == 0


@given(st.lists(st.floats(0, 1e5), max_size=60), st.floats(1e-3, 1e3))
def test_every_pixel_with_a_tick_keeps_one(times, pixel):
    moments = np.sort(np.array(times, np.float64))
    kept = _parted(moments, pixel)
    assert np.array_equal(np.unique(np.floor(moments / pixel)), np.floor(kept / pixel))
    assert np.isin(kept, moments).all()
