import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from napari_calcium.rois import Rois
from napari_calcium.widgets.soma_highlight import CELL_EDGE, CELL_FILL, FIRST_MEMBER, SomaHighlight

LABELS = np.zeros((12, 14), int)
LABELS[0:4, 0:4] = 1
LABELS[5:10, 5:9] = 2
LABELS[8:12, 10:14] = 3
LABELS[2, 8] = 4


def somata() -> Rois:
    return Rois.from_labels(LABELS)


def naive_edge(mask: np.ndarray) -> np.ndarray:
    """Pixels with a neighbour outside of the soma or of the image, pixel by pixel."""
    edge = np.zeros_like(mask)
    for y, x in np.argwhere(mask):
        for dy, dx in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            v, u = y + dy, x + dx
            if not (0 <= v < mask.shape[0] and 0 <= u < mask.shape[1]) or not mask[v, u]:
                edge[y, x] = True
    return edge


@pytest.mark.parametrize("row", range(4))
def test_the_edge_is_that_of_a_naive_walk(row):
    edge = np.zeros(LABELS.size, bool)
    edge[SomaHighlight(somata()).edge(row)] = True
    np.testing.assert_array_equal(edge.reshape(LABELS.shape), naive_edge(row + 1 == LABELS))


def test_a_selected_soma_is_outlined_and_filled():
    highlight = SomaHighlight(somata())
    highlight.paint([1])
    mask = LABELS == 2
    edge = naive_edge(mask)
    assert (highlight.image[edge] == CELL_EDGE).all()
    assert (highlight.image[mask & ~edge] == CELL_FILL).all()
    assert not highlight.image[~mask].any()


def test_members_have_their_value_and_selected_members_an_outline():
    highlight = SomaHighlight(somata())
    highlight.paint([1], [0, 1], member_value=FIRST_MEMBER + 2)
    inside = (LABELS == 2) & ~naive_edge(LABELS == 2)
    assert (highlight.image[LABELS == 1] == FIRST_MEMBER + 2).all()
    assert (highlight.image[inside] == FIRST_MEMBER + 2).all()
    assert (highlight.image[naive_edge(LABELS == 2)] == CELL_EDGE).all()


def test_the_focus_has_a_wider_outline():
    highlight = SomaHighlight(somata())
    highlight.paint([1])
    narrow = np.count_nonzero(highlight.image == CELL_EDGE)
    highlight.paint([1], focus=1)
    assert np.count_nonzero(highlight.image == CELL_EDGE) > narrow
    outside = (LABELS != 2) & (highlight.image == CELL_EDGE)
    assert outside.any()


picks = st.lists(st.integers(0, 3), max_size=4, unique=True)


@settings(max_examples=40)
@given(st.lists(st.tuples(picks, picks, st.none() | st.integers(0, 3)), min_size=1, max_size=6))
def test_what_was_painted_before_leaves_no_trace(paints):
    used = SomaHighlight(somata())
    for selected, members, focus in paints:
        used.paint(selected, members, focus=focus)
    fresh = SomaHighlight(somata())
    selected, members, focus = paints[-1]
    fresh.paint(selected, members, focus=focus)
    np.testing.assert_array_equal(used.image, fresh.image)


def test_the_picture_is_always_the_same_array():
    highlight = SomaHighlight(somata())
    image = highlight.image
    highlight.paint([0, 1, 2])
    assert highlight.image is image


def test_an_overlapped_soma_lights_up_whole():
    pixels = sparse.csr_array(
        np.array([[1, 1, 1, 0, 0, 0], [0, 0.5, 0.5, 0.5, 0.5, 0]], np.float32).repeat(1, axis=1)
    )
    highlight = SomaHighlight(Rois(np.array([4, 9]), pixels, (1, 6)))
    highlight.paint([], [1])
    np.testing.assert_array_equal(highlight.image[0] > 0, [False, True, True, True, True, False])


def test_many_selected_cells_are_filled_without_outlines():
    labels = np.kron(np.arange(1, 290).reshape(17, 17), np.ones((3, 3), int))
    highlight = SomaHighlight(Rois.from_labels(labels))
    highlight.paint(list(range(250)))
    assert not (highlight.image == CELL_EDGE).any()
    assert np.count_nonzero(highlight.image) == 250 * 9


def test_an_empty_footprint_and_no_roi_at_all_are_fine():
    empty = Rois(np.array([1]), sparse.csr_array((1, 25), dtype=np.float32), (5, 5))
    highlight = SomaHighlight(empty)
    highlight.paint([0], [0], focus=0)
    assert not highlight.image.any()
    nobody = SomaHighlight(Rois(np.empty(0, int), sparse.csr_array((0, 25), dtype=np.float32), (5, 5)))
    nobody.paint([])
    assert nobody.image.shape == (5, 5)
