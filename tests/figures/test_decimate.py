"""Decimation keeps every extreme, invents nothing, and is quick."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_calcium.figures.decimate import outline, pool_max, pool_mean

SAMPLES = st.floats(-100, 100, width=32) | st.just(float("nan"))


def traces_of(max_frames: int = 60) -> st.SearchStrategy[np.ndarray]:
    shape = st.tuples(st.integers(0, 3), st.integers(1, max_frames))
    return hnp.arrays(np.float32, shape, elements=SAMPLES)


def bins(length: int, parts: int) -> list[slice]:
    edges = [k * length // parts for k in range(parts + 1)]
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


@settings(max_examples=80, deadline=None)
@given(traces=traces_of(), pixels=st.integers(1, 12))
def test_outline_keeps_the_extremes_of_every_pixel(traces, pixels):
    found = outline(traces, pixels)
    n_rows, length = traces.shape
    if length <= 2 * pixels:
        np.testing.assert_array_equal(found.values, traces)
        np.testing.assert_array_equal(found.frames, np.tile(np.arange(length), (n_rows, 1)))
        return
    assert found.values.shape == found.frames.shape == (n_rows, 2 * pixels)
    for row in range(n_rows):
        for k, part in enumerate(bins(length, pixels)):
            pair = found.values[row, 2 * k : 2 * k + 2]
            samples = traces[row, part]
            if np.isnan(samples).all():
                assert np.isnan(pair).all()
            else:
                assert pair.min() == np.nanmin(samples)
                assert pair.max() == np.nanmax(samples)


@settings(max_examples=80, deadline=None)
@given(traces=traces_of(), pixels=st.integers(1, 12))
def test_outline_points_are_samples_in_order_of_time(traces, pixels):
    found = outline(traces, pixels)
    assert (np.diff(found.frames, axis=1) >= 0).all()
    for row in range(len(traces)):
        np.testing.assert_array_equal(found.values[row], traces[row, found.frames[row]])


@settings(max_examples=60, deadline=None)
@given(
    traces=traces_of(),
    pixels=st.integers(1, 8),
    start=st.integers(-5, 70),
    stop=st.none() | st.integers(-5, 70),
)
def test_outline_of_a_span_is_the_outline_of_the_piece(traces, pixels, start, stop):
    found = outline(traces, pixels, start=start, stop=stop)
    first, last, _ = slice(start, stop).indices(traces.shape[1])
    if last <= first:
        assert found.values.shape[1] == 0
        return
    piece = outline(np.ascontiguousarray(traces[:, first:last]), pixels)
    np.testing.assert_array_equal(found.values, piece.values)
    np.testing.assert_array_equal(found.frames, piece.frames + first)


def test_a_single_frame_spike_survives_any_width():
    trace = np.zeros((1, 100_000), np.float32)
    trace[0, 54_321] = 1
    for pixels in (1, 7, 640, 3000):
        assert outline(trace, pixels).values.max() == 1


def test_outline_leaves_its_input_alone_and_takes_any_layout():
    traces = np.asfortranarray(np.random.default_rng(0).normal(size=(4, 500)).astype(np.float32))
    traces.flags.writeable = False
    found = outline(traces, 20)
    np.testing.assert_array_equal(found.values, outline(np.array(traces, order="C"), 20).values)


def test_outline_of_all_nan_is_a_gap():
    found = outline(np.full((1, 100), np.nan, np.float32), 5)
    assert np.isnan(found.values).all()


@pytest.mark.parametrize("pixels", [0, -3])
def test_outline_needs_a_pixel(pixels):
    with pytest.raises(ValueError, match="at least 1"):
        outline(np.zeros((1, 5), np.float32), pixels)


IMAGES = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 20), st.integers(1, 20)), elements=st.floats(-50, 50, width=32)
)


@settings(max_examples=60, deadline=None)
@given(image=IMAGES, height=st.integers(1, 25), width=st.integers(1, 25))
def test_pools_agree_with_loops(image, height, width):
    rows = bins(image.shape[0], min(height, image.shape[0]))
    columns = bins(image.shape[1], min(width, image.shape[1]))
    highest = [[image[r, c].max() for c in columns] for r in rows]
    np.testing.assert_array_equal(pool_max(image, height, width), highest)
    # The mean of column means over equal weights is not the mean of all: compare step by step.
    narrow = np.array([[image[r, c].mean(dtype=np.float64) for c in columns] for r in range(len(image))])
    mean = [[narrow[r, k].mean() for k in range(len(columns))] for r in rows]
    np.testing.assert_allclose(pool_mean(image, height, width), mean, rtol=1e-4, atol=1e-4)


def test_pool_max_skips_nan_and_keeps_gaps():
    image = np.array([[np.nan, 1, np.nan, np.nan]], np.float32)
    np.testing.assert_array_equal(pool_max(image, 1, 2), [[1, np.nan]])


def test_pool_mean_of_a_gap_is_a_gap():
    image = np.array([[np.nan, 1, 2, 4]], np.float32)
    np.testing.assert_array_equal(pool_mean(image, 1, 2), [[np.nan, 3]])


def test_small_images_are_left_as_they_are():
    image = np.eye(3, dtype=np.float32)
    assert pool_max(image, 3, 3) is image
    assert pool_mean(image, 5, 9) is image
    assert pool_max(np.empty((0, 0), np.float32), 2, 2).shape == (0, 0)


@pytest.mark.parametrize("pool", [pool_max, pool_mean])
def test_pools_need_a_pixel(pool):
    with pytest.raises(ValueError, match="at least one pixel"):
        pool(np.zeros((2, 2), np.float32), 0, 2)


def test_importing_the_figures_loads_neither_numba_nor_matplotlib():
    code = (
        "import sys, napari_calcium.figures.decimate, napari_calcium.figures.export;"
        "print([m for m in ('numba', 'matplotlib', 'pandas', 'qtpy', 'napari') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
