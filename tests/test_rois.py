"""ROIs: footprints keep their ids, overlap, and their picture and numbers agree with a naive count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from napari_calcium.rois import Rois

images = hnp.arrays(np.int64, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 6))


def weighted(seed: int = 0, n_rois: int = 5, shape: tuple[int, int] = (7, 9)) -> Rois:
    """Overlapping footprints of random weights, each of at least one pixel."""
    rng = np.random.default_rng(seed)
    dense = rng.random((n_rois, shape[0] * shape[1])) * (rng.random((n_rois, shape[0] * shape[1])) < 0.3)
    dense[:, 0] += 0.1
    ids = rng.permutation(100)[:n_rois]
    return Rois(ids, sparse.csr_array(dense.astype(np.float32)), shape, quality={"snr": rng.random(n_rois)})


# From label images


@settings(max_examples=80, deadline=None)
@given(images)
def test_label_image_gives_one_roi_a_label(image: np.ndarray):
    rois = Rois.from_labels(image)
    assert_array_equal(rois.labels, np.unique(image[image > 0]))
    assert_array_equal(rois.ids, np.arange(len(rois)))
    assert rois.accepted.all() and rois.shape == image.shape
    for row, label in enumerate(rois.labels):
        y, x = rois.pixels(row)
        assert sorted(zip(y, x, strict=True)) == sorted(map(tuple, np.argwhere(image == label)))
        assert rois.areas[row] == (image == label).sum()
        assert_allclose(rois.centroids[row], np.argwhere(image == label).mean(axis=0))


@settings(max_examples=60, deadline=None)
@given(images)
def test_label_image_round_trip_is_compact(image: np.ndarray):
    picture = Rois.from_labels(image).label_image()
    compact = np.searchsorted(np.unique(np.append(image, 0)), image)
    assert_array_equal(picture, compact)
    assert picture.dtype == np.uint16


def test_ids_are_given_in_the_order_of_labels():
    rois = Rois.from_labels(np.array([[9, 0, 4]]), ids=[70, 80])
    assert_array_equal(rois.labels, [4, 9])
    assert_array_equal(rois.pixels(0)[1], [2])
    assert_array_equal(rois.ids, [70, 80])


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((2, 3, 4), int), "two-dimensional"),
        (np.zeros((2, 3)), "of integers"),
        (np.array([[0, -3]]), "negative, got -3"),
    ],
)
def test_what_is_no_label_image(image: np.ndarray, message: str):
    with pytest.raises(ValueError, match=message):
        Rois.from_labels(image)


def test_no_rois_at_all():
    rois = Rois.from_labels(np.zeros((4, 5), np.uint8))
    assert len(rois) == 0 and rois.centroids.shape == (0, 2) and rois.areas.shape == (0,)
    assert_array_equal(rois.label_image(), np.zeros((4, 5)))
    assert rois == Rois.from_labels(np.zeros((4, 5), np.uint16))


def test_one_pixel_and_a_mask():
    assert_array_equal(Rois.from_labels(np.array([[True]])).label_image(), [[1]])


# Overlap


def test_the_heaviest_wins_a_shared_pixel_and_the_first_a_tie():
    footprints = sparse.csr_array(np.array([[1, 2, 1, 0], [3, 1, 1, 0], [0, 0, 1, 0]], np.float32))
    rois = Rois(np.array([5, 6, 7]), footprints, (1, 4))
    assert_array_equal(rois.label_image(), [[2, 1, 1, 0]])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000))
def test_picture_and_centres_agree_with_a_naive_count(seed: int):
    rois = weighted(seed)
    dense = rois.footprints.toarray().reshape(len(rois), *rois.shape)
    naive = np.where(dense.max(axis=0) > 0, dense.argmax(axis=0) + 1, 0)
    assert_array_equal(rois.label_image(), naive)
    y, x = np.mgrid[: rois.shape[0], : rois.shape[1]]
    for k, weights in enumerate(dense):
        centre = (weights * y).sum() / weights.sum(), (weights * x).sum() / weights.sum()
        assert_allclose(rois.centroids[k], centre, rtol=1e-5)


def test_many_rois_need_wider_labels():
    n = 2**16
    rois = Rois(
        np.arange(n), sparse.csr_array(sparse.eye_array(n, format="csr", dtype=np.float32)), (256, 256)
    )
    assert rois.label_image().dtype == np.uint32 and rois.label_image().max() == n


def test_an_empty_roi_has_no_centre():
    rois = Rois(np.array([1]), sparse.csr_array((1, 12), dtype=np.float32), (3, 4))
    assert np.isnan(rois.centroids).all() and rois.areas[0] == 0


# Taking, comparing, immutability


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.permutations(list(range(5))))
def test_taking_permutes_everything_together(seed: int, order: list[int]):
    rois = weighted(seed)
    taken = rois.take(np.array(order))
    assert_array_equal(taken.ids, rois.ids[order])
    assert_array_equal(taken.centroids, rois.centroids[order])
    assert_array_equal(taken.quality["snr"], rois.quality["snr"][order])
    assert taken.take(np.argsort(order)) == rois


def test_taking_by_a_mask():
    rois = weighted()
    assert_array_equal(rois.take(rois.ids > 40).ids, rois.ids[rois.ids > 40])
    assert len(rois.take(np.zeros(5, bool))) == 0


def test_equal_footprints_are_equal_however_they_are_stored():
    dense = np.array([[0, 2, 0, 1]], np.float32)
    tidy = Rois(np.array([3]), sparse.csr_array(dense), (2, 2))
    data = (np.array([1, 1, 1], np.float64), np.array([3, 1, 1]), np.array([0, 3]))
    untidy = sparse.csr_array(data, shape=(1, 4))
    before = untidy.indices.copy()
    assert tidy == Rois(np.array([3]), untidy, (2, 2))
    assert_array_equal(untidy.indices, before)


def test_any_difference_makes_them_unequal():
    rois = weighted()
    assert rois != rois.take(np.arange(4)) and rois != weighted(1) and rois != "rois"
    assert rois != Rois(rois.ids, rois.footprints, (9, 7), quality=rois.quality)
    assert rois != Rois(
        rois.ids, rois.footprints, rois.shape, accepted=np.zeros(5, bool), quality=rois.quality
    )
    assert rois != Rois(rois.ids, rois.footprints, rois.shape, quality={"snr": np.zeros(5)})


def test_columns_cannot_be_changed():
    rois = weighted()
    for column in (rois.ids, rois.labels, rois.accepted, rois.quality["snr"]):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ids": np.array([1, 1])}, "unique"),
        ({"ids": np.array([1, 2, 3])}, r"= \(3, 6\), got \(2, 6\)"),
        ({"shape": (3, 3)}, r"got \(2, 6\)"),
        ({"labels": np.array([1])}, r"labels must have shape \(2,\), got \(1,\)"),
        ({"accepted": np.ones(3, bool)}, r"accepted must have shape \(2,\)"),
        ({"quality": {"snr": np.ones(3)}}, r"snr must have shape \(2,\), got \(3,\)"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict, message: str):
    given_ = {
        "ids": np.array([1, 2]),
        "footprints": sparse.csr_array(np.eye(2, 6, dtype=np.float32)),
        "shape": (2, 3),
    }
    with pytest.raises(ValueError, match=message):
        Rois(**(given_ | changes))
