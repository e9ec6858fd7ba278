"""Colours: one an ensemble, always the same, told apart by every kind of eye."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest

from napari_calcium.figures import palette
from napari_calcium.figures.palette import UNASSIGNED_COLOR, ensemble_color, rgb

# Viénot, Brettel & Mollon 1999, another model of dichromacy than the palette's own.
VIENOT = {
    "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
}


def linear(color: str) -> np.ndarray:
    share = np.array(rgb(color)) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def luminance(color: str) -> float:
    return float(linear(color) @ [0.2126, 0.7152, 0.0722])


def cielab(rgb_linear: np.ndarray) -> np.ndarray:
    xyz = (
        np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb_linear
    )
    ratio = np.clip(xyz, 0, None) / [0.9505, 1.0, 1.089]
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_colors_are_hex_and_distinct():
    colors = [ensemble_color(k) for k in range(256)]
    assert len(set(colors)) == 256
    for color in colors:
        assert len(color) == 7
        assert color == color.lower()
        assert all(0 <= value <= 255 for value in rgb(color))


def test_colors_repeat_after_the_last():
    assert ensemble_color(256 + 3) == ensemble_color(3)
    assert ensemble_color(np.int64(5)) == ensemble_color(5)


@pytest.mark.parametrize("unassigned", [-1, -7])
def test_unassigned_is_grey_and_never_given_to_an_ensemble(unassigned):
    assert ensemble_color(unassigned) == UNASSIGNED_COLOR
    assert len(set(rgb(UNASSIGNED_COLOR))) == 1
    assert UNASSIGNED_COLOR not in {ensemble_color(k) for k in range(256)}


def test_color_depends_on_the_id_alone():
    palette._more.cache_clear()
    backwards = {k: ensemble_color(k) for k in reversed(range(40))}
    palette._more.cache_clear()
    assert backwards == {k: ensemble_color(k) for k in range(40)}


def test_another_process_gives_the_same_colors():
    code = "from napari_calcium.figures import palette as p; print([p.ensemble_color(k) for k in range(30)])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == str([ensemble_color(k) for k in range(30)])


@pytest.mark.parametrize("number", [8, 12])
def test_first_colors_are_apart_for_normal_eyes(number):
    labs = [cielab(linear(ensemble_color(k))) for k in range(number)]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(labs, 2)) > 20


@pytest.mark.parametrize("kind", list(VIENOT))
def test_first_colors_are_apart_for_colour_blind_eyes(kind):
    matrix = np.array(VIENOT[kind])
    labs = [cielab(np.clip(matrix @ linear(ensemble_color(k)), 0, 1)) for k in range(8)]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(labs, 2)) > 15


def test_every_color_holds_on_black_and_on_white():
    for k in range(64):
        light = luminance(ensemble_color(k))
        on_black, on_white = (light + 0.05) / 0.05, 1.05 / (light + 0.05)
        assert on_black > 2.5
        assert on_white > 1.5


def test_rgb_reads_hex():
    assert rgb("#0a10ff") == (10, 16, 255)
