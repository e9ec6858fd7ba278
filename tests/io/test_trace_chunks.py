from __future__ import annotations

import os
import threading

import h5py
import numpy as np
import pytest

from napari_calcium.io import trace_chunks
from napari_calcium.io.trace_chunks import STORED, Transfer, chunk_places, lay_out


@pytest.fixture
def values():
    return np.random.default_rng(0).random((700, 90)).astype(np.float32)


@pytest.fixture
def laid_out(tmp_path, values):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        places = lay_out(file, "traces", *values.shape)
    return path, places


def ended(row):
    return EOFError(f"row {row}")


def stored(path):
    with h5py.File(path) as file:
        return file["traces"][...]


def test_what_is_written_past_hdf5_is_what_hdf5_reads(laid_out, values):
    path, places = laid_out
    with Transfer(path, writes=True) as transfer:
        transfer.write(values, places)
        transfer.sync()
        transfer.wait()
    np.testing.assert_array_equal(stored(path), values.T)


@pytest.mark.parametrize("run_bytes", [1, 1000, 1 << 25])
def test_what_hdf5_wrote_is_read_past_it(tmp_path, values, run_bytes, monkeypatch):
    monkeypatch.setattr(trace_chunks, "_RUN_BYTES", run_bytes)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset("traces", data=values.T, chunks=(values.shape[1], 1))
        places = chunk_places(file["traces"], len(values), values.shape[1] * STORED.itemsize)
    again = np.zeros_like(values)
    with Transfer(tmp_path / "b.h5") as transfer:
        transfer.read(again, places, ended)
        transfer.wait()
    np.testing.assert_array_equal(again, values)


def test_rows_lie_wherever_their_places_are(tmp_path, values):
    places = np.random.default_rng(1).permutation(len(values)) * 512 + 7
    (tmp_path / "raw").write_bytes(b"")
    with Transfer(tmp_path / "raw", writes=True) as transfer:
        transfer.write(values, places)
        transfer.wait()
    content = (tmp_path / "raw").read_bytes()
    for row, place in zip(values, places, strict=True):
        assert content[place : place + row.nbytes] == row.tobytes()


def test_long_rows_go_in_several_calls_and_progress_counts_bytes(laid_out, values, monkeypatch):
    monkeypatch.setattr(trace_chunks, "_RUN_BYTES", 10 * values[0].nbytes)
    path, places = laid_out
    told = []
    with Transfer(path, writes=True) as transfer:
        transfer.write(values, places)
        transfer.wait(lambda *call: told.append(call))
    assert len(told) > 70 and told[0] == (0, values.nbytes) and told[-1] == (values.nbytes, values.nbytes)
    assert told == sorted(told)
    np.testing.assert_array_equal(stored(path), values.T)


def test_one_can_wait_for_the_first_of_several(tmp_path, values):
    with h5py.File(tmp_path / "c.h5", "w") as file:
        places = [lay_out(file, name, *values.shape) for name in "ab"]
    with Transfer(tmp_path / "c.h5", writes=True) as transfer:
        for some in places:
            transfer.write(values, some)
        transfer.wait()
    one, two = np.zeros_like(values), np.zeros_like(values)
    told = []
    with Transfer(tmp_path / "c.h5") as transfer:
        transfer.read(one, places[0], ended)
        first = transfer.begun
        transfer.read(two, places[1], ended)
        transfer.wait(lambda *call: told.append(call), until=first)
        np.testing.assert_array_equal(one, values)
        transfer.wait(lambda *call: told.append(call))
        np.testing.assert_array_equal(two, values)
    assert told[-1] == (2 * values.nbytes, 2 * values.nbytes) and told == sorted(told)


def test_a_file_that_ends_too_early_names_the_row(laid_out, values):
    path, places = laid_out
    with path.open("r+b") as file:
        file.truncate(int(places[-1]))
    with Transfer(path) as transfer:
        transfer.read(np.zeros_like(values), places, ended)
        with pytest.raises(EOFError, match="row 699"):
            transfer.wait()


def test_a_disk_that_refuses_is_told_of(laid_out, values, monkeypatch):
    path, places = laid_out

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trace_chunks, "_write_at", full)
    with Transfer(path, writes=True) as transfer:
        transfer.write(values, places)
        with pytest.raises(OSError, match="No space left"):
            transfer.wait()
        with pytest.raises(OSError, match="No space left"):
            transfer.check()


def test_leaving_early_ends_what_is_not_begun(laid_out, values, monkeypatch):
    path, places = laid_out
    monkeypatch.setattr(trace_chunks, "_RUN_BYTES", 1)
    written, go = [], threading.Event()
    write = trace_chunks._write_at

    def slowly(*call):
        go.wait(10)
        written.append(call)
        return write(*call)

    monkeypatch.setattr(trace_chunks, "_write_at", slowly)

    def stop(done, total):
        go.set()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Transfer(path, writes=True) as transfer:
        transfer.write(values, places)
        transfer.wait(stop)
    assert len(written) < len(values)


def test_systems_without_calls_at_a_place_write_and_read_the_same(laid_out, values, monkeypatch):
    monkeypatch.delattr(os, "pwrite", raising=False)
    monkeypatch.delattr(os, "preadv", raising=False)
    path, places = laid_out
    again = np.zeros_like(values)
    with Transfer(path, writes=True) as transfer:
        transfer.write(values, places)
        transfer.wait()
    with Transfer(path) as transfer:
        transfer.read(again, places, ended)
        transfer.wait()
    np.testing.assert_array_equal(again, values)


def test_versions_of_hdf5_that_tell_of_one_chunk_at_a_time(laid_out, values):
    class Older:
        """What h5py has with HDF5 before 1.12.3."""

        def __init__(self, stored):
            self.get_num_chunks, self.get_chunk_info = stored.get_num_chunks, stored.get_chunk_info

    path, places = laid_out
    with h5py.File(path) as file:
        rows, found, sizes = trace_chunks._chunks(Older(file["traces"].id))
    assert rows.tolist() == list(range(len(values))) and found.tolist() == places.tolist()
    assert set(sizes.tolist()) == {values.shape[1] * STORED.itemsize}


def test_compressed_or_short_chunks_have_no_places(tmp_path, values):
    row = values.shape[1] * STORED.itemsize
    with h5py.File(tmp_path / "d.h5", "w") as file:
        packed = file.create_dataset("packed", data=values.T, chunks=(90, 1), compression="gzip")
        some = file.create_dataset("some", (90, 700), STORED, chunks=(90, 1))
        some[:, 5] = 1
        assert chunk_places(packed, 700, row) is None
        assert chunk_places(some, 700, row) is None
        assert chunk_places(file.create_dataset("none", (90, 700), STORED, chunks=(90, 1)), 700, row) is None


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, np.finfo(np.float32).max])
def test_only_finite_numbers_are_called_so(laid_out, values, odd):
    path, places = laid_out
    with Transfer(path, writes=True) as transfer:
        transfer.write(values, places)
        assert not transfer.wait()  # nothing was read
    again = np.zeros_like(values)
    with Transfer(path) as transfer:
        transfer.read(again, places, ended)
        assert transfer.wait()
        assert not transfer.wait()  # nothing was read since
    values[300, 5:7] = odd
    with Transfer(path, writes=True) as transfer:
        transfer.write(values, places)
        transfer.wait()
    with Transfer(path) as transfer:
        transfer.read(again, places, ended)
        assert not transfer.wait()
