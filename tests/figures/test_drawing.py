"""What figures draw alike: words that fit, legends in as few rows as they need, labels that do not touch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.figures.drawing import (
    legend_above,
    legend_height,
    new_figure,
    note_size,
    rows_axis,
    set_titles,
    spaced_labels,
    width_of,
    wrapped,
)
from napari_calcium.figures.export import styled
from napari_calcium.figures.figure_style import PUBLICATION

WORDS = st.lists(st.text("abcdefghij", min_size=1, max_size=12), max_size=25).map(" ".join)


@settings(deadline=None)
@given(text=WORDS, width=st.floats(0.3, 5))
def test_wrapping_keeps_every_word_in_order(text, width):
    assert wrapped(text, width, 7.5).split() == text.split()


@settings(deadline=None)
@given(text=WORDS)
def test_a_wider_line_never_needs_more_lines(text):
    lines = [wrapped(text, width, 7.5).count("\n") for width in (0.5, 1.0, 2.0, 8.0)]
    assert lines == sorted(lines, reverse=True)


def test_wrapped_lines_are_as_narrow_as_asked():
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    text = "chance alone would give so many ensemble events in a recording of this length"
    for line in wrapped(text, 1.5, 7.5).split("\n"):
        points = text_to_path.get_text_width_height_descent(line, FontProperties(size=7.5), ismath=False)[0]
        assert points <= 1.5 * 72


def test_a_word_that_is_too_wide_stays_whole():
    assert wrapped("short incomprehensibilities", 0.2, 9.0) == "short\nincomprehensibilities"


def test_lines_that_were_apart_stay_apart():
    assert wrapped("one\n\ntwo", 3.0, 7.5) == "one\n\ntwo"


@pytest.mark.parametrize("width", [3.35, 4.5, 6.85])
def test_title_and_note_never_touch(width):
    with styled(PUBLICATION):
        figure = new_figure(width, 2.0)
        ax = figure.subplots()
        set_titles(
            ax, "1,569 events of 120 neurons", "coloured: within an activation of the neuron's ensemble"
        )
        figure.canvas.draw()
        texts = [t for t in (ax._left_title, ax._right_title, *ax.texts) if t.get_text()]
        a, b = (t.get_window_extent() for t in texts)
        assert not a.overlaps(b)
        assert a.y1 <= figure.bbox.y1 + 1


def test_a_legend_takes_one_row_where_there_is_room():
    labels = ["active neurons", "expected by chance", "threshold", "event in an ensemble, in its colour"]
    with styled(PUBLICATION):
        assert legend_height(labels, 6.9) == 0
        heights = [legend_height(labels, width) for width in (2.0, 3.3, 4.5, 6.9)]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] == pytest.approx(3 * 1.5 * 7 / 72)


def test_without_anything_to_name_there_is_no_legend():
    figure = new_figure(3, 2)
    ax = figure.subplots()
    legend_above(ax, "Title", {})
    assert ax.get_legend() is None
    assert ax.get_title() == "Title"
    assert legend_height([], 1.0) == 0


@settings(deadline=None)
@given(gaps=st.lists(st.floats(0, 30), min_size=1, max_size=20))
def test_labels_that_are_shown_do_not_touch_and_the_first_always_is(gaps):
    places = np.cumsum(gaps).tolist()
    figure = new_figure(3, 2)
    ax = figure.subplots()
    rows = max(places[-1], 1)
    shown = spaced_labels(ax, places, rows)
    assert shown[0]
    height = ax.get_window_extent().height / figure.dpi * 72
    kept = np.array([place for place, seen in zip(places, shown, strict=True) if seen])
    assert (np.diff(kept) * height / rows >= note_size() - 1e-6).all()


@pytest.mark.parametrize("n", [1, 2, 8, 9, 100, 324, 10_000])
def test_rows_are_numbered_from_one_at_the_top(n):
    figure = new_figure(3, 2)
    ax = figure.subplots()
    rows_axis(ax, n, ordered=True)
    figure.canvas.draw()
    labels = [int(t.get_text().replace("−", "-")) for t in ax.get_yticklabels()]
    assert labels[0] == 1
    assert labels == sorted(labels)
    assert labels[-1] <= n
    assert ax.get_ylim() == (n - 0.5, -0.5)
    assert "Rank" in ax.get_ylabel()


def test_rows_in_the_order_of_the_file_say_so():
    ax = new_figure(3, 2).subplots()
    rows_axis(ax, 5, ordered=False)
    assert ax.get_ylabel() == "Neuron (row in the file)"


def test_a_part_of_a_figure_knows_its_own_width():
    figure = new_figure(6, 2)
    left, right = figure.subfigures(1, 2, width_ratios=(1, 2))
    assert width_of(figure) == pytest.approx(6)
    assert width_of(left) == pytest.approx(2)
    assert width_of(right) == pytest.approx(4)
