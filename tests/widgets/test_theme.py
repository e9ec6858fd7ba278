import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.utils.theme import get_theme
from skimage.color import deltaE_ciede2000, rgb2lab

from napari_calcium.figures.palette import TRACE_COLORS, ensemble_color, rgb
from napari_calcium.widgets import theme
from napari_calcium.widgets.theme import ensemble_mark, link_color, plot_colors, readable

GROUNDS = ("#23242b", "#ebe7e6", "#000000", "#ffffff")


def contrast(a: str, b: str) -> float:
    def luminance(color: str) -> float:
        parts = [c / 255 for c in rgb(color)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


colors = st.tuples(*[st.integers(0, 255)] * 3).map(lambda c: "#{:02x}{:02x}{:02x}".format(*c))


@given(colors, st.sampled_from(GROUNDS))
def test_readable_colours_stand_out(color, ground):
    assert contrast(readable(color, ground), ground) >= 4.45


@pytest.mark.parametrize("ground", GROUNDS)
def test_a_colour_that_stands_out_stays_as_it_is(ground):
    strong = "#ffffff" if ground in ("#23242b", "#000000") else "#000000"
    assert readable(strong, ground) == strong


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("color", [*TRACE_COLORS.values(), *(ensemble_color(k) for k in range(8))])
def test_the_hue_stays(color, ground):
    def hue(c: str) -> tuple[float, float]:
        h, _, s = colorsys.rgb_to_hls(*(v / 255 for v in rgb(c)))
        return h, s

    (before, saturation), (after, _) = hue(color), hue(readable(color, ground))
    if saturation > 0.1:
        assert min(abs(before - after), 1 - abs(before - after)) < 0.03


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_plots_take_the_viewers_theme(theme):
    viewer = ViewerModel()
    viewer.theme = theme
    colors = plot_colors(viewer)
    assert contrast(colors.text, colors.background) > 7
    assert contrast(colors.cursor, colors.background) > 4.4
    assert contrast(link_color(viewer), colors.background) > 4.4


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_marks_of_ten_ensembles_are_told_apart_in_either_theme(theme):
    ground = get_theme(theme).background.as_hex("long")[:7]
    colors = np.array([rgb(ensemble_mark(k, ground)) for k in range(10)]) / 255
    lab = rgb2lab(colors[None])[0]
    apart = deltaE_ciede2000(lab[:, None], lab[None])[np.triu_indices(10, 1)]
    # The eye sees a difference of 2 side by side; 8 is another colour.
    assert apart.min() > 8


def test_the_theme_of_the_system_is_taken_once_as_napari_does(monkeypatch):
    now = "light"
    monkeypatch.setattr(theme, "get_system_theme", lambda: now)
    viewer = ViewerModel()
    viewer.theme = "system"
    light = plot_colors(viewer)
    assert not light.is_dark
    now = "dark"
    assert plot_colors(viewer) == light, "the window is light as well until the theme is chosen again"
    viewer.theme = "light"
    assert plot_colors(viewer) == light
    viewer.theme = "system"
    assert plot_colors(viewer).is_dark
    light_viewer = ViewerModel()
    light_viewer.theme = "light"
    assert link_color(viewer) != link_color(light_viewer)
