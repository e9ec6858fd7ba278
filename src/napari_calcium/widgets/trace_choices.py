"""The line over the traces: which stages are drawn, and what can be done with them."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QWidget
from superqt import QFlowLayout

from napari_calcium.recording import Recording
from napari_calcium.widgets.plots.traces_plot import trace_color
from napari_calcium.widgets.theme import PlotColors, readable

__all__ = ["TraceChoices"]

_STAGES = {
    "raw": "Raw",
    "neuropil": "Neuropil",
    "corrected": "Corrected",
    "baseline": "F0",
    "dff": "ΔF/F",
    "background_corrected": "Background-corrected",
    "denoised": "Denoised",
    "spikes": "Spikes",
}
_SPIKES_TIP = (
    "<qt>Draw what was inferred, in a lane under the trace: spikes/s, or, deconvolved, the height of the "
    "transients in ΔF/F. Ticks at the top are single spikes, where the stage placed them. The band is the "
    "rate, smoothed by 50 ms, ± 1 SD of its error on recordings that the network had not seen; zoom in to "
    "see it.</qt>"
)
_JUDGE_TIP = (
    "<qt>Accept, reject and add events by hand. N and P: next and previous event. A: accept. R: reject. "
    "Drag over a trace, double click, or I at the cursor: add. Delete: take away. Z: undo. Meanwhile the "
    "plot moves with the middle button and zooms with the wheel.</qt>"
)


class TraceChoices(QWidget):
    """Ticks for what is drawn, buttons for what can be done, and two notes; in two lines where it is narrow.

    Parameters
    ----------
    *buttons : QWidget
        More buttons, after the others.

    Attributes
    ----------
    changed : signal
        Something else is to be drawn.
    boxes : dict of str to QCheckBox
        A tick for each stage of the traces; those of stages that did not run are hidden.
    events_box, scale_box : QCheckBox
        Whether events are marked, and whether all lanes have one scale.
    judge_button, all_button : QPushButton
    note, clock : QLabel
        What is not drawn, and the moment under the cursor.
    """

    changed = Signal()

    def __init__(self, *buttons: QWidget) -> None:
        super().__init__()
        self._recording: Recording | None = None
        self._chosen: dict[str, bool] = {}
        self.boxes = {name: QCheckBox(words) for name, words in _STAGES.items()}
        for name, box in self.boxes.items():
            box.toggled.connect(lambda on, name=name: self._on_stage(name, on))
            box.setToolTip(f"Draw the {_STAGES[name]} trace of each selected cell")
        self.boxes["spikes"].setToolTip(_SPIKES_TIP)
        self.events_box, self.scale_box = QCheckBox("Events"), QCheckBox("Same scale")
        self.events_box.setToolTip("Mark the onset of each event at the foot of the trace")
        self.scale_box.setToolTip("On: amplitudes compare between cells. Off: each cell fills its lane.")
        for box in (self.events_box, self.scale_box):
            box.setChecked(True)
            box.toggled.connect(lambda *_: self.changed.emit())
        self.judge_button = QPushButton("Judge events")
        self.judge_button.setCheckable(True)
        self.judge_button.setToolTip(_JUDGE_TIP)
        self.all_button = QPushButton("Whole recording")
        self.all_button.setToolTip("Show the whole recording (double click on the plot, or Home)")
        self.note, self.clock = QLabel(), QLabel()
        self.clock.setToolTip("The moment under the cursor: pull the red line, or click on a trace")
        self._lay_out((*self.boxes.values(), self.events_box, self.scale_box))
        # Beside the ticks, a long note would leave them a column of one.
        for widget in (self.judge_button, self.all_button, *buttons, self.note):
            self._flow.addWidget(widget)

    @property
    def stages(self) -> list[str]:
        """The stages that are to be drawn."""
        return [name for name, box in self.boxes.items() if box.isChecked()]

    def show_recording(self, recording: Recording | None) -> None:
        """Offer the stages that a recording has; those the user ticked before stay so."""
        self._recording = recording
        for name, box in self.boxes.items():
            there = recording is not None and name in recording.traces
            box.setVisible(there)
            box.blockSignals(True)
            box.setChecked(there and self._chosen.get(name, self._by_default(name)))
            box.blockSignals(False)
        there = recording is not None and recording.events is not None
        self.events_box.setVisible(there)
        self.judge_button.setVisible(there)
        self.judge_button.setChecked(there and self.judge_button.isChecked())

    def set_colors(self, colors: PlotColors) -> None:
        """Write each stage in the colour of its trace."""
        for name, box in self.boxes.items():
            box.setStyleSheet(f"QCheckBox {{ color: {readable(trace_color(name), colors.background)}; }}")

    def _lay_out(self, ticks: Sequence[QWidget]) -> None:
        self._flow = QFlowLayout()  # takes a second line where the first is too short for all
        self._flow.setContentsMargins(0, 0, 0, 0)
        self._flow.setHorizontalSpacing(10)
        self._flow.setVerticalSpacing(2)
        for widget in ticks:
            self._flow.addWidget(widget)
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 2, 6, 0)
        row.setSpacing(10)
        row.addLayout(self._flow, 1)
        row.addWidget(self.clock)

    def _by_default(self, name: str) -> bool:
        """Whether a stage is drawn until the user says otherwise: first and last stage of the newest unit."""
        traces = self._recording.traces if self._recording is not None else {}
        if "dff" not in traces:
            return name in ("raw", "corrected", "baseline", "spikes")
        last = [stage for stage in ("background_corrected", "denoised") if stage in traces]
        return name in ("dff", *last[-1:], "spikes")

    def _on_stage(self, name: str, on: bool) -> None:
        self._chosen[name] = on
        self.changed.emit()
