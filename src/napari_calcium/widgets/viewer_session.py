"""One session for each napari viewer, the same from every dock, reader and menu."""

from __future__ import annotations

import weakref
from typing import Any

from napari_calcium.session import Session
from napari_calcium.widgets.canvas import Canvas
from napari_calcium.widgets.dropped_files import watch_drops
from napari_calcium.widgets.registered_layer import RegisteredLayer

__all__ = ["session_of", "viewer_of"]

_sessions: weakref.WeakKeyDictionary[Any, Session] = weakref.WeakKeyDictionary()


def session_of(viewer: Any) -> Session:
    """Return the session of a viewer; the first time it is made, and linked to the viewer's canvas.

    Parameters
    ----------
    viewer : napari.Viewer or napari.components.ViewerModel
        Also the proxy that napari hands to plugins.

    Returns
    -------
    Session
        It lives as long as the viewer, and is closed with it (its scratch files are deleted then).
    """
    # Plugins get a proxy, and every plugin its own: only the viewer behind it is one and the same.
    viewer = getattr(viewer, "__wrapped__", viewer)
    session = _sessions.get(viewer)
    if session is None:
        session = _sessions[viewer] = Session()
        # Views may be half gone by then, and at exit scratch files go by themselves.
        weakref.finalize(viewer, session.release).atexit = False
        # The viewer holds them through its callbacks and its keys.
        Canvas(viewer, session)
        RegisteredLayer(viewer, session)
        watch_drops(viewer)
    return session


def viewer_of(session: Session) -> Any | None:
    """Return the viewer whose session this is; None where it has none, as in a program without a window."""
    return next((viewer for viewer, known in _sessions.items() if known is session), None)
