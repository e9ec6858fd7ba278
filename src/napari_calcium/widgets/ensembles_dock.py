"""The Ensembles dock: which there are, who is in them, and when each was active."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_calcium.figures.export import FIGURES
from napari_calcium.guidance.finding import finding
from napari_calcium.guidance.overview import why_counts_differ
from napari_calcium.recording import Recording
from napari_calcium.results.tables import Activations, Ensembles
from napari_calcium.widgets.dock_place import DockPlace
from napari_calcium.widgets.exporting import Export, ExportButton, table_writer
from napari_calcium.widgets.in_sight import InSight
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.moment_span import closer_span
from napari_calcium.widgets.plots.activations_plot import ActivationsPlot
from napari_calcium.widgets.plots.time_mark import link_marks
from napari_calcium.widgets.theme import ensemble_mark, link_color, plot_colors
from napari_calcium.widgets.view_dock import NO_RECORDING
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.what_changed import only_choices_differ

__all__ = ["EnsemblesDock"]

_NOT_RUN = (
    "No ensembles yet: they are found by the last stages. Run them in the dock "
    "Plugins › napari-calcium › Calcium pipeline."
)

_CLOSER = "a long stretch of time is narrowed to 20 s around it"


class EnsemblesDock(QWidget):
    """List of the ensembles, their activations over time, and the members of the chosen one.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The plot takes its theme, and shows its session.
    """

    ensemble_picked = Signal(object)
    time_picked = Signal(float)
    span_picked = Signal(object)
    focus_picked = Signal(object)

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._session = session_of(napari_viewer)
        self._recording: Recording | None = None
        self._shown: Ensembles | None = None
        self._why = False
        self._place = DockPlace(self, "Ensembles", "right")
        self._stale = False
        self._sight = InSight(self)
        self._sight.turned.connect(self._on_sight)
        self._build()
        self._connect()
        napari_viewer.events.theme.connect(self._on_theme)
        self._links = Links(self)
        self._links.add(self._session.link(self))
        link_marks(self, self._session.selection, self._links)
        self._links.add(lambda: napari_viewer.events.theme.disconnect(self._on_theme))

    @property
    def _ensembles(self) -> Ensembles | None:
        return self._recording.ensembles if self._recording is not None else None

    def _build(self) -> None:
        self.setMinimumWidth(310)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.notes = QLabel()
        self.notes.linkActivated.connect(self._unfold)
        self.hint = QLabel()
        for label in (self.notes, self.hint):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
            label.setContentsMargins(6, 4, 6, 4)
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.table = _table(("Ensemble", "Neurons", "Active", "First – last (s)"))
        self.table.setToolTip(
            "Choose one: its somata light up, its members' traces come up. Esc lets it go.\n"
            "Active: how many times. First – last: its first and its last activation."
        )
        self.members = _table(("Cell", "Active in", "vs. usual", "Core"))
        self.members.setToolTip(
            "Active in: share of the ensemble's activations in which the cell took part.\n"
            "vs. usual: how many times more often than its own event rate lets expect.\n"
            "Core: in more than the share set in the stage. Click: the cell is centred on the image."
        )
        self.table.setAccessibleName("Ensembles")
        self.members.setAccessibleName("Members of the chosen ensemble")
        self.plot = ActivationsPlot(plot_colors(self._viewer))
        self.previous, self.next = QPushButton("◀"), QPushButton("▶")
        self.previous.setToolTip(f"Jump to the activation before; {_CLOSER}")
        self.next.setToolTip(f"Jump to the next activation; {_CLOSER}")
        for button, words in ((self.previous, "Previous activation"), (self.next, "Next activation")):
            button.setFixedWidth(34)
            button.setAccessibleName(words)
        self.activation = QLabel()
        self.activation.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.activation.setWordWrap(True)
        walk = QHBoxLayout()
        walk.addWidget(self.previous)
        walk.addWidget(self.activation, 1)
        walk.addWidget(self.next)
        self.export_button = ExportButton(self.export, self)
        walk.addWidget(self.export_button)
        times = QWidget()
        column = QVBoxLayout(times)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.plot, 1)
        column.addLayout(walk)
        split = QSplitter(Qt.Orientation.Vertical)
        for place, (widget, share) in enumerate(((self.table, 3), (times, 3), (self.members, 2))):
            split.addWidget(widget)
            split.setStretchFactor(place, share)
        found = QWidget()
        column = QVBoxLayout(found)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.notes)
        column.addWidget(split, 1)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.hint)
        self.pages.addWidget(found)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.pages)

    def _connect(self) -> None:
        self.table.itemSelectionChanged.connect(self._on_chosen)
        self.members.itemSelectionChanged.connect(self._on_member)
        self.plot.ensemble_clicked.connect(self.ensemble_picked.emit)
        self.plot.time_picked.connect(self.time_picked.emit)
        self.plot.span_picked.connect(self.span_picked.emit)
        self.previous.clicked.connect(lambda: self._jump(-1))
        self.next.clicked.connect(lambda: self._jump(1))

    def show_recording(self, recording: Recording | None) -> None:
        """Show the ensembles of another recording."""
        before, self._recording = self._recording, recording
        if not only_choices_differ(before, recording):
            self._show_found(recording)

    def _show_found(self, recording: Recording | None) -> None:
        """Show what there is now; while the dock cannot be seen, once it is in sight again."""
        self._stale = self._sight.rests
        if self._stale:
            return
        ensembles = self._ensembles
        self.hint.setText(_hint(recording))
        self.pages.setCurrentIndex(1 if ensembles is not None and len(ensembles) else 0)
        if recording is not None:
            known = recording.frame_rate is not None
            self.plot.set_duration(recording.duration_s if known else recording.n_frames, in_frames=not known)
            self.plot.show_span(self._session.selection.span)
        if ensembles is not self._shown:
            self._shown = ensembles
            self._tell_notes()
            self.plot.show_ensembles(ensembles)
            self._fill_table(ensembles)
        self.show_ensemble(self._session.selection.ensemble)

    def show_ensemble(self, ensemble_id: int | None) -> None:
        """Show this ensemble as chosen, with its members."""
        if self._sight.rests:
            self._stale = True
            return
        ensembles = self._ensembles
        ids = ensembles.ids if ensembles is not None else ()
        self.table.blockSignals(True)
        if ensemble_id in ids and ensemble_id is not None:
            self.table.selectRow(ids.index(ensemble_id))
        else:
            self.table.clearSelection()
            self.table.setCurrentItem(None)
        self.table.blockSignals(False)
        self.plot.show_chosen(ensemble_id)
        self._fill_members(ensemble_id)
        self._tell_activation()

    def show_focus(self, cell: int | None) -> None:
        """Show this member as the one in focus."""
        self.members.blockSignals(True)
        rows = [r for r in range(self.members.rowCount()) if _data(self.members.item(r, 0)) == cell]
        if rows and cell is not None:
            self.members.selectRow(rows[0])
        else:
            self.members.clearSelection()
        self.members.blockSignals(False)

    def show_time(self, seconds: float) -> None:
        """Move the cursor."""
        self.plot.show_time(seconds)
        self._tell_activation()

    def show_span(self, seconds: tuple[float, float] | None) -> None:
        """Show this span of time."""
        self.plot.show_span(seconds)

    def export(self) -> Export | None:
        """Return what can be exported: the figure of the ensembles, and the table of their activations."""
        recording, ensembles = self._recording, self._ensembles
        if recording is None or ensembles is None:
            return None
        figure = next(kind for kind in FIGURES if kind.stem == "ensembles")
        return Export(
            f"{recording.name}_ensembles",
            recording,
            figure,
            table_writer(ensembles.activations),
            ("ensembles",),
        )

    def showEvent(self, event: Any) -> None:
        """Take the dock's place."""
        super().showEvent(event)
        self._place.on_show()

    def _on_sight(self, seen: bool) -> None:
        if seen and self._stale:
            self._show_found(self._recording)

    def sizeHint(self) -> QSize:
        """Ask for a column beside the canvas."""
        return QSize(380, 500)

    def keyPressEvent(self, event: Any) -> None:
        """Let the ensemble go on Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self._session.selection.clear()
        else:
            super().keyPressEvent(event)

    def _tell_notes(self, *_: object) -> None:
        """Write what was found, and why its counts differ, unfolded by a click."""
        recording, ensembles = self._recording, self._ensembles
        lines = list(ensembles.notes) if ensembles is not None else []
        why = why_counts_differ(recording) if recording is not None else ""
        text = "<br>".join(escape(line) for line in lines)
        link = f"style='color:{link_color(self._viewer)}'"
        if why and self._why:
            text += f"<br><br>{escape(why)} <a href='less' {link}>Less</a>"
        elif why:
            text += f"<br><a href='why' {link}>Why do activations and ensemble events differ in number?</a>"
        self.notes.setText(text)
        self.notes.setVisible(bool(text))

    def _unfold(self, link: str) -> None:
        self._why = link == "why"
        self._tell_notes()

    def _fill_table(self, ensembles: Ensembles | None) -> None:
        self.table.blockSignals(True)
        self.table.setRowCount(0)
        for ensemble in ensembles.ids if ensembles is not None else ():
            assert ensembles is not None
            times = ensembles.activations_of(ensemble).time_s
            span = f"{times[0]:.1f} – {times[-1]:.1f}" if len(times) else "never"
            neurons = str(len(ensembles.members_of(ensemble)))
            row = _add_row(self.table, (str(ensemble), neurons, f"{len(times)}×", span), ensemble)
            colour = ensemble_mark(ensemble, plot_colors(self._viewer).background)
            self.table.item(row, 0).setIcon(_swatch(colour))
        self.table.blockSignals(False)

    def _fill_members(self, ensemble_id: int | None) -> None:
        ensembles, recording = self._ensembles, self._recording
        self.members.blockSignals(True)
        self.members.setRowCount(0)
        if ensembles is not None and recording is not None and ensemble_id is not None:
            table = ensembles.members_of(ensemble_id)
            for k in np.argsort(-table.participation, kind="stable").tolist():
                cell = int(table.roi_id[k])
                texts = (
                    recording.cell_name(cell),
                    f"{100 * table.participation[k]:.0f} %",
                    f"{table.lift[k]:.1f} ×",
                    "yes" if table.core[k] else "",
                )
                _add_row(self.members, texts, cell)
        self.members.blockSignals(False)

    def _activations(self) -> Activations | None:
        chosen, ensembles = self._session.selection.ensemble, self._ensembles
        if chosen is None or ensembles is None:
            return None
        return ensembles.activations_of(chosen)

    def _tell_activation(self) -> None:
        """Say which activation is under the cursor, or how many there are."""
        table = self._activations()
        there = table is not None and len(table) > 0
        self.previous.setEnabled(there)
        self.next.setEnabled(there)
        if table is None or not there:
            self.activation.setText("Choose an ensemble" if table is None else "Never active")
            return
        k = int(np.argmin(np.abs(table.time_s - self._session.selection.time)))
        rate = (self._recording.frame_rate if self._recording is not None else None) or 1.0
        if abs(table.time_s[k] - self._session.selection.time) <= 1 / rate:
            self.activation.setText(
                f"{k + 1} of {len(table)} · {table.time_s[k]:.2f} s · {table.n_members_active[k]} members"
            )
        else:
            self.activation.setText(f"{len(table)} activations")

    def _jump(self, by: int) -> None:
        """Go to the activation before or after the cursor."""
        table = self._activations()
        if table is None or not len(table):
            return
        now = self._session.selection.time
        # The slider stands on whole frames: what is within one of them is where we are.
        slack = 1.01 / ((self._recording.frame_rate if self._recording is not None else None) or 1.0)
        times = (
            table.time_s[table.time_s > now + slack] if by > 0 else table.time_s[table.time_s < now - slack]
        )
        if len(times):
            moment = float(times[0] if by > 0 else times[-1])
            self.time_picked.emit(moment)
            recording = self._recording
            duration = recording.duration_s if recording is not None and recording.frame_rate else 0.0
            span = closer_span(moment, self._session.selection.span, duration)
            if span is not None:
                self.span_picked.emit(span)

    def _on_chosen(self) -> None:
        rows = self.table.selectionModel().selectedRows()
        self.ensemble_picked.emit(_data(self.table.item(rows[0].row(), 0)) if rows else None)

    def _on_member(self) -> None:
        rows = self.members.selectionModel().selectedRows()
        if rows:
            self.focus_picked.emit(_data(self.members.item(rows[0].row(), 0)))

    def _on_theme(self, event: Any = None) -> None:
        self.plot.set_colors(plot_colors(self._viewer))
        self._tell_notes()
        self._fill_table(self._ensembles)
        self.show_ensemble(self._session.selection.ensemble)


def _hint(recording: Recording | None) -> str:
    if recording is None:
        return NO_RECORDING
    if recording.ensembles is None:
        return _NOT_RUN
    # The first note says no more than that there are none.
    return "\n\n".join((finding(recording), *recording.ensembles.notes[1:]))


def _table(columns: tuple[str, ...]) -> QTableWidget:
    table = QTableWidget(0, len(columns))
    table.setHorizontalHeaderLabels(columns)
    table.verticalHeader().hide()
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setShowGrid(False)
    table.setMinimumHeight(70)
    table.setMinimumWidth(100)
    header = table.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setStretchLastSection(True)
    table.verticalHeader().setDefaultSectionSize(24)
    return table


def _add_row(table: QTableWidget, texts: tuple[str, ...], data: int) -> int:
    row = table.rowCount()
    table.insertRow(row)
    for column, text in enumerate(texts):
        item = QTableWidgetItem(text)
        if column:
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        item.setData(Qt.ItemDataRole.UserRole, data)
        table.setItem(row, column, item)
    return row


def _data(item: QTableWidgetItem) -> int:
    return int(item.data(Qt.ItemDataRole.UserRole))


def _swatch(color: str) -> QIcon:
    picture = QPixmap(14, 14)
    picture.fill(QColor(color))
    icon = QIcon(picture)
    # Qt would tint it in a selected row, and the colour is what one compares with the image.
    icon.addPixmap(picture, QIcon.Mode.Selected)
    return icon
