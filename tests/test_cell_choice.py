"""Which candidates count as cells: a threshold, and decisions by hand that come before it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from napari_calcium.cell_choice import CellChoice
from napari_calcium.rois import Rois


def candidates(quality, accepted=None):
    n = len(quality)
    footprints = sparse.csr_array(np.eye(n, 16, dtype=np.float32))
    marked = np.asarray(quality) >= 1 if accepted is None else np.asarray(accepted)
    return Rois(np.arange(n) * 3, footprints, (4, 4), accepted=marked, quality={"quality": np.array(quality)})


def test_by_default_it_is_what_the_detection_judged():
    found = candidates([2.0, 0.9, 1.0], accepted=[True, False, False])
    assert CellChoice().accepts(found).tolist() == [True, False, False]


def test_a_threshold_counts_the_quality_and_leaves_unknown_ones_as_marked():
    found = candidates([3.0, 1.5, np.nan, np.nan], accepted=[True, True, True, False])
    assert CellChoice(threshold=2.0).accepts(found).tolist() == [True, False, True, False]
    assert CellChoice(threshold=0.0).accepts(found).tolist() == [True, True, True, False]


def test_decisions_by_hand_come_first_and_the_last_one_counts():
    found = candidates([2.0, 0.5, 0.2])
    choice = CellChoice().decide(found, [3, 6], cells=True).decide(found, [0], cells=False)
    assert (choice.accepted, choice.rejected) == ((3, 6), (0,))
    assert choice.accepts(found).tolist() == [False, True, True]
    back = choice.decide(found, [3, 6], cells=False).decide(found, [0], cells=True)
    assert back == CellChoice(accepted=(0,), rejected=(3, 6))


def test_a_decision_that_says_what_the_threshold_says_stands_when_that_moves():
    found = candidates([2.0, 0.5])
    choice = CellChoice().decide(found, [0], cells=True).replace(threshold=3.0)
    assert choice.accepts(found).tolist() == [True, False]


def test_what_a_classifier_decides_is_told_from_what_the_user_does():
    found = candidates([2.0, 2.0, 0.5, 0.5])
    choice = CellChoice().decide(found, [0], cells=True)
    judged = choice.decide_by_classifier(found.ids, np.array([False, False, True, False]))
    assert judged.accepts(found).tolist() == [True, False, True, False]  # the user's own stands
    assert judged.own == {0} and judged.by_classifier == (3, 6, 9)
    again = judged.decide_by_classifier(found.ids[1:2], np.array([True]))
    assert again.by_classifier == (3,) and again.accepts(found).tolist() == [True, True, False, False]
    taken = judged.decide(found, [6], cells=False)
    assert taken.own == {0, 6} and taken.by_classifier == (3, 9)
    assert judged.without_ids() == CellChoice()


def test_what_is_decided_about_a_candidate_that_is_not_there_is_left_out():
    assert CellChoice().decide(candidates([2.0]), [99], cells=False) == CellChoice()


@given(
    st.lists(st.floats(0, 5), min_size=1, max_size=6),
    st.floats(0, 5),
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=8),
)
def test_the_last_decision_holds_whatever_came_before(quality, threshold, decisions):
    found = candidates(quality)
    choice = CellChoice(threshold=threshold)
    for row, cell in decisions:
        if row < len(found):
            choice = choice.decide(found, [row * 3], cells=cell)
            assert choice.accepts(found)[row] == cell
    assert not set(choice.accepted) & set(choice.rejected)


def test_kept_are_the_chosen_ones_or_all_with_a_mark():
    found = candidates([2.0, 0.5])
    assert CellChoice().kept(found).ids.tolist() == [0]
    everything = CellChoice(keep_rejected=True).kept(found)
    assert everything.ids.tolist() == [0, 3] and everything.accepted.tolist() == [True, False]


def test_no_candidates_are_no_cells():
    none = Rois.from_labels(np.zeros((4, 4), int))
    assert len(CellChoice(threshold=2).kept(none)) == 0
    assert CellChoice().decide(none, [], cells=True) == CellChoice()
