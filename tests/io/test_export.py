"""Exported traces say which frames were bad."""

import numpy as np
import pandas as pd
import pytest
from scipy.io import loadmat

from napari_calcium.io.export import export_traces
from napari_calcium.recording import Recording, Trace
from napari_calcium.results.tables import Motion


def recording(bad, n_frames=30):
    flags = np.zeros(n_frames, bool)
    flags[list(bad)] = True
    values = np.arange(2.0 * n_frames, dtype=np.float32).reshape(2, n_frames) + 1
    motion = Motion(*np.zeros((3, n_frames)), flags)
    return Recording("film", np.arange(2), 10.0, {"raw": Trace(values, "a.u.")}, motion=motion)


@pytest.mark.parametrize(
    ("bad", "words"), [((), None), ((0, 5, 6, 7, 29), "0 5-7 29"), (range(30), "0-29"), ((3,), "3")]
)
def test_the_comment_line_names_bad_frames(tmp_path, bad, words):
    export_traces(recording(bad), tmp_path / "film.csv", "raw")
    comment = (tmp_path / "film.csv").read_text().splitlines()[0]
    if words is None:
        assert "bad frames" not in comment
    else:
        assert comment.endswith(f"; bad frames, interpolated: {words}")
    table = pd.read_csv(tmp_path / "film.csv", comment="#")
    np.testing.assert_allclose(table.iloc[:, 1:].to_numpy().T, recording(bad).traces["raw"].values)


def test_very_many_stretches_are_counted(tmp_path):
    export_traces(recording(range(0, 300, 2), 300), tmp_path / "film.csv", "raw")
    comment = (tmp_path / "film.csv").read_text().splitlines()[0]
    assert comment.endswith("198 and 50 more stretches")


def test_arrays_have_a_flag_a_frame(tmp_path):
    made = recording((4, 5))
    export_traces(made, tmp_path / "film.npz", "raw")
    export_traces(made, tmp_path / "film.mat", "raw")
    with np.load(tmp_path / "film.npz") as stored:
        np.testing.assert_array_equal(np.flatnonzero(stored["bad_frames"]), [4, 5])
    assert np.flatnonzero(loadmat(tmp_path / "film.mat")["bad_frames"]).tolist() == [4, 5]


def test_without_a_movie_none_is_bad(tmp_path):
    export_traces(recording(()).replace(motion=None), tmp_path / "film.npz", "raw")
    with np.load(tmp_path / "film.npz") as stored:
        assert stored["bad_frames"].shape == (30,) and not stored["bad_frames"].any()
