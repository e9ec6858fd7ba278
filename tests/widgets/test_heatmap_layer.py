import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_calcium.recording import Recording, Trace
from napari_calcium.widgets.heatmap_layer import heatmap_image, heatmap_layer_data


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
