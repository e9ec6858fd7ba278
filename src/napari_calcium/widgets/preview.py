"""What a stage would make of the selected cells, worked out while the user turns a knob."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_calcium.pipeline import preview
from napari_calcium.recording import Recording
from napari_calcium.session import Session
from napari_calcium.settings import Settings
from napari_calcium.widgets.worker import Job

__all__ = ["MOST_CELLS", "Previewer"]

MOST_CELLS = 20
"""Cells in a preview: more would neither be seen nor be quick."""

_DEBOUNCE_MS = 100
_POLL_MS = 15


@dataclass(frozen=True)
class _Wish:
    stage: str
    settings: Settings


class Previewer(QObject):
    """Keeps ``session.preview`` at what the latest settings make of the selected cells.

    Wishes that come while one is worked out wait, and only the latest of them is kept. The preview follows
    the selection, and goes when the recording changes or :meth:`stop` is called.

    Parameters
    ----------
    session : Session
    compute : callable
        As :func:`napari_calcium.pipeline.preview`; another one in tests.

    Attributes
    ----------
    said : signal of (str, str)
        Stage, and why there is no preview of it; an empty line when there is one.
    """

    said = Signal(str, str)

    def __init__(
        self,
        session: Session,
        compute: Callable[[Recording, str, Any, Any], Recording] = preview,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._compute = compute
        self._wish: _Wish | None = None
        self._fresh = False
        self._job: Job | None = None
        self._asked: tuple[_Wish, Recording] | None = None
        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(_DEBOUNCE_MS)
        self._debounce.timeout.connect(self._begin)
        self._poll = QTimer(self)
        self._poll.setInterval(_POLL_MS)
        self._poll.timeout.connect(self._look)
        session.selection.cells_changed.connect(self._again)
        session.recording_changed.connect(self._forget)

    @property
    def stage(self) -> str | None:
        """The stage that is previewed."""
        return self._wish.stage if self._wish is not None else None

    def show(self, stage: str, settings: Settings) -> None:
        """Preview a stage with these settings, soon."""
        self._wish = _Wish(stage, settings)
        self._fresh = False
        self._debounce.start()

    def stop(self, stage: str | None = None) -> None:
        """Take the preview away; with a stage, only if it is that stage's."""
        if self._wish is not None and stage in (None, self._wish.stage):
            self._wish = None
            self._session.preview = None

    def abandon(self) -> None:
        """Stop for good: for a window that closes. Touches nothing of Qt, which may be half gone by then."""
        self._wish = None
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _again(self, cells: tuple[int, ...]) -> None:
        if self._wish is not None:
            self._fresh = False
            self._debounce.start()

    def _forget(self, recording: Recording | None) -> None:
        # The session itself has dropped the preview of the recording before, and a timer finds no wish.
        self._wish = None

    def _begin(self) -> None:
        recording, wish = self._session.recording, self._wish
        if wish is None or recording is None or self._job is not None:
            return
        cells = self._session.selection.cells[:MOST_CELLS]
        self._fresh = True
        if not cells:
            self._session.preview = None
            self.said.emit(wish.stage, "Select a cell to see a preview.")
            return
        self._asked = (wish, recording)
        compute = self._compute
        self._job = Job(
            lambda on_progress: compute(recording, wish.stage, wish.settings, cells),
            f"Preview of {wish.stage}",
        )
        self._poll.start()

    def _look(self) -> None:
        job, asked = self._job, self._asked
        if job is not None and not job.done:
            return
        self._poll.stop()
        if job is None or asked is None:
            return
        self._job = None
        if not self._fresh:
            if not self._debounce.isActive():
                self._begin()
            return
        wish, recording = asked
        if wish == self._wish and recording is self._session.recording:
            self._session.preview = job.result if job.failure is None else None
            self.said.emit(wish.stage, "" if job.failure is None else f"⚠ {job.failure.message}")
