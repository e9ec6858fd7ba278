"""A place for compiled kernels where neither the installation nor the home folder can be written to.

numba keeps what it compiled beside the source or in the user's cache folder, and refuses to compile at all
where it can write to neither, as in a container without a home. Then a folder of the user's own under the
temporary folder serves.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

__all__ = ["ensure_place"]


def ensure_place() -> None:
    """Point numba to a folder that can be written to, if its usual ones cannot; else do nothing."""
    if "NUMBA_CACHE_DIR" in os.environ or not hasattr(os, "getuid"):
        return
    if _writable(Path(__file__).parent) or _writable(Path.home() / ".cache"):
        return
    place = Path(tempfile.gettempdir()) / f"napari-calcium-kernels-{os.getuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    found = place.lstat()
    # Compiled code is run: a folder that somebody else made or may write to is not used.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        place = Path(tempfile.mkdtemp(prefix="napari-calcium-kernels-"))
    os.environ["NUMBA_CACHE_DIR"] = str(place)


def _writable(folder: Path) -> bool:
    """Whether something can be put into a folder, or into the nearest one above it that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK)
