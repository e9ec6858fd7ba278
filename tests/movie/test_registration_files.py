import numpy as np
import pandas as pd
import pytest
import tifffile
from numpy.testing import assert_allclose, assert_array_equal

from napari_calcium.movie.registration import NonRigidRegistration, register
from napari_calcium.movie.registration_files import write_registration


@pytest.fixture(scope="module")
def found(moving_scene):
    movie = moving_scene(12, seed=1).movie.astype(np.float32)
    movie[4] = np.nan
    return register(movie, 15.0, NonRigidRegistration(node_spacing=40))


def test_files_hold_the_registration_under_the_names_of_the_contract(found, tmp_path):
    files = write_registration(found, tmp_path / "results")
    table = pd.read_csv(tmp_path / "results" / "registration.csv")
    assert table.columns.tolist() == ["frame", "shift_y_px", "shift_x_px", "correlation", "bad"]
    assert_array_equal(table["frame"], np.arange(12))
    assert_allclose(table[["shift_y_px", "shift_x_px"]], found.shifts, atol=1e-4)
    assert_allclose(table["correlation"], found.correlation, atol=1e-5)
    assert_array_equal(table["bad"], found.bad)
    assert np.flatnonzero(table["correlation"].isna()).tolist() == [4]
    with np.load(tmp_path / "results" / "registration_blocks.npz") as blocks:
        assert_array_equal(np.stack([blocks["shifts_y_px"], blocks["shifts_x_px"]], axis=-1), found.fields)
        assert_array_equal(blocks["centres_y_px"], found.grid.y)
        assert_array_equal(blocks["centres_x_px"], found.grid.x)
    for name in ("mean", "max_projection", "standard_deviation", "local_correlation"):
        image = tifffile.imread(tmp_path / "results" / "images" / f"{name}.tif")
        assert image.dtype == np.float32
        assert_array_equal(image, found.images[name])
    assert sorted(files) == sorted(p for p in (tmp_path / "results").rglob("*") if p.is_file())


def test_writing_again_replaces_the_files(found, tmp_path):
    write_registration(found, tmp_path)
    (tmp_path / "registration.csv").write_text("old")
    write_registration(found, tmp_path)
    assert (tmp_path / "registration.csv").read_text().startswith("frame,")
