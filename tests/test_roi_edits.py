import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_calcium.roi_edits import (
    DeleteRois,
    MergeRois,
    SetFootprint,
    SplitRoi,
    apply_edits,
    changed_ids,
    mask_runs,
    next_id,
    run_mask,
)
from napari_calcium.rois import Rois
from napari_calcium.settings import SettingsError


@pytest.fixture
def rois():
    image = np.zeros((20, 30), int)
    image[2:6, 2:8] = 1
    image[10:14, 5:9] = 2
    image[10:15, 20:26] = 3
    found = Rois.from_labels(image, ids=[4, 7, 9])
    return Rois(
        found.ids,
        found.footprints,
        found.shape,
        found.labels,
        np.array([True, False, True]),
        {"snr": np.array([1.0, 2.0, 3.0])},
    )


def pixels(rois, roi_id):
    y, x = rois.pixels(int(np.flatnonzero(rois.ids == roi_id)[0]))
    return set(zip(y.tolist(), x.tolist(), strict=True))


@settings(max_examples=50, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_runs_are_the_mask(mask):
    np.testing.assert_array_equal(run_mask(mask_runs(mask), mask.shape), mask)


def test_no_change_changes_nothing(rois):
    assert apply_edits(rois, []) == rois
    assert len(changed_ids(rois, rois)) == 0


def test_a_new_cell_leaves_the_others_as_they_are(rois):
    after = apply_edits(rois, [SetFootprint(roi_id=10, runs=((0, 0, 3), (1, 1, 2)))])
    assert pixels(after, 10) == {(0, 0), (0, 1), (0, 2), (1, 1)}
    assert after.take(np.arange(3)) == rois
    assert after.accepted[3] and np.isnan(after.quality["snr"][3])
    assert len(np.unique(after.labels)) == 4 and 0 not in after.labels
    np.testing.assert_array_equal(changed_ids(rois, after), [10])


def test_a_new_footprint_keeps_the_place_and_forgets_the_quality(rois):
    after = apply_edits(rois, [SetFootprint(roi_id=7, runs=((0, 0, 2),))])
    np.testing.assert_array_equal(after.ids, rois.ids)
    assert pixels(after, 7) == {(0, 0), (0, 1)} and after.accepted[1]
    np.testing.assert_array_equal(after.quality["snr"], [1, np.nan, 3])
    np.testing.assert_array_equal(changed_ids(rois, after), [7])


def test_merging_joins_the_pixels(rois):
    after = apply_edits(rois, [MergeRois(roi_ids=(4, 9), into=10)])
    np.testing.assert_array_equal(after.ids, [7, 10])
    assert pixels(after, 10) == pixels(rois, 4) | pixels(rois, 9)
    np.testing.assert_array_equal(changed_ids(rois, after), [10])


def test_splitting_loses_no_pixel_and_shares_none(rois):
    after = apply_edits(rois, [SplitRoi(roi_id=4, line=(0, 4.5, 19, 4.5), into=(10, 11))])
    a, b = pixels(after, 10), pixels(after, 11)
    assert a | b == pixels(rois, 4) and not a & b
    assert len(a) == 12 and len(b) == 12
    merged = apply_edits(after, [MergeRois(roi_ids=(10, 11), into=12)])
    assert pixels(merged, 12) == pixels(rois, 4)


def test_deleting_leaves_the_rest(rois):
    assert apply_edits(rois, [DeleteRois(roi_ids=(4, 9))]) == rois.take(np.array([1]))
    assert len(apply_edits(rois, [DeleteRois(roi_ids=(4, 7, 9))])) == 0


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (DeleteRois(roi_ids=(5,)), "no cell 5"),
        (MergeRois(roi_ids=(4,), into=10), "two cells"),
        (MergeRois(roi_ids=(4, 5), into=10), "no cell 5"),
        (MergeRois(roi_ids=(4, 7), into=9), "9 is taken"),
        (SetFootprint(roi_id=10, runs=()), "one pixel"),
        (SetFootprint(roi_id=10, runs=((0, 28, 31),)), "not all in an image"),
        (SplitRoi(roi_id=4, line=(0, 29, 19, 29), into=(10, 11)), "does not cross"),
        (SplitRoi(roi_id=4, line=(3, 3, 3, 3), into=(10, 11)), "different points"),
        (SplitRoi(roi_id=4, line=(0, 4.5, 19, 4.5), into=(10, 10)), "10 is taken"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(rois, edit, says):
    with pytest.raises(SettingsError, match=says) as error:
        apply_edits(rois, [DeleteRois(roi_ids=()), edit])
    assert str(error.value).startswith("change 2 of the cells")


def test_an_id_is_never_given_twice():
    assert next_id() == 0
    assert next_id([], [3, 8], np.array([2])) == 9


def test_changes_go_through_yaml():
    edit = SplitRoi(roi_id=4, line=(0, 4.5, 19, 4.5), into=(10, 11))
    assert SplitRoi.model_validate(edit.model_dump(mode="json")) == edit
