"""The Choose cells dock: threshold, decisions by hand, candidates and their traces."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from scipy import sparse
from tests.widgets.settling import settle

from napari_calcium.movie.extraction import traces_of
from napari_calcium.pipeline import PipelineSettings, run_stage
from napari_calcium.recording import LogEntry, Movie, Recording
from napari_calcium.rois import Rois
from napari_calcium.stages.pipeline_movie import lags_behind
from napari_calcium.widgets.candidate_layer import CandidateLayer
from napari_calcium.widgets.candidate_words import candidate_words, quality_of
from napari_calcium.widgets.choose_dock import ChooseDock
from napari_calcium.widgets.tissue_layers import layer_role
from napari_calcium.widgets.workbench import workbench_of

SHAPE = (60, 60)
QUALITY = [3.0, 1.5, 0.8, 0.4, np.nan]


@pytest.fixture(scope="module")
def recording():
    """Five candidates, three of them cells that were read."""
    rng = np.random.default_rng(0)
    y, x = np.indices(SHAPE)
    discs = [((y - 10 * k - 8) ** 2 + (x - 30) ** 2 <= 16).ravel() for k in range(5)]
    found = Rois(
        np.arange(5) * 2,
        sparse.csr_array(np.array(discs, np.float32)),
        SHAPE,
        accepted=np.array([True, True, False, False, True]),
        quality={"quality": np.array(QUALITY), "focus_sd": np.array([18.0, 9, 4.8, 2.4, np.nan])},
    )
    movie = rng.poisson(100, (50, *SHAPE)).astype(np.uint16)
    detect = PipelineSettings().segmentation.model_dump(mode="json")
    entry = LogEntry("segmentation", detect, ("motion", "images"), ("rois",))
    rois = found.take(np.flatnonzero(found.accepted))
    made = Recording(
        "film",
        rois.ids,
        10.0,
        movie=Movie(movie),
        rois=rois,
        candidates=found,
        log=(entry,),
        pixel_size_um=1.5,
    )
    return run_stage(made, "extraction", PipelineSettings().extraction)


@pytest.fixture
def bench(qapp, viewer):
    made = workbench_of(viewer)
    yield made
    made.let_go()


@pytest.fixture
def session(bench):
    return bench.session


@pytest.fixture
def dock(qtbot, viewer, bench):
    made = ChooseDock(viewer)
    qtbot.addWidget(made)
    made.resize(400, 700)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def shown(dock, session, recording):
    session.open(recording)
    settle()
    return dock


def press(viewer, key: str) -> None:
    next(action for bound, action in viewer.keymap.items() if str(bound) == key)(viewer)
    settle()


def outlined(viewer):
    layer = next(layer for layer in viewer.layers if layer_role(layer) == "candidates")
    return np.asarray(layer.data)


def test_without_candidates_it_says_what_to_do(dock, session, recording, few):
    session.open(recording.replace(candidates=None))
    settle()
    assert "Run Cells" in dock.nothing.text() and not dock.part.isVisible()
    session.open(few)
    settle()
    assert "where the cells of these traces lie" in dock.nothing.text()


def test_counts_numbers_and_what_was_asked_are_told(shown):
    assert "3 cells" in shown.counts.text() and "2 rejected" in shown.counts.text()
    # It begins with the best of the rejected: there decisions are to be made.
    assert shown.here == 4
    assert "Candidate 4: rejected" in shown.about.text() and "quality 0.80" in shown.about.text()
    assert "focus 4.8 SD (asked: 6)" in shown.about.text()


def test_pulling_the_line_counts_at_once_and_is_a_step_when_let_go(shown, session, recording, viewer):
    shown.histogram._line.setValue(0.5)
    shown.histogram.threshold_moved.emit(shown.histogram.threshold)
    settle()
    assert "4 cells" in shown.counts.text()
    assert session.recording is recording
    shown.histogram.threshold_picked.emit(shown.histogram.threshold)
    settle()
    assert session.recording.cell_choice.threshold == 0.5
    assert lags_behind(session.recording) and session.recording.traces == recording.traces
    assert "1 cell to read" in shown.lag.text() and shown.read.isVisible()
    session.undo()
    settle()
    assert session.recording is recording and shown.threshold.value() == 1.0


def test_a_typed_threshold_is_a_step_once_it_settles(shown, session, qtbot):
    shown.threshold.setValue(2.0)
    qtbot.waitUntil(lambda: session.recording.cell_choice.threshold == 2.0)
    settle()
    assert "2 cells" in shown.counts.text() and "1 cell to leave out" in shown.lag.text()


def test_keys_decide_and_go_on_and_each_decision_can_be_undone(shown, session, viewer):
    press(viewer, "K")
    assert session.recording.cell_choice.accepted == (4,)
    assert session.history[-1] == "Cell: candidate 4"
    assert shown.here == 6  # the next lower quality
    assert "1 decided by hand" in shown.counts.text()
    shown.look_at(2)
    press(viewer, "J")
    assert session.recording.cell_choice.rejected == (2,)
    session.undo()
    session.undo()
    assert session.recording.cell_choice == type(session.recording.cell_choice)()


def test_a_decision_that_changes_nothing_is_no_step(shown, session, viewer):
    here = shown.here
    press(viewer, "J")
    before = session.position
    shown.look_at(here)
    press(viewer, "J")
    assert session.position == before


def test_cells_and_rejected_are_outlined_differently(shown, viewer, recording):
    picture = outlined(viewer)
    inside = [picture.ravel()[recording.candidates.footprints[[k]].indices] for k in range(5)]
    assert set(inside[0]) == {0, 1} and set(inside[3]) == {0, 2} and set(inside[2]) == {0, 3}
    assert (inside[3] > 0).sum() < (inside[0] > 0).sum()  # broken, not whole
    press(viewer, "K")
    assert 1 in outlined(viewer).ravel()[recording.candidates.footprints[[2]].indices]
    shown.show_outlines.setChecked(False)
    settle()
    assert "candidates" not in [layer_role(layer) for layer in viewer.layers]


def test_outlines_go_and_come_with_the_dock(shown):
    assert shown.outlines.layer.visible
    shown.hide()
    assert not shown.outlines.layer.visible
    shown.show()
    assert shown.outlines.layer.visible


def test_the_trace_of_a_rejected_candidate_is_read_when_it_is_looked_at(shown, recording, qtbot):
    shown.look_at(6)
    settle()
    qtbot.waitUntil(lambda: not shown._job.busy)
    expected = traces_of(recording.movie.data, recording.candidates, [6])[0]
    shown.trace.show_span(None)
    np.testing.assert_allclose(shown.trace._curves[0].getData()[1], expected, rtol=1e-6)


def test_a_cell_selected_anywhere_is_looked_at(shown, session, recording):
    session.selection.cells = (2,)
    settle()
    assert shown.here == 2 and "cell" in shown.about.text()
    shown.trace.show_span(None)
    stored = recording.traces["raw"].values[recording.rows([2])[0]]
    np.testing.assert_allclose(shown.trace._curves[0].getData()[1], stored)


def test_arrows_go_through_the_candidates_by_quality(shown, qtbot):
    shown.look_at(0)
    for expected in (2, 4, 6, 8, 8):
        qtbot.keyClick(shown, Qt.Key.Key_Right)
        assert shown.here == expected
    qtbot.keyClick(shown, Qt.Key.Key_Left)
    assert shown.here == 6


def test_only_what_is_new_is_read(shown, session, bench, viewer, recording, qtbot):
    press(viewer, "K")
    with qtbot.waitSignal(bench.runner.finished):
        qtbot.mouseClick(shown.read, Qt.MouseButton.LeftButton)
    settle()
    made = session.recording
    assert made.roi_ids.tolist() == [0, 2, 4, 8] and not shown.lag.isVisible()


def test_what_is_under_the_mouse_is_told(recording):
    viewer = ViewerModel()
    layer = CandidateLayer(viewer)
    assert layer.row_at((0.0, 0.0), 1.0) is None
    layer.show(recording, recording.candidates.accepted, None)
    assert layer.row_at((7.0, (8 + 20) * 1.5, 30 * 1.5), 1.5) == 2
    assert layer.row_at((7.0, 0.0, 0.0), 1.5) is None
    assert layer.row_at((7.0, -50.0, 1e5), 1.5) is None
    layer.clear()
    assert not viewer.layers


def test_no_candidate_at_all_is_a_result(dock, session, recording):
    none = Rois.from_labels(np.zeros(SHAPE, int))
    session.open(recording.replace(candidates=none, rois=none, roi_ids=none.ids, traces={}))
    settle()
    assert "Nothing was found" in dock.about.text() and not dock.accept.isEnabled()
    dock.step(1)
    dock.decide(cells=True)


def test_words_name_what_is_known_and_leave_out_what_is_not(recording):
    found, choice = recording.candidates, recording.cell_choice
    drawn = candidate_words(recording, found, 4, choice)
    assert "drawn by hand" in drawn and "focus" not in drawn
    judged = candidate_words(recording, found, 3, choice.decide(found, [6], cells=True))
    assert "Candidate 6: cell</b> by hand" in judged and "focus 2.4 SD (asked: 6)" in judged
    assert np.isnan(quality_of(Rois(found.ids, found.footprints, SHAPE))).all()
