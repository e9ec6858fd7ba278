import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.population.binned_activity import Activity, PopulationInput, bin_events, bin_traces


def naive(traces, width, how):
    n_bins = traces.shape[1] // width
    result = np.full((len(traces), n_bins), np.nan)
    for i, row in enumerate(traces):
        for k in range(n_bins):
            part = row[k * width : (k + 1) * width]
            there = part[~np.isnan(part)]
            if len(there):
                result[i, k] = there.mean() * (width if how == "sum" else 1)
    return result


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(1, 9), st.sampled_from(["mean", "sum"]), st.floats(0, 0.6))
def test_every_frame_of_a_bin_counts(n_frames, width, how, missing):
    random = np.random.default_rng(n_frames)
    traces = random.standard_normal((3, n_frames)).astype(np.float32)
    traces[random.random(traces.shape) < missing] = np.nan
    values, bin_s = bin_traces(traces, 10.0, width / 10, how)
    used = min(width, n_frames)
    assert bin_s == pytest.approx(used / 10)
    if used > 1:
        np.testing.assert_allclose(values, naive(traces, used, how), rtol=1e-5, atol=1e-6)


def test_bins_of_one_frame_are_the_traces_themselves():
    traces = np.ones((2, 5), np.float32)
    values, bin_s = bin_traces(traces, 4.0, 0.0)
    assert values is traces
    assert bin_s == 0.25


def test_a_last_bin_that_is_not_full_is_left_out():
    assert bin_traces(np.ones((1, 11)), 1.0, 5.0)[0].shape == (1, 2)


def test_sums_do_not_take_gaps_for_silence():
    traces = np.array([[2.0, np.nan, 2.0, 2.0]], np.float32)
    np.testing.assert_array_equal(bin_traces(traces, 1.0, 4.0, "sum")[0], [[8.0]])


def test_input_is_left_alone():
    traces = np.ones((2, 8), np.float32)
    before = traces.copy()
    traces.flags.writeable = False  # an error where it is written to
    bin_traces(traces, 1.0, 2.0)
    np.testing.assert_array_equal(traces, before)


def test_events_become_rates_that_add_up():
    random = np.random.default_rng(0)
    rows, frames = random.integers(0, 4, 50), random.integers(0, 100, 50)
    values, bin_s = bin_events(rows, frames, 4, 100, 10.0, 0.5)
    assert values.shape == (4, 20)
    assert (values * bin_s).sum() == pytest.approx(50)
    np.testing.assert_allclose((values * bin_s).sum(axis=1), np.bincount(rows, minlength=4))


@pytest.mark.parametrize("n_rois", [0, 1])
def test_no_event_is_silence_not_nothing(n_rois):
    none = np.empty(0, np.int64)
    values, _ = bin_events(none, none, n_rois, 30, 10.0, 0.5)
    np.testing.assert_array_equal(values, np.zeros((n_rois, 6)))


def test_times_are_centres_of_bins():
    activity = Activity(np.zeros((1, 4), np.float32), 0.5)
    np.testing.assert_allclose(activity.time_s, [0.25, 0.75, 1.25, 1.75])
    assert activity.frames(2.0) == 4


def test_settings_round_trip_and_know_their_choices():
    settings_ = PopulationInput(input="events", bin=1.0)
    assert PopulationInput.from_yaml(settings_.to_yaml()) == settings_
    with pytest.raises(ValueError, match="input"):
        PopulationInput.validated({"input": "nothing"})
