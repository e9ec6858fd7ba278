from psygnal import Signal
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QWidget

from napari_calcium.widgets.links import Links


class Source:
    told = Signal(int)


class Listener(QWidget):
    def __init__(self, source):
        super().__init__()
        self.heard = []
        self._links = Links(self)
        self._links.join(source.told, self.hear)

    def hear(self, value):
        self.setToolTip(str(value))  # raises once Qt has deleted the widget
        self.heard.append(value)


def test_a_widget_hears_until_qt_deletes_it(qapp, qtbot):
    source = Source()
    listener = Listener(source)
    source.told.emit(1)
    listener.deleteLater()
    qtbot.waitUntil(lambda: len(source.told) == 0)
    source.told.emit(2)
    assert listener.heard == [1]


def test_other_ends_are_called_once(qapp, qtbot):
    owner, calls = QObject(), []
    Links(owner).add(lambda: calls.append("end"))
    owner.deleteLater()
    qtbot.waitUntil(lambda: calls == ["end"])
