"""Widgets that stay together where a line of them is broken."""

from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QWidget

__all__ = ["joined"]


def joined(*parts: QWidget) -> QWidget:
    """Return widgets that stay together where a line is broken."""
    group = QWidget()
    row = QHBoxLayout(group)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(4)
    for part in parts:
        row.addWidget(part)
    return group
