import numpy as np
import pytest

from napari_calcium.recording import Recording, Trace
from napari_calcium.widgets.activity_movie import ActivityMovie, activity_trace

LABELS = np.array([[0, 1, 1], [2, 2, 0]], np.uint16)


def movie(values, unit="ΔF/F", rows=(0, 1)) -> ActivityMovie:
    return ActivityMovie(LABELS, np.asarray(rows), Trace(np.asarray(values, np.float32), unit))


@pytest.fixture
def random() -> ActivityMovie:
    return movie(np.random.default_rng(0).random((2, 30)))


def test_each_soma_is_as_bright_as_its_trace():
    values = np.array([[0, 0.5, 1], [1, 0, 0.25]])
    for frame in range(3):
        picture = movie(values)[frame]
        high = np.percentile(values, 99.8, axis=1)
        np.testing.assert_allclose(picture[LABELS == 1], np.clip(values[0, frame] / high[0], 0, 1), rtol=1e-6)
        np.testing.assert_allclose(picture[LABELS == 2], np.clip(values[1, frame] / high[1], 0, 1), rtol=1e-6)
        assert not picture[LABELS == 0].any()


@pytest.mark.parametrize(
    "key",
    [
        3,
        np.int64(3),
        slice(2, 5),
        slice(None, None, 7),
        (4, slice(0, 1)),
        (slice(1, 3), slice(None), slice(1, 3)),
        slice(5, 5),
        -1,
        [0, 3],
    ],
)
def test_indexing_is_that_of_the_whole_array(random, key):
    whole = np.stack([random.frame(k) for k in range(len(random))])
    np.testing.assert_array_equal(random[key], whole[key])


def test_it_says_its_size(random):
    assert (random.shape, random.ndim, random.size, len(random)) == ((30, 2, 3), 3, 180, 30)
    assert random[0].dtype == random.dtype == np.float32


def test_raw_intensity_begins_at_the_lower_quartile():
    values = np.tile([100.0, 100, 100, 200], (2, 20))
    picture = movie(values, "a.u.")
    assert picture[0][0, 1] == 0
    assert picture[3][0, 1] == 1


def test_gain_and_offset_of_raw_intensity_do_not_matter():
    values = np.random.default_rng(1).random((2, 50))
    np.testing.assert_allclose(
        movie(values, "a.u.")[7], movie(5 * values + 300, "a.u.")[7], rtol=1e-3, atol=1e-4
    )


def test_a_silent_neuron_does_not_shine():
    values = np.zeros((2, 50))
    values[0, 10] = 2.0
    values[1] = 0.01 * np.random.default_rng(2).random(50)
    assert movie(values)[5][LABELS == 2].max() < 0.05


def test_missing_samples_and_silence_are_dark():
    values = np.full((2, 5), np.nan)
    values[1] = 0
    assert not movie(values)[2].any()


def test_rows_say_which_trace_belongs_to_which_label():
    values = np.array([[0, 1.0], [0, 0], [1.0, 0]])
    picture = movie(values, rows=(2, 0))[1]
    assert picture[LABELS == 1].max() == 0
    assert picture[LABELS == 2].min() > 0.9


def test_the_most_processed_trace_shows_activity_best():
    traces = {name: Trace(np.zeros((1, 2)), "ΔF/F") for name in ("raw", "dff", "denoised")}
    made = Recording("a", np.arange(1), 1.0, traces)
    found = activity_trace(made)
    assert found is not None
    assert found[0] == "denoised"
    spikes = Recording("a", np.arange(1), 1.0, {"spikes": Trace(np.zeros((1, 2)), "spikes/frame")})
    assert activity_trace(spikes) == ("spikes", spikes.traces["spikes"])
    assert activity_trace(Recording("a", np.arange(1), 1.0)) is None
