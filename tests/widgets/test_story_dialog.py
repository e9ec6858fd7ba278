from __future__ import annotations

from qtpy.QtWidgets import QApplication

from napari_calcium.guidance.provenance import story
from napari_calcium.widgets.coactivity_dock import CoactivityDock
from napari_calcium.widgets.ensembles_dock import EnsemblesDock
from napari_calcium.widgets.story_dialog import StoryDialog
from napari_calcium.widgets.viewer_session import session_of


def test_it_tells_the_steps_and_can_be_copied(qtbot, populated):
    dialog = StoryDialog(populated, ("ensembles",))
    qtbot.addWidget(dialog)
    text = dialog.text.toPlainText()
    assert story(populated, ("ensembles",)) in text
    assert dialog.text.isReadOnly()
    dialog.copy.click()
    assert QApplication.clipboard().text() == text


def test_every_dock_tells_its_own_story(qtbot, viewer, populated):
    dock = CoactivityDock(viewer)
    qtbot.addWidget(dock)
    dock.show()
    session_of(viewer).open(populated)
    dock.export_button.refresh()
    assert dock.export_button.story.isEnabled()
    dock.export_button.story.trigger()
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, StoryDialog))
    assert "Coactivity" in dialog.text.toPlainText()
    dialog.close()


def test_the_ensembles_dock_says_why_counts_differ(qtbot, viewer, populated):
    dock = EnsemblesDock(viewer)
    qtbot.addWidget(dock)
    dock.show()
    session_of(viewer).open(populated)
    qtbot.waitUntil(lambda: "Why" in dock.notes.text())
    dock.notes.linkActivated.emit("why")
    assert "are counted differently" in dock.notes.text()
    dock.notes.linkActivated.emit("less")
    assert "are counted differently" not in dock.notes.text()
