import numpy as np
import pytest
from scipy import ndimage

from napari_calcium.curation.matching import MatchSettings, match_cells
from napari_calcium.curation.shapes import ellipse_mask
from napari_calcium.rois import Rois

SIZE = (256, 256)


def tissue(seed=0, n=150):
    """Return centres and radii of cells that do not touch."""
    rng = np.random.default_rng(seed)
    centres = []
    while len(centres) < n:
        place = rng.uniform(8, 248, 2)
        if all(np.hypot(*(place - c)) > 11 for c in centres):
            centres.append(place)
    return np.array(centres), rng.uniform(3.5, 5.5, (n, 2))


def session(centres, radii, ids, *, seed, move=lambda yx: yx):
    """Return ROIs and mean image of some cells seen with fresh noise; `move` takes a place to where it is."""
    rng = np.random.default_rng(seed)
    image = np.zeros(SIZE)
    labels = np.zeros(SIZE, int)
    for k, cell in enumerate(ids):
        mask = ellipse_mask(SIZE, tuple(move(centres[cell])), tuple(radii[cell] * rng.uniform(0.9, 1.1, 2)))
        image += mask * (1 + cell % 3)
        labels[mask & (labels == 0)] = k + 1
    image = ndimage.gaussian_filter(image, 1.0) + 0.2 * rng.standard_normal(SIZE) + 5
    return Rois.from_labels(labels, ids=ids), image.astype(np.float32)


def warp(yx):
    y, x = yx
    return np.array([y + 7 + 2.5 * np.sin(x / 60), x - 11 + 2.5 * np.cos(y / 50)])


def test_cells_of_a_shifted_and_warped_field_are_found_again():
    centres, radii = tissue()
    day1 = session(centres, radii, np.arange(0, 110), seed=1)
    day2 = session(centres, radii, np.arange(40, 150), seed=2, move=warp)
    found = match_cells(*day1, *day2)
    right = found.roi_id == found.other_roi_id
    both = np.arange(40, 110)
    shared = [c for c in both if (warp(centres[c]) > 8).all() and (warp(centres[c]) < 248).all()]
    assert right.mean() > 0.97
    assert np.isin(shared, found.roi_id[right]).mean() > 0.85
    assert (found.confidence >= 0.95).all() and (np.diff(found.confidence) <= 0).all()


def test_a_recording_matches_itself_perfectly():
    rois, image = session(*tissue(), np.arange(100), seed=1)
    found = match_cells(rois, image, rois, image)
    assert sorted(found.roi_id) == list(range(100))
    np.testing.assert_array_equal(found.roi_id, found.other_roi_id)
    np.testing.assert_allclose(found.overlap, 1, atol=1e-6)
    np.testing.assert_allclose(found.distance_px, 0, atol=1e-6)
    assert (found.shift_y_px, found.shift_x_px) == (0, 0)


def test_exchanging_the_recordings_exchanges_the_matches():
    centres, radii = tissue()
    day1 = session(centres, radii, np.arange(100), seed=1)
    day2 = session(centres, radii, np.arange(30, 130), seed=2, move=lambda yx: yx + np.array([4, -3]))
    there, back = match_cells(*day1, *day2), match_cells(*day2, *day1)
    assert {*zip(there.roi_id, there.other_roi_id, strict=True)} == {
        *zip(back.other_roi_id, back.roi_id, strict=True)
    }
    assert (there.shift_y_px, there.shift_x_px) == (4, -3) == (-back.shift_y_px, -back.shift_x_px)


def test_other_fields_have_hardly_a_cell_in_common():
    numbers = []
    for seed in range(3):
        one = session(*tissue(seed), np.arange(120), seed=1)
        two = session(*tissue(seed + 50), np.arange(120), seed=2)
        numbers.append(len(match_cells(*one, *two)))
    assert np.mean(numbers) < 6


def test_brightness_gain_and_gaps_of_the_images_do_not_count():
    centres, radii = tissue()
    rois, image = session(centres, radii, np.arange(100), seed=1)
    other, dim = session(centres, radii, np.arange(100), seed=2, move=lambda yx: yx + np.array([5, 5]))
    gain = (300 * dim + 1000).astype(np.float32)
    gain[:4] = np.nan
    plain, scaled = match_cells(rois, image, other, dim), match_cells(rois, image, other, gain)
    assert {*zip(plain.roi_id, plain.other_roi_id, strict=True)} == {
        *zip(scaled.roi_id, scaled.other_roi_id, strict=True)
    }


def test_no_cells_match_nothing_and_sizes_must_agree():
    rois, image = session(*tissue(), np.arange(10), seed=1)
    empty = rois.take(np.array([], int))
    assert len(match_cells(empty, image, rois, image)) == len(match_cells(rois, image, empty, image)) == 0
    with pytest.raises(ValueError, match="one size"):
        match_cells(rois, image, rois, image[:100])


def test_a_blank_image_does_no_harm():
    rois, image = session(*tissue(), np.arange(20), seed=1)
    blank = np.zeros_like(image)
    assert len(match_cells(rois, blank, rois, np.full_like(image, np.nan), MatchSettings(warp_scale=0))) == 20
