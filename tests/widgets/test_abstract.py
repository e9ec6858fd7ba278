"""A Qt class that lacks an abstract method is refused when it is made, not when the method is called."""

from __future__ import annotations

from abc import abstractmethod

import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QLineEdit, QWidget

from napari_calcium.widgets.abstract import refuse_abstract
from napari_calcium.widgets.rows import Row, TextRow
from napari_calcium.widgets.view_dock import ViewDock


class Base(QWidget):
    def __init__(self) -> None:
        refuse_abstract(self)
        super().__init__()

    @abstractmethod
    def one(self) -> int: ...

    @abstractmethod
    def two(self) -> int: ...


class Half(Base):
    def one(self) -> int:
        return 1


class Whole(Half):
    def two(self) -> int:
        return 2


def test_a_class_is_whole_once_all_methods_are_defined(qtbot):
    with pytest.raises(TypeError, match="Base has to define one, two"):
        Base()
    with pytest.raises(TypeError, match="Half has to define two"):
        Half()
    made = Whole()
    qtbot.addWidget(made)
    assert made.one() + made.two() == 3


def test_docks_and_rows_are_such_classes(qtbot):
    with pytest.raises(TypeError, match="ViewDock has to define build, draw, hint_for, set_colors"):
        ViewDock(ViewerModel())
    with pytest.raises(TypeError, match="Row has to define read, write"):
        Row(QLineEdit())
    row = TextRow(plain=True, optional=False)
    qtbot.addWidget(row)
    row.value = "words"
    assert row.value == "words"
