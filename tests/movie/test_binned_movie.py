import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from napari_calcium.movie.binned_movie import BinnedMovie, frames_per_bin
from napari_calcium.movie.chunks import map_chunks, movie_shape


def filled(memory_mb, n_frames=42, per_bin=4, seed=0):
    rng = np.random.default_rng(seed)
    offset = rng.uniform(100, 1000, (5, 6)).astype(np.float32)
    sd = rng.uniform(5, 50, (5, 6)).astype(np.float32)
    movie = BinnedMovie(n_frames, per_bin, offset, sd, memory_mb=memory_mb)
    values = (offset + sd * rng.standard_normal((len(movie), 5, 6))).astype(np.float32)
    movie.write(0, values[:3])
    movie.write(3, values[3:])
    return movie, values, sd


@pytest.mark.parametrize("memory_mb", [1.0, 1e-6])
def test_values_come_back_within_a_small_part_of_the_noise(memory_mb):
    movie, values, sd = filled(memory_mb)
    assert movie.in_memory == (memory_mb == 1.0)
    assert movie.shape == (11, 5, 6)
    assert (np.abs(movie[:] - values) <= 0.51 * sd / 2 / 32 + 1e-3).all()
    assert movie[:].dtype == np.float32


@pytest.mark.parametrize("memory_mb", [1.0, 1e-6])
def test_it_is_sliced_as_an_array_is(memory_mb):
    movie, _, _ = filled(memory_mb)
    whole = movie[:]
    for index in (
        3,
        -1,
        slice(2, 7),
        slice(1, 9, 3),
        slice(8, 2),
        slice(-3, None),
        (slice(None), slice(1, 3), slice(2, 5)),
        (4, slice(0, 2)),
    ):
        assert_array_equal(movie[index], whole[index])
    with pytest.raises(IndexError):
        movie[11]
    with pytest.raises(IndexError, match="forwards"):
        movie[::-1]


def test_memory_and_file_hold_the_same():
    assert_array_equal(filled(1.0)[0][:], filled(1e-6)[0][:])


def test_it_can_be_streamed():
    movie, _, _ = filled(1e-6)
    assert movie_shape(movie) == (11, 5, 6)
    parts = [part for _, part in map_chunks(lambda chunk: chunk.pixels.copy(), movie, chunk_frames=4)]
    assert_array_equal(np.concatenate(parts), movie[:])


def test_what_was_not_seen_is_at_the_offset_and_extremes_are_cut():
    offset, sd = np.full((1, 3), 10, np.float32), np.ones((1, 3), np.float32)
    movie = BinnedMovie(4, 4, offset, sd)
    movie.write(0, np.array([[[np.nan, 1e9, -1e9]]], np.float32))
    assert_allclose(movie[0], [[10, 10 + 32767 / 64, 10 - 32768 / 64]])


@given(
    n_frames=st.integers(1, 10**6),
    side=st.integers(1, 600),
    frame_rate=st.floats(0.5, 1000),
    seconds=st.floats(0.001, 10),
    limit=st.floats(0.01, 1000),
)
@settings(max_examples=80, deadline=None)
def test_bins_are_as_long_as_asked_unless_they_would_not_fit(n_frames, side, frame_rate, seconds, limit):
    frames = frames_per_bin((n_frames, side, side), frame_rate, seconds, limit_mb=limit)
    bins = -(-n_frames // frames)
    assert bins == 1 or bins * side * side * 2 <= limit * 2**20
    shorter = frames - 1
    if shorter and shorter >= round(seconds * frame_rate):
        assert -(-n_frames // shorter) * side * side * 2 > limit * 2**20 * 0.5
