"""Cellpose beside the other methods; a stand-in has its interface, for it is installed hardly anywhere."""

import sys
from types import ModuleType, SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
from tests.movie.planted_cells import RATE, SHAPE, scene, soma

from napari_calcium.movie.cellpose_cells import CellposeMissingError, cellpose_footprints, check_cellpose
from napari_calcium.movie.segmentation import CellposeCells, CombinedCells, find_cells
from napari_calcium.pipeline import PipelineSettings, StageError, run
from napari_calcium.recording import Movie, Recording

CENTRES = [(20, 20), (60, 80)]


@pytest.fixture
def calls(monkeypatch):
    """Put a stand-in in the place of Cellpose that labels discs at two centres, and note its calls."""
    seen = []

    class CellposeModel:
        def __init__(self, gpu=False):
            seen.append({"gpu": gpu})

        def eval(self, image, diameter=None, flow_threshold=0.4, cellprob_threshold=0.0):
            seen.append({"diameter": diameter, "flow": flow_threshold, "probability": cellprob_threshold})
            y, x = np.indices(image.shape)
            labels = np.zeros(image.shape, np.uint16)
            for k, (row, column) in enumerate(CENTRES):
                labels[np.hypot(y - row, x - column) < 6] = 3 * k + 2  # labels need not be compact
            return labels, None, None

    module = ModuleType("cellpose")
    module.models = SimpleNamespace(CellposeModel=CellposeModel)
    monkeypatch.setitem(sys.modules, "cellpose", module)
    return seen


@pytest.fixture
def absent(monkeypatch):
    monkeypatch.delitem(sys.modules, "cellpose", raising=False)
    monkeypatch.setattr("napari_calcium.movie.cellpose_cells.find_spec", lambda name: None)


def bright():
    return (50 + sum(30 * soma(centre) for centre in CENTRES)).astype(np.float32)


def test_footprints_and_contrasts_are_those_of_the_labels(calls):
    footprints, contrasts = cellpose_footprints(bright(), 12.0, 0.5, -1.0)
    assert footprints.shape == (2, SHAPE[0] * SHAPE[1])
    assert (contrasts > 1).all()
    assert calls[1] == {"diameter": 12.0, "flow": 0.5, "probability": -1.0}
    rows = footprints[[0]].indices // SHAPE[1]
    assert abs(rows.mean() - CENTRES[0][0]) < 0.5


def test_a_diameter_of_zero_is_left_to_the_model_and_nan_does_no_harm(calls):
    image = bright()
    image[:5] = np.nan
    _, contrasts = cellpose_footprints(image, 0.0, 0.4, 0.0)
    assert calls[1]["diameter"] is None and np.isfinite(contrasts).all()


def test_it_is_a_method_of_its_own(calls):
    rois = find_cells(scene().movie, {"mean": bright()}, RATE, CellposeCells(diameter=12))
    assert len(rois) == 2 and rois.accepted.all()


def test_it_joins_the_cells_that_flash(calls):
    movie = scene().movie
    mean = movie.mean(axis=0)
    settings = CombinedCells(diameter=12, by_shape="cellpose")
    both = find_cells(movie, {"mean": mean}, RATE, settings)
    active = find_cells(movie, {"mean": mean}, RATE, CombinedCells(diameter=12, contrast=100))
    assert len(active) <= len(both) <= len(active) + 2


def test_where_it_is_absent_one_line_says_so_before_the_search(absent):
    with pytest.raises(CellposeMissingError, match=r"napari-calcium\[cellpose\]"):
        check_cellpose()
    told = []
    settings = CombinedCells(by_shape="cellpose")
    with pytest.raises(CellposeMissingError):
        find_cells(scene().movie, {}, RATE, settings, on_progress=lambda done, total: told.append(done))
    assert told == []


def test_the_pipeline_tells_it_as_a_stage_does(absent):
    movie = np.random.default_rng(0).integers(0, 99, (20, 32, 40)).astype(np.uint16)
    recording = Recording("m", np.empty(0, np.int64), RATE, movie=Movie(movie))
    with pytest.raises(StageError, match="Cellpose is not installed"):
        run(recording, PipelineSettings(segmentation=CellposeCells()))


def test_settings_are_one_of_the_methods():
    settings = PipelineSettings(segmentation=CellposeCells(diameter=14))
    assert PipelineSettings.from_yaml(settings.to_yaml()) == settings


def test_a_model_that_cannot_be_downloaded_is_told_in_one_line(calls, monkeypatch):
    def unreachable(gpu=False):
        raise URLError("Name or service not known")

    monkeypatch.setattr(sys.modules["cellpose"].models, "CellposeModel", unreachable)
    with pytest.raises(CellposeMissingError, match=r"could not download it .*choose another method") as told:
        cellpose_footprints(bright(), 12.0, 0.4, 0.0)
    assert "\n" not in str(told.value)
