from __future__ import annotations

import pytest
from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QDockWidget, QMainWindow, QWidget

from napari_calcium.widgets.dock_place import DockPlace

BOTTOM, RIGHT = Qt.DockWidgetArea.BottomDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea


class Plugin(QWidget):
    def __init__(self, name: str, area: str) -> None:
        super().__init__()
        self.place = DockPlace(self, name, area)

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self.place.on_show()


@pytest.fixture
def main(qtbot):
    window = QMainWindow()
    window.setCentralWidget(QWidget())
    window.resize(900, 700)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    return window


def dock(main: QMainWindow, widget: QWidget, area=RIGHT, title: str | None = None) -> QDockWidget:
    made = QDockWidget(f"{type(widget).__name__} (napari-calcium)" if title is None else title, main)
    made.setObjectName(made.windowTitle())
    made.setWidget(widget)
    main.addDockWidget(area, made)
    for _ in range(5):
        QApplication.processEvents()
    return made


def test_a_new_dock_goes_to_its_area(main):
    assert main.dockWidgetArea(dock(main, Plugin("New", "bottom"))) == BOTTOM
    assert main.dockWidgetArea(dock(main, Plugin("Newer", "right"))) == RIGHT


def test_docks_of_one_area_are_tabs(main):
    first = dock(main, Plugin("First", "bottom"))
    second = dock(main, Plugin("Second", "bottom"))
    assert main.tabifiedDockWidgets(first) == [second]


def test_hidden_docks_are_no_company(main):
    hidden = dock(main, QWidget(), BOTTOM)
    hidden.hide()
    shown = dock(main, Plugin("New", "bottom"))
    assert main.tabifiedDockWidgets(shown) == []


def test_docks_of_others_are_no_company(main):
    dock(main, QWidget(), BOTTOM, title="console")
    shown = dock(main, Plugin("New", "bottom"))
    assert main.tabifiedDockWidgets(shown) == []


def test_tabs_come_back_where_the_areas_are_remembered(main, monkeypatch):
    positions = {f"{name} (napari-calcium)": "bottom" for name in ("First", "Second")}
    monkeypatch.setattr(get_settings().application, "plugin_widget_positions", positions)
    first = dock(main, Plugin("First", "bottom"), BOTTOM)
    second = dock(main, Plugin("Second", "bottom"), BOTTOM)
    assert main.tabifiedDockWidgets(first) == [second]


def test_where_the_user_put_it_it_stays(main, monkeypatch):
    positions = {"Known (napari-calcium)": "right"}
    monkeypatch.setattr(get_settings().application, "plugin_widget_positions", positions)
    assert main.dockWidgetArea(dock(main, Plugin("Known", "bottom"))) == RIGHT


def test_it_moves_only_once(main):
    made = dock(main, Plugin("New", "bottom"))
    main.addDockWidget(RIGHT, made)
    made.hide()
    made.show()
    for _ in range(5):
        QApplication.processEvents()
    assert main.dockWidgetArea(made) == RIGHT


def test_a_floating_dock_and_a_window_of_its_own_are_left_alone(qtbot, main):
    floating = QDockWidget("floating", main)
    widget = Plugin("New", "bottom")
    floating.setWidget(widget)
    floating.setFloating(True)
    floating.show()
    alone = Plugin("Alone", "right")
    qtbot.addWidget(alone)
    alone.show()
    for _ in range(5):
        QApplication.processEvents()
    assert floating.isFloating()
    assert alone.isWindow()
