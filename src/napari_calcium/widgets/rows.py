"""One row of a form for each kind of settings field: number, choice, switch, text."""

from __future__ import annotations

import types
from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLineEdit, QSizePolicy, QWidget

from napari_calcium.settings import Choice, Settings, Unit, Zero
from napari_calcium.widgets.abstract import refuse_abstract
from napari_calcium.widgets.number_box import NumberBox

__all__ = ["ChoiceBox", "ChoiceRow", "FlagRow", "NumberRow", "OptionalRow", "Row", "TextRow", "row_for"]

# What the names of traces stand for, wherever a stage lets the user choose one.
_WORDS = {
    "raw": "Raw fluorescence",
    "baseline": "Baseline F0",
    "dff": "ΔF/F",
    "background_corrected": "Background-corrected",
    "denoised": "Denoised",
}


_LIST_MARGIN = 24


class Row(QWidget):
    """An editor of one value.

    A value that was set and not touched since comes back as exactly the object it was, whatever the editor
    could show of it.
    """

    changed = Signal()
    is_wide = False
    """Whether it stands below its title, in the whole width of the form."""

    def __init__(self, editor: QWidget) -> None:
        refuse_abstract(self)
        super().__init__()
        self.editor = editor
        self.about: tuple[type[Settings], str] | None = None
        """The settings class and the field that it edits, where it is a row of a form."""
        self._exact: Any = None
        self._shown: Any = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(editor)
        self.setFocusProxy(editor)

    @property
    def value(self) -> Any:
        """The value as plain data: as it was set if untouched, else as the editor has it."""
        now = self.read()
        return self._exact if now == self._shown else now

    @value.setter
    def value(self, value: Any) -> None:
        blocked = self.blockSignals(True)
        try:
            self.write(value)
        finally:
            self.blockSignals(blocked)
        self._exact, self._shown = value, self.read()

    def words(self, value: Any) -> str:
        """Return how the row would say a value."""
        return str(value)

    def describe(self, title: str, description: str) -> None:
        """Tell people and screen readers what the row is."""
        self.editor.setAccessibleName(title)
        self.editor.setAccessibleDescription(description)

    @abstractmethod
    def read(self) -> Any:
        """Return what the editor says."""

    @abstractmethod
    def write(self, value: Any) -> None:
        """Let the editor say a value."""


class NumberRow(Row):
    """A float or an int, with the range and the unit of its field."""

    def __init__(self, metadata: Sequence[Any], *, integer: bool) -> None:
        low, high = _range(metadata, integer=integer)
        unit = next((m.symbol for m in metadata if isinstance(m, Unit)), "")
        self._box = NumberBox(low, high, unit=unit, integer=integer)
        self._kind: type = int if integer else float
        zero = next((m.words for m in metadata if isinstance(m, Zero)), "")
        if zero and low == 0:
            self._box.setSpecialValueText(zero)
        super().__init__(self._box)
        self._box.valueChanged.connect(lambda _: self.changed.emit())

    def words(self, value: Any) -> str:
        """Return how the row would say a value."""
        if value == self._box.minimum() and self._box.specialValueText():
            return self._box.specialValueText()
        return f"{self._box.textFromValue(float(value))}{self._box.suffix()}"

    def read(self) -> Any:
        """Return what the editor says."""
        return self._kind(self._box.value())

    def write(self, value: Any) -> None:
        """Let the editor say a value."""
        self._box.setValue(float(value))


class ChoiceBox(QComboBox):
    """A drop-down list that scrolling past does not change, and that never widens its dock."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def showPopup(self) -> None:
        """Make the list as wide as its words, whatever the width of the box."""
        view = self.view()
        if view is not None:
            view.setMinimumWidth(view.sizeHintForColumn(0) + _LIST_MARGIN)
        super().showPopup()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Let the form scroll."""
        if event is not None:
            event.ignore()


class ChoiceRow(Row):
    """One of several values, in plain words."""

    def __init__(self, values: Sequence[Any], words: dict[str, str]) -> None:
        self._values = list(values)
        self._box = ChoiceBox()
        for value in values:
            self._box.addItem(words.get(str(value)) or _plain(value))
        super().__init__(self._box)
        self._box.currentIndexChanged.connect(lambda _: self.changed.emit())

    def words(self, value: Any) -> str:
        """Return how the row would say a value."""
        return str(self._box.itemText(self._values.index(value)))

    def read(self) -> Any:
        """Return what the editor says."""
        return self._values[self._box.currentIndex()]

    def write(self, value: Any) -> None:
        """Let the editor say a value."""
        self._box.setCurrentIndex(self._values.index(value))


class FlagRow(Row):
    """Yes or no."""

    def __init__(self) -> None:
        self._box = QCheckBox()
        super().__init__(self._box)
        self._box.toggled.connect(lambda _: self.changed.emit())

    def read(self) -> bool:
        """Return what the editor says."""
        return self._box.isChecked()

    def write(self, value: Any) -> None:
        """Let the editor say a value."""
        self._box.setChecked(bool(value))


class TextRow(Row):
    """Text; and for kinds of values that have no editor of their own, the value as YAML.

    Parameters
    ----------
    plain : bool
        The value is a string, taken as it stands.
    optional : bool
        An empty row is None.
    """

    def __init__(self, *, plain: bool, optional: bool) -> None:
        self._line = QLineEdit()
        self._plain, self._optional = plain, optional
        super().__init__(self._line)
        self._line.textChanged.connect(lambda _: self.changed.emit())

    def read(self) -> Any:
        """Return what the editor says."""
        text = self._line.text()
        if self._optional and not text.strip():
            return None
        if self._plain:
            return text
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError:
            return text

    def write(self, value: Any) -> None:
        """Let the editor say a value."""
        if value is None:
            self._line.setText("")
        elif self._plain:
            self._line.setText(str(value))
        else:
            self._line.setText(
                yaml.safe_dump(_listed(value), default_flow_style=True).strip().removesuffix("\n...")
            )


class OptionalRow(Row):
    """A value that may be absent: a tick, and the row of the value beside it."""

    def __init__(self, inner: Row, start: Any) -> None:
        self._tick = QCheckBox()
        self._inner = inner
        inner.value = start
        super().__init__(self._tick)
        layout = self.layout()
        assert layout is not None
        layout.addWidget(inner)
        inner.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        inner.setEnabled(False)
        self._tick.toggled.connect(self._toggled)
        inner.changed.connect(self.changed)

    def describe(self, title: str, description: str) -> None:
        """Tell people and screen readers what the row is."""
        self._tick.setAccessibleName(f"Set {title[:1].lower()}{title[1:]}")
        self._tick.setAccessibleDescription(description)
        self._inner.describe(title, description)

    def words(self, value: Any) -> str:
        """Return how the row would say a value."""
        return "none" if value is None else self._inner.words(value)

    def _toggled(self, on: bool) -> None:
        self._inner.setEnabled(on)
        self.changed.emit()

    def read(self) -> Any:
        """Return what the editor says."""
        return self._inner.value if self._tick.isChecked() else None

    def write(self, value: Any) -> None:
        """Let the editor say a value."""
        if value is not None:
            self._inner.value = value
        self._tick.setChecked(value is not None)


def row_for(field: FieldInfo) -> Row:
    """Return an editor for a field of a settings class."""
    annotation, metadata = _unwrap(field.annotation, list(field.metadata))
    optional = False
    if get_origin(annotation) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        optional = len(kinds) < len(get_args(annotation))
        if len(kinds) == 1:
            annotation, metadata = _unwrap(kinds[0], metadata)
        elif not optional and all(_has_defaults(kind) for kind in kinds):
            from napari_calcium.widgets.union_form import UnionRow  # which is made of rows itself

            return UnionRow(tuple(kinds))
    if get_origin(annotation) is Literal:
        words = _WORDS | {k: v for m in metadata if isinstance(m, Choice) for k, v in m.labels}
        values = get_args(annotation)
        return ChoiceRow((None, *values) if optional and None not in values else values, words)
    if annotation in (int, float):
        row: Row = NumberRow(metadata, integer=annotation is int)
        return OptionalRow(row, _start(field, metadata, annotation)) if optional else row
    if annotation is bool:
        return OptionalRow(FlagRow(), True) if optional else FlagRow()
    return TextRow(plain=annotation is str, optional=optional)


def _has_defaults(kind: Any) -> bool:
    """Whether it is a settings class that can be made without saying anything."""
    if not (isinstance(kind, type) and issubclass(kind, Settings)):
        return False
    return not any(field.is_required() for field in kind.model_fields.values())


def _unwrap(annotation: Any, metadata: list[Any]) -> tuple[Any, list[Any]]:
    """Take the metadata off an ``Annotated``, that of the inner type first."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        flat: list[Any] = []
        for item in more:
            flat.extend(item.metadata if isinstance(item, FieldInfo) else [item])
        return _unwrap(inner, [*flat, *metadata])
    return annotation, metadata


def _range(metadata: Sequence[Any], *, integer: bool) -> tuple[float | None, float | None]:
    """Return the inclusive range; an excluded end is left out by the smallest step that can be shown."""
    gap = 1.0 if integer else 1e-10
    lows = [float(m.ge) for m in metadata if isinstance(m, Ge)]
    lows += [float(m.gt) + gap for m in metadata if isinstance(m, Gt)]
    highs = [float(m.le) for m in metadata if isinstance(m, Le)]
    highs += [float(m.lt) - gap for m in metadata if isinstance(m, Lt)]
    return max(lows, default=None), min(highs, default=None)


def _start(field: FieldInfo, metadata: Sequence[Any], kind: type) -> Any:
    """Return where an absent number begins when the user sets it: the example, else something allowed."""
    if field.examples:
        return field.examples[0]
    if field.default is not None and isinstance(field.default, int | float):
        return field.default
    low, high = _range(metadata, integer=kind is int)
    start = 1.0 if low is None or low < 1 else low
    return kind(start if high is None else min(start, high))


def _plain(value: Any) -> str:
    if value is None:
        return "Automatic"
    text = str(value).replace("_", " ")
    return text[:1].upper() + text[1:]


def _listed(value: Any) -> Any:
    """Return a value as YAML knows it: tuples are lists, settings inside settings are names and values."""
    if isinstance(value, Settings):
        return value.model_dump(mode="json")
    return [_listed(item) for item in value] if isinstance(value, tuple | list) else value
