"""Colours of the kinds of epochs: the same as ground of every plot over time, in legends and in averages."""

from __future__ import annotations

__all__ = ["SIGNAL_COLORS", "epoch_color", "signal_color"]

_EPOCHS = ("#56b4e9", "#e69f00", "#cc79a7", "#009e73", "#d55e00", "#9048f0", "#906030", "#0072b2")
"""Okabe and Ito's colours, those first that differ most as a ground beside each other."""

SIGNAL_COLORS = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#906030", "#9048f0", "#e69f00", "#cc79a7")


def epoch_color(place: int) -> str:
    """Return the colour of the label that comes in this place (from 0) among the labels; they repeat."""
    return _EPOCHS[place % len(_EPOCHS)]


def signal_color(place: int) -> str:
    """Return the colour of the signal in this place (from 0); they repeat."""
    return SIGNAL_COLORS[place % len(SIGNAL_COLORS)]
