"""Copies of unsaved work, each owned by the process that makes it; those without an owner are recovered."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from napari_calcium.io.nwb import save_nwb
from napari_calcium.progress import Progress, silent
from napari_calcium.recording import Recording

__all__ = ["Autosaved", "autosave", "autosave_file", "discard_copy", "left_behind"]

_NAME = re.compile(r"(\d+)-(\d+)-(\d+)\.nwb")


@dataclass(frozen=True)
class Autosaved:
    """Work that a process left behind.

    Attributes
    ----------
    path : Path
        An NWB file that opens as any other.
    name : str
        Of the recording.
    when : datetime
        When it was saved, in local time.
    """

    path: Path
    name: str
    when: datetime

    def discard(self) -> None:
        """Delete it."""
        discard_copy(self.path)


def autosave_file(folder: Path, number: int) -> Path:
    """Return the file of this process's `number`-th window."""
    own = psutil.Process()
    return folder / f"{own.pid}-{int(own.create_time())}-{number}.nwb"


def autosave(
    recording: Recording,
    path: Path,
    selection: Mapping[str, Any] | None = None,
    *,
    on_progress: Progress = silent,
) -> None:
    """Write a copy of a recording; the last one there is replaced whole or not at all.

    Raises
    ------
    OSError
        Where the disk is full or the folder cannot be written to; the last copy is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    save_nwb(recording, path, selection=selection, on_progress=on_progress)
    _note_of(path).write_text(json.dumps({"name": recording.name}), encoding="utf-8")


def discard_copy(path: Path) -> None:
    """Delete a copy with the note beside it; one that is gone already is no error."""
    for one in (path, _note_of(path)):
        with contextlib.suppress(OSError):
            one.unlink(missing_ok=True)


def left_behind(folder: Path) -> tuple[Autosaved, ...]:
    """Return the work of processes that are no more, the newest first."""
    found = []
    for path in folder.glob("*.nwb") if folder.is_dir() else ():
        match = _NAME.fullmatch(path.name)
        if match is None or _lives(int(match[1]), int(match[2])):
            continue
        with contextlib.suppress(OSError):
            when = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
            found.append(Autosaved(path, _name_of(path), when))
    return tuple(sorted(found, key=lambda one: one.when, reverse=True))


def _lives(pid: int, started: int) -> bool:
    """Whether a process is still the one that began then; ids are given anew."""
    if pid == os.getpid():
        return True
    try:
        return abs(int(psutil.Process(pid).create_time()) - started) <= 1
    except psutil.Error:
        return False


def _note_of(path: Path) -> Path:
    return path.with_suffix(".json")


def _name_of(path: Path) -> str:
    try:
        return str(json.loads(_note_of(path).read_text(encoding="utf-8"))["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return "a recording"
