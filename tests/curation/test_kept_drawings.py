"""Cells drawn by hand are kept when cells are detected."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_calcium.cell_choice import CellChoice
from napari_calcium.curation.kept_drawings import drawn_again, drawn_of
from napari_calcium.roi_edits import DeleteRois, SetFootprint, apply_edits, mask_runs
from napari_calcium.rois import Rois

SHAPE = (20, 30)


def rois(*corners):
    image = np.zeros(SHAPE, np.int32)
    for label, (top, left) in enumerate(corners, 1):
        image[top : top + 4, left : left + 4] = label
    made = Rois.from_labels(image)
    return Rois(np.arange(len(made)), made.footprints, SHAPE, quality={"quality": np.full(len(made), 2.0)})


FOUND = rois((2, 2), (2, 12), (12, 20))


def pixels_of(cells, roi):
    return pixels_in(cells, int(np.flatnonzero(cells.ids == roi)[0]))


def pixels_in(cells, row):
    return set(zip(*(axis.tolist() for axis in cells.pixels(row)), strict=True))


def test_a_cell_that_was_found_too_has_the_outline_that_was_drawn_and_others_are_new():
    drawn = rois((3, 12), (14, 2))
    edits = drawn_again(FOUND, drawn)
    assert [edit.roi_id for edit in edits] == [1, 3]
    both = apply_edits(FOUND, edits)
    assert both.ids.tolist() == [0, 1, 2, 3] and CellChoice(edits=edits).accepts(both).all()
    assert pixels_of(both, 1) == pixels_in(drawn, 0) and pixels_of(both, 3) == pixels_in(drawn, 1)
    assert pixels_of(both, 0) == pixels_of(FOUND, 0)


@given(st.lists(st.tuples(st.integers(0, 16), st.integers(0, 26)), min_size=0, max_size=6, unique=True))
def test_every_drawn_cell_is_there_as_drawn_and_no_cell_is_lost(corners):
    drawn = rois(*corners)
    edits = drawn_again(FOUND, drawn)
    both = apply_edits(FOUND, edits)
    assert len({edit.roi_id for edit in edits}) == len(drawn)
    assert set(FOUND.ids.tolist()) <= set(both.ids.tolist())
    for row, edit in enumerate(edits):
        assert pixels_of(both, edit.roi_id) == pixels_in(drawn, row)


def test_nothing_found_and_nothing_drawn():
    none = FOUND.take(np.empty(0, np.int64))
    assert drawn_again(FOUND, none) == ()
    assert [edit.roi_id for edit in drawn_again(none, rois((2, 2), (9, 9)))] == [0, 1]


def test_rejected_drawings_and_other_changes_are_no_drawn_cells():
    mask = np.zeros(SHAPE, bool)
    mask[:3, :3] = True
    edits = (SetFootprint(roi_id=7, runs=mask_runs(mask)), DeleteRois(roi_ids=(0,)))
    known = apply_edits(FOUND, edits)
    assert drawn_of(known, CellChoice(edits=edits), all_of_them=False).ids.tolist() == [7]
    assert drawn_of(known, CellChoice(edits=edits, rejected=(7,)), all_of_them=False).ids.tolist() == []
    assert drawn_of(known, CellChoice(edits=edits), all_of_them=True).ids.tolist() == [1, 2, 7]
