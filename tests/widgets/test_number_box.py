import pytest
from hypothesis import given
from hypothesis import strategies as st
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QValidator, QWheelEvent

from napari_calcium.widgets.number_box import NumberBox


@pytest.fixture
def box(qtbot):
    made = NumberBox(unit="s")
    qtbot.addWidget(made)
    return made


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (30, "30 s"),
        (0.5, "0.5 s"),
        (0.00015, "0.00015 s"),
        (-0.0, "0 s"),
        (1e6, "1000000 s"),
        (12.3456789, "12.3456789 s"),
    ],
)
def test_numbers_are_shown_as_people_write_them(box, value, shown):
    box.setValue(value)
    assert box.text() == shown


@pytest.mark.parametrize(
    ("typed", "value"), [("0,5", 0.5), ("0.5", 0.5), ("7 s", 7), ("1e-3", 0.001), (".25", 0.25)]
)
def test_point_comma_exponent_and_unit_are_understood(box, typed, value):
    box.lineEdit().setText(typed)
    box.interpretText()
    assert box.value() == value


@pytest.mark.parametrize(
    ("typed", "state"),
    [
        ("3", QValidator.State.Acceptable),
        ("-", QValidator.State.Intermediate),
        ("1e", QValidator.State.Intermediate),
        ("", QValidator.State.Intermediate),
        ("three", QValidator.State.Invalid),
        ("nan", QValidator.State.Invalid),
        ("1e999", QValidator.State.Intermediate),
    ],
)
def test_what_may_be_typed(box, typed, state):
    assert box.validate(typed, 0)[0] == state


def test_a_number_out_of_range_is_not_accepted(qtbot):
    box = NumberBox(0.1, 600)
    qtbot.addWidget(box)
    assert box.validate("0.05", 0)[0] == QValidator.State.Intermediate
    assert box.validate("600", 0)[0] == QValidator.State.Acceptable


def test_whole_numbers_only(qtbot):
    box = NumberBox(0, 10, integer=True)
    qtbot.addWidget(box)
    assert box.validate("2.5", 0)[0] == QValidator.State.Intermediate
    box.setValue(3)
    assert box.text() == "3"


@given(value=st.integers(-(10**9), 10**9).map(lambda k: k / 1000))
def test_what_is_shown_reads_back(qapp, value):
    box = NumberBox()
    assert box.valueFromText(box.textFromValue(value)) == value


@pytest.mark.parametrize("focused", [False, True])
def test_the_wheel_turns_the_number_only_with_the_focus(box, qtbot, monkeypatch, focused):
    box.setValue(5)
    monkeypatch.setattr(box, "hasFocus", lambda: focused)
    where = QPointF(5, 5)
    event = QWheelEvent(
        where,
        where,
        QPoint(0, 0),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    box.wheelEvent(event)
    assert (box.value() > 5) == focused
