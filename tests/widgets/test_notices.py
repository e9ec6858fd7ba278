"""One notification of ours at a time, and none that was seen to."""

from __future__ import annotations

import pytest
from napari.utils.notifications import show_info as say_plainly
from qtpy.QtWidgets import QDialog

from napari_calcium.widgets.notices import end_notices, show_info, show_warning


@pytest.fixture
def on_screen(make_napari_viewer, monkeypatch):
    """Return what says which notifications are on screen."""
    monkeypatch.setenv("NAPARI_CATCH_ERRORS", "1")
    viewer = make_napari_viewer(show=True)
    from napari._qt.dialogs.qt_notification import NapariQtNotification
    from napari.utils.notifications import notification_manager

    show = NapariQtNotification.show_notification
    notification_manager.notification_ready.connect(show)

    def texts() -> list[str]:
        boxes = viewer.window._qt_window.findChildren(QDialog)
        return [b.message.text() for b in boxes if isinstance(b, NapariQtNotification) and b.isVisible()]

    yield texts
    notification_manager.notification_ready.disconnect(show)
    for box in viewer.window._qt_window.findChildren(QDialog):
        box.close()


def test_the_next_one_takes_the_place_of_the_last(on_screen, qtbot):
    show_warning("a.csv: set its frame rate")
    qtbot.waitUntil(lambda: on_screen() == ["a.csv: set its frame rate"])
    show_info("labels linked")
    qtbot.waitUntil(lambda: on_screen() == ["labels linked"])


def test_those_of_others_stay(on_screen, qtbot):
    say_plainly("of another plugin")
    show_info("ours")
    qtbot.waitUntil(lambda: len(on_screen()) == 2)
    end_notices()
    qtbot.waitUntil(lambda: on_screen() == ["of another plugin"])


def test_ending_what_was_never_said_does_nothing(on_screen):
    end_notices()
    assert on_screen() == []
