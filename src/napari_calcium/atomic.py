"""Replace a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

__all__ = ["replacing", "umask"]

_ABANDONED_S = 24 * 3600.0
_LARGE_BYTES = 1 << 26


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a path beside `path` to write to, and put the file in its place when all went well.

    Whatever happens in between (an error, a full disk, a killed process, a power cut), what is at `path` is
    the old file whole or the new one whole. What a killed process left beside it is removed by a save a day
    later.

    Raises
    ------
    OSError
        Where the folder cannot be written to; nothing has changed then.
    """
    target = Path(path)
    # A link stays a link to the file it names.
    target = target.resolve() if target.is_symlink() else target
    prefix = f".{target.name}."
    _sweep(target.parent, prefix)
    partial = _place_beside(target, prefix)
    try:
        yield partial
        partial.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~umask())
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        _put_in_place(partial, target)
        _sync_folder(target.parent)
    except OSError as error:
        # The user knows the file by its own name.
        if error.filename == str(partial):
            error.filename, error.filename2 = str(target), None
        raise
    finally:
        partial.unlink(missing_ok=True)


def umask() -> int:
    """Return which permissions the user withholds from new files."""
    current = os.umask(0o022)
    os.umask(current)
    return current


def _place_beside(target: Path, prefix: str) -> Path:
    try:
        handle, name = tempfile.mkstemp(".part", prefix, target.parent)
    except OSError as error:
        error.filename = str(target)
        raise
    os.close(handle)
    return Path(name)


def _sweep(folder: Path, prefix: str) -> None:
    for path in folder.iterdir():
        if path.name.startswith(prefix) and path.name.endswith(".part"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _ABANDONED_S:
                    path.unlink()


def _put_in_place(partial: Path, target: Path) -> None:
    """Rename a file; the room of a large one that it replaces is given back beside, as that takes long.

    As long as the old file is open, the system has nothing to do but to change the name.
    """
    old = None
    if os.name == "posix" and target.is_file() and target.stat().st_size > _LARGE_BYTES:
        with suppress(OSError):
            old = os.open(target, os.O_RDONLY)
    try:
        partial.replace(target)
    finally:
        if old is not None:
            Thread(target=os.close, args=(old,), name="closes a replaced file").start()


def _sync_folder(folder: Path) -> None:
    """Make the new name itself last; Windows has no such call and needs none."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
