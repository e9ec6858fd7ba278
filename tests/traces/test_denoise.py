from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import pywt
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from pydantic import TypeAdapter, ValidationError
from scipy.signal import savgol_filter

from napari_calcium.progress import Cancelled
from napari_calcium.traces.denoise import (
    DenoiseSettings,
    SavitzkyGolayDenoise,
    TransientDenoise,
    WaveletDenoise,
    denoise,
)

PLAIN = WaveletDenoise(threshold="universal", mode="soft", keep_onsets=False)
METHODS = [
    WaveletDenoise(),
    WaveletDenoise(shift_invariant=False),
    WaveletDenoise(mode="soft", wavelet="sym4", level=3),
    WaveletDenoise(threshold="universal"),
    PLAIN,
    SavitzkyGolayDenoise(),
    SavitzkyGolayDenoise(window=2, order=0),
    TransientDenoise(),
    TransientDenoise(indicator="GCaMP6s", n_sd=3, smoothing=0),
]
methods = pytest.mark.parametrize("method", METHODS, ids=range(len(METHODS)))
CASES = {
    "course": {"frame_rate": 4.8, "n_frames": 8000, "rate": 0.015},
    "clean": {"noise": 0.04},
    "noisy": {"noise": 0.12},
    "dense": {"rate": 0.08},
    "fast": {"frame_rate": 30.0, "n_frames": 9000, "n_rois": 20, "noise": 0.15},
    "slow": {"frame_rate": 2.0, "n_frames": 4000, "decay": 2.0},
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(0, 1, (5, 700)).astype(np.float32)


def error(found, truth):
    return np.median(np.sqrt(((found - truth) ** 2).mean(axis=1)))


def measured_amplitudes(truth, traces):
    """Highest value around the true peak minus mean of the half second before onset."""
    before, after = round(0.5 * truth.frame_rate), max(1, round(0.3 * truth.frame_rate))
    return np.array(
        [
            traces[row, onset : peak + after + 1].max()
            - traces[row, max(0, onset - before) : onset + 1].mean()
            for row, onset, peak in zip(truth.rows, truth.onsets, truth.peaks, strict=True)
        ]
    )


@cases
def test_the_default_raises_the_signal_to_noise_ratio(simulated, case):
    truth = simulated(**case, drift=0)
    assert error(denoise(truth.trace, truth.frame_rate), truth.signal) < 0.7 * error(
        truth.trace, truth.signal
    )


@cases
def test_the_default_keeps_amplitudes_within_ten_percent(simulated, case):
    truth = simulated(**case, drift=0)
    found = measured_amplitudes(truth, denoise(truth.trace, truth.frame_rate))
    assert np.median(found / truth.amplitudes(truth.signal)) == pytest.approx(1, abs=0.1)


def test_plain_universal_soft_thresholding_does_not(simulated):
    """Why it is not the default."""
    truth = simulated(**CASES["course"], drift=0)
    found = measured_amplitudes(truth, denoise(truth.trace, truth.frame_rate, PLAIN))
    assert np.median(found / truth.amplitudes(truth.signal)) < 0.75


def test_keeping_onsets_keeps_more_of_the_peaks(simulated):
    truth = simulated(noise=0.12, drift=0)
    lenient, strict = (
        truth.amplitudes(denoise(truth.trace, 10, WaveletDenoise(keep_onsets=keep))) for keep in (True, False)
    )
    true = truth.amplitudes(truth.signal)
    assert np.median(strict / true) + 0.03 < np.median(lenient / true) <= 1.02


def test_shift_invariance_lowers_the_error(simulated):
    truth = simulated(drift=0)
    whole, grid = (denoise(truth.trace, 10, WaveletDenoise(shift_invariant=shift)) for shift in (True, False))
    assert error(whole, truth.signal) < error(grid, truth.signal)


@methods
def test_noise_falls(noise, method):
    assert (denoise(noise, 10, method).std(axis=1) < 0.75).all()


def test_the_universal_threshold_removes_nearly_all_noise(noise):
    details_left = denoise(noise, 10, WaveletDenoise(threshold="universal", keep_onsets=False))
    assert (np.diff(details_left, axis=1).std(axis=1) < 0.1).all()


def naive_wavelet_shrinkage(trace, wavelet, level, threshold, mode):
    """Textbook shrinkage of one trace whose length is a multiple of 2^level; its ends are periodic."""
    approximation, *details = pywt.wavedec(trace, wavelet, "periodization", level)
    kept = []
    for detail in details:
        sd = np.median(np.abs(detail)) / 0.6744897501960817
        if threshold == "universal":
            limit = sd * np.sqrt(2 * np.log(len(trace)))
        else:
            signal = np.sqrt(max(np.mean(detail**2) - sd**2, 0))
            limit = min(sd**2 / signal if signal else np.inf, 3 * sd)
            limit = max(limit, 2 * sd) if mode == "hard" else limit
        kept.append(pywt.threshold(detail, limit, mode))
    return pywt.waverec([approximation, *kept], wavelet, "periodization")


@pytest.mark.parametrize("wavelet", ["haar", "db2", "sym4"])
@pytest.mark.parametrize("threshold", ["bayes", "universal"])
@pytest.mark.parametrize("mode", ["hard", "soft"])
def test_agrees_with_textbook_shrinkage_away_from_the_ends(wavelet, threshold, mode):
    rng = np.random.default_rng(1)
    trace = np.repeat(rng.normal(0, 3, 64), 64) + rng.normal(size=4096)
    level = 3
    margin = (pywt.Wavelet(wavelet).dec_len - 1) * 2**level
    chosen = WaveletDenoise(
        wavelet=wavelet, level=level, threshold=threshold, mode=mode, keep_onsets=False, shift_invariant=False
    )
    # Both transforms sit on the same grid if the margin is a whole number of its steps, which it is.
    expected = naive_wavelet_shrinkage(trace, wavelet, level, threshold, mode)
    found = denoise(trace[None], 10, chosen)[0]
    middle = slice(2 * margin, -2 * margin)
    difference = np.abs(found - expected)[middle]
    # The ends differ, and with them the noise estimate by a little: a few details fall to the other side.
    assert np.mean(difference > 0.05) < 0.06
    assert np.sqrt(np.mean(difference**2)) < 0.1


def test_shift_invariant_shrinkage_is_the_mean_over_shifts():
    """With one threshold for all shifts, averaging over the grid's positions is the undecimated transform."""
    rng = np.random.default_rng(2)
    trace = np.repeat(rng.normal(0, 3, 32), 32) + rng.normal(size=1024)
    wavelet, level = "haar", 2
    sds = [
        np.median(np.abs(d)) / 0.6744897501960817
        for d in pywt.swt(trace, wavelet, level, trim_approx=True)[1:]
    ]
    mean = np.zeros_like(trace)
    for shift in range(4):
        rolled = np.roll(trace, shift)
        approximation, *details = pywt.wavedec(rolled, wavelet, "periodization", level)
        kept = [
            pywt.threshold(d, sd * np.sqrt(2 * np.log(1024)), "hard")
            for d, sd in zip(details, sds, strict=True)
        ]
        mean += np.roll(pywt.waverec([approximation, *kept], wavelet, "periodization"), -shift) / 4
    chosen = WaveletDenoise(level=level, threshold="universal", keep_onsets=False)
    found = denoise(trace[None], 10, chosen)[0]
    assert np.mean(np.abs(found - mean)[8:-8] > 0.02) < 0.02


def test_a_delayed_trace_gives_a_delayed_result():
    rng = np.random.default_rng(3)
    frames = np.arange(1500)
    long = 3 * np.exp(-((frames - 700) % 400) / 15) + rng.normal(0, 0.3, 1500)
    early, late = denoise(np.stack([long[5:1405], long[:1400]]), 10)
    difference = np.abs(early[100:-105] - late[105:-100])
    assert np.mean(difference > 0.05) < 0.03


@methods
@given(gain=st.floats(0.01, 100), offset=st.floats(-10, 10))
@settings(max_examples=10, deadline=None)
def test_follows_gain_and_offset(method, gain, offset):
    # Rows without ties at the threshold: hard shrinkage is not continuous there.
    trace = np.repeat([[0.0, 8.0, 2.0, -5.0]], 64, axis=1) + np.random.default_rng(4).normal(0, 0.1, (1, 256))
    once = denoise(trace, 10, method)
    again = denoise(gain * trace + offset, 10, method)
    agree = np.isclose(again, gain * once + offset, atol=1e-3 * gain + 1e-4)
    assert agree.mean() > 0.95


@methods
def test_constants_stay(method):
    assert_allclose(denoise(np.full((2, 300), 5.0), 10, method), 5, rtol=1e-4)


def test_a_trace_without_noise_is_left_alone():
    clean = np.zeros((1, 600))
    clean[0, 300:] = np.exp(-np.arange(300) / 15)
    assert_allclose(denoise(clean, 10, WaveletDenoise()), clean, atol=1e-5)


@pytest.mark.parametrize(
    "preset", [{}, {"frame_rate": 30.0, "n_frames": 6000, "noise": 0.15}, {"noise": 0.12}]
)
def test_rebuilt_transients_follow_the_truth_most_closely(simulated, preset):
    truth = simulated(**preset, drift=0)

    def likeness(settings):
        found = denoise(truth.trace, truth.frame_rate, settings)
        return np.median(
            [np.corrcoef(a, b)[0, 1] for a, b in zip(found, truth.signal, strict=True) if b.any()]
        )

    transients, wavelet = likeness(TransientDenoise()), likeness(WaveletDenoise())
    assert transients > max(0.9, wavelet)


def test_rebuilt_transients_begin_with_what_was_left_from_before():
    trace = np.exp(-np.arange(600) / 15)[None] + 0.01 * np.random.default_rng(0).standard_normal((1, 600))
    found = denoise(trace, 15, TransientDenoise(indicator="OGB-1", smoothing=0))
    assert found[0, 0] > 0.8
    assert np.abs(found[0, 200:]).max() < 0.05


def test_rebuilt_transients_keep_the_level_at_rest(noise):
    level = denoise(0.01 * noise + 7, 10, TransientDenoise(n_sd=6))
    assert_allclose(level, 7, atol=0.02)


def test_no_transients_are_rebuilt_from_noise(noise):
    found = denoise(noise, 10, TransientDenoise(indicator="GCaMP6s", n_sd=6))
    assert (found.std(axis=1) < 0.1).all()


@pytest.mark.parametrize(("window", "order"), [(1.1, 2), (2.1, 3), (1.1, 0), (1.1, 5)])
def test_savitzky_golay_is_scipys(noise, window, order):
    frames = round(window * 10) | 1
    expected = savgol_filter(noise.astype(float), frames, order, axis=1)
    chosen = SavitzkyGolayDenoise(window=window, order=order)
    assert_allclose(denoise(noise, 10, chosen), expected, atol=1e-4)


def test_savitzky_golay_of_high_order_is_a_fit_in_the_window(noise):
    """SciPy's own filter loses all digits here."""
    found = denoise(noise, 10, SavitzkyGolayDenoise(window=30.1, order=9))
    place = np.linspace(-1, 1, 301)
    for frame in (150, 300, 549):
        fit = np.polynomial.Legendre.fit(place, noise[0, frame - 150 : frame + 151].astype(float), 9)
        assert found[0, frame] == pytest.approx(fit(0), abs=1e-4)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_savitzky_golay_reproduces_polynomials_up_to_the_ends(order):
    curve = np.polynomial.Polynomial(np.arange(1, order + 2))(np.linspace(-1, 1, 200))[None]
    assert_allclose(denoise(curve, 10, SavitzkyGolayDenoise(window=3, order=order)), curve, atol=1e-4)


def test_savitzky_golay_never_just_copies_when_there_are_samples_enough(noise):
    smooth = denoise(noise, 4.8, SavitzkyGolayDenoise(window=0, order=2))
    assert (smooth.std(axis=1) < 0.9 * noise.std(axis=1)).all()


@methods
def test_a_gap_disturbs_nothing_else(simulated, method):
    truth = simulated(n_rois=3, drift=0)
    gappy = truth.trace.copy()
    gappy[0, 2000:2300] = np.nan
    gappy[1] = np.nan
    whole, part = denoise(truth.trace, 10, method), denoise(gappy, 10, method)
    assert_array_equal(np.isnan(part), np.isnan(gappy))
    if getattr(method, "indicator", "") == "estimate":
        # The decay is that of all traces; two that change change it a little.
        assert_allclose(part[2], whole[2], atol=0.1)
        return
    assert_array_equal(part[2], whole[2])
    far = np.r_[0:1800, 2500:6000]
    # Noise is estimated from 5 % fewer samples: a few details may fall to the other side of the threshold.
    assert np.mean(np.abs(part[0, far] - whole[0, far]) > 0.01) < 0.05
    assert np.nanstd(part[0] - truth.signal[0]) < truth.noise.std()


def test_noise_is_measured_on_present_samples_only(simulated):
    truth = simulated(n_rois=4, drift=0)
    gappy = truth.trace.copy()
    gappy[:, 1000:5000] = np.nan
    part = denoise(gappy, 10)[:, :900]
    assert error(part, truth.signal[:, :900]) < 0.75 * error(truth.trace[:, :900], truth.signal[:, :900])


@methods
@pytest.mark.parametrize("shape", [(0, 5), (1, 1), (2, 2), (3, 50)])
@pytest.mark.parametrize("frame_rate", [0.01, 4.8, 1000.0])
def test_small_shapes(method, shape, frame_rate):
    result = denoise(np.ones(shape), frame_rate, method)
    assert result.shape == shape
    assert result.dtype == np.float32
    assert_allclose(result, 1, rtol=1e-4)


def test_more_levels_than_the_trace_is_long(noise):
    assert np.isfinite(denoise(noise[:, :40], 10, WaveletDenoise(level=12, wavelet="sym8"))).all()


@methods
def test_permuting_cells_permutes_the_result(noise, method):
    order = [4, 2, 0, 1, 3]
    assert_allclose(denoise(noise[order], 10, method), denoise(noise, 10, method)[order], atol=1e-6)


@methods
def test_same_bytes_for_any_number_of_workers(noise, method, monkeypatch):
    monkeypatch.setattr("napari_calcium.numerics.blocks._BLOCK_BYTES", 1)
    expected = denoise(noise, 10, method).tobytes()
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as pool:
            assert denoise(noise, 10, method, executor=pool).tobytes() == expected


def test_progress_cancelling_and_input(noise):
    noise.flags.writeable = False
    calls = []
    denoise(noise, 10, on_progress=lambda done, total: calls.append((done, total)))
    shares = [done / total for done, total in calls]
    assert shares == sorted(shares)
    assert shares[-1] == 1

    def cancel(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        denoise(noise, 10, on_progress=cancel)


@pytest.mark.parametrize("bad", [{"wavelet": "mexh"}, {"level": -1}, {"threshold": "sure"}, {"mode": "firm"}])
def test_settings_reject(bad):
    with pytest.raises(ValidationError):
        WaveletDenoise(**bad)


@methods
def test_settings_are_told_apart_and_explained(method):
    assert TypeAdapter(DenoiseSettings).validate_python(method.model_dump()) == method
    assert method.input == "background_corrected"
    for name, field in type(method).model_fields.items():
        assert name == "method" or (field.title and field.description)
