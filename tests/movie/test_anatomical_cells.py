import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.movie.planted_cells import SHAPE, blur, soma

from napari_calcium.movie.anatomical_cells import anatomical_footprints
from napari_calcium.movie.segmentation_settings import AnatomicalCells, CombinedCells, FunctionalCells
from napari_calcium.movie.summary_images import enhanced_mean
from napari_calcium.settings import SettingsError

CENTRES = np.array([(20, 20), (20, 38), (60, 30), (70, 90)], float)


def image(radius=6.0, noise=0.05):
    rng = np.random.default_rng(0)
    return (sum(soma(c, radius, nucleus=0.5) for c in CENTRES) + noise * rng.normal(size=SHAPE)).astype(
        np.float32
    )


def centres_of(footprints):
    y, x = np.indices(SHAPE).reshape(2, -1)
    total = footprints.sum(axis=1)
    return np.column_stack([footprints @ y / total, footprints @ x / total])


def test_each_soma_is_one_footprint():
    footprints, heights = anatomical_footprints(enhanced_mean(image()), 6.0, 1.0)
    found = centres_of(footprints)
    distance = np.hypot(*(CENTRES[:, None] - found[None]).transpose(2, 0, 1))
    assert distance.min(axis=1).max() < 1.5
    assert len(heights) == len(found) >= 4
    assert (np.diff(heights) <= 0).all()


def test_footprints_do_not_overlap_and_are_flat():
    footprints, _ = anatomical_footprints(enhanced_mean(image()), 6.0, 0.5)
    assert footprints.sum(axis=0).max() == 1
    assert_array_equal(footprints.data, 1)


def test_more_contrast_finds_fewer():
    counts = [len(anatomical_footprints(enhanced_mean(image()), 6.0, c)[1]) for c in (0.2, 1.0, 50.0)]
    assert counts[0] >= counts[1] >= counts[2] == 0


def test_footprints_stay_near_their_seed():
    wide = (10 * blur((48, 56), 30.0)).astype(np.float32)
    footprints, _ = anatomical_footprints(wide, 6.0, 0.01)
    assert footprints.sum(axis=1).max() <= np.pi * 9.5**2


def test_missing_and_flat_images_have_no_cells():
    for flat in (np.zeros(SHAPE), np.full(SHAPE, np.nan), np.ones(SHAPE)):
        footprints, heights = anatomical_footprints(flat.astype(np.float32), 6.0, 0.5)
        assert footprints.shape == (0, SHAPE[0] * SHAPE[1])
        assert_allclose(heights, [])


@pytest.mark.parametrize("kind", [FunctionalCells, AnatomicalCells, CombinedCells])
def test_settings_survive_yaml_and_know_their_ranges(kind):
    settings = kind(diameter=9.5)
    assert kind.from_yaml(settings.to_yaml()) == settings
    with pytest.raises(SettingsError, match="diameter"):
        settings.replace(diameter=-1)
    for field in kind.model_fields.values():
        assert field.title or field.default in ("functional", "anatomical", "combined")
