"""Events judged by hand, as a stage of the pipeline dock; the judging itself is done in the Traces dock."""

from __future__ import annotations

from qtpy.QtWidgets import QPushButton, QVBoxLayout

from napari_calcium.events.validation import ValidationSettings
from napari_calcium.plurals import count_of
from napari_calcium.recording import Recording
from napari_calcium.stages.pipeline_validation import with_choices
from napari_calcium.widgets.plan import entry_of
from napari_calcium.widgets.stage_widget import StagePanel
from napari_calcium.widgets.workbench import Workbench

__all__ = ["ValidationPanel", "pending_choices"]


class ValidationPanel(StagePanel):
    """What was decided by hand, how far it is applied, and a way to forget it all."""

    stage = "validation"
    sentence = (
        "Your decisions on single events: accepted, rejected, or added. Judge events in the Traces dock, "
        "button Judge events."
    )
    notes_first = True
    judges = True

    def __init__(self, bench: Workbench) -> None:
        self.forget = QPushButton("Forget all decisions")
        self.forget.setToolTip("Events are as detection found them again. Undo brings the decisions back.")
        super().__init__(bench)
        self.forget.clicked.connect(self._forget)

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say how many decisions the results do not know yet."""
        n = pending_choices(recording)
        return f"{count_of(n, 'decision')} made since; Run all applies them" if n else ""

    def _build(self) -> None:
        super()._build()
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)
        layout.addWidget(self.forget)

    def _reset(self) -> None:
        settings = self._bench.plan.stage(self.stage)
        self._bench.plan.set_stage(self.stage, settings.replace(tolerance=ValidationSettings().tolerance))
        self.form.settings = self._bench.plan.stage(self.stage)
        self._show_obstacle()

    def _forget(self) -> None:
        recording = self._bench.session.recording
        if recording is not None and recording.event_choices:
            self._bench.session.apply(with_choices(recording, ()), "Forget all decisions on events")

    def _show_obstacle(self, *args: object) -> None:
        super()._show_obstacle(*args)
        recording = self._bench.session.recording
        there = recording is not None and bool(recording.event_choices)
        self.forget.setEnabled(there and not self._bench.runner.busy)


def pending_choices(recording: Recording | None) -> int:
    """Return how many decisions on events were made or taken back since the results were made."""
    if recording is None:
        return 0
    entry = entry_of(recording, "validation")
    applied = entry.settings.get("choices", ()) if entry is not None else ()
    return len(set(applied).symmetric_difference(str(choice) for choice in recording.event_choices))
