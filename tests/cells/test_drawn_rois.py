"""Drawn ROIs become places of traces from a file, or cells of a movie."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_calcium.cell_choice import CellChoice
from napari_calcium.cells.drawn_rois import drawn_discs, drawn_labels, drawn_outlines, use_drawing
from napari_calcium.io.errors import ReadError
from napari_calcium.movie.extraction_settings import ExtractionSettings
from napari_calcium.movie.registration_settings import RigidRegistration
from napari_calcium.pipeline import PipelineSettings, run, run_stage
from napari_calcium.pipeline_settings import STAGES
from napari_calcium.recording import Movie, Recording, Trace
from napari_calcium.stages.pipeline_movie import has_drawn_rois, lags_behind, read_new_cells

SHAPE = (30, 40)


@pytest.fixture
def movie():
    frames = np.random.default_rng(0).poisson(100, (20, *SHAPE)).astype(np.uint16)
    frames[:, 4:9, 4:9] += np.arange(20, dtype=np.uint16)[:, None, None] * 50
    return Recording("film", np.empty(0, np.int64), 10.0, movie=Movie(frames))


def painted(*boxes):
    image = np.zeros(SHAPE, np.int32)
    for label, (top, left) in boxes:
        image[top : top + 5, left : left + 5] = label
    return drawn_labels(image)


ONE, TWO = painted((3, (4, 4))), painted((7, (20, 30)), (2, (12, 12)))


# --- what was drawn


def test_an_outline_holds_the_pixels_whose_centres_it_encloses():
    drawing = drawn_outlines([np.array([[1.5, 2.5], [1.5, 5.5], [4.5, 5.5], [4.5, 2.5]])], SHAPE)
    assert np.argwhere(drawing.label_image()).tolist() == [[y, x] for y in (2, 3, 4) for x in (3, 4, 5)]


@given(st.floats(3, 26), st.floats(3, 36), st.floats(0, 8))
def test_a_disc_holds_what_is_near_its_centre(y, x, diameter):
    drawing = drawn_discs([[y, x]], [diameter], SHAPE)
    rows, columns = np.indices(SHAPE)
    near = np.hypot(rows - y, columns - x) <= max(diameter / 2, 0.75)
    np.testing.assert_array_equal(drawing.label_image() > 0, near)
    assert near.any()


def test_outlines_and_discs_may_cross_and_keep_all_their_pixels():
    drawing = drawn_discs([[10, 10], [10, 13]], [10, 10], SHAPE)
    assert drawing.footprints.sum(axis=0).max() == 2 and len(drawing) == 2


def test_what_lies_outside_is_left_out_and_said():
    drawing = drawn_discs([[10, 10], [-50, 3]], [4, 4], SHAPE)
    assert len(drawing) == 1 and drawing.notes == ("1 drawn outside of the image left out",)
    square = np.array([[100, 100], [100, 110], [110, 110], [110, 100]], float)
    assert len(drawn_outlines([square], SHAPE)) == 0


def test_labels_keep_their_numbers():
    assert TWO.labels.tolist() == [2, 7]
    np.testing.assert_array_equal(drawn_labels(TWO.label_image()).labels, [2, 7])


# --- cells of a movie


def test_drawn_rois_are_the_cells_of_a_movie_and_their_light_is_read(movie):
    drawn = use_drawing(movie, ONE)
    assert drawn.roi_ids.tolist() == [0] and has_drawn_rois(drawn) and not drawn.traces
    assert drawn.log[-1].notes == ("1 ROI drawn by hand",)
    read = run_stage(drawn, "extraction", ExtractionSettings())
    rise = np.corrcoef(read.traces["raw"].values[0], np.arange(20))[0, 1]
    assert rise > 0.99


def test_more_are_added_with_ids_of_their_own_and_only_they_are_read(movie):
    first = run_stage(use_drawing(movie, ONE), "extraction", ExtractionSettings())
    more = use_drawing(first, TWO)
    assert more.candidates.ids.tolist() == [0, 1, 2] and more.roi_ids.tolist() == [0]
    assert lags_behind(more) and more.traces == first.traces
    read = run_stage(more, "extraction", ExtractionSettings())
    assert read.roi_ids.tolist() == [0, 1, 2] and not lags_behind(read)
    anew = run_stage(more.replace(traces={}), "extraction", ExtractionSettings())
    assert read == anew


def test_new_cells_are_read_at_once_and_all_of_them_exactly_when_the_stage_runs(movie):
    first = run_stage(use_drawing(movie, TWO), "extraction", ExtractionSettings())
    more = use_drawing(first, ONE)
    quick = read_new_cells(more, ExtractionSettings())
    assert quick.roi_ids.tolist() == [0, 1, 2] and lags_behind(quick)
    for name, trace in first.traces.items():
        np.testing.assert_array_equal(quick.traces[name].values[:2], trace.values)
    exact = run_stage(quick, "extraction", ExtractionSettings())
    assert not lags_behind(exact)
    np.testing.assert_array_equal(
        exact.traces["raw"].values,
        run_stage(more.replace(traces={}), "extraction", ExtractionSettings()).traces["raw"].values,
    )
    np.testing.assert_allclose(quick.traces["raw"].values[2], exact.traces["raw"].values[2], rtol=0.02)


def test_read_new_cells_takes_rejected_ones_out_and_reads_all_where_nothing_was(movie):
    drawn = use_drawing(movie, TWO)
    assert read_new_cells(drawn, ExtractionSettings()) == run_stage(drawn, "extraction", ExtractionSettings())
    read = run_stage(drawn, "extraction", ExtractionSettings())
    choice = read.cell_choice.decide(read.candidates, [0], cells=False)
    fewer = read_new_cells(use_drawing(read.replace(cell_choice=choice), ONE), ExtractionSettings())
    assert fewer.roi_ids.tolist() == [1, 2]
    np.testing.assert_array_equal(fewer.traces["raw"].values[0], read.traces["raw"].values[1])


def test_drawn_rois_outlive_a_registration_and_a_run_from_the_start(movie):
    drawn = run_stage(use_drawing(movie, ONE), "extraction", ExtractionSettings())
    registered = run_stage(drawn, "registration", RigidRegistration())
    assert registered.rois is not None and registered.roi_ids.tolist() == [0] and not registered.traces
    only_movie = dict.fromkeys(STAGES)
    alone = PipelineSettings(registration=RigidRegistration(), segmentation=None, **only_movie)
    again = run(registered, alone)
    assert again.roi_ids.tolist() == [0] and [e.stage for e in again.log] == [
        "rois",
        "registration",
        "extraction",
    ]


def test_in_place_of_all_cells_nothing_of_them_is_left(movie):
    first = run_stage(use_drawing(movie, TWO), "extraction", ExtractionSettings())
    first = first.replace(cell_choice=CellChoice(rejected=(1,)))
    instead = use_drawing(first, ONE, replace=True)
    assert instead.roi_ids.tolist() == [0] and not instead.traces and len(instead.candidates) == 1
    assert instead.cell_choice.rejected == ()
    assert [e.stage for e in instead.log] == ["rois"]


def test_a_drawn_roi_can_be_rejected_like_any_other(movie):
    drawn = use_drawing(movie, TWO)
    choice = drawn.cell_choice.decide(drawn.candidates, [1], cells=False)
    read = run_stage(drawn.replace(cell_choice=choice), "extraction", ExtractionSettings())
    assert read.roi_ids.tolist() == [0]


# --- places of traces from a file


def traces(n, names=()):
    raw = np.random.default_rng(1).uniform(1, 2, (n, 20)).astype(np.float32)
    return Recording("table", np.arange(n), 10.0, {"raw": Trace(raw, "a.u.")}, names)


def test_drawn_rois_give_traces_their_places_by_order_or_by_number():
    by_order = use_drawing(traces(2), TWO)
    assert by_order.rois.ids.tolist() == [0, 1] and "by order" in by_order.log[-1].notes[0]
    by_number = use_drawing(traces(2, ("cell 7", "cell 2")), TWO)
    assert "by label" in by_number.log[-1].notes[0]
    # Label 2 is the second row: its box begins at (12, 12).
    row = by_number.rois.ids.tolist().index(1)
    assert by_number.rois.centroids[row].tolist() == [14, 14]


def test_what_does_not_go_together_is_said_in_one_line(movie):
    with pytest.raises(ReadError, match="2 labels but there are 5 rows"):
        use_drawing(traces(5), TWO)
    with pytest.raises(ReadError, match="nothing is drawn"):
        use_drawing(movie, drawn_labels(np.zeros(SHAPE, int)))
    with pytest.raises(ReadError, match=r"drawn on \(4, 4\) pixels"):
        use_drawing(movie, drawn_labels(np.eye(4, dtype=int)))
    with pytest.raises(ReadError, match="no movie to read"):
        use_drawing(Recording("nothing", np.empty(0, np.int64), 10.0), ONE)
