"""The files that were opened last, kept beside napari's settings."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from napari_calcium.atomic import replacing
from napari_calcium.widgets.preferences import storage_folder

__all__ = ["UNSAVED", "recent_files", "remember_file"]

UNSAVED = "napari-calcium-unsaved"
"""Name of the folder with copies of unsaved work."""

_FILE = "napari-calcium-recent.json"
_MOST = 10


def recent_files() -> tuple[Path, ...]:
    """Return files and folders that were opened, the latest first; those that are gone are left out."""
    folder = storage_folder()
    if folder is None:
        return ()
    try:
        listed = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    paths = [Path(one) for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    return tuple(path for path in paths if path.exists())


def remember_file(path: Path) -> None:
    """Put a file at the head of the list; a folder that cannot be written to is no error.

    Copies of unsaved work are left out: they go when it is saved.
    """
    folder = storage_folder()
    path = path.absolute()
    if folder is None or path.parent == folder.absolute() / UNSAVED:
        return
    listed = [str(path), *(str(one) for one in recent_files() if one != path)][:_MOST]
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / _FILE) as partial:
            partial.write_text(json.dumps(listed, indent=1), encoding="utf-8")
