"""A form for alternatives: a chooser of the method, and the fields of the chosen one."""

from __future__ import annotations

import types
from typing import Annotated, Any, Union, get_args, get_origin

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget

from napari_calcium.settings import Settings
from napari_calcium.widgets.form import SettingsForm, row_label, tooltip
from napari_calcium.widgets.rows import ChoiceBox, Row

__all__ = ["Form", "UnionForm", "UnionRow", "alternatives", "form_for", "method_words", "summary_of"]


_INDENT = 12
"""Of a form inside a form, in pixels."""


class UnionForm(QWidget):
    """Settings that are one of several classes, told apart by their ``method``.

    What was typed for a method is still there when the user comes back to it.

    Parameters
    ----------
    kinds : tuple of Settings classes
    settings : Settings
        An instance of one of them.
    parent : QWidget, optional

    Attributes
    ----------
    changed : signal
        The user chose another method or changed a field. Setting `settings` from code emits nothing.
    """

    changed = Signal()

    def __init__(
        self, kinds: tuple[type[Settings], ...], settings: Settings, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._kinds = kinds
        self._chooser = ChoiceBox()
        self._chooser.setAccessibleName("Method")
        self._says = QLabel()
        self._says.setWordWrap(True)
        font = self._says.font()
        font.setItalic(True)
        self._says.setFont(font)
        self._forms = [SettingsForm(settings if type(settings) is kind else kind()) for kind in kinds]
        self._build()
        self.settings = settings
        self._chooser.currentIndexChanged.connect(self._chosen)

    @property
    def settings(self) -> Settings:
        """Settings of the chosen method; see :class:`SettingsForm`.

        Raises
        ------
        SettingsError
            If the values do not go together.
        """
        return self._form.settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        index = self._kinds.index(type(settings))
        self._forms[index].settings = settings
        blocked = self._chooser.blockSignals(True)
        self._chooser.setCurrentIndex(index)
        self._chooser.blockSignals(blocked)
        self._show(index)

    @property
    def error(self) -> str:
        """Why the values do not go together, in one line; empty if they do."""
        return self._form.error

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to set: never, as there is a method to choose."""
        return False

    @property
    def chooser(self) -> ChoiceBox:
        """The list of methods."""
        return self._chooser

    @property
    def kinds(self) -> tuple[type[Settings], ...]:
        """The methods' settings classes, in the order of the list."""
        return self._kinds

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the fields of the chosen method that have a row."""
        return self._form.names

    def hint(self, name: str, text: str) -> None:
        """Put a line under a row of the chosen method; an empty one takes it away."""
        self._form.hint(name, text)

    def row(self, name: str) -> Any:
        """Return the row of a field of the chosen method."""
        return self._form.row(name)

    @property
    def _form(self) -> SettingsForm:
        return self._forms[self._chooser.currentIndex()]

    def _build(self) -> None:
        top = QFormLayout()
        top.setContentsMargins(0, 0, 0, 0)
        top.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        top.addRow(row_label("Method", self._chooser), self._chooser)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addWidget(self._says)
        for kind, form in zip(self._kinds, self._forms, strict=True):
            index = self._chooser.count()
            self._chooser.addItem(method_words(kind))
            self._chooser.setItemData(index, tooltip(summary_of(kind)), Qt.ItemDataRole.ToolTipRole)
            form.changed.connect(self.changed)
            layout.addWidget(form)

    def _chosen(self, index: int) -> None:
        self._show(index)
        self.changed.emit()

    def _show(self, index: int) -> None:
        self._says.setText(summary_of(self._kinds[index]))
        for k, form in enumerate(self._forms):
            form.setVisible(k == index)


class UnionRow(Row):
    """A field that is one of several settings classes: a chooser of the method, and its fields, indented.

    Parameters
    ----------
    kinds : tuple of Settings classes
        Each with a default for every field.
    """

    is_wide = True

    def __init__(self, kinds: tuple[type[Settings], ...]) -> None:
        self._form = UnionForm(kinds, kinds[0]())
        super().__init__(self._form)
        self._form.setContentsMargins(_INDENT, 0, 0, 0)
        self._form.changed.connect(self.changed)

    def words(self, value: Any) -> str:
        """Return how the row would say a value."""
        return method_words(type(value))

    def describe(self, title: str, description: str) -> None:
        """Tell people and screen readers what the row is."""
        self._form.chooser.setAccessibleName(title)
        self._form.chooser.setAccessibleDescription(description)

    def read(self) -> Any:
        """Return what the editor says."""
        return self._form.settings

    def write(self, value: Any) -> None:
        """Let the editor say a value."""
        self._form.settings = value


Form = SettingsForm | UnionForm


def alternatives(annotation: Any) -> tuple[type[Settings], ...]:
    """Return the settings classes in an annotation, through ``Annotated``, unions and None, in order."""
    if get_origin(annotation) is Annotated:
        return alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(kind for part in get_args(annotation) for kind in alternatives(part))
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return (annotation,)
    return ()


def form_for(annotation: Any, settings: Settings) -> Form:
    """Return a form for a settings class or for a union of them.

    Parameters
    ----------
    annotation
        A settings class, or a union of some, with or without None.
    settings : Settings
        What the form shows first.
    """
    kinds = alternatives(annotation)
    return SettingsForm(settings) if len(kinds) == 1 else UnionForm(kinds, settings)


def method_words(kind: type[Settings]) -> str:
    """Return what a method is called on screen."""
    field = kind.model_fields["method"]
    if field.title:
        return field.title
    name = str(field.default).replace("_", " ")
    # "ica" is an abbreviation, "ward" is a name.
    return name.upper() if len(name) <= 3 else name[:1].upper() + name[1:]


def summary_of(kind: type[Settings]) -> str:
    """Return the first line of a class's docstring, in plain text."""
    lines = (kind.__doc__ or "").strip().splitlines()
    return lines[0].replace("``", "").replace("`", "") if lines else ""
