"""ImageJ's ROIs dropped beside an open table."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from napari_calcium.io.imagej import write_imagej_rois
from napari_calcium.recording import Recording, Trace
from napari_calcium.rois import Rois
from napari_calcium.widgets import roi_reader
from napari_calcium.widgets.roi_reader import read_rois
from napari_calcium.widgets.viewer_session import session_of


@pytest.fixture
def file(tmp_path):
    pixels = np.array([[1, 2, 11, 12], [55, 56, 65, 66]])
    footprints = sparse.csr_array(
        (np.ones(8, np.float32), pixels.ravel(), np.array([0, 4, 8])), shape=(2, 100)
    )
    write_imagej_rois(Rois(np.arange(2), footprints, (10, 10)), tmp_path / "rois.zip")
    return tmp_path / "rois.zip"


@pytest.fixture
def session(viewer, monkeypatch):
    monkeypatch.setattr(roi_reader.napari, "current_viewer", lambda: viewer)
    return session_of(viewer)


def table():
    return Recording("table", np.arange(2), 10.0, {"raw": Trace(np.ones((2, 50), np.float32), "a.u.")})


def test_they_give_the_open_table_its_places_and_undo_takes_them_back(session, file):
    session.open(table())
    assert read_rois(str(file))(str(file)) == [(None,)]
    assert session.recording.rois.ids.tolist() == [0, 1] and session.recording.rois.areas.tolist() == [4, 4]
    session.undo()
    assert session.recording == table()


def test_without_a_table_or_with_places_it_is_said_what_to_do(session, file, qtbot, monkeypatch):
    said = []
    monkeypatch.setattr(roi_reader, "show_warning", said.append)
    assert read_rois(str(file)) is None
    qtbot.waitUntil(lambda: len(said) == 1)
    assert said[0].startswith("rois.zip: open the fluorescence first")
    session.open(table())
    read_rois([str(file)])([str(file)])
    assert read_rois(str(file)) is None
    qtbot.waitUntil(lambda: len(said) == 2)
    assert "places for its cells already" in said[1]


def test_other_zips_are_left_alone(session, tmp_path):
    session.open(table())
    (tmp_path / "photos.zip").write_bytes(b"PK nothing")
    assert read_rois(str(tmp_path / "photos.zip")) is None
    assert read_rois(str(tmp_path / "gone.zip")) is None
