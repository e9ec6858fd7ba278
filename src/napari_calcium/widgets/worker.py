"""Work in a thread: one job at a time, with progress, time left and cancel."""

from __future__ import annotations

import logging
import queue
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_calcium.progress import Cancelled
from napari_calcium.system_refusal import refusal

__all__ = ["Failure", "Job", "Runner", "explain"]

_log = logging.getLogger(__name__)

_POLL_MS = 40
_FIRST_ESTIMATE_S = 1.0


@dataclass(frozen=True)
class Failure:
    """Why work did not finish.

    Attributes
    ----------
    message : str
        One line for the user.
    details : str
        The traceback.
    """

    message: str
    details: str


class Job:
    """A function at work in a thread of its own.

    Parameters
    ----------
    work : callable
        Takes the job, which is its progress callback and raises :class:`~napari_calcium.progress.Cancelled`
        once :meth:`cancel` was called, and returns the result. It must touch neither Qt nor napari.
    name : str
        What it is called in error messages.

    Attributes
    ----------
    parts : SimpleQueue
        What was handed over so far and not yet taken.

    Notes
    -----
    The thread tells nobody that it is done: the main thread looks (:attr:`done`). So nothing of it can reach
    a window that is closed by then.
    """

    def __init__(self, work: Callable[[Job], Any], name: str) -> None:
        self.name = name
        self.parts: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.result: Any = None
        self.failure: Failure | None = None
        self.cancelled = False
        self._work: Callable[[Job], Any] | None = work
        self._share: float | None = None
        self._stop = threading.Event()
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"napari-calcium {name}")
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether the thread has ended."""
        return not self._thread.is_alive()

    @property
    def share(self) -> float | None:
        """How much is done, 0 to 1; None while that is not known."""
        return self._share

    @property
    def seconds_left(self) -> float | None:
        """Estimate of the time left in seconds; None while it would be a guess."""
        elapsed = time.monotonic() - self._started
        if not self._share or elapsed < _FIRST_ESTIMATE_S:
            return None
        return elapsed * (1 - self._share) / self._share

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop.is_set()

    def cancel(self) -> None:
        """Ask the work to stop at its next report of progress."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end of the thread; return whether it has come."""
        self._thread.join(seconds)
        return self.done

    def __call__(self, done: int, total: int) -> None:
        """Report progress; to be called from the thread."""
        if self._stop.is_set():
            raise Cancelled
        self._share = min(1.0, done / total) if total else None

    def retitle(self, title: str) -> None:
        """Say what the job is at now; to be called from the thread."""
        self.name = title

    def hand_over(self, value: object) -> None:
        """Pass on part of the result while the job goes on; to be called from the thread."""
        self.parts.put(value)

    def _run(self) -> None:
        work, self._work = self._work, None
        assert work is not None
        try:
            self.result = work(self)
        except Cancelled:
            self.cancelled = True
        except BaseException as error:  # the boundary: a thread has nobody above it
            self.failure = explain(error, self.name)
        self.cancelled = self.cancelled or self._stop.is_set()


class Runner(QObject):
    """Runs jobs for one viewer, one at a time.

    Attributes
    ----------
    started : signal of str
        Title of the job.
    progressed : signal of (object, object)
        Share done (0 to 1) and seconds left; None where not known.
    finished : signal of (str, object)
        Title and, where the job failed, its :class:`Failure`; None when it was done or cancelled.
    """

    started = Signal(str)
    progressed = Signal(object, object)
    finished = Signal(str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._job: Job | None = None
        self._failure: Failure | None = None
        self._cancelled = self._superseded = False
        self._title = ""
        self._on_done: Callable[[Any], None] | None = None
        self._on_part: Callable[[Any], None] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether a job is going on."""
        return self._job is not None

    @property
    def title(self) -> str:
        """What is going on, or went on last."""
        return self._title if self._job is None else self._job.name

    @property
    def was_cancelled(self) -> bool:
        """Whether the user cancelled the last job before it was done."""
        return self._cancelled

    def start(
        self,
        title: str,
        work: Callable[[Job], Any],
        on_done: Callable[[Any], None],
        on_part: Callable[[Any], None] | None = None,
    ) -> bool:
        """Start a job unless one is going on.

        Parameters
        ----------
        title : str
            Shown beside the progress bar.
        work : callable
            As for :class:`Job`.
        on_done : callable
            Called with the result, in the main thread; not called after failure or cancelling.
        on_part : callable, optional
            Called in the main thread with each value that the work hands over, before `on_done`. If it
            fails, the job is asked to stop; the runner stays busy until its thread has ended.

        Returns
        -------
        bool
            False if another job is going on; nothing was started then.
        """
        if self.busy:
            return False
        self._failure, self._on_done, self._on_part = None, on_done, on_part
        self._job = Job(work, title)
        self._timer.start()
        self.started.emit(title)
        return True

    def cancel(self) -> None:
        """Ask the job to stop, as the user does; it ends shortly after."""
        self._superseded = False
        if self._job is not None:
            self._job.cancel()

    def supersede(self) -> None:
        """Ask the job to stop as its result would be of before: nobody cancelled it, so nothing is said."""
        if self._job is not None and not self._job.stopping:
            self._superseded = True
            self._job.cancel()

    def abandon(self) -> None:
        """Stop listening and ask the job to stop: for a window that closes.

        Touches nothing of Qt, which may be half gone by then; the timer stops by itself.
        """
        self.cancel()
        self._job = self._on_done = self._on_part = None

    def _look(self) -> None:
        job = self._job
        if job is None:
            self._timer.stop()
            return
        ended = job.done  # asked first: what is handed over before the end is in the queue then
        self._take_parts(job)
        if ended:
            self._finish(job)
        else:
            self.progressed.emit(job.share, job.seconds_left)

    def _take_parts(self, job: Job) -> None:
        while self._on_part is not None and not job.parts.empty():
            try:
                self._on_part(job.parts.get())
            except Exception as error:
                self._failure, self._on_part = explain(error, job.name), None
                job.cancel()

    def _finish(self, job: Job) -> None:
        self._timer.stop()
        failure, on_done = self._failure or job.failure, self._on_done
        # It may have been asked to stop after its thread had ended: the result is not wanted then, either.
        stopped = job.cancelled or job.stopping
        self._cancelled = stopped and failure is None and not self._superseded
        self._superseded = False
        self._title = job.name
        self._job = self._on_done = self._on_part = None
        if failure is None and not stopped and on_done is not None:
            try:
                on_done(job.result)
            except Exception as error:
                failure = explain(error, job.name)
        self.finished.emit(self._title, failure)


def explain(error: BaseException, name: str) -> Failure:
    """Return what to tell the user of an error, and write its traceback to the log."""
    details = "".join(traceback.format_exception(error))
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        message = f"{name}: not enough memory; close other programs or use a shorter recording"
    elif isinstance(error, OSError) and text:
        message = refusal(error)
    elif isinstance(error, ValueError) and text:
        message = text
    else:
        message = f"{name} failed: {type(error).__name__}{f': {text}' if text else ''}"
    _log.error("%s\n%s", message, details)
    return Failure(message, details)
