from __future__ import annotations

from unittest.mock import Mock

import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt

from napari_calcium.recording import Recording, Trace
from napari_calcium.widgets.plots.heatmap_plot import HeatmapPlot
from napari_calcium.widgets.theme import PlotColors

DARK = PlotColors("#23242b", "#f0f1f2", "#565f6c", "#ff5050")


@pytest.fixture
def plot(qtbot):
    shown = HeatmapPlot(DARK)
    qtbot.addWidget(shown)
    shown.resize(600, 300)
    shown.show()
    qtbot.waitExposed(shown)
    return shown


def show(plot: HeatmapPlot, recording: Recording) -> None:
    plot.set_duration(recording.duration_s)
    plot.show_span(None)
    plot.show_recording(recording)


def made(n_frames: int, n_rois: int = 6, rate: float = 10.0) -> tuple[Recording, np.ndarray]:
    values = np.zeros((n_rois, n_frames), np.float32)
    values[3, n_frames // 3] = 1
    return Recording("a", np.arange(n_rois) + 10, rate, {"dff": Trace(values, "ΔF/F")}), values


def lit(plot: HeatmapPlot) -> tuple[float, float]:
    """Row and time of the brightest pixel."""
    image = plot._image.image
    row, column = np.unravel_index(int(np.argmax(image)), image.shape)
    place = plot._image.mapToView(QPointF(column + 0.5, row + 0.5))
    return place.y(), place.x()


@pytest.mark.parametrize("n_frames", [300, 5000, 100_001])
def test_an_event_of_one_frame_is_seen_where_it_was(plot, n_frames):
    recording, _ = made(n_frames)
    show(plot, recording)
    row, seconds = lit(plot)
    assert int(row) == 3
    assert seconds == pytest.approx(n_frames // 3 / 10, abs=2 * n_frames / 10 / plot.pixels + 0.1)
    assert plot._image.image.max() == 1


def test_a_close_look_shows_every_frame(plot):
    recording, _ = made(100_001)
    show(plot, recording)
    when = 100_001 // 3 / 10
    plot.show_span((when - 5, when + 5))
    _, seconds = lit(plot)
    assert seconds == pytest.approx(when + 0.05, abs=0.06)


def test_members_of_an_ensemble_stand_together(plot, recording):
    show(plot, recording)
    members = set(recording.ensembles.members_of(0).roi_id.tolist())
    shared = set(recording.ensembles.members_of(1).roi_id.tolist()) & members
    first = plot.order[: len(members - shared)].tolist()
    assert set(first) <= members


def test_a_click_names_the_cell_of_the_row_and_the_time(qtbot, plot, recording):
    show(plot, recording)
    clicks = Mock()
    plot.cell_clicked.connect(clicks)
    place = plot.mapFromScene(plot.box.mapViewToScene(QPointF(20.0, 4.5)))
    qtbot.mouseMove(plot.viewport(), place)
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    cell, seconds = clicks.call_args.args
    assert cell == plot.order[4]
    assert seconds == pytest.approx(20, abs=0.2)


def test_selected_rows_are_marked_at_both_sides(plot, recording):
    show(plot, recording)
    cells = (int(plot.order[2]), int(plot.order[7]))
    plot.show_cells(cells, None)
    x, y = plot._marks.getData()
    np.testing.assert_array_equal(y, np.repeat([2.5, 7.5], 4))
    assert x.min() == pytest.approx(0)
    assert x.max() == pytest.approx(recording.duration_s)


@pytest.mark.parametrize("n", [0, 1])
def test_no_cells_no_traces_no_recording(plot, n):
    plot.show_recording(None)
    plot.show_cells((), None)
    recording, _ = made(50, n_rois=4)
    few = Recording("few", np.arange(n), 10.0, {"dff": Trace(np.zeros((n, 50)), "ΔF/F")})
    show(plot, few)
    show(plot, Recording("bare", np.arange(3), 10.0))
    show(plot, recording)


def test_missing_samples_are_dark(plot):
    values = np.full((3, 60), np.nan)
    values[1] = 0.5
    show(plot, Recording("a", np.arange(3), 10.0, {"dff": Trace(values, "ΔF/F")}))
    assert np.isfinite(plot._image.image).all()
