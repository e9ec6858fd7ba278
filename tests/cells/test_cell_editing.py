"""Changes of cells by hand: settings that a run makes again, and traces that follow."""

import numpy as np
import pytest

from napari_calcium.cell_choice import CellChoice
from napari_calcium.cells.cell_editing import (
    can_read_cells,
    cells_to_edit,
    choose_cells,
    edit_cells,
    edited_unread,
    free_id,
    read_edited,
    why_not,
)
from napari_calcium.cells.drawn_rois import drawn_labels, use_drawing
from napari_calcium.io.nwb import save_nwb
from napari_calcium.io.opening import open_recording
from napari_calcium.io.results_folder import write_results
from napari_calcium.io.results_reading import read_results
from napari_calcium.movie.extraction_settings import ExtractionSettings
from napari_calcium.movie.segmentation_settings import FunctionalCells
from napari_calcium.pipeline import PipelineSettings, run, run_stage, settings_of
from napari_calcium.pipeline_settings import STAGES
from napari_calcium.recording import LogEntry, Movie, Recording, Trace
from napari_calcium.results.event_choices import EventChoice
from napari_calcium.roi_edits import DeleteRois, MergeRois, SetFootprint, SplitRoi, footprint_runs
from napari_calcium.rois import Rois
from napari_calcium.settings import SettingsError
from napari_calcium.stages.pipeline_movie import lags_behind

SHAPE = (30, 40)
NO_STAGES = PipelineSettings(**dict.fromkeys((*STAGES, "registration", "segmentation")))


@pytest.fixture(scope="module")
def movie():
    frames = np.random.default_rng(0).poisson(100, (60, *SHAPE)).astype(np.uint16)
    frames[:, 4:9, 4:9] += np.arange(60, dtype=np.uint16)[:, None, None] * 5
    frames[:, 20:25, 30:35] += (np.arange(60, dtype=np.uint16)[:, None, None] % 7) * 40
    return Recording("film", np.empty(0, np.int64), 10.0, movie=Movie(frames))


@pytest.fixture(scope="module")
def read(movie):
    """Three cells drawn by hand, whose light was read."""
    image = np.zeros(SHAPE, np.int32)
    image[4:9, 4:9], image[4:9, 10:14], image[20:25, 30:35] = 1, 2, 3
    return run_stage(use_drawing(movie, drawn_labels(image)), "extraction", ExtractionSettings())


def box(top, left, size=5):
    return tuple((y, left, left + size) for y in range(top, top + size))


def everything(recording):
    """Read all cells exactly, as the stage does."""
    return run_stage(recording, "extraction", ExtractionSettings())


CHANGES = {
    "add": (SetFootprint(roi_id=3, runs=box(14, 14)),),
    "redraw": (SetFootprint(roi_id=1, runs=box(5, 10, 3)),),
    "merge": (MergeRois(roi_ids=(0, 1), into=3),),
    "split": (SplitRoi(roi_id=2, line=(0, 32.5, 29, 32.5), into=(3, 4)),),
    "delete": (DeleteRois(roi_ids=(1,)),),
    "several": (
        SetFootprint(roi_id=3, runs=box(14, 14)),
        MergeRois(roi_ids=(0, 1), into=4),
        DeleteRois(roi_ids=(4,)),
    ),
}


@pytest.mark.parametrize("edits", CHANGES.values(), ids=CHANGES)
def test_a_change_is_settings_that_a_run_makes_again_from_the_movie_alone(movie, read, edits):
    edited = edit_cells(read, edits)
    exact = everything(edited)
    text = settings_of(exact, NO_STAGES).to_yaml()
    again = run(movie, PipelineSettings.from_yaml(text))
    assert again.rois == exact.rois
    assert dict(again.traces) == dict(exact.traces)
    assert again.cell_choice == exact.cell_choice


@pytest.mark.parametrize("edits", CHANGES.values(), ids=CHANGES)
def test_traces_of_changed_cells_follow_and_those_of_others_stay(read, edits):
    edited = edit_cells(read, edits)
    assert edited.traces == read.traces and lags_behind(edited)
    assert len(edited_unread(edited))
    quick = read_edited(edited, ExtractionSettings())
    assert not len(edited_unread(quick)) and quick.roi_ids.tolist() == quick.rois.ids.tolist()
    changed = {int(i) for i in quick.roi_ids} & {1, 3, 4} - ({1} if edits[0] in CHANGES["add"] else set())
    for cell in set(quick.roi_ids.tolist()) - changed:
        np.testing.assert_array_equal(
            quick.traces["raw"].values[quick.rows([cell])], read.traces["raw"].values[read.rows([cell])]
        )
    exact = everything(quick)
    np.testing.assert_allclose(quick.traces["raw"].values, exact.traces["raw"].values, rtol=0.05)
    assert not lags_behind(exact)


def test_a_cell_of_other_pixels_has_their_light(read):
    moved = edit_cells(read, [SetFootprint(roi_id=1, runs=box(20, 30))])
    after = read_edited(edit_cells(moved, [DeleteRois(roi_ids=(2,))]), ExtractionSettings())
    before = read.traces["raw"].values[read.rows([2])[0]]
    assert np.corrcoef(after.traces["raw"].values[after.rows([1])[0]], before)[0, 1] > 0.999


def test_changes_after_detection_are_made_after_it_again(movie):
    detect = FunctionalCells()
    found = run_stage(movie, "segmentation", detect)
    edited = everything(edit_cells(found, [SetFootprint(roi_id=free_id(found), runs=box(14, 14))]))
    settings = settings_of(edited, NO_STAGES)
    assert settings.segmentation == detect and len(settings.cell_choice.edits) == 1
    again = run(movie, settings)
    assert again.rois == edited.rois and dict(again.traces) == dict(edited.traces)


def test_a_detection_anew_says_that_changes_by_hand_are_gone(movie):
    found = run_stage(movie, "segmentation", FunctionalCells())
    drawn = SetFootprint(roi_id=free_id(found), runs=box(14, 14))
    gone = SetFootprint(roi_id=drawn.roi_id + 1, runs=box(2, 25))
    edited = edit_cells(found, [drawn, gone, DeleteRois(roi_ids=(gone.roi_id,))])
    assert edited.roi_ids.tolist() == edited.candidates.ids[edited.candidates.accepted].tolist()
    anew = run_stage(edited, "segmentation", FunctionalCells())
    # What was drawn stays; what was done to a candidate goes with the candidates.
    assert [edit.runs for edit in anew.cell_choice.edits] == [drawn.runs]
    assert any("by hand" in note for note in anew.log[-1].notes)


def test_drawings_are_changes_like_any_other(read):
    assert [edit.roi_id for edit in read.cell_choice.edits] == [0, 1, 2]
    assert read.cell_choice.edits[0].runs == footprint_runs(read.rois, 0) == box(4, 4)


def test_an_id_is_never_given_twice(read):
    gone = edit_cells(read, [DeleteRois(roi_ids=(2,))])
    assert free_id(gone) == 3
    assert free_id(edit_cells(gone, [SetFootprint(roi_id=3, runs=box(0, 0))])) == 4


def test_the_log_tells_of_the_changes_once(read):
    one = edit_cells(read, [DeleteRois(roi_ids=(2,))])
    two = edit_cells(one, [SetFootprint(roi_id=3, runs=box(0, 0))])
    assert [e.settings["by"] for e in two.log if e.stage == "rois"] == ["drawn", "edited"]
    assert two.log[-1].notes == ("5 changes by hand",)


def test_a_decision_on_a_cell_goes_with_it(read):
    rejected = choose_cells(read, [1, 2], cells=False)
    assert rejected.cell_choice.rejected == (1, 2)
    assert edit_cells(rejected, [DeleteRois(roi_ids=(2,))]).cell_choice.rejected == (1,)
    assert choose_cells(rejected, [1, 2], cells=True).cell_choice.accepted == (1, 2)


def test_a_change_that_cannot_be_made_is_said_in_one_line(read):
    with pytest.raises(SettingsError, match=r"change 1 of the cells \(merge\): there is no cell 9"):
        edit_cells(read, [MergeRois(roi_ids=(0, 9), into=3)])
    with pytest.raises(SettingsError, match=r"12:4-9"):
        SetFootprint.validated({"edit": "set", "roi_id": 0, "runs": "some pixels"})


def test_later_stages_run_where_they_are_asked_to_follow(read):
    edited = edit_cells(read, CHANGES["add"])
    quick = read_edited(edited, ExtractionSettings(), follow=PipelineSettings())
    assert quick.n_rois == 4 and quick.traces["dff"].values.shape == (4, 60) and quick.features is not None


# --- traces from a file


@pytest.fixture
def table():
    values = np.random.default_rng(1).uniform(1, 2, (4, 50)).astype(np.float32)
    image = np.zeros(SHAPE, np.int32)
    image[2:5, 2:5], image[10:13, 2:5], image[20:23, 2:5] = 1, 2, 3
    rois = Rois.from_labels(image, ids=[5, 7, 9])
    entry = LogEntry("read", {}, (), ("traces/raw",))
    return Recording(
        "table",
        np.array([5, 7, 9, 11]),
        10.0,
        {"raw": Trace(values, "a.u.")},
        ("a", "b", "c", "d"),
        rois,
        log=(entry,),
    )


def test_cells_of_a_file_are_deleted_with_what_was_made_of_them(table):
    made = run_stage(table, "baseline", PipelineSettings().baseline)
    made = made.replace(event_choices=(EventChoice(7, 1.0, "add"), EventChoice(9, 1.0, "add")))
    left = edit_cells(made, [DeleteRois(roi_ids=(7, 11))])
    assert left.roi_ids.tolist() == [5, 9] and left.cell_names == ("a", "c")
    assert left.rois.ids.tolist() == [5, 9] and set(left.traces) == {"raw"}
    np.testing.assert_array_equal(left.traces["raw"].values, table.traces["raw"].values[[0, 2]])
    assert [c.roi_id for c in left.event_choices] == [9]
    assert [entry.stage for entry in left.log] == ["read"]


def test_what_was_done_to_cells_of_a_file_is_done_again_by_a_run(table):
    edited = choose_cells(edit_cells(table, [DeleteRois(roi_ids=(7,))]), [9], cells=False)
    settings = settings_of(edited, NO_STAGES)
    again = run(table, PipelineSettings.from_yaml(settings.to_yaml()))
    assert again.roi_ids.tolist() == [5, 9, 11] and again.rois == edited.rois
    assert again.rois.accepted.tolist() == [True, False]
    # And once more on what it was done to already.
    assert run(again, settings).roi_ids.tolist() == [5, 9, 11]


def test_settings_that_say_nothing_leave_what_was_done(table):
    edited = choose_cells(edit_cells(table, [DeleteRois(roi_ids=(7,))]), [9], cells=False)
    again = run(edited, NO_STAGES)
    assert again.cell_choice == edited.cell_choice and again.rois == edited.rois


@pytest.mark.parametrize("kind", ["folder", "nwb"])
def test_changes_are_kept_with_the_recording(read, table, tmp_path, kind):
    some = edit_cells(read, CHANGES["split"]), edit_cells(table, [DeleteRois(roi_ids=(7,))])
    for number, edited in enumerate(some):
        if kind == "folder":
            path = tmp_path / str(number)
            path.mkdir()
            write_results(edited, path, settings_of(edited, NO_STAGES).to_yaml())
            kept = read_results(path)
        else:
            path = tmp_path / f"{number}.nwb"
            save_nwb(edited.replace(movie=None), path)
            kept = open_recording(path)
        assert kept.cell_choice == edited.cell_choice and kept.cell_choice.edits
        assert kept.roi_ids.tolist() == edited.roi_ids.tolist()


def test_without_a_movie_other_changes_say_what_can_be_done(table):
    assert not can_read_cells(table) and "cannot be read" in why_not(table)
    for edit in (MergeRois(roi_ids=(5, 7), into=12), SetFootprint(roi_id=12, runs=box(0, 0))):
        with pytest.raises(SettingsError, match="accepted, rejected and deleted"):
            edit_cells(table, [edit])
    with pytest.raises(SettingsError, match="there is no cell 6"):
        edit_cells(table, [DeleteRois(roi_ids=(6,))])
    with pytest.raises(SettingsError, match="other cells than these were changed"):
        other = CellChoice(edits=(DeleteRois(roi_ids=(9,)),))
        run(edit_cells(table, [DeleteRois(roi_ids=(7,))]), PipelineSettings(cell_choice=other))
    with pytest.raises(SettingsError, match="no places"):
        choose_cells(table.replace(rois=None), [5], cells=False)


def test_accepting_takes_a_rejection_back(table):
    rejected = choose_cells(table, [5, 7], cells=False)
    assert rejected.rois.accepted.tolist() == [False, False, True]
    back = choose_cells(rejected, [7], cells=True)
    assert back.rois.accepted.tolist() == [False, True, True]
    assert back.cell_choice == CellChoice(rejected=(5,), accepted=(7,))
    assert table.rois.accepted.all()


def test_cells_to_edit_are_none_on_a_new_movie_and_unknown_without_places(movie, table):
    assert len(cells_to_edit(movie)) == 0 and cells_to_edit(movie).shape == SHAPE
    assert cells_to_edit(table.replace(rois=None)) is None
    assert cells_to_edit(table) is table.rois


def test_the_first_cell_drawn_on_a_movie_is_read_at_once(movie):
    first = edit_cells(movie, [SetFootprint(roi_id=free_id(movie), runs=box(4, 4))])
    assert edited_unread(first).tolist() == [0]
    assert read_edited(first, ExtractionSettings()).traces["raw"].values.shape == (1, 60)
