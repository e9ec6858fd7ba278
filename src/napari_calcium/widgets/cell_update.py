"""Keeps traces in step with cells that are changed by hand: in the background, as part of the step."""

from __future__ import annotations

from qtpy.QtCore import QObject, QTimer, Signal

from napari_calcium.cells.cell_editing import (
    can_read_cells,
    edited_unread,
    neighbours_lag,
    read_edited,
    read_neighbours,
)
from napari_calcium.movie.extraction_settings import ExtractionSettings
from napari_calcium.pipeline import PipelineSettings
from napari_calcium.pipeline_settings import STAGES
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.roi_edits import RoiEdit
from napari_calcium.settings import SettingsError
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.plan import settings_made
from napari_calcium.widgets.workbench import Workbench
from napari_calcium.widgets.worker import Runner

__all__ = ["CellUpdate"]

_PAUSE_MS = 60
"""After the last change: several that come together are read together."""


class CellUpdate(QObject):
    """Reads the traces of changed cells and puts them in the place of the current recording.

    So reading is no step of its own: undo takes back the change together with its traces. A newer change
    cancels what is being read and is read with it. The changed cells come first; then those around them,
    whose neuropil avoids other pixels now.

    Parameters
    ----------
    bench : Workbench
        While its own runner is at work, nothing is read.
    parent : QObject, optional

    Attributes
    ----------
    follow : bool
        Whether later results that were there are made anew as well.
    runner : Runner
        Progress and cancel.
    taken : signal
        The traces are there.
    changed : signal
        Whether there is something to read may have changed.
    """

    taken = Signal()
    changed = Signal()

    def __init__(self, bench: Workbench, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self.follow = False
        self._made: PipelineSettings | None = None
        self._edits: tuple[RoiEdit, ...] = ()
        self._at_work: Recording | None = None
        self._given_up: Recording | None = None
        # The last recording in which no cell's light was of before a change.
        self._settled: Recording | None = None
        self.runner = Runner(self)
        self.runner.finished.connect(self._after)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_PAUSE_MS)
        self._soon.timeout.connect(self.update)
        bench.runner.started.connect(self.runner.supersede)
        bench.runner.finished.connect(self._follow)
        links = Links(self)
        links.join(bench.session.recording_changed, self._on_recording)
        links.add(self.runner.abandon)
        self._on_recording(bench.session.recording)

    @property
    def pending(self) -> int:
        """How many changed cells have no traces yet."""
        recording = self._bench.session.recording
        return len(edited_unread(recording)) if recording is not None else 0

    @property
    def was_given_up(self) -> bool:
        """Whether reading the current recording was cancelled or failed."""
        return self._given_up is not None and self._given_up is self._bench.session.recording

    @property
    def neighbours_due(self) -> bool:
        """Whether cells around changed ones wait to be read, and it is known what was read before."""
        recording = self._bench.session.recording
        return recording is not None and neighbours_lag(recording) and self._is_known(recording)

    def _is_known(self, recording: Recording) -> bool:
        """Whether it is known what was read of the same movie before its cells were changed."""
        before = self._settled
        if before is None or not can_read_cells(recording):
            return False
        return before.movie is recording.movie and before.motion is recording.motion

    def update(self) -> None:
        """Do now what there is to do."""
        recording = self._bench.session.recording
        self._soon.stop()
        if recording is None or not self._due(recording) or self._bench.runner.busy:
            return
        if self.runner.busy:
            self.runner.supersede()
            return
        settings = self._bench.plan.stage("extraction")
        assert isinstance(settings, ExtractionSettings)
        around = not len(edited_unread(recording)) and neighbours_lag(recording)
        # Results are made once all light is read.
        before = self._settled if self._is_known(recording) else None
        follow = self._made if self.follow and (around or before is None) else None

        def work(on_progress: Progress) -> Recording:
            if around and before is not None:
                return read_neighbours(recording, before, settings, on_progress, follow=follow)
            return read_edited(recording, settings, on_progress, follow=follow)

        def done(result: Recording) -> None:
            if self._bench.session.recording is recording:
                self._bench.session.amend(result)
                self.taken.emit()

        self._at_work = recording
        whose = "neighbours" if around else "changed cells"
        self.runner.start(f"Traces of {whose}{'' if follow is None else ', and results'}", work, done)
        self.changed.emit()

    def _due(self, recording: Recording) -> bool:
        """Whether traces are to be read, or results that went with deleted cells to be made anew."""
        if recording.frame_rate is None or recording is self._given_up:
            return False
        if len(edited_unread(recording)) or self.neighbours_due:
            return True
        edits = recording.cell_choice.edits
        more = len(edits) > len(self._edits) and edits[: len(self._edits)] == self._edits
        return self.follow and more and self._made is not None and not can_read_cells(recording)

    def _on_recording(self, recording: Recording | None) -> None:
        if self.runner.busy:
            self.runner.supersede()
        if recording is not None and any(entry.stage in STAGES for entry in recording.log):
            # A change of cells takes results away; how they were made is known from before.
            self._made, self._edits = _made(recording), recording.cell_choice.edits
        if recording is None or not neighbours_lag(recording):
            self._settled = recording if recording is not None and "corrected" in recording.traces else None
        self._follow()

    def _after(self, title: str, failure: object) -> None:
        stopped = self.runner.was_cancelled or failure is not None
        same = self._bench.session.recording is self._at_work
        # What the user has cancelled, or failed, waits for the next change or for a run.
        self._given_up = self._at_work if stopped and same else None
        self._at_work = None
        self._follow()

    def _follow(self, *_: object) -> None:
        recording = self._bench.session.recording
        if recording is not None and not self.runner.busy and self._due(recording):
            self._soon.start()
        self.changed.emit()


def _made(recording: Recording) -> PipelineSettings | None:
    """Return the settings that made the results that are there, None where they are not known."""
    try:
        return settings_made(recording)
    except SettingsError:
        return None
