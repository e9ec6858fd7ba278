"""The Coactivity dock: how many neurons are active together, what chance explains, and who took part."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout

from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.decimate import outline
from napari_calcium.figures.event_company import event_at, event_company, moment_of
from napari_calcium.figures.export import FIGURES
from napari_calcium.figures.palette import (
    EXPECTED_COLOR,
    THRESHOLD_COLOR,
    UNASSIGNED_COLOR,
)
from napari_calcium.recording import Recording
from napari_calcium.results.tables import EnsembleEvents
from napari_calcium.widgets.exporting import Export, ExportButton, table_writer
from napari_calcium.widgets.moment_span import closer_span
from napari_calcium.widgets.plots.coactivity_plot import CoactivityPlot
from napari_calcium.widgets.theme import PlotColors, ensemble_mark, readable
from napari_calcium.widgets.view_dock import ViewDock
from napari_calcium.widgets.what_changed import Seen

__all__ = ["CoactivityDock", "pick_event"]

_NOT_RUN = (
    "Coactivity has not been counted yet. Run the stages up to Coactivity in the dock "
    "Plugins › napari-calcium › Calcium pipeline."
)
_MOST_NAMES = 60


def pick_event(dock: Any, row: int) -> None:
    """Select an ensemble event for all views: its ensemble, the neurons that took part, and its moment.

    Parameters
    ----------
    dock : ViewDock
        With the signals ``ensemble_picked``, ``cells_picked`` and ``time_picked``.
    row : int
        Of the recording's ensemble events.
    """
    recording = dock.recording
    company = event_company(recording, row)
    dock.ensemble_picked.emit(company.ensemble if company.ensemble >= 0 else None)
    dock.cells_picked.emit(tuple(np.concatenate([company.members, company.guests]).tolist()))
    dock.time_picked.emit(moment_of(recording, row))


class CoactivityDock(ViewDock):
    """Counts, expectation, threshold and ensemble events, with the neurons of the event under the cursor.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    name = "Coactivity"
    wanted = (600, 220)

    cells_picked = Signal(tuple)
    focus_picked = Signal(object)
    ensemble_picked = Signal(object)
    time_picked = Signal(float)
    span_picked = Signal(object)

    def __init__(self, napari_viewer: Any) -> None:
        self._seen = Seen()
        self._drawn: EnsembleEvents | None = None
        self._event: int | None = None
        super().__init__(napari_viewer)
        # Its kernel takes a second to load: better now than at the first look.
        outline(np.zeros((1, 8), np.float32), 1)

    def build(self, column: QVBoxLayout, colors: PlotColors) -> None:
        """Make the legend, the plot and the line about the event."""
        self.plot = CoactivityPlot(colors)
        self.plot.setToolTip("Click: that moment. Click a dot: the event's neurons, and its ensemble.")
        self.legend, self.who = QLabel(), QLabel()
        self.legend.setToolTip(
            "Ensemble events, and how many of them chance alone would give; neurons active in each window,\n"
            "what chance lets expect of them, and the threshold above which a window is significant.\n"
            "Dots are ensemble events, in the colour of their ensemble; grey ones are in none."
        )
        self.who.setWordWrap(True)
        # Room for two lines at any time, so that the plot keeps its height from event to event.
        self.who.setMinimumHeight(2 * self.who.fontMetrics().lineSpacing() + 6)
        self.who.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.who.setTextInteractionFlags(Qt.TextInteractionFlag.LinksAccessibleByMouse)
        self.who.linkActivated.connect(lambda link: self.focus_picked.emit(int(link)))
        self.who.setContentsMargins(6, 0, 6, 4)
        self.legend.setWordWrap(True)
        for label in (self.legend, self.who):
            # It may be cut: a label that insists on its width makes the whole window wider.
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.previous, self.next = QPushButton("◀"), QPushButton("▶")
        self.previous.setToolTip("The ensemble event before (←); of the chosen ensemble, if there is one")
        self.next.setToolTip("The next ensemble event (→); of the chosen ensemble, if there is one")
        bar = QHBoxLayout()
        bar.setContentsMargins(6, 2, 6, 0)
        bar.addWidget(self.legend, 1)
        for button, by in ((self.previous, -1), (self.next, 1)):
            button.setFixedWidth(34)
            button.setAccessibleName("Previous event" if by < 0 else "Next event")
            button.clicked.connect(lambda _=False, by=by: self.step(by))
            bar.addWidget(button)
        self.export_button = ExportButton(self.export, self)
        bar.addWidget(self.export_button)
        column.addLayout(bar)
        column.addWidget(self.plot, 1)
        column.addWidget(self.who)
        self.plot.event_clicked.connect(lambda row: pick_event(self, row))
        self.plot.time_picked.connect(lambda seconds: self.time_picked.emit(seconds))
        self.plot.span_picked.connect(lambda span: self.span_picked.emit(span))

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self.plot.set_colors(colors)
        self._write_legend()
        self._tell_event(self._event)

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Nothing to do: the event tells its neurons itself."""

    def show_focus(self, cell: int | None) -> None:
        """Nothing to do: neurons have no place of their own here."""

    def show_ensemble(self, ensemble_id: int | None) -> None:
        """Dim the events of the other ensembles."""
        self.plot.show_chosen(ensemble_id)

    def show_time(self, seconds: float) -> None:
        """Move the cursor, and tell of the event that is there."""
        self.plot.show_time(seconds)
        self._find_event()

    def show_span(self, seconds: tuple[float, float] | None) -> None:
        """Show this span of time."""
        self.plot.show_span(seconds)

    def hint_for(self, recording: Recording) -> str:
        """Return what to do first."""
        if recording.coactivity is None:
            return _NOT_RUN
        return "" if len(recording.coactivity) else "The recording is shorter than one window of coactivity."

    def draw(self, recording: Recording) -> None:
        """Show the coactivity of a recording."""
        if not self._seen.is_news(recording):
            return
        self._drawn = recording.ensemble_events
        known = recording.frame_rate is not None
        self.plot.set_duration(recording.duration_s if known else recording.n_frames, in_frames=not known)
        self.plot.show_span(self.session.selection.span)
        self.plot.show_coactivity(recording.coactivity, recording.ensemble_events)
        if recording.coactivity is not None:
            window_ms = 1000 * recording.coactivity.window_s
            self.plot.getPlotItem().setLabel("left", f"Active / {window_ms:.0f} ms")
        self._write_legend()
        self._event = None
        self._find_event()
        there = recording.ensemble_events is not None and len(recording.ensemble_events) > 0
        self.previous.setEnabled(there)
        self.next.setEnabled(there)

    def step(self, by: int) -> None:
        """Go to the ensemble event before or after the cursor; of the chosen ensemble, if there is one."""
        events = self.recording.ensemble_events if self.recording is not None else None
        if events is None or self.recording is None:
            return
        selection = self.session.selection
        chosen = selection.ensemble
        rows = np.arange(len(events)) if chosen is None else np.flatnonzero(events.ensemble_id == chosen)
        times = events.peak_s[rows]
        slack = self._slack
        ahead = times > selection.time + slack if by > 0 else times < selection.time - slack
        if self._event is not None:
            here = events.peak_s[self._event]
            ahead &= times > here if by > 0 else times < here
        if ahead.any():
            row = int(rows[ahead][0 if by > 0 else -1])
            pick_event(self, row)
            span = closer_span(moment_of(self.recording, row), selection.span, self.recording.duration_s)
            if span is not None:
                self.span_picked.emit(span)

    def export(self) -> Export | None:
        """Return what can be exported: the figure, and the table of windows."""
        recording = self.recording
        if recording is None or recording.coactivity is None:
            return None
        figure = next(kind for kind in FIGURES if kind.stem == "coactivity")
        write = table_writer(recording.coactivity)
        results = ("coactivity", "ensemble_events")
        return Export(f"{recording.name}_coactivity", recording, figure, write, results)

    def keyPressEvent(self, event: Any) -> None:
        """Go to the next or previous event (→ ←), clear (Esc)."""
        if event.key() in (Qt.Key.Key_Right, Qt.Key.Key_Left):
            self.step(1 if event.key() == Qt.Key.Key_Right else -1)
        else:
            super().keyPressEvent(event)

    @property
    def _slack(self) -> float:
        """A frame: the slider stands on whole ones."""
        return 1.01 / ((self.recording.frame_rate if self.recording is not None else None) or 1.0)

    def _find_event(self) -> None:
        recording = self.recording
        events = recording.ensemble_events if recording is not None else None
        # Between a recording and its drawing the plot still shows other events.
        events = events if events is self._drawn else None
        found = event_at(events, self.session.selection.time, self._slack)
        self.plot.show_event(found)
        self._event = found
        self._tell_event(found)

    def _tell_event(self, row: int | None) -> None:
        """Write who took part: members in their colour, guests, and the members who were silent."""
        recording = self.recording
        events = recording.ensemble_events if recording is not None else None
        if recording is None or events is None:
            self.who.setText("Which windows are significant is not known yet: run Ensemble events.")
            return
        if row is None or row >= len(events):
            self.who.setText("Click a dot, or go with ← →, to see who took part in an ensemble event.")
            return
        company = event_company(recording, row)
        color = ensemble_mark(company.ensemble, self.colors.background)
        plain = self.colors.text
        where = f"ensemble {company.ensemble}" if company.ensemble >= 0 else "in no ensemble"
        parts = [
            f"Event at {moment_of(recording, row):.2f} s, <b style='color:{color}'>{where}</b>, "
            f"p = {events.p_value[row]:.2g}"
        ]
        if company.ensemble >= 0:
            parts.append(self._listed(company.members, "member", color))
        parts.append(self._listed(company.guests, "guest" if company.ensemble >= 0 else "neuron", plain))
        if len(company.silent):
            parts.append(self._listed(company.silent, "silent member", plain))
        self.who.setText(" · ".join(parts))

    def _listed(self, ids: NDArray[np.int64], word: str, color: str) -> str:
        assert self.recording is not None
        links = [
            f"<a href='{cell}' style='color:{color}; text-decoration:none'>"
            f"{escape(self.recording.cell_name(cell))}</a>"
            for cell in ids[:_MOST_NAMES].tolist()
        ]
        more = [" …"] if len(ids) > _MOST_NAMES else []
        return counted(len(ids), word) + (": " if len(ids) else "") + " ".join(links + more)

    def _write_legend(self) -> None:
        recording, ground = self.recording, self.colors.background
        if recording is None or recording.coactivity is None:
            return
        parts = ["—&nbsp;active"]
        events = recording.ensemble_events
        if events is not None:
            chance = events.expected_by_chance
            known = f" (by chance {chance:.2g})" if np.isfinite(chance) else ""
            parts.insert(0, f"<b>{counted(len(events), 'event')}</b>{known}")
            parts.append(_colored("—&nbsp;expected", readable(EXPECTED_COLOR, ground)))
            parts.append(_colored("—&nbsp;threshold", readable(THRESHOLD_COLOR, ground)))
            parts.append(_colored("●&nbsp;no&nbsp;ensemble", readable(UNASSIGNED_COLOR, ground)))
        # Where the dock is narrow it wraps between its parts, never within one.
        self.legend.setText("&nbsp; ".join(parts))


def _colored(text: str, color: str) -> str:
    return f"<span style='color:{color}'>{text}</span>"
