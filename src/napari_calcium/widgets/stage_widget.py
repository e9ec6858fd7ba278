"""One stage on screen: what it does, its settings, a preview, Run, and what came of it."""

from __future__ import annotations

from typing import Any, ClassVar

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_calcium.guidance.advice import advise_stage
from napari_calcium.pipeline import TITLES, PipelineSettings
from napari_calcium.pipeline_settings import MOVIE_STAGES, default_settings
from napari_calcium.plurals import count_of
from napari_calcium.recording import Recording
from napari_calcium.settings import Settings
from napari_calcium.widgets.close_guard import CloseGuard
from napari_calcium.widgets.dock_place import DockPlace
from napari_calcium.widgets.form import message_label
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.plan import StageState, entry_of, not_needed
from napari_calcium.widgets.progress_line import ProgressLine
from napari_calcium.widgets.recording_line import RecordingLine
from napari_calcium.widgets.saving import Saver
from napari_calcium.widgets.union_form import form_for
from napari_calcium.widgets.what_changed import only_choices_differ
from napari_calcium.widgets.workbench import Workbench, workbench_of

__all__ = ["StagePanel", "StageWidget", "cells", "default_of", "scrolling", "state_words"]

_SIGNS = {
    StageState.NOT_RUN: "○",
    StageState.UP_TO_DATE: "✓",
    StageState.STALE: "◐",
    StageState.SKIPPED: "–",
    StageState.NOT_NEEDED: "–",
}


class StagePanel(QWidget):
    """Settings, preview, Run and result of one stage; a subclass a stage says the words.

    Parameters
    ----------
    bench : Workbench
    parent : QWidget, optional

    Attributes
    ----------
    stage : str
        Name of the stage in the pipeline.
    sentence : str
        What the stage does, for someone who has never heard of it.
    previews : bool
        Whether it works cell by cell, so that it can be previewed on the selected ones.
    notes_first : bool
        Whether the notes of the log say what matters most.
    judges : bool
        Whether it shows decisions on events that no result knows yet; all others pass over those.
    """

    stage: ClassVar[str]
    sentence: ClassVar[str]
    previews: ClassVar[bool] = False
    notes_first: ClassVar[bool] = False
    judges: ClassVar[bool] = False

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        annotation = PipelineSettings.model_fields[self.stage].annotation
        self.form = form_for(annotation, bench.plan.stage(self.stage))
        self.preview = QCheckBox("Preview selected cells")
        self.preview.setToolTip(
            "<qt>While you change a setting, the Traces dock shows what this stage would make of the cells "
            "you selected.</qt>"
        )
        self.preview.setChecked(True)
        self.reset = QPushButton("Reset")
        self.reset.setToolTip("Back to the default settings of this stage.")
        self.reset.setAccessibleName(f"Reset {TITLES[self.stage]}")
        self.run = QPushButton("Run")
        self.run.setAccessibleName(f"Run {TITLES[self.stage]}")
        self._note = message_label()
        self._result = message_label()
        self._advised: tuple[Recording | None, Settings] | None = None
        self._shown = bench.session.recording
        self._rests = self._late = False
        self._build()
        self._connect()
        self._show_recording(bench.session.recording)

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say in a line what came of the stage, beyond the notes of its log entry; nothing by default."""
        return ""

    def rest(self, on: bool) -> None:
        """Put off following recording and runs while it is folded away; then it shows what is so."""
        self._rests = on
        if not on and self._late:
            self._show_recording(self._bench.session.recording)

    @property
    def result(self) -> tuple[str, ...]:
        """What came of the stage with the current recording, line by line; empty if it has not run."""
        recording = self._bench.session.recording
        return self.result_of(recording) if recording is not None else ()

    @classmethod
    def result_of(cls, recording: Recording) -> tuple[str, ...]:
        """Return what came of the stage with a recording, line by line; empty if it has not run."""
        if not_needed(recording, cls.stage):
            return (_why_idle(cls.stage),)
        entry = entry_of(recording, cls.stage)
        if entry is None:
            return ()
        lines = (cls.summary(recording), *entry.notes)
        if cls.notes_first:
            lines = (*entry.notes, cls.summary(recording))
        return tuple(line[:1].upper() + line[1:] for line in lines if line)

    def _build(self) -> None:
        sentence = QLabel(self.sentence)
        sentence.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.addWidget(self.preview)
        buttons.addStretch(1)
        buttons.addWidget(self.reset)
        buttons.addWidget(self.run)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (sentence, self.form):
            layout.addWidget(widget)
        layout.addLayout(buttons)
        layout.addWidget(self._note)
        layout.addWidget(self._result)
        self.preview.setVisible(self.previews)

    def _connect(self) -> None:
        bench = self._bench
        self.form.changed.connect(self._edited)
        self.run.clicked.connect(self._run)
        self.reset.clicked.connect(self._reset)
        self.preview.toggled.connect(self._preview_toggled)
        bench.runner.started.connect(self._show_obstacle)
        bench.runner.finished.connect(self._show_obstacle)
        bench.previewer.said.connect(self._previewed)
        links = Links(self)
        links.join(bench.plan.stage_changed, self._follow)
        links.join(bench.session.recording_changed, self._on_recording)

    def _edited(self) -> None:
        if not self.form.error:
            self._bench.plan.set_stage(self.stage, self.form.settings)
            self._show_preview()
        self._show_obstacle()

    def _follow(self, stage: str) -> None:
        settings = self._bench.plan.stage(self.stage)
        if stage != self.stage:
            return
        if self.form.error or self.form.settings != settings:
            self.form.settings = settings
        self._show_obstacle()

    def _run(self) -> None:
        self._note.setVisible(False)
        _say(self._note, self._bench.run_stage(self.stage))

    def _reset(self) -> None:
        self._bench.plan.set_stage(self.stage, default_of(self.stage))
        self.form.settings = self._bench.plan.stage(self.stage)
        self._show_preview()
        self._show_obstacle()

    def _show_preview(self) -> None:
        if self.previews and self.preview.isChecked() and self._bench.session.recording is not None:
            self._bench.previewer.show(self.stage, self._bench.plan.stage(self.stage))

    def _preview_toggled(self, on: bool) -> None:
        if on:
            self._show_preview()
        else:
            self._bench.previewer.stop(self.stage)
            _say(self._note, "")

    def _previewed(self, stage: str, message: str) -> None:
        _say(self._note, message if stage == self.stage else "")

    def _show_advice(self) -> None:
        """Put what looks wrong for these data under the fields it is about."""
        recording, form = self._bench.session.recording, self.form
        if form.error:
            return
        before = self._advised
        # Recordings are compared by identity: equality reads all their traces.
        if before is not None and before[0] is recording and before[1] == form.settings:
            return
        self._advised = (recording, form.settings)
        said: dict[str, str] = {}
        if recording is not None and not not_needed(recording, self.stage):
            said = {item.field: item.text for item in advise_stage(recording, self.stage, form.settings)}
        for name in form.names:
            form.hint(name, f"⚠ {said[name]}" if name in said else "")

    def _show_obstacle(self, *_: object) -> None:
        self._late = self._rests
        if self._rests:
            return
        self._show_advice()
        recording = self._bench.session.recording
        idle = recording is not None and not_needed(recording, self.stage)
        obstacle = self._bench.obstacle()
        self.run.setEnabled(not obstacle and not self.form.error and not idle)
        self.reset.setEnabled(bool(self.form.error) or self.form.settings != default_of(self.stage))
        self.run.setToolTip(obstacle or f"Run {TITLES[self.stage]} on all cells.")

    def _on_recording(self, recording: Recording | None) -> None:
        before, self._shown = self._shown, recording
        if self.judges or not only_choices_differ(before, recording):
            self._show_recording(recording)

    def _show_recording(self, recording: Recording | None) -> None:
        self._show_obstacle()
        if self._late:
            return
        _say(self._note, "")
        _say(self._result, "\n".join(self.result))

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Take the preview away with the settings it shows."""
        super().hideEvent(event)
        if event is None or not event.spontaneous():
            self._bench.previewer.stop(self.stage)


class StageWidget(QWidget):
    """A stage by itself, for the Plugins menu: its panel under a line on the recording, in a scroll area.

    Parameters
    ----------
    napari_viewer : napari.Viewer

    Attributes
    ----------
    panel : type of StagePanel
    name : str
        What ``napari.yaml`` calls the widget.
    """

    panel: ClassVar[type[StagePanel]]
    name: ClassVar[str]

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        bench = workbench_of(napari_viewer)
        self.stage_panel = self.panel(bench)
        self._state = QLabel()
        self._bench = bench
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 4, 0)
        column.addWidget(self.stage_panel)
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(RecordingLine(bench))
        layout.addWidget(self._state)
        layout.addWidget(scrolling(inside), 1)
        progress = ProgressLine(bench.runner)
        layout.addWidget(progress)
        self._guard = CloseGuard(self, bench, napari_viewer, Saver(bench, progress.say, self))
        self._place = DockPlace(self, self.name, "right")
        Links(self).join(bench.plan.states_changed, self._show_state)
        self._show_state()

    @property
    def state(self) -> str:
        """Where the stage stands, as it is shown."""
        return str(self._state.text())

    def showEvent(self, event: QShowEvent | None) -> None:
        """Take a place among the other docks, the first time."""
        super().showEvent(event)
        self._place.on_show()

    def _show_state(self) -> None:
        self._state.setText(state_words(self._bench.plan.state(self.stage_panel.stage)))


class _Column(QScrollArea):
    """A scroll area that is never narrower than what is in it, so that nothing is cut off sideways."""

    def __init__(self, inside: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumHeight(60)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Tab goes to what is in it, and it follows
        self.setWidget(inside)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow what is in it when it needs another width: a state of more words, a form that opens."""
        inside = self.widget()
        if event is not None and event.type() == QEvent.Type.LayoutRequest and watched is inside:
            bar = self.verticalScrollBar()
            if inside is not None and bar is not None:
                self.setMinimumWidth(inside.minimumSizeHint().width() + bar.sizeHint().width())
        return bool(super().eventFilter(watched, event))


def scrolling(inside: QWidget) -> QScrollArea:
    """Return a scroll area around a column of widgets."""
    return _Column(inside)


def _why_idle(stage: str) -> str:
    if stage in MOVIE_STAGES:
        return "The traces did not come from a movie that is open, so there is nothing to do here."
    return "This recording came as ΔF/F, so there is nothing to do here."


def default_of(stage: str) -> Settings:
    """Return the default settings of a stage."""
    return default_settings(stage)


def state_words(state: StageState) -> str:
    """Return a state as the stages' headers show it: a sign and words, no colour needed."""
    return f"{_SIGNS[state]} {state.value}"


def cells(count: int) -> str:
    """Say a number of cells."""
    return count_of(count, "cell")


def _say(label: QLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))
