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
    ("I", "Traces", "while judging: add an event at the cursor"),
    ("→ ←", "Coactivity", "next, previous ensemble event; of the chosen ensemble, if there is one"),
    ("↓ ↑", "Cells", "next, previous row"),
    ("G", "image", "registered or raw movie"),
    ("K, J", "Choose cells or on the image", "this candidate is a cell; is none"),
    ("→ ←", "Choose cells", "candidate of the next lower, higher quality"),
    ("Esc", "", "select nothing; in Cells, first take the filter away"),
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
