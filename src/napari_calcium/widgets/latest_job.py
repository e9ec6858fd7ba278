"""Work beside the window of which only the latest counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QObject, QTimer

from napari_calcium.progress import Progress
from napari_calcium.widgets.notices import show_warning
from napari_calcium.widgets.worker import Job

__all__ = ["LatestJob"]

_POLL_MS = 8


@dataclass(frozen=True)
class _Wish:
    name: str
    work: Callable[[Progress], Any]
    on_done: Callable[[Any], None]


class LatestJob(QObject):
    """Prepares what a view shows in a thread; a newer wish cancels the one at work and takes its place.

    What goes wrong is told in one line, as napari tells of anything; the rest is in the log.

    Parameters
    ----------
    owner : QObject, optional
        The view; it is asked for the wish's result only while it lives. Without one, whoever made the job
        keeps it and abandons it (:meth:`abandon`).
    """

    def __init__(self, owner: QObject | None = None) -> None:
        super().__init__(owner)
        self._job: Job | None = None
        self._at_work: _Wish | None = None
        self._next: _Wish | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether something is being prepared."""
        return self._job is not None

    def ask(self, name: str, work: Callable[[Progress], Any], on_done: Callable[[Any], None]) -> None:
        """Wish for something; `on_done` gets it in the main thread unless there is a newer wish by then."""
        self._next = _Wish(name, work, on_done)
        if self._job is None:
            self._begin()
        else:
            self._job.cancel()

    def abandon(self) -> None:
        """Ask the work to stop and forget it. Touches nothing of Qt, which may be half gone by then."""
        self._next = None
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _begin(self) -> None:
        self._at_work, self._next = self._next, None
        if self._at_work is not None:
            self._job = Job(self._at_work.work, self._at_work.name)
            self._timer.start()

    def _look(self) -> None:
        job, wish = self._job, self._at_work
        if job is not None and not job.done:
            return
        self._timer.stop()
        self._job = None
        if job is None or wish is None:
            return
        if self._next is not None:
            self._begin()
        elif job.failure is not None:
            show_warning(job.failure.message)
        elif not job.cancelled:
            wish.on_done(job.result)
