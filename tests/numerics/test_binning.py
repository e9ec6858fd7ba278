import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.numerics.binning import event_frames, frames_in, runs_of_windows, window_counts


@st.composite
def trains(draw):
    """Event trains of a few rows on a short recording, and the width of a window."""
    n_rows, n_frames = draw(st.integers(0, 4)), draw(st.integers(1, 12))
    width = draw(st.integers(1, n_frames))
    spots = st.tuples(st.integers(0, max(n_rows - 1, 0)), st.integers(0, n_frames - 1))
    events = np.array(draw(st.lists(spots, max_size=15 if n_rows else 0)), np.int64).reshape(-1, 2)
    return events[:, 0].copy(), events[:, 1].copy(), n_rows, n_frames, width


def raster(rows, frames, n_rows, n_frames):
    x = np.zeros((n_rows, n_frames), bool)
    x[rows, frames] = True
    return x


@settings(max_examples=150)
@given(trains())
def test_counts_agree_with_a_raster(train):
    rows, frames, n_rows, n_frames, width = train
    x = raster(rows, frames, n_rows, n_frames)
    naive = [x[:, t : t + width].any(axis=1).sum() for t in range(n_frames - width + 1)]
    assert window_counts(*train).tolist() == naive


@settings(max_examples=150)
@given(trains())
def test_runs_agree_with_a_raster_on_a_circle(train):
    rows, frames, n_rows, n_frames, width = train
    x = raster(rows, frames, n_rows, n_frames)
    naive = np.array([np.roll(x, -t, axis=1)[:, :width].any(axis=1) for t in range(n_frames)]).T
    runs = runs_of_windows(*train)
    covered = np.zeros((n_rows, n_frames), int)
    for row in range(n_rows):
        for run in range(runs.offsets[row], runs.offsets[row + 1]):
            assert 0 <= runs.start[run] < n_frames
            np.add.at(covered[row], np.arange(runs.start[run], runs.stop[run]) % n_frames, 1)
    np.testing.assert_array_equal(covered, naive.reshape(n_rows, n_frames))
    np.testing.assert_allclose(runs.coverage(), naive.reshape(n_rows, n_frames).mean(axis=1))


def test_inputs_are_left_alone():
    rows, frames = np.array([1, 0, 0]), np.array([3, 5, 1])
    for array in (rows, frames):
        array.flags.writeable = False
    window_counts(rows, frames, 2, 10, 3)
    runs_of_windows(rows, frames, 2, 10, 3)
    assert rows.tolist() == [1, 0, 0] and frames.tolist() == [3, 5, 1]


@pytest.mark.parametrize(
    ("seconds", "rate", "frames"),
    [(0.5, 4.8, 2), (0.5, 30.0, 15), (0.5, 1.0, 1), (0.25, 10.0, 3), (1e-9, 10.0, 1), (1.0, 7.5, 8)],
)
def test_durations_become_whole_frames(seconds, rate, frames):
    assert frames_in(seconds, rate) == frames


@pytest.mark.parametrize("rate", [2.0, 4.8, 7.5, 30.0, 30.9, 1000 / 3])
def test_onsets_return_to_their_frames(rate):
    frames = np.arange(50_000)
    np.testing.assert_array_equal(event_frames(frames / rate, rate, 50_000), frames)


def test_onsets_between_frames_belong_to_the_frame_that_has_begun():
    assert event_frames(np.array([0.0, 0.09, 0.1, 0.19]), 10.0, 100).tolist() == [0, 0, 1, 1]


def test_onsets_outside_are_held_at_the_ends():
    assert event_frames(np.array([-1.0, 99.0]), 10.0, 20).tolist() == [0, 19]
