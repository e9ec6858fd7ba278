"""What the user looks at: cells, an ensemble, a moment and a span of time. No Qt here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from psygnal import Signal

__all__ = ["Selection", "Tool"]

Tool = Literal["click", "box", "lasso", "wand", "ellipse", "outline", "redraw", "split"]
"""What a click or drag on the image does: move the picture, select what it encloses, or change cells."""


class Selection:
    """Selected cells (ids, in the order they were picked), the one in focus, ensemble, time, span and mark.

    Values compare: setting what is already set emits nothing, so echoes between linked views die.
    """

    cells_changed = Signal(tuple)
    focus_changed = Signal(object)
    ensemble_changed = Signal(object)
    time_changed = Signal(float)
    span_changed = Signal(object)
    marked_changed = Signal(object)
    tool_changed = Signal(str)

    def __init__(self) -> None:
        self._cells: tuple[int, ...] = ()
        self._focus: int | None = None
        self._ensemble: int | None = None
        self._time = 0.0
        self._span: tuple[float, float] | None = None
        self._marked: tuple[float, float] | None = None
        self._tool: Tool = "click"

    @property
    def cells(self) -> tuple[int, ...]:
        """Ids of the selected cells, each once, in the order they were picked."""
        return self._cells

    @cells.setter
    def cells(self, ids: Iterable[int]) -> None:
        cells = tuple(dict.fromkeys(int(i) for i in ids))
        if cells != self._cells:
            self._cells = cells
            self.cells_changed.emit(cells)
            if self._focus is not None and self._focus not in self._cells:
                self.focus = None

    @property
    def focus(self) -> int | None:
        """The selected cell that every view brings into sight, or None; one that is not selected is added."""
        return self._focus

    @focus.setter
    def focus(self, cell: int | None) -> None:
        value = None if cell is None else int(cell)
        if value is not None and value not in self._cells:
            self.cells = (*self._cells, value)
        if value != self._focus:
            self._focus = value
            self.focus_changed.emit(value)

    @property
    def ensemble(self) -> int | None:
        """Id of the chosen ensemble, or None."""
        return self._ensemble

    @ensemble.setter
    def ensemble(self, ensemble_id: int | None) -> None:
        value = None if ensemble_id is None else int(ensemble_id)
        if value != self._ensemble:
            self._ensemble = value
            self.ensemble_changed.emit(value)

    @property
    def time(self) -> float:
        """Moment under the cursor, in seconds from the start of the first frame."""
        return self._time

    @time.setter
    def time(self, seconds: float) -> None:
        value = max(0.0, float(seconds))
        if value != self._time:
            self._time = value
            self.time_changed.emit(value)

    @property
    def span(self) -> tuple[float, float] | None:
        """Span of time that all time axes show, in seconds, or None for all of it."""
        return self._span

    @span.setter
    def span(self, seconds: tuple[float, float] | None) -> None:
        value = None if seconds is None else (float(min(seconds)), float(max(seconds)))
        if value != self._span:
            self._span = value
            self.span_changed.emit(value)

    @property
    def marked(self) -> tuple[float, float] | None:
        """Stretch of time that is marked on all time axes, in seconds, or None."""
        return self._marked

    @marked.setter
    def marked(self, seconds: tuple[float, float] | None) -> None:
        value = None if seconds is None else (float(min(seconds)), float(max(seconds)))
        if value != self._marked:
            self._marked = value
            self.marked_changed.emit(value)

    @property
    def tool(self) -> Tool:
        """What a drag on the image does."""
        return self._tool

    @tool.setter
    def tool(self, tool: Tool) -> None:
        if tool != self._tool:
            self._tool = tool
            self.tool_changed.emit(tool)

    def toggle(self, cell: int) -> None:
        """Add a cell to the selection, or take it out if it is in."""
        self.cells = (c for c in self._cells if c != cell) if cell in self._cells else (*self._cells, cell)

    def clear(self) -> None:
        """Select no cell and no ensemble, and mark no time; the moment and the span in view stay."""
        self.ensemble = None
        self.cells = ()
        self.marked = None
