"""The Calcium pipeline dock: every stage in order, Run all, undo, saving."""

from __future__ import annotations

from functools import cache
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShowEvent
from qtpy.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QShortcut,
    QVBoxLayout,
    QWidget,
)

from napari_calcium.guidance.run_estimate import estimate_run
from napari_calcium.pipeline import STAGES, TITLES, PipelineSettings
from napari_calcium.pipeline_settings import MOVIE_STAGES
from napari_calcium.recording import Recording, Source
from napari_calcium.widgets.autosave import Autosave, RecoveryRow
from napari_calcium.widgets.background import BackgroundPanel
from napari_calcium.widgets.baseline import BaselinePanel
from napari_calcium.widgets.behaviour_stages import (
    BehaviourPanel,
    DecodingPanel,
    PreferencesPanel,
    RelationsPanel,
    TriggeredPanel,
    TuningPanel,
)
from napari_calcium.widgets.close_guard import CloseGuard
from napari_calcium.widgets.cluster_box import ClusterBox
from napari_calcium.widgets.coactivity import CoactivityPanel
from napari_calcium.widgets.correlation import CorrelationPanel
from napari_calcium.widgets.coupling import CouplingPanel
from napari_calcium.widgets.denoise import DenoisePanel
from napari_calcium.widgets.dimensionality import DimensionalityPanel
from napari_calcium.widgets.dock_place import DockPlace
from napari_calcium.widgets.docks_menu import DocksMenu
from napari_calcium.widgets.ensemble_detection import EnsemblesPanel
from napari_calcium.widgets.event_detection import EventsPanel
from napari_calcium.widgets.event_validation import ValidationPanel
from napari_calcium.widgets.extraction import ExtractionPanel
from napari_calcium.widgets.features import FeaturesPanel
from napari_calcium.widgets.files_menu import FilesMenu, open_file
from napari_calcium.widgets.form import message_label
from napari_calcium.widgets.indicator_box import IndicatorBox
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.neuron_clusters import CellClustersPanel
from napari_calcium.widgets.notices import end_notices
from napari_calcium.widgets.outcome_row import OutcomeRow
from napari_calcium.widgets.plan import StageState, entry_of, not_needed, pending
from napari_calcium.widgets.population_activity import PopulationActivityPanel
from napari_calcium.widgets.progress_line import ProgressLine
from napari_calcium.widgets.recording_line import RecordingLine
from napari_calcium.widgets.registration import RegistrationPanel
from napari_calcium.widgets.rows import ChoiceBox
from napari_calcium.widgets.saving import Saver
from napari_calcium.widgets.section import Section
from napari_calcium.widgets.segmentation import SegmentationPanel
from napari_calcium.widgets.significance import SignificancePanel
from napari_calcium.widgets.sorting import SortingPanel
from napari_calcium.widgets.spikes import SpikesPanel
from napari_calcium.widgets.stage_panels import StagePanels
from napari_calcium.widgets.stage_widget import StagePanel, scrolling, state_words
from napari_calcium.widgets.start_row import StartRow
from napari_calcium.widgets.workbench import workbench_of

__all__ = ["RUNNING", "PipelineDock"]

_PANELS: dict[str, type[StagePanel]] = {
    panel.stage: panel
    for panel in (
        RegistrationPanel,
        SegmentationPanel,
        ExtractionPanel,
        BaselinePanel,
        BackgroundPanel,
        DenoisePanel,
        SpikesPanel,
        EventsPanel,
        ValidationPanel,
        CoactivityPanel,
        SignificancePanel,
        EnsemblesPanel,
        FeaturesPanel,
        PopulationActivityPanel,
        CorrelationPanel,
        CouplingPanel,
        DimensionalityPanel,
        CellClustersPanel,
        BehaviourPanel,
        SortingPanel,
        RelationsPanel,
        TuningPanel,
        TriggeredPanel,
        PreferencesPanel,
        DecodingPanel,
    )
}
_MODES = ("Calibrated", "Course", "Own settings")
_MODE_TIPS = (
    "The default: the exact null given each cell's slow rate, and ensembles checked against chance.",
    "Step by step as the course's text has it, with a line saying how much chance alone would give.",
    "Some setting differs from both.",
)


_WORTH_SAYING_S = 10.0
RUNNING = "▶ running"
"""State of the stage at work, in place of how it stood."""


class PipelineDock(QWidget):
    """Every stage in run order, with Run all, Cancel, Undo and Redo, and saving.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self._bench = workbench_of(napari_viewer)
        self._running = ""
        self._opened: Source | None = None
        self.progress = ProgressLine(self._bench.runner)
        self.outcome = OutcomeRow(napari_viewer, self._bench)
        self.saver = Saver(self._bench, self.progress.say, self)
        self.mode = ChoiceBox()
        self.indicator = IndicatorBox(self._bench.plan)
        self.cluster = ClusterBox(self._bench)
        self.docks = DocksMenu(napari_viewer)
        self.run_all = QPushButton("Run all")
        self.estimate = message_label()
        self.undo = QPushButton("Undo")
        self.redo = QPushButton("Redo")
        self.save = QPushButton("Save results…")
        self.files = FilesMenu(napari_viewer, self.saver)
        self.start = StartRow(napari_viewer, self.progress.say)
        self.recovery = RecoveryRow(lambda path: open_file(napari_viewer, path, self.progress.say))
        self.history = QPushButton("History")
        self.pipeline = QPushButton("Pipeline")
        self.sections: dict[str, Section] = {}
        self.panels = StagePanels(self._bench, _PANELS, self.sections)
        self._build()
        self._connect()
        self._place = DockPlace(self, "Calcium pipeline", "right")
        self._autosave = Autosave(self._bench, self)
        self._guard = CloseGuard(self, self._bench, napari_viewer, self.saver, self._autosave.close)
        self._show_states()
        self._show_history()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Take a place among the other docks, the first time."""
        super().showEvent(event)
        self._place.on_show()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.recovery)
        layout.addWidget(RecordingLine(self._bench))
        layout.addWidget(self.start)
        layout.addLayout(self._mode_row())
        layout.addLayout(self._button_row())
        layout.addWidget(self.estimate)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 4, 0)
        column.setSpacing(2)
        for stage in TITLES:
            column.addWidget(self._section(stage))
        column.addStretch(1)
        layout.addWidget(scrolling(inside), 1)
        layout.addWidget(self.outcome)
        layout.addWidget(self.progress)
        layout.addLayout(self._file_row())
        self.setMinimumWidth(350)

    def _mode_row(self) -> QFormLayout:
        for name, tip in zip(_MODES, _MODE_TIPS, strict=True):
            self.mode.addItem(name)
            self.mode.setItemData(self.mode.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        row = QFormLayout()
        row.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for words, box in (("Analysis", self.mode), ("Indicator", self.indicator)):
            label = QLabel(words)
            label.setBuddy(box)
            row.addRow(label, box)
        row.addRow(self.cluster.label, self.cluster)
        return row

    def _button_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(self.run_all, 1)
        row.addWidget(self.undo)
        row.addWidget(self.redo)
        row.addWidget(self.docks)
        return row

    def _file_row(self) -> QHBoxLayout:
        menu = QMenu(self.pipeline)
        menu.addAction("Save pipeline as YAML…", self.saver.save_pipeline)
        menu.addAction("Load pipeline from YAML…", self.saver.load_pipeline)
        menu.addSeparator()
        menu.addAction("Default settings", lambda: self._bench.plan.load(PipelineSettings()))
        self.pipeline.setMenu(menu)
        self.history.setMenu(QMenu(self.history))
        self.history.setToolTip("Everything that was done, to go back to any step of it.")
        self.pipeline.setToolTip(
            "Save or load the settings of all stages: the file reruns the analysis anywhere."
        )
        row = QHBoxLayout()
        row.addWidget(self.save, 1)
        row.addWidget(self.files)
        row.addWidget(self.history)
        row.addWidget(self.pipeline)
        return row

    def _section(self, stage: str) -> Section:
        section = Section(TITLES[stage], None, "Part of the analysis; without the tick it is skipped.")
        section.is_ticked = self._bench.plan.is_enabled(stage)
        section.ticked.connect(lambda on: self._bench.plan.set_enabled(stage, on))
        section.opened.connect(lambda on: self.panels.follow(stage, is_open=on))
        self.sections[stage] = section
        return section

    def _connect(self) -> None:
        bench = self._bench
        self.run_all.clicked.connect(self._run_all)
        self.undo.clicked.connect(self._undo)
        self.redo.clicked.connect(self._redo)
        self.save.clicked.connect(lambda: self.saver.save_results())  # not its "checked" as `then`
        self.mode.activated.connect(self._choose_mode)
        self.history.menu().aboutToShow.connect(self._list_history)
        for keys, slot in (
            ("Ctrl+Alt+Z", self._undo),
            ("Ctrl+Alt+Shift+Z", self._redo),
            ("Ctrl+Alt+R", self._run_all),
        ):
            QShortcut(QKeySequence(keys), self, activated=slot)
        bench.runner.started.connect(lambda _: end_notices())
        for signal in (bench.runner.started, bench.runner.progressed, bench.runner.finished):
            signal.connect(self._follow_run)
        links = Links(self)
        links.join(bench.plan.states_changed, self._show_states)
        links.join(bench.session.history_changed, self._show_history)
        links.join(bench.session.recording_changed, self._on_recording)

    def _on_recording(self, recording: Recording | None) -> None:
        """Forget what was said of a recording that is not open any more."""
        opened = recording.source if recording is not None else None
        if opened != self._opened and not self._bench.runner.busy:
            self.progress.say("")
        self._opened = opened

    def _run_all(self) -> None:
        if not self._errors():
            self.progress.say(self._bench.run_all())

    def _errors(self) -> bool:
        """Whether a form cannot be used as it is; the first such is opened."""
        for stage, panel in self.panels.items():
            if panel.form.error and self._bench.plan.is_enabled(stage):
                self.sections[stage].is_open = True
                self.progress.say(f"⚠ {TITLES[stage]}: {panel.form.error}")
                return True
        return False

    def _undo(self) -> None:
        if not self._bench.runner.busy:
            self._bench.session.undo()

    def _redo(self) -> None:
        if not self._bench.runner.busy:
            self._bench.session.redo()

    def _list_history(self) -> None:
        session, menu = self._bench.session, self.history.menu()
        menu.clear()
        for position in range(1, len(session.history)):
            action = menu.addAction(session.history[position])
            action.setCheckable(True)
            action.setChecked(position == session.position)
            action.triggered.connect(lambda _=False, to=position: session.go_to(to))

    def _choose_mode(self, index: int) -> None:
        if index < 2:
            self._bench.plan.load(PipelineSettings() if index == 0 else PipelineSettings.course())
        self._show_mode()

    def _show_mode(self) -> None:
        own = _stages_of(self._bench.plan.settings)
        presets = _presets()
        index = presets.index(own) if own in presets else 2
        self.mode.setCurrentIndex(index)
        self.mode.setToolTip(f"<qt>{_MODE_TIPS[index]}</qt>")

    def _show_states(self) -> None:
        plan, recording = self._bench.plan, self._bench.session.recording
        for stage, section in self.sections.items():
            state = plan.state(stage)
            section.state = RUNNING if TITLES[stage] == self._running else state_words(state)
            section.is_ticked = plan.is_enabled(stage)
            if stage in MOVIE_STAGES:
                section.setVisible(recording is not None and not not_needed(recording, "registration"))
            lines = _PANELS[stage].result_of(recording) if recording is not None else ()
            section.brief = lines[0] if lines else ""
            section.setToolTip(_took(recording, stage) if state is StageState.UP_TO_DATE else "")
        self._show_mode()
        self._show_estimate()
        self._show_busy()

    def _show_estimate(self) -> None:
        """Say what Run all will take, where it takes so long that one wants to know."""
        recording, words = self._bench.session.recording, ""
        if recording is not None and recording.frame_rate is not None and not self._bench.runner.busy:
            settings = self._bench.plan.settings
            needs = estimate_run(recording, settings, pending(recording, settings))
            shortage = needs.shortage()
            if shortage:
                words = f"⚠ Run all: {shortage}"
            elif needs.seconds >= _WORTH_SAYING_S:
                words = f"Run all takes {needs.words}"
        self.estimate.setText(words)
        self.estimate.setVisible(bool(words))

    def _follow_run(self, *_: object) -> None:
        running = self._bench.runner.title if self._bench.runner.busy else ""
        if running != self._running:
            self._running = running
            self._show_states()

    def _show_history(self) -> None:
        session = self._bench.session
        self.undo.setToolTip(
            f"Undo: {session.history[session.position]} (Ctrl+Alt+Z)" if session.can_undo else "Undo"
        )
        self.redo.setToolTip(
            f"Redo: {session.history[session.position + 1]} (Ctrl+Alt+Shift+Z)"
            if session.can_redo
            else "Redo"
        )
        self._show_busy()

    def _show_busy(self, *_: object) -> None:
        session, obstacle = self._bench.session, self._bench.obstacle()
        free = not self._bench.runner.busy
        self.run_all.setEnabled(not obstacle)
        self.run_all.setToolTip(obstacle or "Run every stage that is not up to date (Ctrl+Alt+R).")
        self.undo.setEnabled(free and session.can_undo)
        self.history.setEnabled(free and len(session.history) > 1)
        self.redo.setEnabled(free and session.can_redo)
        self.save.setEnabled(free and session.recording is not None)
        self.save.setToolTip("Write traces, events, ensembles, figures and the pipeline into a folder.")


@cache
def _presets() -> tuple[tuple[object, ...], ...]:
    return _stages_of(PipelineSettings()), _stages_of(PipelineSettings.course())


def _stages_of(settings: PipelineSettings) -> tuple[object, ...]:
    # Decisions on single events are about one recording: no preset has any.
    return tuple(getattr(settings, stage) for stage in STAGES if stage != "validation")


def _took(recording: Recording | None, stage: str) -> str:
    entry = entry_of(recording, stage)
    return f"Took {entry.seconds:.2g} s" if entry is not None else ""
