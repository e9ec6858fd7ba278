"""Unsaved work is kept in a file beside napari's settings, and offered again after a crash."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_calcium.io.autosaves import autosave, autosave_file, discard_copy, left_behind
from napari_calcium.recording import Recording
from napari_calcium.widgets.form import message_label
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.preferences import preferences, storage_folder
from napari_calcium.widgets.recent_files import UNSAVED
from napari_calcium.widgets.selection_kept import selection_of
from napari_calcium.widgets.workbench import Workbench
from napari_calcium.widgets.worker import Job

__all__ = ["Autosave", "RecoveryRow"]

_QUIET_S = 20.0
"""How long nothing may have changed before work is saved: nobody saves in the middle of a thought."""
_LEAST_S = 120.0
"""Between two copies."""
_LOOK_MS = 2_000
_numbers = itertools.count()


def autosave_folder() -> Path | None:
    """Return where copies are kept; None where napari keeps no settings either."""
    folder = storage_folder()
    return None if folder is None else folder / UNSAVED


class Autosave(QObject):
    """Saves the results of a window now and then while they are not saved otherwise.

    Parameters
    ----------
    bench : Workbench
    parent : QObject
        Ends with it; the copy stays if the process dies, and goes when the window is closed in order.
    clock : callable
        Seconds that only grow.
    """

    def __init__(
        self, bench: Workbench, parent: QObject, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(parent)
        self._bench, self._clock = bench, clock
        folder = autosave_folder()
        self.path = None if folder is None else autosave_file(folder, next(_numbers))
        self.failure = ""
        self._kept: Recording | None = None
        self._writing: Recording | None = None
        self._job: Job | None = None
        self._changed_at, self._saved_at = clock(), -float("inf")
        Links(self).join(bench.session.recording_changed, self._on_change)
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self.look)
        if self.path is not None:
            self._timer.start()

    def _on_change(self, recording: Recording | None) -> None:
        self._changed_at = self._clock()

    def look(self) -> None:
        """Save if it is time; called now and then."""
        if self._job is not None:
            if not self._job.done:
                return
            # A failure is not told: nothing of the user's own is lost yet. The next copy may succeed.
            self.failure = "" if self._job.failure is None else self._job.failure.message
            if not self.failure:
                self._kept = self._writing
            self._job = None
        now = self._clock()
        recording = self._bench.session.recording
        if self.path is None or recording is None or not preferences().autosave:
            return
        if not self._bench.has_unsaved_results:
            self.discard()
        elif recording is not self._kept and not self._bench.runner.busy and self._is_time(now):
            self._begin(recording, self.path, now)

    def _is_time(self, now: float) -> bool:
        return now - self._changed_at >= _QUIET_S and now - self._saved_at >= _LEAST_S

    def _begin(self, recording: Recording, path: Path, now: float) -> None:
        selection = selection_of(self._bench.session)
        self._job = Job(lambda p: autosave(recording, path, selection, on_progress=p), "Autosave")
        self._writing, self._saved_at = recording, now

    def wait(self) -> None:
        """Wait until a copy that is being written is there."""
        if self._job is not None:
            self._job.wait()

    def discard(self) -> None:
        """Delete the copy: what is in it was saved, or given up."""
        if self._writing is not None and self.path is not None:
            discard_copy(self.path)
            self._kept = self._writing = None

    def close(self) -> None:
        """Stop, and delete the copy: the window is closed in order."""
        self._timer.stop()
        if self._job is not None:
            self._job.cancel()
            self._job.wait(5.0)
            self._job = None
        self.discard()


class RecoveryRow(QWidget):
    """Offers work that was not saved when the program ended; not there where there is none.

    Parameters
    ----------
    open_file : callable
        Opens a file in this window.
    """

    def __init__(self, open_file: Callable[[str], Any], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._open_file = open_file
        self.text = message_label()
        self.open = QPushButton("Open")
        self.open.setAccessibleName("Open unsaved work")
        self.discard = QPushButton("Discard")
        self.discard.setAccessibleName("Discard unsaved work")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.text, 1)
        row.addWidget(self.open)
        row.addWidget(self.discard)
        self.open.clicked.connect(self._recover)
        self.discard.clicked.connect(self._give_up)
        self.look()

    def look(self) -> None:
        """Show the newest work that was left behind."""
        folder = autosave_folder()
        self._found = left_behind(folder) if folder is not None else ()
        self.setVisible(bool(self._found))
        if self._found:
            newest = self._found[0]
            more = f" (and {len(self._found) - 1} more)" if len(self._found) > 1 else ""
            self.text.setText(f"Unsaved work: {newest.name}, {newest.when:%d %b %H:%M}{more}")
            self.text.setVisible(True)

    def _recover(self) -> None:
        if self._found:
            self._open_file(str(self._found[0].path))
            # It stays until the user discards it, or the work is saved: opening loses nothing.
            self.hide()

    def _give_up(self) -> None:
        if self._found:
            self._found[0].discard()
            self.look()
