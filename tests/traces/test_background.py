from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from pydantic import TypeAdapter, ValidationError
from scipy.signal import butter, sosfiltfilt, welch

from napari_calcium.progress import Cancelled
from napari_calcium.traces.background import (
    BackgroundSettings,
    HighPassBackground,
    LowerEnvelopeBackground,
    remove_background,
)

METHODS = [HighPassBackground(), LowerEnvelopeBackground()]
methods = pytest.mark.parametrize("method", METHODS, ids=lambda m: m.method)

# The kinds of recording the requirements are held against: rare and dense, clean and noisy, slow and fast.
CASES = {
    "clean": {"noise": 0.03},
    "noisy": {"noise": 0.14, "amplitude": 0.6},
    "course": {"frame_rate": 4.8, "n_frames": 8000, "rate": 0.015, "n_rois": 30},
    "dense": {"rate": 0.08},
    "slow decay": {"decay": 2.0, "frame_rate": 4.8},
    "strong drift": {"drift": 0.5},
    "fast": {"frame_rate": 30.0, "n_frames": 9000, "n_rois": 20, "noise": 0.15},
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(0, 1, (5, 900)).astype(np.float32)


def removed(traces, frame_rate, method):
    return traces - remove_background(traces, frame_rate, method)


@methods
@cases
def test_amplitudes_are_kept_within_five_percent(simulated, method, case):
    """Noise cancels: what is removed under a transient is compared with what drifts under it."""
    truth = simulated(**case)
    level = removed(truth.trace, truth.frame_rate, method)
    eaten = truth.amplitudes(level - truth.drift) / truth.amplitudes(truth.signal)
    assert abs(np.median(eaten)) < 0.02
    assert np.mean(np.abs(eaten) < 0.05) > 0.9


@methods
@cases
def test_measured_amplitudes_are_kept_within_five_percent(simulated, method, case):
    """As the reader of a trace would measure them, noise and all."""
    truth = simulated(**case)
    found = truth.amplitudes(remove_background(truth.trace, truth.frame_rate, method))
    true = truth.amplitudes(truth.signal + truth.noise)
    assert np.median(found) == pytest.approx(np.median(true), rel=0.05)


@methods
@cases
def test_more_than_nine_tenths_of_the_drift_go(simulated, method, case):
    truth = simulated(**case, shortest_period=60.0 if method.method == "lower_envelope" else 25.0)
    left = truth.drift - removed(truth.trace, truth.frame_rate, method)
    share = left.var(axis=1) / truth.drift.var(axis=1)
    assert np.median(share) < 0.1


@methods
@cases
def test_ends_are_as_good_as_the_middle(simulated, method, case):
    truth = simulated(**case, shortest_period=60.0)
    wrong = (remove_background(truth.trace, truth.frame_rate, method) - truth.signal - truth.noise) ** 2
    ten = round(10 * truth.frame_rate)
    middle = np.sqrt(np.median(wrong[:, ten:-ten].mean(axis=1)))
    for end in (wrong[:, :ten], wrong[:, -ten:]):
        assert np.sqrt(np.median(end.mean(axis=1))) < max(
            2 * middle, 0.25 * np.median(truth.noise.std(axis=1))
        )


@methods
@cases
def test_the_quiet_level_is_zero(simulated, method, case):
    truth = simulated(**case)
    corrected = remove_background(truth.trace, truth.frame_rate, method)
    quiet = truth.signal < 0.01 * truth.signal.max()
    offset = np.array([row[still].mean() for row, still in zip(corrected, quiet, strict=True)])
    assert abs(np.median(offset)) < 0.2 * truth.noise.std() + 0.02 * truth.drift.std()


def test_beats_a_linear_high_pass_on_dense_activity(simulated):
    """What the requirement is about: filters that look at all samples eat dense transients."""
    truth = simulated(rate=0.08)
    sos = butter(2, 1 / 20, "high", fs=truth.frame_rate, output="sos")
    linear = sosfiltfilt(sos, truth.trace, axis=1)
    ours = remove_background(truth.trace, truth.frame_rate)
    clean = truth.signal + truth.noise
    # The linear filter's own mean is forgiven.
    error = [np.median((x - clean).std(axis=1)) for x in (ours, linear)]
    assert error[0] < 0.5 * error[1]


def test_slow_power_falls_and_fast_power_stays():
    rng = np.random.default_rng(1)
    frame_rate = 10.0
    traces = np.cumsum(rng.normal(0, 0.01, (10, 6000)), axis=1) + rng.normal(0, 0.1, (10, 6000))
    frequency, before = welch(traces, frame_rate, nperseg=2000)
    _, after = welch(remove_background(traces, frame_rate), frame_rate, nperseg=2000)
    slow = (frequency > 0) & (frequency < 1 / 40)
    fast = frequency > 1 / 5
    assert after[:, slow].sum() < 0.1 * before[:, slow].sum()
    assert after[:, fast].sum() == pytest.approx(before[:, fast].sum(), rel=0.05)


@methods
@given(gain=st.floats(0.05, 50), offset=st.floats(-20, 20))
@settings(max_examples=10, deadline=None)
def test_scales_with_gain_and_ignores_offset(method, gain, offset):
    trace = np.random.default_rng(2).normal(size=(1, 700))
    once = remove_background(trace, 10, method)
    assert_allclose(
        remove_background(gain * trace + offset, 10, method), gain * once, atol=0.01 * gain + 1e-4
    )


@methods
def test_constants_become_zero(method):
    assert_allclose(remove_background(np.full((2, 500), 1e4), 10, method), 0, atol=0.01)


@methods
def test_removing_twice_changes_little(simulated, method):
    truth = simulated(n_rois=10, shortest_period=100.0)
    once = remove_background(truth.trace, truth.frame_rate, method)
    twice = remove_background(once, truth.frame_rate, method)
    assert np.median((twice - once).std(axis=1)) < 0.3 * truth.drift.std()


@methods
def test_a_gap_disturbs_nothing_else(simulated, method):
    truth = simulated(n_rois=3)
    gappy = truth.trace.copy()
    gappy[0, 2000:2300] = np.nan
    gappy[1] = np.nan
    whole = remove_background(truth.trace, truth.frame_rate, method)
    part = remove_background(gappy, truth.frame_rate, method)
    assert_array_equal(np.isnan(part), np.isnan(gappy))
    assert_array_equal(part[2], whole[2])
    far = np.r_[0:1500, 2800:6000]
    assert_allclose(part[0, far], whole[0, far], atol=0.01)
    near = np.r_[1500:2000, 2300:2800]
    assert np.sqrt(((part - whole)[0, near] ** 2).mean()) < 0.05


@methods
def test_scattered_gaps_hardly_matter(simulated, method):
    truth = simulated(n_rois=10)
    gappy = truth.trace.copy()
    gappy[np.random.default_rng(3).random(gappy.shape) < 0.2] = np.nan
    difference = remove_background(gappy, truth.frame_rate, method) - remove_background(
        truth.trace, truth.frame_rate, method
    )
    assert np.nanstd(difference) < 0.02


@methods
@pytest.mark.parametrize("shape", [(0, 5), (1, 1), (2, 2), (2, 3), (3, 50)])
@pytest.mark.parametrize("frame_rate", [0.01, 4.8, 1000.0])
def test_small_shapes(method, shape, frame_rate):
    result = remove_background(np.ones(shape), frame_rate, method)
    assert result.shape == shape
    assert result.dtype == np.float32
    assert_allclose(result, 0, atol=1e-5)


@methods
def test_permuting_cells_permutes_the_result(noise, method):
    order = [4, 2, 0, 1, 3]
    assert_allclose(
        remove_background(noise[order], 10, method), remove_background(noise, 10, method)[order], atol=1e-6
    )


@methods
def test_same_bytes_for_any_number_of_workers(noise, method, monkeypatch):
    expected = remove_background(noise, 10, method).tobytes()
    monkeypatch.setattr("napari_calcium.numerics.blocks._BLOCK_BYTES", 1)
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as pool:
            assert remove_background(noise, 10, method, executor=pool).tobytes() == expected


@methods
def test_progress_cancelling_and_input(noise, method):
    noise.flags.writeable = False
    calls = []
    remove_background(noise, 10, method, on_progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (5, 5)

    def cancel(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        remove_background(noise, 10, method, on_progress=cancel)


@pytest.mark.parametrize("bad", [{"cutoff": 0}, {"cutoff": float("inf")}, {"cut": 3}, {"input": "events"}])
def test_settings_reject(bad):
    with pytest.raises(ValidationError):
        HighPassBackground(**bad)


@methods
def test_settings_are_told_apart_and_explained(method):
    assert TypeAdapter(BackgroundSettings).validate_python(method.model_dump()) == method
    assert method.input == "dff"
    for name, field in type(method).model_fields.items():
        assert name == "method" or (field.title and field.description)


def test_bad_input_is_one_clear_line(noise):
    with pytest.raises(ValueError, match=r"pass traces\[None\] for one ROI"):
        remove_background(noise[0], 10)
    with pytest.raises(ValueError, match="frame_rate"):
        remove_background(noise, -1)
