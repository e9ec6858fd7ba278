"""The Edit cells dock: add, redraw, merge, split, delete and judge cells, by hand or by their numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_calcium.cells.cell_editing import why_not
from napari_calcium.figures.axis_labels import counted
from napari_calcium.recording import Recording
from napari_calcium.selection import Tool
from napari_calcium.stages.pipeline_movie import lags_behind
from napari_calcium.widgets.cell_editor import CellEditor
from napari_calcium.widgets.cell_update import CellUpdate
from napari_calcium.widgets.drawing_row import use_layer
from napari_calcium.widgets.edit_overlay import EditOverlay
from napari_calcium.widgets.edit_tool import EDIT_KEYS, EditTool
from napari_calcium.widgets.form import message_label
from napari_calcium.widgets.key_list import spelt
from napari_calcium.widgets.learning_row import LearningRow
from napari_calcium.widgets.number_box import NumberBox
from napari_calcium.widgets.number_filter import NumberFilter
from napari_calcium.widgets.progress_line import ProgressLine
from napari_calcium.widgets.theme import PlotColors
from napari_calcium.widgets.view_dock import ViewDock
from napari_calcium.widgets.workbench import BUSY, workbench_of

__all__ = ["ACTION_KEYS", "EditDock"]

ACTION_KEYS = {
    "polygon": "Shift+D",
    "merge": "Shift+M",
    "delete": "Shift+X",
    "accept": "Shift+K",
    "reject": "Shift+J",
}
"""What is done at once, and its key on the image."""

_TOOLS: dict[Tool, tuple[str, str, str]] = {
    "wand": (
        "Wand",
        "Click a bright spot: a cell grows from it, in the image of the local correlation",
        "Click bright spots on the image; each becomes a cell.",
    ),
    "ellipse": (
        "Ellipse",
        "Drag a box: the ellipse in it is a cell",
        "Drag from one corner of the cell to the other.",
    ),
    "outline": ("Outline", "Drag around a cell", "Drag around the cell."),
    "redraw": (
        "Redraw",
        "Drag around the pixels the selected cell should have; with Shift, add them; with Alt, take them off",
        "Drag around the new pixels of the selected cell; Shift adds, Alt takes off.",
    ),
    "split": (
        "Split",
        "Drag a line through a cell: its two sides are two cells",
        "Drag a straight line across the cell.",
    ),
}
"""Name, tooltip, and what to do with the tool in hand."""
_ACTIONS: dict[str, tuple[str, str]] = {
    "polygon": (
        "Shapes",
        "Draw polygons and other shapes on a layer of napari's; press again to make cells of them",
    ),
    "merge": ("Merge", "Make one cell of the selected ones"),
    "delete": ("Delete", "Delete the selected cells"),
    "accept": ("✓ Cell", "The selected ones are cells"),
    "reject": ("✗ No cell", "The selected ones are no cells"),
}
_SHAPES = "Shapes for cells"


class EditDock(ViewDock):
    """Tools for cells, how many wait for their traces, and judging by numbers.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    name = "Edit cells"
    area = "right"
    wanted = (380, 520)

    cells_picked = Signal(tuple)

    def __init__(self, napari_viewer: Any) -> None:
        self._bench = workbench_of(napari_viewer)
        self.editor = CellEditor(self._bench.session)
        self.updates = CellUpdate(self._bench)
        self.overlay = EditOverlay(napari_viewer)
        super().__init__(napari_viewer)
        self.updates.setParent(self)
        actions = {key: partial(self.act, action) for action, key in ACTION_KEYS.items()}
        self.tool = EditTool(napari_viewer, self.session.selection, dict(actions), self._on_gesture)
        self.links.add(self.tool.let_go)
        self.links.add(self.numbers.job.abandon)
        self.links.add(self.learning.job.abandon)
        self.links.join(self.session.selection.tool_changed, self._show_tool)
        self.links.join(self.session.history_changed, self.later)
        self.updates.taken.connect(self._on_taken)
        self.updates.changed.connect(self.later)
        self._bench.runner.finished.connect(self.later)

    def build(self, column: QVBoxLayout, colors: PlotColors) -> None:
        """Make the buttons, and the line that says what came of them."""
        # On a small screen the dock may be lower than what it holds.
        scroll, inside = QScrollArea(), QWidget()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(inside)
        column.addWidget(scroll)
        column = QVBoxLayout(inside)
        column.setContentsMargins(6, 4, 6, 6)
        self.buttons: dict[str, QPushButton] = {}
        for tool, (title, tip, _) in _TOOLS.items():
            button = self._button(tool, title, tip, EDIT_KEYS[tool], partial(self._switch, tool))
            button.setCheckable(True)
        for action, (title, tip) in _ACTIONS.items():
            self._button(action, title, tip, ACTION_KEYS[action], partial(self.act, action))
        self.undo = QPushButton("↶ Undo")
        self.redo = QPushButton("↷ Redo")
        self.undo.clicked.connect(lambda: self.session.undo())
        self.redo.clicked.connect(lambda: self.session.redo())
        column.addLayout(self._build_grid())
        column.addLayout(self._build_wand())
        self.follow = QCheckBox("Later results follow at once")
        self.follow.setToolTip(
            "Traces of changed cells are always read at once. With this, ΔF/F, events, ensembles and all\n"
            "that was there is made anew as well; without, Run all does it when you are done."
        )
        self.follow.toggled.connect(self._set_follow)
        self.says = message_label()
        self.says.setAccessibleName("What was done")
        self.progress = ProgressLine(self.updates.runner)
        self.about = QLabel()
        self.about.setWordWrap(True)
        column.addWidget(self.follow)
        column.addWidget(self.says)
        column.addWidget(self.progress)
        column.addWidget(self.about)
        self.numbers = NumberFilter()
        self.numbers.chosen.connect(self._on_numbers)
        self.learning = LearningRow(self._bench.session)
        column.addWidget(self.numbers)
        column.addWidget(self.learning)
        column.addStretch(1)

    def _build_grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(3)
        rows = {
            "Add": ("wand", "ellipse", "outline", "polygon"),
            "Change": ("redraw", "split", "merge", "delete"),
            "Judge": (),
        }
        for row, (title, names) in enumerate(rows.items()):
            grid.addWidget(QLabel(title), row, 0)
            for place, name in enumerate(names, 1):
                grid.addWidget(self.buttons[name], row, place)
        # As wide as their words: in columns of one width the longest would be cut off.
        last = QHBoxLayout()
        last.setSpacing(4)
        for button in (self.buttons["accept"], self.buttons["reject"], self.undo, self.redo):
            last.addWidget(button, 1)
        grid.addLayout(last, 2, 1, 1, 4)
        for place in range(1, 5):
            grid.setColumnStretch(place, 1)
        return grid

    def _build_wand(self) -> QHBoxLayout:
        self.reach = NumberBox(2, 100, unit="px")
        self.reach.setValue(12)
        self.reach.setToolTip("A cell that the wand makes does not reach further from the click")
        self.edge = NumberBox(5, 95, unit="%")
        self.edge.setValue(50)
        self.edge.setToolTip(
            "Height of the cell's edge between the level around it and its brightest point; lower grows more"
        )
        row = QHBoxLayout()
        for title, box in (("Wand reach", self.reach), ("edge", self.edge)):
            label = QLabel(title)
            label.setBuddy(box)
            box.setMinimumWidth(100)
            row.addWidget(label)
            row.addWidget(box, 1)
        return row

    def _button(self, name: str, title: str, tip: str, key: str, slot: Callable[[], object]) -> QPushButton:
        button = QPushButton(title)
        button.setToolTip(f"{tip} ({spelt(key)} on the image)")
        button.setAccessibleName(title.lstrip("✓✗ "))
        button.setMinimumWidth(30)
        button.clicked.connect(lambda _=False: slot())
        self.buttons[name] = button
        return button

    def set_colors(self, colors: PlotColors) -> None:
        """Nothing to do: napari's style sheet follows the theme."""

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Offer what can be done with these cells."""
        self.later()

    def hint_for(self, recording: Recording) -> str:
        """Return nothing: cells of any recording can be judged or deleted."""
        return ""

    def act(self, action: str) -> None:
        """Do to the selected cells what a button or a key says."""
        if self._bench.runner.busy:
            self.say(f"⚠ {BUSY}")
        elif action == "polygon":
            self._shapes()
        elif action == "merge":
            self.say(self.editor.merge())
        elif action == "delete":
            self.say(self.editor.delete())
        else:
            self.say(self.editor.decide(cells=action == "accept"))

    def say(self, words: str) -> None:
        """Show a line."""
        self.says.setText(words)
        self.says.setVisible(bool(words))

    def draw(self, recording: Recording) -> None:
        """Offer what can be done with a recording, and say what waits."""
        can_add = not why_not(recording)
        n = len(self.session.selection.cells)
        for name in ("wand", "ellipse", "outline", "polygon", "redraw", "split"):
            self.buttons[name].setEnabled(can_add)
        self.buttons["merge"].setEnabled(can_add and n > 1)
        for name in ("delete", "accept", "reject"):
            self.buttons[name].setEnabled(n > 0)
        for button, there, step in (
            (self.undo, self.session.can_undo, 0),
            (self.redo, self.session.can_redo, 1),
        ):
            button.setEnabled(there)
            words = self.session.history[self.session.position + step] if there else ""
            button.setToolTip(f"{'Redo' if step else 'Undo'}: {words}" if there else "")
        self.overlay.show(recording)
        self.numbers.show_recording(recording)
        self.learning.show_recording(recording)
        self.about.setText(self._state(recording))

    def _state(self, recording: Recording) -> str:
        edits = len(recording.cell_choice.edits)
        selected = len(self.session.selection.cells)
        none = "Click a cell to select it; Shift and click for several"
        parts = [f"{counted(selected, 'cell')} selected" if selected else none]
        parts += [f"{counted(edits, 'change')} by hand"] if edits else []
        pending = self.updates.pending
        if pending and recording.frame_rate is None:
            parts.append("◐ to read traces, set the frame rate in the Calcium pipeline dock")
        elif pending:
            parts.append(f"◐ {counted(pending, 'changed cell')} to read")
        elif self.updates.neighbours_due and not self.updates.was_given_up:
            parts.append("◐ neighbours are being read")
        elif recording.traces and lags_behind(recording):
            parts.append("◐ traces are as before: Run all")
        reason = why_not(recording)
        return " · ".join(parts) + (f"<br>{reason}" if reason else "")

    def _switch(self, tool: Tool) -> None:
        self.tool.switch(tool)

    def _show_tool(self, tool: Tool) -> None:
        for name in _TOOLS:
            self.buttons[name].setChecked(name == tool)
        if tool in _TOOLS:
            words = f"{_TOOLS[tool][2]} {spelt(EDIT_KEYS[tool])} or Esc: back to clicking."
            self._viewer.status = words
            self.say(words)

    def _on_gesture(self, tool: Tool, way: NDArray[np.float64], held: tuple[str, ...]) -> None:
        recording = self.session.recording
        if recording is None or self._bench.runner.busy:
            self.say(f"⚠ {BUSY}" if recording is not None else "")
            return
        if reason := why_not(recording):
            self.say(f"⚠ {reason}")
            return
        way = way / (recording.pixel_size_um or 1.0)
        if tool == "wand":
            y, x = way[0]
            self.say(self.editor.wand(y, x, share=self.edge.value() / 100, radius=self.reach.value()))
        elif tool == "redraw":
            self.say(self.editor.redraw(way, held))
        elif tool == "split":
            self.say(self.editor.split(way))
        else:
            self.say(self.editor.draw(way, _TOOLS[tool][0]))

    def _shapes(self) -> None:
        """Add a layer to draw shapes on, or make cells of what is drawn there."""
        layer = next((x for x in self._viewer.layers if x.name == _SHAPES), None)
        if layer is not None and len(layer.data):
            self.say(use_layer(self._viewer, layer))
            layer.data = []
            self._viewer.layers.remove(layer)
            return
        recording = self.session.recording
        if recording is None or why_not(recording):
            self.say(f"⚠ {why_not(recording)}" if recording is not None else "")
            return
        if layer is None:
            pixel = recording.pixel_size_um
            layer = self._viewer.add_shapes(
                ndim=2,
                name=_SHAPES,
                scale=(pixel or 1.0,) * 2,
                units=("um" if pixel else "pixel",) * 2,
                axis_labels=("y", "x"),
                face_color="transparent",
                edge_color="#ffd166",
            )
        self._viewer.layers.selection.active = layer
        layer.mode = "add_polygon"
        key = spelt(ACTION_KEYS["polygon"])
        self.say(f"Draw polygons: click the corners, double-click ends one. Shapes ({key}) makes them cells.")

    def _on_numbers(self, what: str, cells: tuple[int, ...], why: str) -> None:
        if what == "select":
            self.cells_picked.emit(cells)
        elif self._bench.runner.busy:
            self.say(f"⚠ {BUSY}")
        else:
            self.say(self.editor.decide(cells=what == "accept", ids=cells, why=why))

    def _set_follow(self, on: bool) -> None:
        self.updates.follow = on

    def _on_taken(self) -> None:
        recording = self.session.recording
        if recording is not None:
            known = set(recording.roi_ids.tolist())
            fresh = tuple(cell for cell in self.editor.fresh if cell in known)
            self.editor.fresh = ()
            if fresh:
                self.cells_picked.emit(fresh)

    def keyPressEvent(self, event: Any) -> None:
        """Work with the same keys as the image."""
        key = f"Shift+{event.text().upper()}" if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else ""
        tools = {k: tool for tool, k in EDIT_KEYS.items()}
        actions = {k: action for action, k in ACTION_KEYS.items()}
        if key in tools:
            self._switch(tools[key])
        elif key in actions:
            self.act(actions[key])
        elif event.key() == Qt.Key.Key_Escape and self.session.selection.tool != "click":
            self.session.selection.tool = "click"
        else:
            super().keyPressEvent(event)
