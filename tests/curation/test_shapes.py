import numpy as np
import pytest
from scipy import ndimage

from napari_calcium.curation.shapes import ellipse_mask, polygon_mask, wand_mask


def test_an_ellipse_has_its_area_and_centre():
    mask = ellipse_mask((80, 90), (40, 50), (20, 10), 0.4)
    assert mask.sum() == pytest.approx(np.pi * 200, rel=0.02)
    np.testing.assert_allclose(np.argwhere(mask).mean(axis=0), [40, 50], atol=0.01)
    assert not ellipse_mask((10, 10), (5, 5), (0, 3)).any()
    assert ellipse_mask((10, 10), (0, 0), (4, 4)).any()


def test_turning_an_ellipse_by_a_right_angle_swaps_its_axes():
    a, b = (ellipse_mask((41, 41), (20, 20), (12, 5), angle) for angle in (0.0, np.pi / 2))
    np.testing.assert_array_equal(a, b.T)


def test_a_polygon_holds_the_pixels_inside():
    mask = polygon_mask((20, 20), [(2.5, 3.5), (2.5, 10.5), (8.5, 10.5), (8.5, 3.5)])
    expected = np.zeros((20, 20), bool)
    expected[3:9, 4:11] = True
    np.testing.assert_array_equal(mask, expected)
    assert not polygon_mask((20, 20), [(1, 1), (5, 5)]).any()


@pytest.fixture
def field():
    rng = np.random.default_rng(0)
    cell = ellipse_mask((60, 60), (25, 30), (6, 5))
    other = ellipse_mask((60, 60), (25, 45), (5, 5))
    image = ndimage.gaussian_filter(0.1 + 0.6 * cell + 0.5 * other, 1.0) + 0.02 * rng.standard_normal(
        (60, 60)
    )
    return image, cell, other


@pytest.mark.parametrize("seed", [(25, 30), (22, 28), (28, 33)])
def test_the_wand_grows_the_cell_that_was_clicked(field, seed):
    image, cell, other = field
    mask = wand_mask(image, seed)
    assert (mask & cell).sum() / (mask | cell).sum() > 0.8
    assert not (mask & other).any()
    assert ndimage.label(mask)[1] == 1
    np.testing.assert_array_equal(ndimage.binary_fill_holes(mask), mask)


def test_a_lower_edge_never_grows_less_and_the_scale_of_the_image_is_nothing(field):
    image, _, _ = field
    sizes = [wand_mask(image, (25, 30), share=share).sum() for share in (0.8, 0.5, 0.3)]
    assert sizes == sorted(sizes)
    np.testing.assert_array_equal(wand_mask(image, (25, 30)), wand_mask(50 * image - 7, (25, 30)))


def test_other_cells_keep_their_pixels(field):
    image, cell, _ = field
    taken = cell & (np.indices(cell.shape)[1] > 31)
    assert not (wand_mask(image, (25, 28), taken=taken) & taken).any()


def test_without_contrast_the_click_is_all():
    assert wand_mask(np.ones((20, 20)), (5, 5)).sum() == 1
    assert wand_mask(np.full((20, 20), np.nan), (5, 5)).sum() == 1
    assert wand_mask(np.ones((20, 20)), (25, 5)).sum() == 0
