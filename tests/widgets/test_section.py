import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QToolButton

from napari_calcium.widgets.section import Section


@pytest.fixture
def section(qtbot):
    content = QLabel("inside")
    made = Section("Events", content, "Part of the analysis.")
    made.inside = content
    qtbot.addWidget(made)
    made.show()
    return made


def test_it_starts_folded_and_a_click_on_the_title_opens_it(section, qtbot):
    assert not section.is_open
    assert not section.inside.isVisible()
    qtbot.mouseClick(section.findChild(QToolButton), Qt.MouseButton.LeftButton)
    assert section.is_open
    assert section.inside.isVisible()


def test_the_keyboard_opens_it_too(section, qtbot):
    qtbot.keyClick(section.findChild(QToolButton), Qt.Key.Key_Space)
    assert section.is_open


def test_the_tick_emits_for_the_user_and_not_for_code(section, qtbot):
    seen = []
    section.ticked.connect(seen.append)
    section.is_ticked = False
    assert seen == []
    section._tick.click()
    assert seen == [True]
    assert section.is_ticked


def test_the_brief_line_shows_only_while_folded(section):
    section.brief = "212 events"
    assert section._brief.isVisible()
    section.is_open = True
    assert not section._brief.isVisible()
    section.is_open = False
    section.brief = ""
    assert not section._brief.isVisible()


def test_without_a_tip_there_is_no_tick(qtbot):
    section = Section("How", QLabel())
    qtbot.addWidget(section)
    section.show()
    assert not section._tick.isVisible()
