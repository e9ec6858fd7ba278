import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from napari_calcium.movie.chunks import (
    Chunk,
    frames_per_chunk,
    map_chunks,
    movie_shape,
    read_chunk,
    spread_frames,
)
from napari_calcium.movie.mapped_movie import travelling
from napari_calcium.progress import Cancelled


class Counted:
    """A movie that exists nowhere: frame k is full of k; it knows what was asked of it."""

    def __init__(self, n_frames, height=4, width=5, dtype=np.uint16):
        self.shape = (n_frames, height, width)
        self.dtype = np.dtype(dtype)
        self.reads = []
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    def __getitem__(self, frames):
        with self._lock:
            self.reads.append((frames.start, frames.stop))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(0.001)
        numbers = np.arange(frames.start, frames.stop).astype(self.dtype)
        with self._lock:
            self.at_once -= 1
        return np.broadcast_to(numbers[:, None, None], (len(numbers), *self.shape[1:]))


def first_pixels(chunk):
    return chunk.pixels[:, 0, 0].copy()


def total(chunk):
    return float(chunk.pixels.sum(dtype=np.float64))


@given(n_frames=st.integers(1, 30), size=st.integers(1, 9), data=st.data())
@settings(max_examples=25, deadline=None)
def test_chunks_cover_the_asked_frames_once_and_in_order(n_frames, size, data):
    start = data.draw(st.integers(0, n_frames))
    stop = data.draw(st.integers(start, n_frames))
    movie = Counted(n_frames)
    calls = []
    got = list(
        map_chunks(
            first_pixels,
            movie,
            start=start,
            stop=stop,
            chunk_frames=size,
            on_progress=lambda done, total: calls.append((done, total)),
        )
    )
    numbers = np.concatenate([values for _, values in got]) if got else np.empty(0)
    assert_array_equal(numbers, np.arange(start, stop))
    assert all(len(values) == frames.stop - frames.start <= size for frames, values in got)
    assert calls[0] == (0, stop - start)
    assert calls[-1] == (stop - start, stop - start)
    assert movie.reads == [(frames.start, frames.stop) for frames, _ in got]


def test_one_thread_reads_at_a_time_and_never_far_ahead():
    movie = Counted(200)
    results = map_chunks(first_pixels, movie, chunk_frames=1)
    next(results)
    time.sleep(0.1)
    assert movie.most_at_once == 1
    assert len(movie.reads) <= (os.cpu_count() or 1) + 3
    results.close()
    asked = len(movie.reads)
    time.sleep(0.05)
    assert len(movie.reads) == asked


def test_buffers_are_used_again():
    addresses = [
        address
        for _, address in map_chunks(
            lambda c: c.pixels.__array_interface__["data"][0], Counted(60), chunk_frames=2
        )
    ]
    assert len(set(addresses)) < len(addresses)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_an_executor_gives_the_same_results_as_threads(workers):
    movie = Counted(23)
    here = list(map_chunks(total, movie, chunk_frames=4))
    with ThreadPoolExecutor(workers) as pool:
        assert list(map_chunks(total, movie, chunk_frames=4, executor=pool)) == here


def test_processes_read_their_own_chunks():
    movie = np.arange(10 * 6, dtype=np.int16).reshape(10, 2, 3)
    here = list(map_chunks(total, movie, start=1, chunk_frames=4))
    with ProcessPoolExecutor(1) as pool:
        assert list(map_chunks(total, movie, start=1, chunk_frames=4, executor=pool)) == here


def test_cancelling_stops_the_reading():
    movie = Counted(1000)

    def cancel(done, total):
        if done >= 10:
            raise Cancelled

    with pytest.raises(Cancelled):
        list(map_chunks(total, movie, chunk_frames=1, on_progress=cancel))
    assert len(movie.reads) < 50


def test_an_error_in_the_work_or_in_the_source_comes_through():
    def fails(chunk):
        raise RuntimeError("no such kernel")

    with pytest.raises(RuntimeError, match="no such kernel"):
        list(map_chunks(fails, Counted(5), chunk_frames=1))

    class Broken(Counted):
        def __getitem__(self, frames):
            if frames.start >= 3:
                raise OSError("disk gone")
            return super().__getitem__(frames)

    with pytest.raises(OSError, match="disk gone"):
        list(map_chunks(total, Broken(9), chunk_frames=1))


def test_a_short_read_is_named():
    class Truncated(Counted):
        def __getitem__(self, frames):
            return super().__getitem__(slice(frames.start, min(frames.stop, 7)))

    with pytest.raises(ValueError, match=r"frames 6 to 9.*complete"):
        list(map_chunks(total, Truncated(12), chunk_frames=3))


@pytest.mark.parametrize(
    "dtype", ["uint8", "int16", "uint16", ">u2", "int32", "float16", "float32", "float64", "bool"]
)
def test_any_real_dtype_becomes_float32(dtype):
    movie = np.arange(2 * 3 * 4).reshape(2, 3, 4).astype(dtype)
    movie.flags.writeable = False
    chunk = read_chunk(movie, slice(0, 2))
    assert chunk.pixels.dtype == np.float32
    assert chunk.pixels.flags.c_contiguous
    assert_array_equal(chunk.pixels, movie.astype(np.float32))
    assert not chunk.missing.any()


def test_missing_pixels_are_nan_and_missing_frames_are_named():
    movie = np.ones((4, 2, 3))
    movie[0, 0, 0] = np.inf
    movie[1] = np.nan
    movie[2] = -np.inf
    movie[3, 1, 1] = 1e300
    before = movie.copy()
    chunk = read_chunk(movie, slice(0, 4))
    assert_array_equal(chunk.missing, [False, True, True, False])
    assert np.isnan(chunk.pixels[0, 0, 0])
    assert np.isnan(chunk.pixels[3, 1, 1])
    assert np.isnan(chunk.pixels[1:3]).all()
    assert np.isfinite(chunk.pixels).sum() == 10
    assert_array_equal(movie, before)


def test_opposite_infinities_are_missing_too():
    movie = np.array([[[np.inf, -np.inf, 1.0]]], np.float32)
    chunk = read_chunk(movie, slice(0, 1))
    assert_array_equal(chunk.pixels, [[[np.nan, np.nan, 1.0]]])
    assert not chunk.missing[0]


@given(height=st.integers(1, 4000), width=st.integers(1, 4000), megabytes=st.floats(0.01, 500))
@settings(max_examples=50, deadline=None)
def test_chunks_fit_their_memory_unless_one_frame_does_not(height, width, megabytes):
    frames = frames_per_chunk(height, width, chunk_mb=megabytes)
    assert frames >= 1
    assert frames == 1 or frames * height * width * 4 <= megabytes * 2**20


@pytest.mark.parametrize(
    ("movie", "says"),
    [
        (np.zeros((3, 4)), r"got \(3, 4\); pass movie\[None\]"),
        (np.zeros((2, 3, 4, 5)), "choose one channel"),
        (np.zeros((0, 3, 4)), "at least one frame"),
        (np.zeros((2, 0, 4)), "at least one frame and one pixel"),
        (np.zeros((2, 3, 4), complex), "real numbers"),
    ],
)
def test_what_is_no_movie_is_refused_in_one_line(movie, says):
    with pytest.raises(ValueError, match=says) as error:
        movie_shape(movie)
    assert "\n" not in str(error.value)


@given(n_frames=st.integers(1, 5000), number=st.integers(1, 400))
@settings(max_examples=60, deadline=None)
def test_spread_frames_are_distinct_and_even(n_frames, number):
    frames = spread_frames(n_frames, number)
    assert len(frames) == min(n_frames, number)
    assert frames[0] >= 0
    assert frames[-1] < n_frames
    steps = np.diff(frames)
    if len(steps):
        assert steps.min() >= 1
        assert steps.max() - steps.min() <= 1


def test_a_chunk_knows_its_length():
    assert len(Chunk(slice(3, 5), np.zeros((2, 1, 1), np.float32), np.zeros(2, bool))) == 2


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_mapped_files_are_let_go_and_stay_as_they_were(tmp_path, mode):
    values = np.random.default_rng(0).integers(0, 60000, (40, 64, 70), dtype=np.uint16)
    path = tmp_path / "movie.bin"
    path.write_bytes(b"header" + values.tobytes())
    mapped = np.memmap(path, np.uint16, mode, offset=6, shape=values.shape)
    if mode == "c":  # written to in memory only: letting go would lose it
        mapped[3] += 1
        values[3] += 1
    for movie, expected in ((mapped, values), (mapped[5:30], values[5:30]), (mapped[::2], values[::2])):
        for _ in range(2):
            parts = [part for _, part in map_chunks(lambda c: c.pixels.copy(), movie, chunk_frames=7)]
            assert_array_equal(np.concatenate(parts), expected)
    if mode != "c":
        assert path.read_bytes() == b"header" + values.tobytes()


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
def test_streaming_a_mapped_file_does_not_map_it_whole(tmp_path):
    def mapped_kilobytes():
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("RssFile"))

    path = tmp_path / "movie.bin"
    with open(path, "wb") as file:
        file.truncate(64 * 2**20)
    movie = np.memmap(path, np.uint8, "r", shape=(64, 1024, 1024))
    before = mapped_kilobytes()
    list(map_chunks(total, movie))
    list(map_chunks(total, movie.reshape(32, 2, 1024, 1024)[:, 1]))  # one channel of two
    list(map_chunks(total, travelling(movie)))
    assert mapped_kilobytes() - before < 24 * 1024
