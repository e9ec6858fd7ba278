"""Publication style: every figure, at every width of a journal, for every recording there can be."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from tests.figures.degenerate import DEGENERATE
from tests.figures.pages import laid_out

from napari_calcium.figures.export import FIGURES, FORMATS, figure_of, save_figure, write_picture
from napari_calcium.figures.figure_style import COLUMNS_MM, PUBLICATION, STANDARD, STYLES, FigureStyle
from napari_calcium.settings import SettingsError

NARROW = PUBLICATION.replace(width=COLUMNS_MM[0], resolution=60)
WIDE = {kind.stem: kind for kind in FIGURES}


@dataclass(frozen=True)
class Drawn:
    """A figure laid out once, and what is written on it."""

    name: str
    width: float
    figure: Figure
    texts: tuple[tuple[Text, Bbox], ...]
    heads: tuple[tuple[Text, Bbox], ...]


def draw(kind, recording, width):
    figure = figure_of(kind, recording, PUBLICATION.replace(width=width))
    figure.canvas.draw()
    # Ticks beyond the ends of their axis have a text that is not drawn.
    ticks = {id(t) for ax in figure.findobj(Axes) for t in (*ax.get_xticklabels(), *ax.get_yticklabels())}
    texts = [
        t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip() and id(t) not in ticks
    ]
    heads = {
        id(t)
        for ax in figure.axes
        for t in (
            *(ax.title, ax._left_title, ax._right_title, ax.xaxis.label, ax.yaxis.label, *ax.texts),
            *(ax.get_legend().get_texts() if ax.get_legend() is not None else ()),
        )
    }
    boxes = tuple((t, t.get_window_extent()) for t in texts)
    return Drawn(kind.stem, width, figure, boxes, tuple(b for b in boxes if id(b[0]) in heads))


@pytest.fixture(scope="module")
def drawn(recording):
    """Return every figure at every width."""
    return [draw(kind, recording, width) for kind in FIGURES if kind.fits(recording) for width in COLUMNS_MM]


def test_no_figure_is_wider_than_the_column(drawn):
    for made in drawn:
        assert made.figure.get_figwidth() * 25.4 <= made.width + 0.01, made.name


def test_letters_are_of_seven_to_nine_points_in_one_sans_serif(drawn):
    for made in drawn:
        for text, _ in made.texts:
            assert 7 <= text.get_fontsize() <= 9, (made.name, made.width, text)
            assert text.get_fontfamily() == ["DejaVu Sans"], (made.name, made.width, text)


def test_nothing_is_cut_off(drawn):
    for made in drawn:
        page = made.figure.bbox.padded(1)
        for text, box in made.texts:
            inside = page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
            assert inside, (made.name, made.width, text)


def test_titles_notes_and_legends_do_not_lie_on_each_other(drawn):
    for made in drawn:
        for (a, box_a), (b, box_b) in itertools.combinations(made.heads, 2):
            overlap = box_a.padded(-1.5).overlaps(box_b.padded(-1.5))
            assert not overlap, (made.name, made.width, a.get_text(), b.get_text())


def test_the_ground_is_white_and_axes_are_thin(drawn):
    for made in drawn:
        assert made.figure.get_facecolor() == (1, 1, 1, 1)
        for ax in made.figure.axes:
            assert all(spine.get_linewidth() <= 0.5 for spine in ax.spines.values())


@pytest.mark.parametrize("case", DEGENERATE)
def test_every_figure_of_every_recording_in_one_column(recording, case):
    few = DEGENERATE[case](recording)
    for kind in FIGURES:
        if kind.fits(few):
            figure = laid_out(figure_of(kind, few, NARROW))
            assert figure.get_figwidth() * 25.4 == pytest.approx(NARROW.width)


@pytest.mark.parametrize("ending", FORMATS)
def test_the_same_bytes_each_time(field, analyse, tmp_path, ending):
    (tmp_path / "again").mkdir()
    for stem in ("coactivity", "ensembles"):
        kind = WIDE[stem]
        a, b = (
            save_figure(kind, analyse(field), folder, style=NARROW, formats=(ending,))[0].read_bytes()
            for folder in (tmp_path, tmp_path / "again")
        )
        assert a == b


def test_letters_stay_letters_in_drawings(recording, tmp_path):
    svg, pdf = save_figure(WIDE["coactivity"], recording, tmp_path, style=NARROW, formats=("svg", "pdf"))
    words = re.sub(r"<[^>]+>", " ", svg.read_text())
    assert "Active neurons" in words
    assert "threshold" in words
    assert b"/FontFile2" in pdf.read_bytes()
    assert b"/Type3" not in pdf.read_bytes()


def test_all_files_of_one_figure_are_the_same_picture(recording, tmp_path):
    figure = figure_of(WIDE["raster"], recording, NARROW)
    write_picture(figure, tmp_path / "a.svg", NARROW)
    first = [ax.get_position().bounds for ax in figure.axes]
    write_picture(figure, tmp_path / "a.png", NARROW)
    assert [ax.get_position().bounds for ax in figure.axes] == first


@pytest.mark.parametrize("change", [{"font_size": 6.5}, {"width": 20}, {"resolution": 5000}, {"font": ""}])
def test_what_cannot_be_printed_is_refused(change):
    with pytest.raises(SettingsError, match=next(iter(change))):
        PUBLICATION.replace(**change)


def test_a_style_is_settings_and_frozen():
    assert FigureStyle.from_yaml(STANDARD.to_yaml()) == STANDARD
    assert set(STYLES) == {"standard", "publication"}
    with pytest.raises(ValueError, match="frozen"):
        PUBLICATION.width = 3


@pytest.mark.parametrize("size", [7.0, 7.5, 8.0, 9.0])
def test_all_sizes_stay_between_seven_and_nine(size):
    rc = FigureStyle(font_size=size).rc()
    for key in ("font.size", "axes.titlesize", "axes.labelsize", "xtick.labelsize", "legend.fontsize"):
        assert 7 <= rc[key] <= 9
    assert rc["axes.titlesize"] >= rc["axes.labelsize"] >= rc["xtick.labelsize"]


def test_a_font_that_is_not_there_falls_back(recording):
    style = NARROW.replace(font="No Such Font At All")
    figure = laid_out(figure_of(WIDE["similarity"], recording, style))
    with pytest.raises(ValueError, match="No Such Font"):
        findfont(style.font, fallback_to_default=False)
    assert findfont(figure.axes[0].xaxis.label.get_fontproperties(), fallback_to_default=False)
