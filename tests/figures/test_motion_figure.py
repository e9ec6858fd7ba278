"""Motion prepared for plots: spans of bad frames, sharpness, words."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_calcium.figures.export import FIGURES, figure_of
from napari_calcium.figures.figure_style import FigureStyle
from napari_calcium.figures.motion_figure import motion_words, prepare_motion, sharpness
from napari_calcium.recording import Recording
from napari_calcium.results.tables import Motion

KIND = next(kind for kind in FIGURES if kind.stem == "motion")


def motion(bad=(), n=50, correlation=0.9, residual=()):
    flags = np.zeros(n, bool)
    flags[list(bad)] = True
    return Motion(
        np.linspace(-3, 3, n),
        np.zeros(n),
        np.full(n, correlation),
        flags,
        residual_px=np.array(residual, float),
    )


def recording(**changes):
    return Recording("film", np.empty(0, np.int64), 10.0, **changes)


def test_sharpness_compares_registered_and_raw_where_all_frames_saw_the_pixel():
    sharp = np.random.default_rng(0).normal(0, 1, (40, 40)).astype(np.float32)
    blurred = gaussian_filter(sharp, 1)
    coverage = np.ones((40, 40), np.float32)
    coverage[:5] = 0.5
    sharp[0, 0] = 1e6  # not seen by all frames, so that it does not count
    before, after = sharpness(recording(images={"mean": sharp, "raw_mean": blurred, "coverage": coverage}))
    assert after > before
    assert sharpness(recording()) is None
    flat = dict.fromkeys(("mean", "raw_mean", "coverage"), np.ones((4, 4), np.float32))
    assert sharpness(recording(images=flat)) is None


def test_the_words_name_shift_correlation_and_bad_frames():
    words = motion_words(recording(motion=motion([3])))
    assert "3.0 px" in words and "0.90" in words and "1 bad frame" in words
    assert "correlation" not in motion_words(recording(motion=motion(correlation=np.nan)))
    assert motion_words(recording()) == ""


@pytest.mark.parametrize(
    "made",
    [
        recording(motion=motion([3, 4], residual=[0.1, 0.5])),
        recording(motion=motion([3, 4])),
        recording(),
        recording(motion=motion(n=1, correlation=np.nan)),
    ],
)
@pytest.mark.parametrize("width", [85, 180])
def test_the_figure_can_be_drawn_whatever_there_is(made, width):
    figure = figure_of(KIND, made, FigureStyle(width=width))
    assert figure.get_axes()
    if made.motion is None:
        assert prepare_motion(made).message


def test_lines_keep_the_largest_shift_of_a_single_frame():
    found = motion(n=5000)
    shifts = found.shift_x_px.copy()
    shifts[3210] = 9.5
    made = recording(motion=Motion(found.shift_y_px, shifts, found.correlation, found.bad))
    assert prepare_motion(made, pixels=100).shift_x[1].max() == 9.5


def test_the_motion_that_is_left_has_a_bar_a_component_beside_or_below():
    made = recording(motion=motion(residual=[0.1, 0.5, 0.2]))
    for width, beside in ((180, True), (85, False)):
        figure = figure_of(KIND, made, FigureStyle(width=width))
        aside = next(ax for ax in figure.get_axes() if "Motion left" in ax.get_ylabel())
        upper = next(ax for ax in figure.get_axes() if ax.get_ylabel() == "Shift (px)")
        assert [bar.get_height() for bar in aside.patches] == [0.1, 0.5, 0.2]
        figure.draw_without_rendering()
        assert (aside.get_position().x0 > upper.get_position().x1) == beside


def test_it_is_among_the_figures_only_where_a_movie_was_registered():
    assert KIND.fits(recording(motion=motion())) and not KIND.fits(recording())
