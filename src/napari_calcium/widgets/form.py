"""A form for any settings class: one row a field, and the settings come back as they went in."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFormLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_calcium.settings import Settings, SettingsError
from napari_calcium.widgets.rows import Row, row_for

__all__ = ["SettingsForm", "is_constant", "message_label", "row_label", "title_of", "tooltip"]


LABEL_WIDTH = 88
"""Of every row, in pixels, so that the fields of forms under one another stand in one line."""


class SettingsForm(QWidget):
    """One row for each field of a settings class.

    Parameters
    ----------
    settings : Settings
        What the form shows first; its class says what fields there are. A field that can hold only one value
        (the name of a method) has no row.
    leave_out : tuple of str
        Fields without a row, which stay as they are.
    parent : QWidget, optional

    Attributes
    ----------
    changed : signal
        The user changed something. Setting `settings` from code emits nothing.
    """

    changed = Signal()

    def __init__(
        self, settings: Settings, *, leave_out: tuple[str, ...] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._initial = settings
        self._rows: dict[str, Row] = {}
        self._hints: dict[str, QLabel] = {}
        self._message = message_label()
        self._layout = QFormLayout()
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self._layout.setVerticalSpacing(4)
        for name, field in type(settings).model_fields.items():
            if name not in leave_out and not is_constant(field) and not _is_made_elsewhere(field):
                self._add(name, field)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addLayout(self._layout)
        outer.addWidget(self._message)
        self.settings = settings

    @property
    def settings(self) -> Settings:
        """What the form says; a value the user did not touch is exactly what it was.

        Raises
        ------
        SettingsError
            If the values do not go together; the same line stands under the form.
        """
        touched = {name: row.value for name, row in self._rows.items()}
        kind = type(self._initial)
        given = {name: getattr(self._initial, name) for name in kind.model_fields}
        if all(touched[name] is given[name] for name in touched):
            return self._initial
        try:
            return kind.validated(given | touched)
        except SettingsError as error:
            raise SettingsError(_in_titles(str(error), kind)) from None

    @settings.setter
    def settings(self, settings: Settings) -> None:
        if type(settings) is not type(self._initial):
            raise TypeError(f"this form is for {type(self._initial).__name__}, got {type(settings).__name__}")
        self._initial = settings
        for name, row in self._rows.items():
            row.value = getattr(settings, name)
        self._check()

    @property
    def error(self) -> str:
        """Why the values do not go together, in one line; empty if they do."""
        try:
            _ = self.settings
        except SettingsError as error:
            return str(error)
        return ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to set."""
        return not self._rows

    def row(self, name: str) -> Row:
        """Return the row of a field."""
        return self._rows[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the fields that have a row."""
        return tuple(self._rows)

    def hint(self, name: str, text: str) -> None:
        """Put a line under a row; an empty one takes it away."""
        self._hints[name].setText(text)
        self._hints[name].setVisible(bool(text))

    def _add(self, name: str, field: FieldInfo) -> None:
        title, description = title_of(name, field), field.description or ""
        row = row_for(field)
        row.setToolTip(tooltip(description))
        row.describe(title, description)
        row.about = (type(self._initial), name)
        row.changed.connect(self._edited)
        label = row_label(title, row)
        label.setToolTip(tooltip(description))
        hint = message_label()
        if row.is_wide:
            self._layout.addRow(label)
            self._layout.addRow(row)
        else:
            self._layout.addRow(label, row)
        self._layout.addRow(None, hint)
        self._rows[name], self._hints[name] = row, hint

    def _edited(self) -> None:
        self._check()
        self.changed.emit()

    def _check(self) -> None:
        error = self.error
        self._message.setText(f"⚠ {error}")
        self._message.setVisible(bool(error))


def is_constant(field: FieldInfo) -> bool:
    """Whether a field can hold one value only, so that there is nothing to choose."""
    return get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1


def _is_made_elsewhere(field: FieldInfo) -> bool:
    """Whether a field is not typed: its class says so with ``json_schema_extra={"form": False}``."""
    extra = field.json_schema_extra
    return isinstance(extra, dict) and extra.get("form") is False


def title_of(name: str, field: FieldInfo) -> str:
    """Return what a field is called on screen."""
    return field.title or name.replace("_", " ").capitalize()


def tooltip(text: str) -> str:
    """Return text that Qt wraps into lines instead of one across the screen."""
    return f"<qt>{text}</qt>" if text else ""


def row_label(title: str, buddy: QWidget) -> QLabel:
    """Return the label of a row; a long one wraps."""
    label = QLabel(title)
    label.setWordWrap(True)
    label.setFixedWidth(LABEL_WIDTH)
    label.setBuddy(buddy)
    return label


def message_label() -> QLabel:
    """Return a label for a sentence that may be long: it wraps, and it can be copied."""
    label = QLabel()
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    label.setVisible(False)
    return label


def _in_titles(message: str, kind: type[Settings]) -> str:
    """Say field names as the form says them."""
    parts = []
    for part in message.split("; "):
        name, separator, rest = part.partition(": ")
        field: Any = kind.model_fields.get(name)
        if separator and field is not None:
            part = f"{title_of(name, field)}: {rest}"
        parts.append(part.removeprefix(": ").replace("value error, ", ""))
    return "; ".join(parts)
