"""The Help dock: what the setting under the focus does, and every key."""

from __future__ import annotations

from html import escape
from typing import Any

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QApplication, QTextBrowser, QVBoxLayout, QWidget

from napari_calcium.guidance.setting_help import SettingHelp, setting_help
from napari_calcium.pipeline_settings import TITLES
from napari_calcium.widgets.dock_place import DockPlace
from napari_calcium.widgets.key_list import KEYS, spelt
from napari_calcium.widgets.rows import Row
from napari_calcium.widgets.union_form import UnionForm, method_words, summary_of
from napari_calcium.widgets.workbench import workbench_of

__all__ = ["HelpDock"]

_START = (
    "<p><b>Click into a setting</b>, or go there with Tab: here stands what it does, its unit, range and "
    "default, and which results change with it.</p>"
)


class HelpDock(QWidget):
    """Follows the focus through the forms.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self._bench = workbench_of(napari_viewer)
        self.text = QTextBrowser()
        self.text.setAccessibleName("Help")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.text)
        self._place = DockPlace(self, "Help", "right")
        self._show(_START)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._follow)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Take a place among the other docks, the first time."""
        super().showEvent(event)
        self._place.on_show()

    def explain(self, widget: QWidget | None) -> bool:
        """Explain the setting that a widget edits; return whether it edits one."""
        row, union, stage = _above(widget)
        if row is not None and row.about is not None:
            kind, name = row.about
            told = setting_help(kind, name, stage, self._bench.plan.settings)
            self._show(setting_page(told, TITLES.get(stage, "")))
        elif union is not None and widget is union.chooser:
            self._show(method_page(union, TITLES.get(stage, "")))
        else:
            return False
        return True

    def _follow(self, before: QWidget | None, now: QWidget | None) -> None:
        # The focus of another viewer's forms is explained in that viewer's window.
        if now is not None and now.window() in (self.window(), self.window().parent()):
            self.explain(now)

    def _show(self, page: str) -> None:
        self.text.setHtml(page + keys_page())


def setting_page(told: SettingHelp, stage: str) -> str:
    """Return the help on a setting as HTML."""
    of = f" <span style='font-weight:normal'>({escape(stage)})</span>" if stage else ""
    facts = [("Unit", told.unit), ("Allowed", told.allowed), ("Default", told.default)]
    rows = "".join(
        f"<tr><td><b>{name}</b>&nbsp;&nbsp;</td><td>{escape(value)}</td></tr>"
        for name, value in facts
        if value
    )
    page = f"<h3>{escape(told.title)}{of}</h3><p>{escape(told.effect)}</p><table>{rows}</table>"
    if told.touches:
        page += f"<p><b>Changes the results of</b> {escape(', '.join(told.touches))}.</p>"
    return page


def method_page(union: UnionForm, stage: str) -> str:
    """Return the help on a choice of methods as HTML."""
    items = "".join(
        f"<p><b>{escape(method_words(kind))}</b>: {escape(summary_of(kind))}</p>" for kind in union.kinds
    )
    return f"<h3>Method <span style='font-weight:normal'>({escape(stage)})</span></h3>{items}"


def keys_page() -> str:
    """Return the list of keys as HTML."""
    rows = "".join(
        f"<tr><td width='30%'><b>{_breakable(spelt(keys))}</b></td>"
        f"<td>{f'<i>{where}:</i> ' if where else ''}{escape(what)}</td></tr>"
        for keys, where, what in KEYS
    )
    return f"<h3>Keys</h3><table width='100%' cellspacing='4'>{rows}</table>"


def _breakable(keys: str) -> str:
    """Return keys as HTML that may wrap after a plus: the longest would take half of a narrow dock."""
    return escape(keys).replace("+", "+&#8203;")


def _above(widget: QWidget | None) -> tuple[Row | None, UnionForm | None, str]:
    """Return the row, the choice of methods and the stage that a widget belongs to."""
    row, union, stage = None, None, ""
    while widget is not None:
        row = row or (widget if isinstance(widget, Row) and widget.about is not None else None)
        union = union or (widget if isinstance(widget, UnionForm) else None)
        stage = stage or str(getattr(widget, "stage", ""))
        widget = widget.parentWidget()
    return row, union, stage
