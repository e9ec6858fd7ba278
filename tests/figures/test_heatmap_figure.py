"""The heatmap: the traces in display order, no peak lost, gaps named."""

from __future__ import annotations

import numpy as np
import pytest

from napari_calcium.figures.drawing import new_figure
from napari_calcium.figures.heatmap_figure import draw_heatmap, heatmap_size, prepare_heatmap
from napari_calcium.figures.row_order import display_order
from napari_calcium.recording import Recording, Trace


@pytest.mark.parametrize("name", ["raw", "dff"])
def test_heatmap_is_the_traces_in_display_order(recording, name):
    data = prepare_heatmap(recording, name)
    order, _ = display_order(recording)
    factor = 1 if name == "raw" else 100
    np.testing.assert_allclose(data.image, factor * recording.traces[name].values[order], rtol=1e-6)
    assert data.label == ("F (a.u.)" if name == "raw" else "ΔF/F (%)")
    assert data.limits[0] < data.limits[1]


def test_heatmap_keeps_a_one_frame_peak(recording):
    values = np.zeros((recording.n_rois, 1500), np.float32)
    values[17, 777] = 3
    changed = recording.replace(traces={"dff": Trace(values, "ΔF/F")}, ensembles=None)
    image = prepare_heatmap(changed, height=8, width=50).image
    assert image.shape == (8, 50)
    assert image.max() == 300


@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_flat_and_empty_heatmaps_are_drawn(fill):
    values = np.full((2, 30), fill, np.float32)
    recording = Recording("r", np.arange(2), 10.0, traces={"dff": Trace(values, "ΔF/F")})
    data = prepare_heatmap(recording)
    assert data.limits == (0.0, 1.0)
    figure = new_figure(*heatmap_size(data))
    draw_heatmap(figure, data)
    figure.canvas.draw()


def test_heatmap_without_neurons_or_traces_is_said(recording):
    assert "no neurons" in prepare_heatmap(Recording("r", np.empty(0, np.int64), 1.0)).message
    data = prepare_heatmap(recording.replace(traces={}))
    assert "no traces" in data.message
    figure = new_figure(*heatmap_size(data))
    draw_heatmap(figure, data)
    figure.canvas.draw()


def test_gaps_are_named_on_the_heatmap(recording):
    values = np.zeros((2, 30), np.float32)
    values[:, 4] = np.nan
    gappy = Recording("r", np.arange(2), 10.0, traces={"dff": Trace(values, "ΔF/F")})
    for shown, named in ((gappy, True), (recording, False)):
        figure = new_figure()
        draw_heatmap(figure, prepare_heatmap(shown))
        assert ("no data" in figure.axes[0].get_title(loc="right")) == named


def test_few_rows_are_all_numbered():
    values = np.zeros((1, 10), np.float32)
    recording = Recording("r", np.arange(1), 1.0, traces={"dff": Trace(values, "ΔF/F")})
    figure = new_figure()
    draw_heatmap(figure, prepare_heatmap(recording))
    assert list(figure.axes[0].get_yticks()) == [0]
