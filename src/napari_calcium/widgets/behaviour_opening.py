"""Behaviour that is dropped on the window, or chosen in its dock, becomes part of the open recording."""

from __future__ import annotations

import weakref
from pathlib import Path

from napari_calcium.io.behaviour_csv import BehaviourFileSettings, add_behaviour
from napari_calcium.recording import Recording
from napari_calcium.session import Session
from napari_calcium.settings import SettingsError

__all__ = ["add_behaviour_files", "entry_settings", "folder_of", "remember_folder"]

_folders: weakref.WeakKeyDictionary[Session, tuple[str, Path]] = weakref.WeakKeyDictionary()
"""Name and folder of the file that a session was opened from: other files are told relative to it."""


def remember_folder(session: Session, name: str, folder: Path) -> None:
    """Remember where the file of the session's recording lies."""
    _folders[session] = (name, folder)


def folder_of(session: Session, recording: Recording) -> Path | None:
    """Return the folder of the recording's file, None where it is not known."""
    name, folder = _folders.get(session, ("", Path()))
    known = recording.source is not None and recording.source.name == name
    return folder if known else None


def entry_settings(recording: Recording) -> BehaviourFileSettings:
    """Return which files the recording's behaviour was read from."""
    entry = next((e for e in recording.log if e.stage == "behaviour_file"), None)
    try:
        return BehaviourFileSettings.validated(dict(entry.settings) if entry is not None else {})
    except SettingsError:  # of another version of the program
        return BehaviourFileSettings()


def add_behaviour_files(session: Session, recording: Recording, settings: BehaviourFileSettings) -> Recording:
    """Return the recording with behaviour from files, told relative to the recording's where they lie below.

    Raises
    ------
    ReadError
        If a file cannot be read.
    """
    folder = folder_of(session, recording)
    if folder is not None:
        told = {
            name: Path(path).relative_to(folder).as_posix()
            for name, path in settings.model_dump(exclude={"time_unit"}).items()
            if path is not None and Path(path).is_relative_to(folder)
        }
        settings = settings.replace(**told)
    return add_behaviour(recording, settings, folder or Path())
