import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.ensembles.coactivity import CoactivitySettings, coactivity
from napari_calcium.results.tables import Events
from napari_calcium.settings import SettingsError

SPOTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 29)), max_size=25)
SLIDING, BINS = CoactivitySettings(), CoactivitySettings(sliding=False)


def events_at(*pairs):
    """Make events of (cell, onset in seconds)."""
    order = sorted(pairs)
    ids, onset = np.array([p[0] for p in order], np.int64), np.array([p[1] for p in order], float)
    return Events(
        roi_id=ids,
        onset_s=onset,
        peak_s=onset,
        end_s=onset,
        amplitude=np.ones(len(ids)),
        fwhm_s=np.ones(len(ids)),
    )


def test_the_course_file_has_windows_of_two_frames():
    result = coactivity(events_at((0, 1.0)), [0], 15_000, 4.8, BINS)
    assert result.window_s == result.step_s == pytest.approx(2 / 4.8)
    assert len(result) == 7500


def test_counts_neurons_not_events():
    events = events_at((7, 0.0), (7, 0.1), (7, 0.4), (3, 0.2))
    result = coactivity(events, [7, 3], 20, 10.0, BINS)
    assert result.active_neurons.tolist() == [2, 0, 0, 0]
    assert result.time_s.tolist() == [0.0, 0.5, 1.0, 1.5]


def test_sliding_windows_see_what_a_bin_edge_cuts():
    events = events_at((0, 0.4), (1, 0.5))
    assert coactivity(events, [0, 1], 10, 10.0, BINS).active_neurons.max() == 1
    sliding = coactivity(events, [0, 1], 10, 10.0, SLIDING)
    assert sliding.active_neurons.max() == 2
    assert sliding.step_s == pytest.approx(0.1)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 29)), max_size=25),
    st.sampled_from([0.1, 0.5, 0.7, 9.0]),
)
def test_agrees_with_a_raster(spots, window):
    x = np.zeros((4, 30), bool)
    for row, frame in spots:
        x[row, frame] = True
    events = events_at(*[(row * 10, frame / 10) for row, frame in spots])
    width = min(round(window * 10), 30)
    naive = np.array([x[:, t : t + width].any(axis=1).sum() for t in range(30 - width + 1)])
    for sliding, step in ((True, 1), (False, width)):
        result = coactivity(
            events, [0, 10, 20, 30], 30, 10.0, CoactivitySettings(window=window, sliding=sliding)
        )
        np.testing.assert_array_equal(result.active_neurons, naive[::step])


def test_order_of_cells_does_not_matter():
    events = events_at((0, 0.4), (1, 0.5), (2, 0.5))
    assert coactivity(events, [0, 1, 2], 10, 10.0) == coactivity(events, [2, 0, 1], 10, 10.0)


def test_nothing_is_significant_before_the_test():
    result = coactivity(events_at((0, 0.1)), [0], 30, 10.0)
    assert not result.significant.any()
    for column in (result.expected, result.p_value, result.threshold):
        assert np.isnan(column).all()


@pytest.mark.parametrize("settings_", [SLIDING, BINS])
@pytest.mark.parametrize("n_frames", [1, 2, 7])
def test_no_events_no_cells_few_frames(settings_, n_frames):
    for ids in ([], [4]):
        result = coactivity(Events(), ids, n_frames, 10.0, settings_)
        assert result.active_neurons.sum() == 0
        assert len(result) >= 1


def test_a_recording_needs_a_frame():
    with pytest.raises(ValueError, match="at least one frame"):
        coactivity(Events(), [], 0, 10.0)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_recording_needs_a_frame_rate(rate):
    with pytest.raises(ValueError, match="frame_rate"):
        coactivity(Events(), [], 10, rate)


def test_events_of_strangers_are_an_error():
    with pytest.raises(ValueError, match="not in the recording"):
        coactivity(events_at((5, 0.1)), [0], 10, 10.0)


@pytest.mark.parametrize("window", [0.0, -1.0, 61.0])
def test_window_has_a_range(window):
    with pytest.raises(SettingsError, match="window"):
        CoactivitySettings.validated({"window": window})
