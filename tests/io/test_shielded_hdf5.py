"""Writing HDF5 where the disk refuses: an error, and never the end of the process."""

from __future__ import annotations

import os
import subprocess
import sys

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_calcium.io import shielded_hdf5
from napari_calcium.io.shielded_hdf5 import Shield, writing_hdf5

SAVE_TWICE = """
import resource, signal, sys
from pathlib import Path
from napari_calcium.io.{module} import {save} as save
from napari_calcium.simulate import SimulationSettings, simulate

recording = simulate(SimulationSettings(n_rois=12, n_frames=4000)).to_recording().replace(movie=None)
path = Path(sys.argv[1])
save(recording, path)
whole = path.read_bytes()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for share in (0.0, 0.01, 0.2, 0.5, 0.9, 0.99):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(share * len(whole)), resource.RLIM_INFINITY))
    try:
        save(recording, path)
    except OSError as error:
        print("refused", error.errno)
    assert path.read_bytes() == whole
    assert [file.name for file in path.parent.iterdir()] == [path.name]
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a file")
@pytest.mark.parametrize(("module", "save"), [("nwb", "save_nwb"), ("caiman_write", "write_caiman")])
def test_a_disk_that_refuses_at_any_point_leaves_the_old_file_and_the_process(tmp_path, module, save):
    code = SAVE_TWICE.format(module=module, save=save)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "file.nwb")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("refused") == 6
    assert "Traceback" not in done.stderr


def test_what_is_written_is_what_h5py_reads(tmp_path):
    values = np.random.default_rng(0).random((300, 50))
    with writing_hdf5(tmp_path / "a.h5") as file:
        file["values"] = values
    with writing_hdf5(tmp_path / "a.h5", "r+") as file:
        file["more"] = values[:3]
        file["values"][5] = 0
    with h5py.File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file["more"], values[:3])
        np.testing.assert_array_equal(file["values"][6:], values[6:])
        assert not file["values"][5].any()


def test_what_was_refused_is_still_read_until_it_is_told(tmp_path):
    class Full:
        """Takes ten bytes, then nothing."""

        def __init__(self, file):
            self.file, self.left = file, 10

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, data):
            if not self.left:
                raise OSError(28, "No space left on device")
            some = data[: self.left]
            self.left -= len(some)
            return self.file.write(some)

    shield = Shield(tmp_path / "file")
    shield._file = Full(shield._file)
    content = bytes(range(40))
    shield.write(content[:6])
    shield.check()
    shield.write(content[6:30])
    shield.write(content[30:])
    shield.seek(8)
    shield.write(b"xy")
    got = bytearray(40)
    shield.seek(0)
    shield.readinto(got)
    assert bytes(got) == content[:8] + b"xy" + content[10:]
    with pytest.raises(OSError, match="No space left"):
        shield.check()
    shield.close()


pieces = st.tuples(st.integers(0, 60), st.binary(min_size=1, max_size=20))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    steps=st.lists(st.one_of(pieces, st.tuples(st.integers(0, 60), st.integers(1, 30)))),
    few=st.integers(1, 80),
    large=st.integers(1, 30),
)
def test_pieces_in_any_order_are_read_and_kept_as_they_were_written(tmp_path, monkeypatch, steps, few, large):
    monkeypatch.setattr(shielded_hdf5, "_GATHERED_BYTES", few)
    monkeypatch.setattr(shielded_hdf5, "_LARGE_BYTES", large)
    shield, expected = Shield(tmp_path / "any"), bytearray()
    for place, step in steps:
        shield.seek(place)
        if isinstance(step, bytes):
            expected.extend(bytes(max(0, place + len(step) - len(expected))))
            expected[place : place + len(step)] = step
            assert shield.write(memoryview(step)) == len(step)
        else:
            buffer = bytearray(b"?" * step)
            got = shield.readinto(memoryview(buffer))
            assert bytes(buffer[:got]) == bytes(expected[place : place + step])
    assert shield.seek(0, os.SEEK_END) == len(expected)
    shield.close()
    assert (tmp_path / "any").read_bytes() == bytes(expected)


def test_pieces_side_by_side_are_one_call(tmp_path, monkeypatch):
    shield, calls = Shield(tmp_path / "side"), []
    write = shield._write
    monkeypatch.setattr(
        shield, "_write", lambda place, data: calls.append((place, len(data))) or write(place, data)
    )
    for place in (30, 0, 10, 20, 100):
        shield.seek(place)
        shield.write(memoryview(bytes(10)))
    shield.close()
    assert calls == [(0, 40), (100, 10)]
