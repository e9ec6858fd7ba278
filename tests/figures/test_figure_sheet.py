"""The sheet: everything on one page, whatever there is, the same bytes each time, nothing over the edge."""

from __future__ import annotations

import re

import pytest
from tests.figures.degenerate import DEGENERATE

from napari_calcium.figures.figure_sheet import PAPERS_MM, prepare_sheet, sheet_of, write_sheet
from napari_calcium.figures.figure_style import PUBLICATION
from napari_calcium.figures.heatmap_figure import HeatmapData
from napari_calcium.figures.palette import ensemble_color
from napari_calcium.figures.raster_figure import RasterData
from napari_calcium.simulate import SimulationSettings, simulate

COARSE = PUBLICATION.replace(resolution=60)


def texts_of(figure):
    """Return every visible text of a figure after its layout."""
    from matplotlib.text import Text

    figure.canvas.draw()
    return [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]


def words_of(figure):
    return "\n".join(t.get_text() for t in texts_of(figure))


@pytest.mark.parametrize("paper", PAPERS_MM)
def test_a_page_has_the_size_of_the_paper_and_nothing_hangs_over_it(recording, paper):
    figure = sheet_of(recording, COARSE, paper)
    width, height = figure.get_size_inches() * 25.4
    assert (width, height) == pytest.approx(PAPERS_MM[paper], abs=0.01)
    for text in texts_of(figure):
        box = text.get_window_extent()
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text


def test_every_part_of_the_analysis_is_on_it(recording):
    words = words_of(sheet_of(recording, COARSE))
    for part in (
        "40 cells, 3 ensembles",
        "ΔF/F of 7 neurons",
        "events of 40 neurons",
        "Rank, sorted by ensemble",
        "chance alone would give 0.4",
        "threshold",
        "Jaccard similarity",
        "Activations of 3 ensembles",
        "What was found",
        "Members of the ensembles",
        "percentile 20 %",
    ):
        assert part in words, part


def test_members_stand_beside_the_number_of_their_ensemble_in_its_color(recording):
    from matplotlib.colors import to_hex

    texts = texts_of(sheet_of(recording, COARSE))
    marks = [t for t in texts if t.get_text() in ("0", "1", "2") and t.get_fontweight() == "bold"]
    assert {(t.get_text(), to_hex(t.get_color())) for t in marks} == {
        (str(k), ensemble_color(k)) for k in range(3)
    }


def test_coactivity_and_raster_have_one_time_axis(recording):
    figure = sheet_of(recording, COARSE)
    figure.canvas.draw()
    shared = [ax for ax in figure.get_axes() if len(ax.get_shared_x_axes().get_siblings(ax)) == 2]
    assert len(shared) == 2
    assert shared[0].get_position().x0 == pytest.approx(shared[1].get_position().x0)
    assert shared[0].get_xlim() == shared[1].get_xlim()


@pytest.mark.parametrize("case", DEGENERATE)
def test_whatever_there_is_the_sheet_says_so(recording, case):
    few = DEGENERATE[case](recording)
    figure = sheet_of(few, COARSE)
    words = words_of(figure)
    assert few.name in words
    assert "What was found" in words
    assert "nan" not in re.findall(r"[a-z]+", words)


def test_without_events_there_are_the_traces_instead_of_a_raster(recording):
    assert isinstance(prepare_sheet(recording).raster, RasterData)
    for case in ("raw traces only", "no events"):
        assert isinstance(prepare_sheet(DEGENERATE[case](recording)).raster, HeatmapData)


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_same_recording_gives_the_same_bytes(field, analyse, tmp_path, ending):
    pages = [
        write_sheet(analyse(field), tmp_path / f"{k}" / f"sheet.{ending}", style=COARSE)
        for k in range(2)
        if (tmp_path / f"{k}").mkdir() is None
    ]
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_many_ensembles_fit_and_what_does_not_is_said(analyse):
    many = simulate(
        SimulationSettings(
            seed=1, n_rois=400, n_frames=600, height=256, width=256, n_ensembles=30, ensemble_size=(20, 40)
        )
    )
    figure = sheet_of(analyse(many), COARSE)
    words = words_of(figure)
    assert "more lines: see the results folder" in words
    assert all(t.get_window_extent().y0 >= 0 for t in texts_of(figure))


def test_progress_is_told(recording, tmp_path):
    seen = []
    write_sheet(recording, tmp_path / "s.png", style=COARSE, on_progress=lambda *step: seen.append(step))
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_another_ending_is_refused_in_one_line(recording, tmp_path):
    with pytest.raises(ValueError, match=r"end the name in \.png, \.svg or \.pdf"):
        write_sheet(recording, tmp_path / "sheet.docx")
    assert list(tmp_path.iterdir()) == []
