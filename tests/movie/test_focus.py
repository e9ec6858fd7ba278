import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from tests.movie.planted_cells import blur, soma

from napari_calcium.movie.focus import focus_half, judge_focus

RADIUS = 6.0
HALF = focus_half(RADIUS)
SIDE = 2 * HALF + 1
LARGE = (SIDE + 80, SIDE + 80)
MIDDLE = LARGE[0] // 2


def seen(image):
    """What the spatial high-pass of the movie leaves of an image, around its centre."""
    high = image - gaussian_filter(image, 10.0)
    return high[MIDDLE - HALF : MIDDLE + HALF + 1, MIDDLE - HALF : MIDDLE + HALF + 1]


def judge(images, energy=400.0, noise=True, known=None):
    rng = np.random.default_rng(0)
    images = np.array(images, np.float64)
    if noise:
        images = images + rng.standard_normal(images.shape) / np.sqrt(energy)
    energies = np.full(len(images), energy)
    return judge_focus(images.astype(np.float32), energies, RADIUS, known)


@given(
    radius=st.floats(4.5, 8.0),
    nucleus=st.floats(0.0, 0.9),
    dy=st.floats(-2, 2),
    dx=st.floats(-2, 2),
    height=st.floats(0.8, 3),
)
@settings(max_examples=30, deadline=None)
def test_discs_with_an_edge_score_high(radius, nucleus, dy, dx, height):
    image = height * seen(soma((MIDDLE + dy, MIDDLE + dx), radius, LARGE, nucleus))
    result = judge([image])
    assert result.score[0] > 8
    assert result.share[0] > 0.02
    assert result.disc_share[0] > 0.8
    assert abs(result.radius[0] - radius) < 1.5


@given(sigma=st.floats(3.8, 9.0), dy=st.floats(-2, 2), dx=st.floats(-2, 2), height=st.floats(0.5, 3))
@settings(max_examples=30, deadline=None)
def test_blurs_score_below_zero(sigma, dy, dx, height):
    assert judge([height * seen(blur((MIDDLE + dy, MIDDLE + dx), sigma, LARGE))]).score[0] < 0


def test_noise_scores_near_zero():
    rng = np.random.default_rng(1)
    images = rng.standard_normal((200, SIDE, SIDE)) / 20
    assert np.abs(judge(images, noise=False).score).max() < 6


def test_the_score_grows_with_the_root_of_the_energy_and_the_share_does_not():
    images = [seen(soma((MIDDLE, MIDDLE), 6.0, LARGE))]
    faint, strong = judge(images, 4e4, noise=False), judge(images, 16e4, noise=False)
    np.testing.assert_allclose(strong.score, 2 * faint.score)
    np.testing.assert_allclose(strong.share, faint.share, rtol=0.05)


def test_a_constant_changes_nothing():
    image = seen(soma((MIDDLE, MIDDLE), 6.0, LARGE))
    np.testing.assert_allclose(judge([image]).score, judge([image + 5]).score, rtol=1e-4)


def test_a_bright_core_in_a_wide_disc_is_no_soma():
    wide, core = (soma((MIDDLE, MIDDLE), r, LARGE, nucleus=0) for r in (9.0, 4.5))
    assert judge([seen(wide + 1.2 * core)]).share[0] < judge([seen(wide)]).share[0]


def test_pixels_beyond_the_edge_do_not_count():
    image = seen(soma((MIDDLE, MIDDLE), 6.0, LARGE))
    known = np.ones((1, SIDE, SIDE), bool)
    known[:, : HALF - 3] = False
    spoiled = np.where(known[0], image, -50.0)
    whole, cut = judge([image], known=known), judge([spoiled], known=known)
    np.testing.assert_allclose(cut.score, whole.score, rtol=1e-6)
    assert cut.score[0] > 8


def test_a_cut_blur_stays_a_blur():
    known = np.ones((1, SIDE, SIDE), bool)
    known[:, :HALF] = False
    assert judge([seen(blur((MIDDLE, MIDDLE), 6.0, LARGE))], known=known).score[0] < 3


def test_nothing_known_scores_nothing():
    result = judge([np.ones((SIDE, SIDE))], known=np.zeros((1, SIDE, SIDE), bool))
    assert result.score[0] == 0


def test_no_candidates_give_no_scores():
    result = judge_focus(np.zeros((0, SIDE, SIDE), np.float32), np.zeros(0), RADIUS)
    assert result.score.shape == result.radius.shape == (0,)


def test_candidates_are_judged_each_on_its_own():
    images = [seen(soma((MIDDLE, MIDDLE), 6.0, LARGE)), seen(blur((MIDDLE, MIDDLE), 6.0, LARGE))]
    both = judge(images, noise=False)
    for k in range(2):
        np.testing.assert_allclose(judge(images[k : k + 1], noise=False).score, both.score[k : k + 1])


@pytest.mark.parametrize("radius", [1.5, 3.0, 12.0, 15.6])
def test_other_sizes_scale(radius):
    half = focus_half(radius)
    side = 2 * half + 1
    large = (side + 2 * int(6 * radius) + 20,) * 2
    middle = large[0] // 2
    images = [soma((middle, middle), radius, large, 0.3), blur((middle, middle), radius, large)]
    high = [i - gaussian_filter(i, 10 / 6 * radius) for i in images]
    cut = [h[middle - half : middle + half + 1, middle - half : middle + half + 1] for h in high]
    result = judge_focus(np.array(cut, np.float32), np.full(2, 1e4), radius)
    assert result.score[0] > result.score[1]
    assert result.score[1] < 0
