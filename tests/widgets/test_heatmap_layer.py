from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_calcium.progress import Cancelled
from napari_calcium.recording import Recording, Trace
from napari_calcium.widgets import heatmap_layer
from napari_calcium.widgets.heatmap_layer import HeatmapLayer, heatmap_image, heatmap_layer_data


def dff(values) -> Trace:
    return Trace(np.asarray(values, np.float32), "ΔF/F")


@given(st.integers(1, 30), st.integers(1, 60))
def test_small_recordings_are_shown_sample_by_sample(n_rois, n_frames):
    values = np.random.default_rng(0).random((n_rois, n_frames)).astype(np.float32)
    picture, frames, rows = heatmap_image(dff(values))
    assert (frames, rows) == (1, 1)
    np.testing.assert_array_equal(picture, values)


@pytest.mark.parametrize("n_frames", [4001, 9999, 100_000])
def test_long_recordings_keep_events_of_one_frame(n_frames):
    values = np.zeros((2, n_frames))
    values[1, n_frames - 3] = 5
    picture, frames, _ = heatmap_image(dff(values))
    assert picture.shape[1] <= 4000
    assert picture[1, (n_frames - 3) // frames] == 5
    assert picture[0].max() == 0


def test_many_neurons_share_rows():
    values = np.zeros((9000, 3))
    values[8999, 1] = 7
    picture, _, rows = heatmap_image(dff(values))
    assert picture.shape[0] <= 4000
    assert picture[8999 // rows, 1] == 7


def test_raw_intensity_is_scaled_neuron_by_neuron():
    rng = np.random.default_rng(0)
    values = rng.random((3, 500)) * [[1], [100], [1e4]] + 50
    picture, *_ = heatmap_image(Trace(values, "a.u."))
    np.testing.assert_allclose(np.percentile(picture, 25, axis=1), 0, atol=0.02)
    np.testing.assert_allclose(np.percentile(picture, 99.5, axis=1), 1, atol=0.02)


@pytest.mark.parametrize("unit", ["a.u.", "ΔF/F", "z-score"])
def test_missing_constant_and_absent_traces_are_dark(unit):
    values = np.full((3, 20), np.nan)
    values[1] = 3.0
    values[2, ::2] = 0.0
    picture, *_ = heatmap_image(Trace(values, unit))
    assert np.isfinite(picture).all()
    assert not picture[0].any()
    nobody, *_ = heatmap_image(Trace(np.empty((0, 20)), unit))
    assert nobody.size == 1


@given(st.integers(1, 12_000), st.floats(0.5, 50))
def test_the_picture_spans_the_recording_in_seconds(n_frames, rate):
    recording = Recording("a", np.arange(2), rate, {"dff": dff(np.zeros((2, n_frames)))})
    data = heatmap_layer_data(recording)
    assert data is not None
    picture, options, _ = data
    left = options["translate"][1] - options["scale"][1] / 2
    right = left + picture.shape[1] * options["scale"][1]
    assert left == pytest.approx(0, abs=1e-9)
    # The last pixel may stand for fewer frames than the others.
    assert recording.duration_s - 1e-6 <= right < recording.duration_s + options["scale"][1]
    assert options["units"] == ("pixel", "s")


def test_without_traces_there_is_no_heatmap():
    assert heatmap_layer_data(Recording("a", np.arange(2), 1.0)) is None


def test_without_a_frame_rate_time_is_frames():
    data = heatmap_layer_data(Recording("a", np.arange(2), None, {"dff": dff(np.zeros((2, 30)))}))
    assert data is not None
    assert data[1]["units"] == ("pixel", "pixel")
    assert data[1]["scale"][1] == 1


@given(st.integers(1, 40), st.integers(1, 300), st.sampled_from(["a.u.", "ΔF/F"]))
def test_the_picture_is_the_same_in_blocks_of_any_size(n_rois, n_frames, unit):
    values = np.random.default_rng(n_rois).normal(size=(n_rois, n_frames)).astype(np.float32)
    values[values < -2] = np.nan
    trace = Trace(values, unit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heatmap_layer, "_MOST_COLUMNS", 50)
        patch.setattr(heatmap_layer, "_MOST_ROWS", 7)
        whole, frames, rows = heatmap_image(trace)
        patch.setattr(heatmap_layer, "_BLOCK_SAMPLES", 1)
        parts, *again = heatmap_image(trace)
    assert [frames, rows] == again
    np.testing.assert_array_equal(whole, parts)
    assert whole.shape == (-(-n_rois // rows), -(-n_frames // frames))


def test_it_can_be_cancelled():
    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        heatmap_image(dff(np.zeros((3, 10))), stop)


@pytest.fixture
def large(monkeypatch):
    """Whatever is shown counts as large."""
    monkeypatch.setattr(heatmap_layer, "_MOST_AT_ONCE", 0)


def test_a_large_one_is_made_beside_the_window(qtbot, viewer, traces_only, large, monkeypatch):
    made_in = []
    make = heatmap_layer.heatmap_image

    def watched(*args):
        made_in.append(threading.current_thread())
        return make(*args)

    monkeypatch.setattr(heatmap_layer, "heatmap_image", watched)
    heatmap = HeatmapLayer(viewer, traces_only)
    picture = heatmap.layers[0]
    shape = picture.data.shape
    qtbot.waitUntil(lambda: not heatmap._job.busy)
    trace = heatmap_layer.activity_trace(traces_only)[1]
    np.testing.assert_array_equal(picture.data, make(trace)[0])
    assert picture.data.shape == shape, "what stood in had the same place"
    assert threading.main_thread() not in made_in


def test_only_the_latest_traces_are_shown(qtbot, viewer, traces_only, large):
    heatmap = HeatmapLayer(viewer, traces_only)
    name, trace = heatmap_layer.activity_trace(traces_only)
    other = Trace(trace.values[::-1].copy(), trace.unit)
    heatmap.update(traces_only.replace(traces={**traces_only.traces, name: other}))
    qtbot.waitUntil(lambda: not heatmap._job.busy)
    np.testing.assert_array_equal(heatmap.layers[0].data, heatmap_image(other)[0])


def test_a_heatmap_that_goes_is_not_made_to_the_end(qtbot, viewer, traces_only, large):
    heatmap = HeatmapLayer(viewer, traces_only)
    heatmap.remove()
    assert not heatmap._job.busy
    assert not viewer.layers
