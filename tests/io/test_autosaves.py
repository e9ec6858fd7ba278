import subprocess
import sys

import numpy as np
import pytest

from napari_calcium.io.autosaves import autosave, autosave_file, discard_copy, left_behind
from napari_calcium.io.nwb import read_nwb, read_selection, save_nwb
from napari_calcium.recording import Recording, Trace


@pytest.fixture
def recording():
    values = np.random.default_rng(0).random((3, 50)).astype(np.float32)
    return Recording("day 1", np.arange(3), 10.0, {"raw": Trace(values, "a.u.")})


def test_work_of_a_process_that_lives_is_nobodys(recording, tmp_path):
    autosave(recording, autosave_file(tmp_path, 0))
    assert left_behind(tmp_path) == ()


def test_work_of_a_process_that_was_killed_is_found_and_opens(recording, tmp_path):
    code = """
import os, signal, sys
import numpy as np
from pathlib import Path
from napari_calcium.io.autosaves import autosave, autosave_file
from napari_calcium.io.nwb import read_nwb
autosave(read_nwb(sys.argv[1]), autosave_file(Path(sys.argv[2]), 0), {"cells": [2]})
os.kill(os.getpid(), signal.SIGKILL)
"""
    save_nwb(recording, tmp_path / "day1.nwb")
    folder = tmp_path / "unsaved"
    subprocess.run([sys.executable, "-c", code, tmp_path / "day1.nwb", folder], check=False)
    (found,) = left_behind(folder)
    assert found.name == "day 1"
    assert read_nwb(found.path) == recording
    assert read_selection(found.path) == {"cells": [2]}
    found.discard()
    assert left_behind(folder) == () and not list(folder.iterdir())


def test_another_process_with_the_same_number_is_not_the_owner(recording, tmp_path):
    own = autosave_file(tmp_path, 0)
    _, started, number = own.stem.split("-")
    autosave(recording, tmp_path / f"1-{int(started) - 1000}-{number}.nwb")
    assert len(left_behind(tmp_path)) == 1


def test_other_files_are_left_alone_and_a_lost_note_does_no_harm(recording, tmp_path):
    (tmp_path / "mine.nwb").write_bytes(b"")
    path = tmp_path / "1-5-0.nwb"
    autosave(recording, path)
    path.with_suffix(".json").unlink()
    (found,) = left_behind(tmp_path)
    assert found.name == "a recording"
    discard_copy(path)
    discard_copy(path)
    assert (tmp_path / "mine.nwb").exists()
    assert left_behind(tmp_path / "not there") == ()
