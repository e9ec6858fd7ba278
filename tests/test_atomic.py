"""A file is replaced whole or not at all."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from napari_calcium import atomic
from napari_calcium.atomic import replacing


def test_a_file_is_there_only_when_all_went_well(tmp_path):
    path = tmp_path / "a.txt"
    with replacing(path) as partial:
        partial.write_text("half")
        assert not path.exists()
    assert path.read_text() == "half"


def test_an_error_leaves_the_old_file_and_nothing_beside(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as partial:
        partial.write_text("new")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such permissions")
def test_permissions_stay_and_a_link_stays_a_link(tmp_path):
    path, link = tmp_path / "a.txt", tmp_path / "link.txt"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    with replacing(link) as partial:
        partial.write_text("new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640


def test_what_a_killed_process_left_goes_a_day_later(tmp_path):
    path = tmp_path / "a.txt"
    left, fresh = tmp_path / ".a.txt.x.part", tmp_path / ".a.txt.y.part"
    for file in (left, fresh):
        file.touch()
    long_ago = time.time() - 25 * 3600
    os.utime(left, (long_ago, long_ago))
    with replacing(path) as partial:
        partial.write_text("new")
    assert sorted(tmp_path.iterdir()) == sorted([path, fresh])


def test_errors_name_the_file_and_not_the_one_beside(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(FileNotFoundError) as told, replacing(path) as partial:
        partial.unlink()
    assert told.value.filename == str(path)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError) as told, replacing(tmp_path / "no" / "a.txt"):
        pass
    assert str(tmp_path / "no") in str(told.value.filename)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere an open file cannot be replaced")
def test_the_room_of_a_large_file_is_given_back_beside(tmp_path, monkeypatch):
    held = []

    class Beside:
        def __init__(self, target, args, name):
            self.work = lambda: target(*args)
            held.append(os.fstat(args[0]).st_ino)

        def start(self):
            self.work()

    monkeypatch.setattr(atomic, "Thread", Beside)
    monkeypatch.setattr(atomic, "_LARGE_BYTES", 3)
    path = tmp_path / "a"
    path.write_text("before")
    old = path.stat().st_ino
    with replacing(path) as partial:
        partial.write_text("after")
    assert path.read_text() == "after" and held == [old]
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(5, "gone")))
    with pytest.raises(OSError, match="gone"), replacing(path) as partial:
        partial.write_text("never")
    assert path.read_text() == "after" and len(held) == 2
    assert list(tmp_path.iterdir()) == [path]
