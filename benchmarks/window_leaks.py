"""Open and close the Explore workspace again and again: what stays behind?

Needs a display: ``tools/with-screen python benchmarks/window_leaks.py [TIMES]``. Prints the memory of the
process after each round, how many of our docks are still alive, and how many listeners the session has.
"""

from __future__ import annotations

import gc
import os
import sys
import weakref
from pathlib import Path
from typing import Any

os.environ["NAPARI_CONFIG"] = ""

_PAGE = os.sysconf("SC_PAGE_SIZE")
_DELETE = 52  # QEvent.DeferredDelete


def resident_mb() -> float:
    """Return the memory that the process holds now, in MB (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE / 1e6


def settle(times: int = 10) -> None:
    """Let Qt do what it has put off, deletions too."""
    from qtpy.QtWidgets import QApplication

    for _ in range(times):
        QApplication.processEvents()
    QApplication.sendPostedEvents(None, _DELETE)
    gc.collect()


def listeners(session: Any) -> int:
    """Return how many slots hang on a session and its selection."""
    selection = session.selection
    signals = [session.recording_changed, session.history_changed, session.preview_changed]
    signals += [
        getattr(selection, f"{name}_changed") for name in ("cells", "focus", "ensemble", "time", "span")
    ]
    return sum(len(signal) for signal in signals)


def one_round(viewer: Any) -> list[weakref.ref[Any]]:
    """Open all docks that are of use, show each once, and close them; return what should be gone."""
    from napari_calcium.widgets.dock_place import our_docks
    from napari_calcium.widgets.workspace import workspace_of

    workspace = workspace_of(viewer)
    assert workspace is not None
    workspace.arrange()
    settle()
    main = viewer.window._qt_window
    gone = []
    for dock in our_docks(main):
        dock.raise_()
        settle(2)
        gone.append(weakref.ref(dock.widget()))
        viewer.window.remove_dock_widget(dock)
        del dock
    settle()
    return gone


def main(times: int) -> None:
    """Print a line a round."""
    import napari
    from bench_docks import population

    from napari_calcium.widgets.viewer_session import session_of

    viewer = napari.Viewer()
    session = session_of(viewer)
    session.open(population(300, 2000))
    for k in range(times):
        gone = one_round(viewer)
        alive = sum(ref() is not None for ref in gone)
        heard = listeners(session)
        print(f"{k + 1:3}: {resident_mb():7.1f} MB, {alive} of {len(gone)} docks alive, {heard} listeners")
    viewer.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
