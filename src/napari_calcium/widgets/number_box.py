"""A spin box for numbers as people write them: no padding zeros, no rounding to two decimals."""

from __future__ import annotations

import math
import re
from typing import Any

from qtpy.QtCore import QLocale, Qt, QTimer
from qtpy.QtGui import QFocusEvent, QValidator, QWheelEvent
from qtpy.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QWidget

__all__ = ["NumberBox"]

_DECIMALS = 10
_LARGEST = 2.0**53
_UNFINISHED = re.compile(r"[+-]?\d*[.,]?\d*(e[+-]?\d*)?", re.IGNORECASE)


class NumberBox(QDoubleSpinBox):
    """A number with its unit: ``30 s`` reads so, ``0.00015`` keeps its digits, a decimal comma is understood.

    Parameters
    ----------
    low, high : float or None
        Inclusive ends of the range; None for no limit.
    unit : str
        Shown after the number; empty for none.
    integer : bool
        Whole numbers only.

    Notes
    -----
    The wheel turns the number only while the box has the keyboard focus, so scrolling through a long form
    changes nothing by accident.
    """

    def __init__(
        self,
        low: float | None = None,
        high: float | None = None,
        *,
        unit: str = "",
        integer: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._integer = integer
        self.setLocale(QLocale.c())
        self.setDecimals(0 if integer else _DECIMALS)
        self.setRange(-_LARGEST if low is None else low, _LARGEST if high is None else high)
        self.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        self.setSuffix(f" {unit}" if unit else "")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumWidth(80)

    def textFromValue(self, value: float) -> str:
        """Write a number without trailing zeros."""
        text = f"{value:.{self.decimals()}f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        return "0" if text == "-0" else text

    def valueFromText(self, text: str) -> float:
        """Read a number; comma and point both separate decimals."""
        number = self._number(text)
        return self.value() if number is None else number

    def validate(self, text: str | None, position: int) -> Any:
        """Accept numbers in the range, and beginnings of numbers while they are typed."""
        written = self._bare(text or "")
        number = self._number(written)
        if number is not None and self.minimum() <= number <= self.maximum():
            state = QValidator.State.Acceptable
        elif _UNFINISHED.fullmatch(written):
            state = QValidator.State.Intermediate
        else:
            state = QValidator.State.Invalid
        return state, text, position

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        """Select words that stand for a number ("unknown"), so that typing replaces them."""
        super().focusInEvent(event)
        if self.specialValueText() and self.value() == self.minimum():
            QTimer.singleShot(0, self.selectAll)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Turn the number only when the user is in the box; else let the form scroll."""
        if event is None:
            return
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def _bare(self, text: str) -> str:
        return text.removesuffix(self.suffix()).removesuffix(self.suffix().strip()).strip()

    def _number(self, text: str) -> float | None:
        try:
            number = float(self._bare(text).replace(",", "."))
        except ValueError:
            return None
        if not math.isfinite(number) or (self._integer and number != round(number)):
            return None
        return number
