"""Every key of the program, in one list: help shows it, and the page on the window has the same."""

from __future__ import annotations

import platform

__all__ = ["KEYS", "spelt"]

KEYS: tuple[tuple[str, str, str], ...] = (
    ("↓ ↑", "Traces", "next, previous cell: among the selected ones if there are several"),
    ("→ ←", "Traces", "next, previous frame"),
    ("Home", "Traces", "show the whole recording"),
    ("N P", "Traces", "while judging: next, previous event"),
    ("A R", "Traces", "while judging: accept, reject the event at hand; again: undecided"),
    ("Delete U", "Traces", "while judging: take away what was added; undecided"),
    ("I, drag", "Traces", "while judging: add an event at the cursor, in what was dragged over"),
    ("Z", "Traces", "while judging: undo"),
    (
        "Shift+drag",
        "any plot over time",
        "mark a stretch of time in every plot; a click's length takes it away",
    ),
    ("→ ←", "Coactivity", "next, previous ensemble event; of the chosen ensemble, if there is one"),
    ("↓ ↑", "Cells", "next, previous row"),
    ("G", "image", "registered or raw movie"),
    ("K, J", "Choose cells or on the image", "this candidate is a cell; is none"),
    ("→ ←", "Choose cells", "candidate of the next lower, higher quality"),
    ("Shift+W", "Edit cells or on the image", "wand: click a bright spot, and a cell grows from it"),
    ("Shift+E, Shift+O", "Edit cells or on the image", "add a cell: drag an ellipse; drag around it"),
    ("Shift+D", "Edit cells or on the image", "draw polygons for cells; again: make cells of them"),
    ("Shift+R", "Edit cells or on the image", "redraw the selected cell; Shift adds, Alt takes off"),
    ("Shift+S", "Edit cells or on the image", "split a cell: drag a line across it"),
    ("Shift+M, Shift+X", "Edit cells or on the image", "merge, delete the selected cells"),
    ("Shift+K, Shift+J", "Edit cells or on the image", "the selected cells are cells; are none"),
    ("Esc", "", "select nothing, mark no time; in Cells, first take the filter away"),
    ("Alt+B", "image", "select cells in a box: drag; with Shift, add them. Again, or Esc: back to clicking"),
    ("Alt+L", "image", "the same with a line drawn around them"),
    ("Ctrl+Alt+R", "", "Run all"),
    ("Ctrl+Alt+Z", "", "undo a step of the analysis"),
    ("Ctrl+Alt+Shift+Z", "", "redo it"),
    ("Tab, Shift+Tab", "", "through the forms, from top to bottom"),
    ("Space", "", "open or fold the section with the focus"),
)
"""Keys, where they work (empty: everywhere), and what they do."""


def spelt(keys: str) -> str:
    """Return keys as they are written on this machine's keyboard."""
    if platform.system() != "Darwin":
        return keys
    for name, sign in (("Ctrl+", "⌘"), ("Alt+", "⌥"), ("Shift+", "⇧")):
        keys = keys.replace(name, sign)
    return keys
