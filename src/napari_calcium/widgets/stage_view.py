"""Docks that show what one stage found: where it has not run, a button runs it."""

from __future__ import annotations

from typing import Any, ClassVar

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_calcium.pipeline import TITLES
from napari_calcium.recording import Recording
from napari_calcium.widgets.progress_line import ProgressLine
from napari_calcium.widgets.view_dock import ViewDock
from napari_calcium.widgets.workbench import Workbench, workbench_of

__all__ = ["StageView", "pick_cell", "told"]


class StageView(ViewDock):
    """A view dock of a stage of the pipeline.

    Parameters
    ----------
    napari_viewer : napari.Viewer

    Attributes
    ----------
    stage : str
        Name of the stage in the pipeline.
    part : str
        What it writes into the recording's population.
    run : QPushButton
        Runs the stage with the settings of the pipeline dock; shown while there is nothing to see.
    """

    stage: ClassVar[str]
    part: ClassVar[str]
    what: ClassVar[str]
    """What the stage gives, to be said where it has not run."""

    def __init__(self, napari_viewer: Any) -> None:
        self._bench: Workbench = workbench_of(napari_viewer)
        super().__init__(napari_viewer)
        self._add_run()

    def _add_run(self) -> None:
        """Put a button under the hint, in the place of the hint alone."""
        self.run = QPushButton(f"Run {TITLES[self.stage]}")
        self.run.setToolTip("With the settings in the Calcium pipeline dock")
        self.run.clicked.connect(self._on_run)
        self.progress = ProgressLine(self._bench.runner)
        page = QWidget()
        column = QVBoxLayout(page)
        column.addStretch(1)
        column.addWidget(self.hint)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.run)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self.progress)
        column.addStretch(1)
        self.pages.insertWidget(0, page)
        self.pages.setCurrentIndex(0)
        self.hint.show()  # the pages had hidden it when it left them
        self.run.hide()

    def found(self, recording: Recording | None) -> Any | None:
        """Return what the stage found, None where it has not run."""
        population = recording.population if recording is not None else None
        return getattr(population, self.part) if population is not None else None

    def hint_for(self, recording: Recording) -> str:
        """Say what the dock would show, while the stage has not run."""
        if self.found(recording) is not None:
            return self.empty_for(recording)
        return self.what

    def empty_for(self, recording: Recording) -> str:
        """Return why there is nothing to see although the stage has run; empty where there is."""
        return "" if recording.n_rois else f"{recording.name} holds no cells."

    def refresh(self) -> None:
        """Draw what is so now; offer the button only where it would help."""
        super().refresh()
        recording = self.recording
        if hasattr(self, "run"):
            helps = recording is not None and recording.n_rois > 0 and self.found(recording) is None
            self.run.setVisible(helps)

    def _on_run(self) -> None:
        why = self._bench.run_stage(self.stage)
        if why:
            self.progress.say(why)


def told(text: str = "") -> QLabel:
    """Return a line of text that may be cut and never makes the dock wider."""
    label = QLabel(text)
    label.setContentsMargins(6, 0, 6, 2)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setMinimumWidth(60)
    return label


def pick_cell(dock: Any, cell: int, *, add: bool) -> None:
    """Select a cell as in every view: alone and in focus, or with Shift beside the others, or out of them."""
    cells = dock.session.selection.cells
    if not add:
        dock.cells_picked.emit((cell,))
        dock.focus_picked.emit(cell)
    elif cell in cells:
        dock.cells_picked.emit(tuple(c for c in cells if c != cell))
    else:
        dock.cells_picked.emit((*cells, cell))
