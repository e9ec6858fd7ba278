"""After a run: what was found, in a line, and a button that leads there."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_calcium.guidance.finding import finding
from napari_calcium.recording import Recording
from napari_calcium.results.tables import Ensembles
from napari_calcium.widgets.form import message_label
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.workbench import Workbench
from napari_calcium.widgets.workspace import workspace_of

__all__ = ["OutcomeRow"]


class OutcomeRow(QWidget):
    """Comes up when a run has looked for ensembles, and goes with the next run or another recording.

    Its button opens the dock of the ensembles and lights up the most active one on the image; where none were
    found, it opens the dock that shows why.

    Parameters
    ----------
    viewer : napari.Viewer
    bench : Workbench
    """

    def __init__(self, viewer: Any, bench: Workbench) -> None:
        super().__init__()
        self._viewer = weakref.ref(getattr(viewer, "__wrapped__", viewer))
        self._bench = bench
        self._before: Ensembles | None = None
        self._shown: Ensembles | None = None
        self.line = message_label()
        self.line.setVisible(True)
        self.lead = QPushButton("Show the ensembles")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.line)
        column.addWidget(self.lead, 0, Qt.AlignmentFlag.AlignRight)
        self.setVisible(False)
        self.lead.clicked.connect(self._go)
        bench.runner.started.connect(self._started)
        bench.runner.finished.connect(self._finished)
        Links(self).join(bench.session.recording_changed, self._follow)

    @property
    def text(self) -> str:
        """The line that stands there now; empty for none."""
        return "" if self.isHidden() else str(self.line.text())

    @property
    def _ensembles(self) -> Ensembles | None:
        recording = self._bench.session.recording
        return recording.ensembles if recording is not None else None

    def _started(self, title: str) -> None:
        self._before = self._ensembles
        self.setVisible(False)

    def _finished(self, title: str, failure: object) -> None:
        recording, found = self._bench.session.recording, self._ensembles
        if recording is None or found is None or found is self._before:
            return
        self._shown = found
        self.line.setText(("✓ " if len(found) else "") + finding(recording))
        self.lead.setText("Show the ensembles" if len(found) else f"Show {_telling(recording)}")
        self.setVisible(True)

    def _follow(self, recording: Recording | None) -> None:
        if self._ensembles is not self._shown:
            self.setVisible(False)

    def _go(self) -> None:
        recording, viewer = self._bench.session.recording, self._viewer()
        if recording is None or recording.ensembles is None or viewer is None:
            return
        known = recording.ensembles
        workspace = workspace_of(viewer)
        if workspace is not None:
            workspace.show("Ensembles" if len(known) else _telling(recording))
        if len(known) and self._bench.session.selection.ensemble is None:
            often = [len(known.activations_of(k)) for k in known.ids]
            self._bench.session.choose_ensemble(known.ids[int(np.argmax(often))])


def _telling(recording: Recording) -> str:
    """Return the dock that shows best why there are no ensembles."""
    events, moments = recording.events, recording.ensemble_events
    if events is None or not len(events):
        return "Traces"
    return "Similarity" if moments is not None and len(moments) else "Coactivity"
