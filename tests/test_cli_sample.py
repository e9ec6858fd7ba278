"""napari-calcium sample: files that the program itself reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_calcium.cli import app
from napari_calcium.io.behaviour_csv import BehaviourFileSettings
from napari_calcium.io.csv import CsvSettings
from napari_calcium.io.opening import open_recording
from napari_calcium.io.positions import PositionSettings
from napari_calcium.simulate import raw_movie_settings, simulate
from napari_calcium.simulate.behaviour_simulation import simulate_behaviour


def test_traces_come_with_positions_and_image(tmp_path):
    done = CliRunner().invoke(app, ["sample", str(tmp_path / "new"), "--kind", "demo", "--quiet"])
    assert done.exit_code == 0, done.output
    names = {p.name for p in (tmp_path / "new").iterdir()}
    assert names == {"demo.csv", "demo_rois.tif", "demo_mean.tif"}
    positions = PositionSettings(labels="demo_rois.tif", image="demo_mean.tif")
    read = open_recording(tmp_path / "new" / "demo.csv", CsvSettings(frame_rate=10.0), positions)
    assert (read.n_rois, read.n_frames, len(read.rois)) == (120, 3000, 120)
    assert "mean" in read.images


def test_the_raw_movie_moves_and_says_how_fast(tmp_path):
    done = CliRunner().invoke(app, ["sample", str(tmp_path), "--kind", "movie", "--quiet"])
    assert done.exit_code == 0, done.output
    read = open_recording(tmp_path / "movie.tif")
    truth = simulate(raw_movie_settings())
    assert read.n_rois == 0
    assert read.movie.data.shape == truth.movie.shape
    assert read.frame_rate == pytest.approx(truth.frame_rate)
    np.testing.assert_array_equal(np.asarray(read.movie.data[7]), truth.movie[7])
    assert np.abs(truth.motion).max() > 1


def test_a_place_where_nothing_can_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("here")
    done = CliRunner().invoke(app, ["sample", str(tmp_path / "file" / "below"), "--kind", "demo"])
    assert done.exit_code == 1
    assert len(done.output.strip().splitlines()) == 1


def test_a_sample_with_behaviour_is_read_with_its_clock(tmp_path):
    done = CliRunner().invoke(app, ["sample", str(tmp_path), "--kind", "behaviour"])
    assert done.exit_code == 0, done.output
    names = {
        "cells.csv",
        "cells_rois.tif",
        "cells_mean.tif",
        "behaviour.csv",
        "epochs.csv",
        "scope_pulses.csv",
    }
    assert {Path(line).name for line in done.output.split()} == names
    assert {path.name for path in tmp_path.iterdir()} == names
    files = BehaviourFileSettings(
        file=str(tmp_path / "behaviour.csv"),
        epochs=str(tmp_path / "epochs.csv"),
        recording_pulses=str(tmp_path / "scope_pulses.csv"),
    )
    recording = open_recording(
        tmp_path / "cells.csv",
        CsvSettings(frame_rate=10.0),
        PositionSettings(labels="cells_rois.tif"),
        behaviour=files,
    )
    truth = simulate_behaviour()
    assert recording.n_rois == truth.simulation.settings.n_rois
    read = recording.behaviour_file
    assert [signal.name for signal in read.signals] == [signal.name for signal in truth.file.signals]
    assert len(read.epochs) == len(truth.file.epochs)
    np.testing.assert_allclose(read.recording_pulse_s, truth.file.recording_pulse_s, atol=1e-5)
