"""A folder that Minian itself wrote (``save_minian`` of 2.0.2), of six made-up cells, ids with gaps."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.opening import open_recording

FILE = Path(__file__).parent / "fixtures" / "minian_2.0.zip"


@pytest.fixture
def folder(tmp_path):
    with zipfile.ZipFile(FILE) as archive:
        archive.extractall(tmp_path / "minian")
    return tmp_path / "minian"


def test_minians_own_folder_is_read(folder):
    recording = open_recording(folder, CsvSettings(frame_rate=20))
    assert recording.roi_ids.tolist() == [0, 2, 3, 7, 8, 11]  # as Minian numbers its units
    assert recording.rois.shape == (40, 52) and recording.n_frames == 180
    assert list(recording.traces) == ["raw", "denoised", "spikes"]
    # Its spikes were made as the steps of its calcium, and cell k as a patch from row 4 + 5k, column 3 + 7k.
    calcium, spikes = (recording.traces[name].values for name in ("denoised", "spikes"))
    np.testing.assert_allclose(np.cumsum(spikes, axis=1), calcium, rtol=1e-4)
    for k in range(6):
        y, x = recording.rois.pixels(k)
        assert (y.min(), y.max(), x.min(), x.max()) == (4 + 5 * k, 10 + 5 * k, 3 + 7 * k, 10 + 7 * k)
    assert recording.images["max_projection"].shape == (40, 52)
