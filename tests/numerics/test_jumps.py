from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.numerics.jumps import find_jumps
from napari_calcium.progress import Cancelled


def transients(frames, sizes, n_frames, g):
    trace = np.zeros(n_frames)
    for frame, size in zip(frames, sizes, strict=True):
        trace[frame:] += size * g ** np.arange(n_frames - frame)
    return trace


def noisy(seed=0, n_rows=10, n_frames=3000, rate=10.0, decay=1.0, noise=0.1, apart=60):
    rng = np.random.default_rng(seed)
    g = np.exp(-1 / (rate * decay))
    frames = [np.arange(50, n_frames - 50, apart) + rng.integers(0, 20) for _ in range(n_rows)]
    clean = np.stack([transients(f, np.ones(len(f)), n_frames, g) for f in frames])
    return frames, (clean + noise * rng.normal(size=clean.shape)).astype(np.float32)


def test_finds_clear_jumps_on_their_frame_and_nothing_else():
    frames, traces = noisy()
    found = find_jumps(traces, 10.0, 1.0)
    for row, truth in enumerate(frames):
        mine = found.frame[found.row == row]
        assert set(truth) <= set(mine)
        assert len(mine) <= len(truth) + 2
    size = found.size[np.isin(found.frame, frames[0]) & (found.row == 0)]
    assert abs(np.median(size) - 1) < 0.1
    np.testing.assert_allclose(found.noise_sd, 0.1, rtol=0.3)


@pytest.mark.parametrize("rate", [2.0, 5.0, 30.0, 100.0])
def test_false_jumps_in_noise_are_rare_at_every_frame_rate(rate):
    noise = np.random.default_rng(1).normal(size=(50, 6000)).astype(np.float32)
    found = find_jumps(noise, rate, 1.0)
    # Four standard errors, one-sided: 3e-5 a frame at most.
    assert len(found.row) < 3 * 3.2e-5 * noise.size
    np.testing.assert_allclose(np.median(found.noise_sd), 1.0, rtol=0.05)


def test_slow_noise_raises_the_noise_it_is_judged_against():
    rng = np.random.default_rng(2)
    white = rng.normal(size=(20, 8000))
    slow = np.apply_along_axis(np.convolve, 1, rng.normal(size=white.shape), np.hanning(21) / 3, "same")
    plain, mixed = (find_jumps(x, 10.0, 1.0).noise_sd.mean() for x in (white, white + slow))
    assert mixed > 1.2 * plain


@settings(max_examples=15, deadline=None)
@given(gain=st.floats(0.01, 1000), offset=st.floats(-100, 100))
def test_gain_and_offset_do_not_matter(gain, offset):
    _, traces = noisy(n_rows=2, n_frames=800)
    plain = find_jumps(traces, 10.0, 1.0)
    other = find_jumps(traces.astype(float) * gain + offset * gain / 10, 10.0, 1.0)
    strong = plain.z > 8
    assert set(zip(plain.row[strong], plain.frame[strong], strict=True)) <= set(
        zip(other.row, other.frame, strict=True)
    )


def test_rows_are_independent_of_each_other():
    _, traces = noisy(n_rows=40, n_frames=600)
    together = find_jumps(traces, 10.0, 1.0)
    for row in (0, 17, 39):
        alone = find_jumps(traces[row : row + 1], 10.0, 1.0)
        np.testing.assert_array_equal(together.frame[together.row == row], alone.frame)
        np.testing.assert_array_equal(together.z[together.row == row], alone.z)


def test_stacked_transients_are_told_apart():
    g = np.exp(-1 / 10)
    trace = transients([100, 108, 116], [1.0, 1.0, 1.0], 400, g)
    trace += 0.03 * np.random.default_rng(3).normal(size=400)
    assert {100, 108, 116} <= set(find_jumps(trace[None], 10.0, 1.0).frame)


def test_a_single_high_sample_is_no_calcium():
    traces = np.random.default_rng(4).normal(0, 0.1, (1, 2000)).astype(np.float32)
    traces[0, 500::200] += 1.5
    found = find_jumps(traces, 10.0, 1.0)
    assert not np.isin(np.arange(500, 2000, 200), found.frame).any()


def test_drift_is_followed():
    frames, traces = noisy(n_rows=1)
    drift = 2 * np.sin(np.arange(traces.shape[1]) / 400)
    found = find_jumps(traces + drift, 10.0, 1.0)
    assert np.isin(frames[0], found.frame).mean() > 0.95


def test_a_higher_threshold_finds_fewer_and_only_higher_ones():
    _, traces = noisy(noise=0.25)
    low, high = (find_jumps(traces, 10.0, 1.0, n_sd=z) for z in (3.0, 6.0))
    assert 0 < len(high.row) < len(low.row)
    assert (high.z >= 6).all() and (low.z >= 3).all()


def test_no_jump_begins_on_a_missing_sample():
    frames, traces = noisy(n_rows=1)
    traces[0, frames[0][3]] = np.nan
    traces[0, 2000:2300] = np.nan
    found = find_jumps(traces, 10.0, 1.0)
    assert not np.isnan(traces[0, found.frame]).any()
    assert np.isin(frames[0][:3], found.frame).all()


@pytest.mark.parametrize(
    "traces",
    [
        np.empty((0, 10)),
        np.zeros((3, 1)),
        np.zeros((3, 2)),
        np.full((2, 50), 7.0),
        np.full((2, 50), np.nan),
        np.array([[1.0, np.nan, 2.0]]),
    ],
)
def test_edges_give_no_jumps(traces):
    found = find_jumps(traces, 10.0, 1.0)
    assert len(found.row) == len(found.frame) == len(found.size) == len(found.z) == 0
    assert len(found.noise_sd) == len(traces)


def test_noise_free_transients_are_found():
    trace = transients([100, 300], [1.0, 0.5], 500, np.exp(-0.1))[None]
    frame = find_jumps(trace, 10.0, 1.0).frame
    assert {100, 300} <= set(frame) <= {100, 101, 300, 301}


def test_same_bytes_for_any_number_of_workers_and_input_unchanged():
    _, traces = noisy(n_rows=40, n_frames=500)
    traces.flags.writeable = False
    plain = find_jumps(traces, 10.0, 1.0)
    for workers in (1, 4):
        with ThreadPoolExecutor(workers) as pool:
            again = find_jumps(traces, 10.0, 1.0, executor=pool)
        for name in ("row", "frame", "size", "z", "noise_sd", "cost"):
            np.testing.assert_array_equal(getattr(plain, name), getattr(again, name))


def test_can_be_cancelled():
    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        find_jumps(np.zeros((3, 10)), 10.0, 1.0, on_progress=stop)
