"""Files dropped on a window in which this plugin is at work are opened at once, whatever they are."""

from __future__ import annotations

import weakref
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtGui import QDragLeaveEvent, QGuiApplication
from qtpy.QtWidgets import QApplication, QMainWindow, QWidget

from napari_calcium.io.behaviour_csv import looks_like_behaviour
from napari_calcium.io.errors import ReadError
from napari_calcium.io.tiff import open_movie
from napari_calcium.plurals import count_of
from napari_calcium.recording import Recording
from napari_calcium.widgets.notices import end_notices, is_told_of, show_warning
from napari_calcium.widgets.preferences import preferences
from napari_calcium.widgets.reader_choice import PLUGIN, opens_by_itself, plugin_for
from napari_calcium.widgets.reading import reading_of
from napari_calcium.widgets.worker import Runner, explain

__all__ = ["Dropped", "DroppedFiles", "Kind", "opening_order", "watch_drops"]

_TIFF = (".tif", ".tiff", ".btf", ".tf8")


class Kind(IntEnum):
    """What a file is about, in the order in which files are opened."""

    UNREADABLE = 0
    RECORDING = 1
    PLACES = 2
    BEHAVIOUR = 3

    @property
    def stands_alone(self) -> bool:
        """Whether it is, or may have been, a recording, to which what is dropped with it belongs."""
        return self <= Kind.RECORDING


class Dropped(NamedTuple):
    """A file, or the parts of one movie."""

    kind: Kind
    files: tuple[Path, ...]


class DroppedFiles(QObject):
    """Opens what is dropped on a window, on the image or beside it, without napari's question for a reader.

    Tables, movies, results and other programs' files are told by their content; what is none of this
    plugin's goes to napari's own reader. napari asks as ever with Alt held, where the user has told it what
    to open such files with, where yet another plugin reads them, and where the preference is off.

    Several files come in the order that makes sense: a recording, then the places and pictures of its
    cells, then behaviour. Several movies are the parts of one recording.

    Parameters
    ----------
    viewer : napari.Viewer
    main : QMainWindow
        Its window. The canvas in it takes drops already; beside it napari refuses them.
    """

    def __init__(self, viewer: Any, main: QMainWindow) -> None:
        super().__init__(main)
        self._viewer = weakref.ref(viewer)
        self._waiting: list[Dropped] = []
        self._at_work: list[Runner] = []
        # Of what was opened last: its kind, and the recording before it.
        self._opening = Dropped(Kind.UNREADABLE, ())
        self._before: Recording | None = None
        center = main.centralWidget()
        inside = [center, *center.findChildren(QWidget)] if center is not None else []
        self._canvas = [weakref.ref(widget) for widget in inside if widget.acceptDrops()]
        for widget in (main, *(known() for known in self._canvas)):
            if widget is not None:
                widget.installEventFilter(self)
        main.setAcceptDrops(True)

    def eventFilter(self, watched: QObject | None, event: Any) -> bool:
        """Take what can be opened without asking; leave the rest to napari."""
        if event is None or watched is None:
            return False
        if event.type() in (QEvent.Type.DragEnter, QEvent.Type.DragMove) and watched is self.parent():
            if event.mimeData().hasUrls():
                event.acceptProposedAction()
            return bool(event.mimeData().hasUrls())
        if event.type() != QEvent.Type.Drop or not event.mimeData().hasUrls():
            return False
        groups = _to_open([url.toLocalFile() for url in event.mimeData().urls()])
        if not groups:
            return watched is self.parent() and self._pass_on(event)
        event.acceptProposedAction()
        if watched is not self.parent():
            # Where the drop does not arrive it stays lit up as a place to drop on.
            QApplication.sendEvent(watched, QDragLeaveEvent())
        # Afterwards: the program that the files come from waits for the end of the drop.
        QTimer.singleShot(0, lambda: self.open(groups))
        return True

    def open(self, groups: list[Dropped]) -> None:
        """Open files one after the other; several in one group are the parts of a movie.

        What belongs to a recording comes when that is open, and not at all where it could not be opened.
        """
        self._waiting += groups
        if not self._at_work:
            self._open_next()

    def _open_next(self) -> None:
        viewer = self._viewer()
        if viewer is None or not self._waiting:
            return
        runners = _runners(viewer) if len(self._waiting) > 1 else []
        busy = [runner for runner in runners if runner.busy]
        self._opening = self._waiting.pop(0)
        self._before = _recording_of(viewer)
        _open(viewer, self._opening.files)
        # A large table is read beside the window, and what was made before is saved there.
        runners = _runners(viewer) if self._waiting else []
        self._at_work = [runner for runner in runners if runner.busy and runner not in busy]
        for runner in self._at_work:
            runner.finished.connect(self._on_end)
        if not self._at_work:
            self._go_on()

    def _on_end(self, *_: object) -> None:
        for runner in self._at_work:
            with suppress(RuntimeError, TypeError):
                runner.finished.disconnect(self._on_end)
        # Later: what waited for the end, such as an opening after a saving, is done then.
        QTimer.singleShot(0, self._after_end)

    def _after_end(self) -> None:
        self._at_work = []
        self._go_on()

    def _go_on(self) -> None:
        viewer = self._viewer()
        if viewer is None:
            return
        stayed = self._before is not None and _recording_of(viewer) is self._before
        if stayed and self._opening.kind.stands_alone:
            self._leave_companions(self._opening.files[0].name)
        self._open_next()

    def _leave_companions(self, name: str) -> None:
        """Open nothing of what may belong to a recording that did not open."""
        left: list[str] = []
        while self._waiting and not self._waiting[0].kind.stands_alone:
            left += [path.name for path in self._waiting.pop(0).files]
        if left:
            show_warning(f"{', '.join(left)}: not opened, as {name} was not, to which they may belong.")

    def _pass_on(self, event: Any) -> bool:
        """Hand a drop beside the canvas to napari, as if it were on the canvas."""
        for known in self._canvas:
            widget = known()
            if widget is not None and widget.isVisible():
                # Not sent: Qt would send it to where it was dropped.
                widget.dropEvent(event)
                return True
        return False


def watch_drops(viewer: Any) -> None:
    """Let files dropped on a viewer's window open at once; a viewer without a window has none."""
    window = getattr(viewer, "window", None)
    # napari offers no public way to its main window.
    main = getattr(window, "_qt_window", None)
    if isinstance(main, QMainWindow):
        DroppedFiles(viewer, main)


def opening_order(paths: list[str]) -> list[Dropped]:
    """Return files in the order in which they are to be opened, those of one movie together.

    Parameters
    ----------
    paths : list of str

    Returns
    -------
    list of Dropped
        By kind: what cannot be read, recordings, label images, pictures and ROIs, behaviour; each kind in the
        order given.
        Movies, if there are several, are one group: parts of a recording, to be sorted by the numbers in
        their names.
    """
    dropped = sorted((Dropped(_kind(path), (path,)) for path in map(Path, paths)), key=lambda one: one.kind)
    movies = [one for one in dropped if one.kind == Kind.RECORDING and _is_tiff(one.files[0])]
    if len(movies) < 2:
        return dropped
    parts = Dropped(Kind.RECORDING, tuple(one.files[0] for one in movies))
    return [parts if one is movies[0] else one for one in dropped if one not in movies[1:]]


def _to_open(paths: list[str]) -> list[Dropped]:
    """Return what to open without asking; nothing where it is napari's to decide."""
    keys = QGuiApplication.keyboardModifiers()
    if not preferences().open_dropped or keys & Qt.KeyboardModifier.AltModifier:
        return []
    if not paths or not all(path and Path(path).exists() and opens_by_itself(path) for path in paths):
        return []
    if keys & Qt.KeyboardModifier.ShiftModifier and len(paths) > 1:
        # Parts of one recording, whatever else they may be; a stack of anything else is napari's.
        tiffs = all(_is_tiff(Path(path)) for path in paths)
        return [Dropped(Kind.RECORDING, tuple(map(Path, paths)))] if tiffs else []
    return opening_order(paths)


def _open(viewer: Any, files: tuple[Path, ...]) -> None:
    """Open a file, or the parts of a movie; what goes wrong is said in one line."""
    name = files[0].name if len(files) == 1 else count_of(len(files), "file")
    end_notices()
    try:
        if len(files) == 1:
            viewer.open(str(files[0]), plugin=plugin_for(files[0]))
        else:
            viewer.open([str(file) for file in files], stack=True, plugin=PLUGIN)
    except Exception as error:  # the boundary: above it is only the event loop
        failure = explain(error, f"Opening {name}")
        # Why this plugin did not take it says more than what napari's reader then met with.
        if not is_told_of(name):
            show_warning(f"{name}: not opened. {failure.message}")


def _kind(path: Path) -> Kind:
    """Return which of the recording, the places of its cells and behaviour a file is about."""
    try:
        if _is_tiff(path):
            return Kind.RECORDING if open_movie(path).n_frames > 1 else Kind.PLACES
        if path.suffix.lower() in (".zip", ".roi"):
            return Kind.PLACES
        return Kind.BEHAVIOUR if path.is_file() and looks_like_behaviour(path) else Kind.RECORDING
    except (ReadError, OSError):
        return Kind.UNREADABLE


def _is_tiff(path: Path) -> bool:
    return path.suffix.lower() in _TIFF and path.is_file()


def _recording_of(viewer: Any) -> Recording | None:
    # A session watches for drops: it is what imports this.
    from napari_calcium.widgets.viewer_session import session_of

    return session_of(viewer).recording


def _runners(viewer: Any) -> list[Runner]:
    """Return what may be reading or saving for a viewer."""
    # Loads the whole pipeline, which one file does not need.
    from napari_calcium.widgets.workbench import workbench_of

    beside = reading_of(viewer)
    return [workbench_of(viewer).runner, *([beside] if beside is not None else [])]
