"""A foldable section: a tick, a title that opens it, and how it stands."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_calcium.widgets.form import message_label

__all__ = ["Section"]


_INDENT = 48
"""Of the line under a folded header: as far as the title, in pixels."""


class Section(QWidget):
    """Content under a header that folds it away.

    Parameters
    ----------
    title : str
    content : QWidget or None
        None where it is made when it is first wanted (`opened`), which :meth:`fill` puts in.
    tick_tip : str
        What the tick in the header stands for; without it there is no tick.
    parent : QWidget, optional

    Attributes
    ----------
    ticked : signal of bool
        The user set or cleared the tick.
    opened : signal of bool
        The content shows from now on, or is folded away.
    """

    ticked = Signal(bool)
    opened = Signal(bool)

    def __init__(
        self, title: str, content: QWidget | None, tick_tip: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._was_open = False
        self._content = QFrame()
        self._tick = QCheckBox()
        self._tick.setChecked(True)
        self._tick.setToolTip(tick_tip)
        self._tick.setVisible(bool(tick_tip))
        self._tick.setAccessibleName(f"{title}: {tick_tip}")
        self._toggle = QToolButton()
        self._toggle.setText(title)
        self._toggle.setCheckable(True)
        self._toggle.setAutoRaise(True)
        self._toggle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._toggle.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._toggle.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._toggle.setAccessibleName(title)
        self._state = QLabel()
        self._brief = message_label()
        self._build()
        if content is not None:
            self.fill(content)
        self._toggle.toggled.connect(self._fold)
        self._tick.toggled.connect(self.ticked)
        self._fold(False)

    @property
    def is_open(self) -> bool:
        """Whether the content shows."""
        return bool(self._toggle.isChecked())

    @is_open.setter
    def is_open(self, open_: bool) -> None:
        self._toggle.setChecked(open_)

    @property
    def is_ticked(self) -> bool:
        """Whether the tick is set; setting it from code emits nothing."""
        return bool(self._tick.isChecked())

    @is_ticked.setter
    def is_ticked(self, on: bool) -> None:
        blocked = self._tick.blockSignals(True)
        self._tick.setChecked(on)
        self._tick.blockSignals(blocked)

    @property
    def state(self) -> str:
        """How it stands, at the right end of the header."""
        return str(self._state.text())

    @state.setter
    def state(self, text: str) -> None:
        self._state.setText(text)

    @property
    def brief(self) -> str:
        """What came of it, in a line that stands under the header while the content is folded away."""
        return str(self._brief.text())

    @brief.setter
    def brief(self, text: str) -> None:
        if text == self.brief:
            return
        self._brief.setText(text)
        self._fold(self.is_open)

    def fill(self, content: QWidget) -> None:
        """Put the content in, where the Tab key comes to it after the header."""
        self._inside.addWidget(content)
        before: QWidget = self._toggle
        for widget in _in_order_of_focus(content):
            QWidget.setTabOrder(before, widget)
            before = widget

    def _build(self) -> None:
        header = QHBoxLayout()
        header.setContentsMargins(0, 0, 4, 0)
        header.addWidget(self._tick)
        header.addWidget(self._toggle, 1)
        header.addWidget(self._state)
        self._inside = QVBoxLayout(self._content)
        self._inside.setContentsMargins(6, 0, 4, 10)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(header)
        self._brief.setContentsMargins(_INDENT, 0, 4, 4)
        layout.addWidget(self._brief)
        layout.addWidget(self._content)

    def _fold(self, open_: bool) -> None:
        if open_ != self._was_open:
            self._was_open = open_
            self.opened.emit(open_)
        self._toggle.setArrowType(Qt.ArrowType.DownArrow if open_ else Qt.ArrowType.RightArrow)
        self._content.setVisible(open_)
        self._brief.setVisible(bool(self.brief) and not open_)


def _in_order_of_focus(content: QWidget) -> list[QWidget]:
    """Return the widgets in a widget in the order in which the Tab key comes to them."""
    inside, widget = [], content.nextInFocusChain()
    while widget is not None and widget is not content:
        if content.isAncestorOf(widget) and widget.focusPolicy() != Qt.FocusPolicy.NoFocus:
            inside.append(widget)
        widget = widget.nextInFocusChain()
    return inside
