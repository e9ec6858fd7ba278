"""Results find a place: refused before the work, or kept elsewhere after it; never lost."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections import namedtuple

import numpy as np
import pytest

from napari_calcium.commands.failure import Failure
from napari_calcium.commands.result_place import check_place, check_space, write_or_keep
from napari_calcium.recording import Recording, Trace


def recording(n_rois=10, n_frames=100):
    ids = np.arange(n_rois)
    return Recording("film", ids, 10.0, {"raw": Trace(np.zeros((n_rois, n_frames), np.float32), "a.u.")})


def refuse(monkeypatch, number=errno.EROFS):
    """Let no temporary file be made, as on a read-only disk; the rights of whoever tests do not count."""

    def no(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "TemporaryFile", no)


def test_a_place_that_cannot_be_written_is_refused_before_the_work(tmp_path, monkeypatch):
    refuse(monkeypatch)
    with pytest.raises(Failure, match=r"nothing can be written there \(.*read-only.*--output"):
        check_place(tmp_path / "deep" / "results")


def test_something_else_that_is_there_is_never_touched(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(Failure, match="not a results folder"):
        check_place(tmp_path / "file")
    with pytest.raises(Failure):
        check_place(tmp_path / "file" / "below")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("mine")
    with pytest.raises(Failure, match="nothing is lost"):
        check_place(tmp_path / "photos")


def test_a_place_that_is_free_or_empty_is_taken_and_left_as_it_was(tmp_path):
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "new" / "results", tmp_path / "empty"):
        check_place(place)
    assert not (tmp_path / "new").exists() and not any((tmp_path / "empty").iterdir())


def test_a_disk_that_is_too_full_is_told_with_numbers(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 10**12 - 10**8, 10**8))
    check_space(recording(), tmp_path / "r")
    with pytest.raises(Failure, match=r"up to 0\.[0-9] GB, but 0\.1 GB are free"):
        check_space(recording(100, 50_000), tmp_path / "r")


def test_results_that_cannot_be_written_are_kept_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    def write(folder):
        if "temporary" not in folder.parts:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        (folder / "rois.csv").write_text("roi_id\n")

    with pytest.raises(Failure, match="the results are in") as failure:
        write_or_keep(tmp_path / "disk" / "results", write)
    (kept,) = (tmp_path / "temporary").glob("*/results")
    assert str(kept) in str(failure.value) and (kept / "rois.csv").exists()
    assert "no space left" in str(failure.value).lower()
    assert not (tmp_path / "disk" / "results").exists() and not list((tmp_path / "disk").glob(".*"))


def test_where_they_can_be_written_nowhere_the_first_reason_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def write(folder):
        raise OSError(errno.ENOSPC, f"first {folder.name.startswith('.results')}")

    with pytest.raises(OSError, match="first True"):
        write_or_keep(tmp_path / "results", write)
    assert list(tmp_path.iterdir()) == []


def test_a_bug_is_no_reason_to_write_again(tmp_path):
    calls = []

    def write(folder):
        calls.append(folder)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_or_keep(tmp_path / "results", write)
    assert len(calls) == 1
