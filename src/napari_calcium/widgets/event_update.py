"""Keeps results in step with decisions on events: in the background, the latest wins, as part of the step."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from qtpy.QtCore import QObject, QTimer, Signal

from napari_calcium.pipeline import PipelineSettings
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.settings import SettingsError
from napari_calcium.widgets.event_validation import pending_choices
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.plan import bring_up_to_date, settings_made
from napari_calcium.widgets.workbench import Workbench
from napari_calcium.widgets.worker import Runner

__all__ = ["EventUpdate", "settings_to_update"]

_PAUSE_MS = 700
"""After the last decision: who judges quickly is not disturbed."""


class EventUpdate(QObject):
    """Runs what decisions on events have made out of date, and puts it in the place of the current recording.

    So an update is no step of its own: undo takes back the decision together with what came of it.

    Parameters
    ----------
    bench : Workbench
        While its own runner is at work, nothing is updated.
    parent : QObject, optional

    Attributes
    ----------
    runner : Runner
        Progress and cancel.
    changed : signal
        Whether there is something to update may have changed.
    """

    changed = Signal()

    def __init__(self, bench: Workbench, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._by_itself = False
        self._wanted = False
        self._counted: tuple[Callable[[], Recording | None], int] | None = None
        self.runner = Runner(self)
        self.runner.finished.connect(self._after)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_PAUSE_MS)
        self._soon.timeout.connect(self.update)
        bench.runner.started.connect(self.runner.supersede)
        bench.runner.finished.connect(self._follow)
        links = Links(self)
        links.join(bench.session.recording_changed, self._follow)
        links.add(self.runner.abandon)

    @property
    def by_itself(self) -> bool:
        """Whether results follow soon after the last decision without being asked."""
        return self._by_itself

    @by_itself.setter
    def by_itself(self, on: bool) -> None:
        self._by_itself = on
        self._follow()

    @property
    def pending(self) -> int:
        """How many decisions the results do not know yet."""
        recording = self._bench.session.recording
        if self._counted is None or self._counted[0]() is not recording:
            known = weakref.ref(recording) if recording is not None else _no_recording
            self._counted = known, pending_choices(recording)
        return self._counted[1]

    def update(self) -> None:
        """Bring the results up to date now, as far as they were made before."""
        recording = self._bench.session.recording
        self._soon.stop()
        if recording is None or not self.pending or self._bench.runner.busy:
            return
        if self.runner.busy:
            self._wanted = True
            self.runner.supersede()
            return
        settings = settings_to_update(recording, self._bench.plan.settings)
        if settings is None:
            return

        def work(on_progress: Progress) -> Recording:
            return bring_up_to_date(recording, settings, on_progress=on_progress)

        def done(result: Recording) -> None:
            if self._bench.session.recording is recording:
                self._bench.session.amend(result)

        self.runner.start("Results after your decisions", work, done)
        self.changed.emit()

    def _follow(self, *_: object) -> None:
        if self.runner.busy:
            self.runner.supersede()
        if self._by_itself and self.pending:
            self._soon.start()
        else:
            self._soon.stop()
        self.changed.emit()

    def _after(self, *_: object) -> None:
        if self._wanted:
            self._wanted = False
            self.update()
        self.changed.emit()


def _no_recording() -> None:
    return None


def settings_to_update(recording: Recording, planned: PipelineSettings) -> PipelineSettings | None:
    """Return the settings that made the recording, with the decisions of now; None where they are not known.

    What else the user has changed in the forms since waits for a run of its own.
    """
    try:
        made = settings_made(recording)
    except SettingsError:
        return None
    return made.replace(validation=planned.validation)
