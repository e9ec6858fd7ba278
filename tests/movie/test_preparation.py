import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import gaussian_filter

from napari_calcium.movie.preparation import Preparation


def frames_of(shape=(2, 60, 70), seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def test_nothing_to_do_returns_the_input_itself():
    frames = frames_of()
    assert Preparation()(frames) is frames


def test_the_band_pass_is_a_difference_of_gaussians():
    frames = frames_of()
    passed = Preparation(smoothing=1.0, background=6.0)(frames)
    for before, after in zip(frames.astype(float), passed, strict=True):
        blurs = [gaussian_filter(before, sigma, mode="mirror", truncate=8) for sigma in (1.0, 6.0)]
        assert_allclose(after[20:40, 20:50], (blurs[0] - blurs[1])[20:40, 20:50], atol=2e-3)


def test_smoothing_alone_keeps_the_mean():
    frames = frames_of() + 5
    passed = Preparation(smoothing=2.0)(frames)
    assert_allclose(passed.mean(), frames.mean(), rtol=1e-3)
    assert passed.std() < 0.3 * frames.std()


def test_a_background_that_does_not_move_is_removed():
    y, x = np.mgrid[:60, :70].astype(np.float32)
    glow = 100 * np.exp(-((y - 30) ** 2 + (x - 30) ** 2) / 2000)[None].astype(np.float32)
    left = Preparation(background=5.0)(glow)
    assert np.abs(left).max() < 0.15 * 100
    assert np.abs(left).mean() < 0.03 * 100


def test_missing_pixels_stay_missing_and_alone():
    frames = frames_of()
    frames[0, 10, 10] = np.nan
    frames[1] = np.nan
    before = frames.copy()
    passed = Preparation(smoothing=1.0, background=6.0)(frames)
    assert_array_equal(np.isnan(passed), np.isnan(frames))
    assert_array_equal(frames, before)


def test_tiny_frames_pass():
    for shape in ((1, 1, 1), (2, 1, 9), (1, 3, 2)):
        assert Preparation(smoothing=1.0, background=20.0)(frames_of(shape)).shape == shape


def test_line_phase_and_filter_come_apart():
    both = Preparation(line_phase=0.5, smoothing=1.0)
    assert both.plain == Preparation(line_phase=0.5)
    assert not both.keeps_light
    assert both.plain.keeps_light
    frames = frames_of()
    assert_allclose(both(frames), both.filtered(both.plain(frames)))
