"""napari-calcium figures: every figure of a results folder and the sheet, in a style."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from napari_calcium.cli import app
from napari_calcium.figures.export import FIGURES
from napari_calcium.io.nwb import save_nwb
from napari_calcium.io.results_folder import new_results_folder, write_results
from napari_calcium.io.results_reading import read_results
from napari_calcium.pipeline import PipelineSettings, run
from napari_calcium.recording import Recording
from napari_calcium.simulate import SimulationSettings, simulate


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures") / "results"
    settings = SimulationSettings(
        n_rois=30, n_frames=900, height=64, width=64, n_ensembles=2, ensemble_size=(6, 8)
    )
    recording = run(simulate(settings).to_recording("small").replace(movie=None), PipelineSettings())
    with new_results_folder(folder) as staging:
        write_results(recording, staging, PipelineSettings().to_yaml())
    return folder


def command(*words: object):
    return CliRunner().invoke(app, ["figures", *map(str, words)])


def test_everything_in_the_formats_asked_for(results, tmp_path):
    recording = read_results(results)
    done = command(results, "--format", "svg", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    stems = {kind.stem for kind in FIGURES if kind.fits(recording)} | {"sheet"}
    assert {p.name for p in (tmp_path / "out").iterdir()} == {f"{stem}.svg" for stem in stems}


def test_by_default_they_are_in_the_results_as_pdf_and_png(results):
    done = command(results, "--only", "raster", "--only", "sheet")
    assert done.exit_code == 0, done.output
    folder = results / "figures_publication"
    assert {p.name for p in folder.iterdir()} == {
        f"{stem}.{ending}" for stem in ("raster", "sheet") for ending in ("pdf", "png")
    }
    assert read_results(results) is not None


@pytest.mark.parametrize("width", [85, 114, 174])
def test_a_figure_is_as_wide_as_asked(results, tmp_path, width):
    command(results, "--only", "coactivity", "--width", width, "--format", "svg", "--out", tmp_path)
    head = (tmp_path / "coactivity.svg").read_text()
    points = float(re.search(r'width="([\d.]+)pt"', head)[1])
    assert points / 72 * 25.4 == pytest.approx(width, abs=0.01)


def test_letter_is_wider_than_a4(results, tmp_path):
    sizes = {}
    for paper in ("a4", "letter"):
        place = tmp_path / paper
        command(results, "--only", "sheet", "--paper", paper, "--format", "svg", "--out", place)
        sizes[paper] = re.search(r'width="([\d.]+)pt"', (place / "sheet.svg").read_text())[1]
    assert float(sizes["letter"]) > float(sizes["a4"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--only", "rster"), "--only rster: there is no such"),
        (("--width", "20"), "--width"),
        (("--format", "docx"), "there are png, svg, pdf"),
        (("--style", "neon"), "--style"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(results, tmp_path, words, said):
    done = command(results, *words, "--out", tmp_path / "out")
    assert done.exit_code != 0
    assert said in re.sub(r"\x1b\[[0-9;]*m", "", done.output)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_named(tmp_path):
    done = command(tmp_path)
    assert done.exit_code == 1
    assert "this folder is not known; give " in done.output


def test_a_figure_of_a_stage_that_has_not_run_is_named(tmp_path, results):
    full = read_results(results)
    bare = Recording("bare", full.roi_ids, full.frame_rate, {"raw": full.traces["raw"]})
    with new_results_folder(tmp_path / "bare") as staging:
        write_results(bare, staging, PipelineSettings().to_yaml())
    done = command(tmp_path / "bare", "--only", "raster")
    assert done.exit_code == 1
    assert "--only raster: the stage that it shows has not run" in done.output


def test_a_font_that_is_not_installed_is_one_line(results, tmp_path):
    done = command(results, "--only", "raster", "--font", "Nofont", "--out", tmp_path / "out")
    assert done.exit_code == 2 and not (tmp_path / "out").exists()
    (line,) = done.stderr.splitlines()
    assert "--font Nofont: not installed here; there are " in line


def test_an_nwb_file_is_drawn_beside_itself(results, tmp_path):
    save_nwb(read_results(results), tmp_path / "day1.nwb")
    done = command(tmp_path / "day1.nwb", "--only", "raster", "--format", "svg")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "day1_figures_publication" / "raster.svg").exists()
