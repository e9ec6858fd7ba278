"""Start here: buttons that lead to a recording, and every dock a click away."""

from __future__ import annotations

import re

import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt

from napari_calcium.widgets import start_dock, start_row
from napari_calcium.widgets.start_dock import StartDock
from napari_calcium.widgets.start_row import StartRow, contributions
from napari_calcium.widgets.viewer_session import session_of


class Viewer(ViewerModel):
    """Remembers what was opened."""

    def open(self, path, plugin=None):
        if path == "bad":
            raise ValueError("bad: no\ntable")
        opened.append((path, plugin))

    def open_sample(self, plugin, sample):
        opened.append((sample, plugin))


opened: list[tuple[str, str]] = []


@pytest.fixture
def viewer():
    opened.clear()
    return Viewer()


@pytest.fixture
def row(qtbot, viewer):
    said: list[str] = []
    made = StartRow(viewer, said.append)
    made.said = said
    qtbot.addWidget(made)
    return made


def test_the_row_goes_once_there_is_a_recording_and_comes_back(row, viewer, raw_recording):
    assert not row.isHidden()
    session_of(viewer).open(raw_recording)
    assert row.isHidden()
    session_of(viewer).close()
    assert not row.isHidden()


def test_a_file_is_opened_as_if_it_were_dropped(row, qtbot, monkeypatch):
    monkeypatch.setattr(start_row.QFileDialog, "getOpenFileName", lambda *_: ("a.csv", ""))
    qtbot.mouseClick(row.file, Qt.MouseButton.LeftButton)
    assert opened == [("a.csv", "napari-calcium")]
    monkeypatch.setattr(start_row.QFileDialog, "getOpenFileName", lambda *_: ("bad", ""))
    qtbot.mouseClick(row.file, Qt.MouseButton.LeftButton)
    assert row.said == ["⚠ bad: bad: no table"]
    monkeypatch.setattr(start_row.QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    qtbot.mouseClick(row.file, Qt.MouseButton.LeftButton)
    assert len(opened) == 1


def test_the_samples_are_those_of_the_manifest(row):
    row.fill()
    samples = contributions().sample_data
    assert [action.text() for action in row.samples.actions()] == [s.display_name for s in samples]
    row.samples.actions()[1].trigger()
    assert opened == [(samples[1].key, "napari-calcium")]


def test_every_dock_of_the_manifest_is_listed_once_with_what_it_shows(qtbot, viewer):
    dock = StartDock(viewer)
    qtbot.addWidget(dock)
    found = contributions()
    links = re.findall(r"<a href='([^']+)'", dock.docks.text())
    assert sorted([*links, "Start here"]) == sorted(widget.display_name for widget in found.widgets)
    assert "All neurons over time" in dock.docks.text()


def test_its_links_can_be_read_in_any_theme(qtbot, viewer):
    dock = StartDock(viewer)
    qtbot.addWidget(dock)
    viewer.theme = "light"
    light = dock.docks.text()
    viewer.theme = "dark"
    assert dock.docks.text() != light


def test_without_a_window_nothing_opens_and_nothing_breaks(qtbot, viewer):
    dock = StartDock(viewer)
    qtbot.addWidget(dock)
    dock.open("Raster")
    qtbot.mouseClick(dock.arrange, Qt.MouseButton.LeftButton)
    assert opened == []


def test_a_link_opens_its_dock_at_its_place(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget("napari-calcium", "Start here")
    for name in ("Raster", "Import fluorescence"):
        dock.docks.linkActivated.emit(name)
        assert f"{name} (napari-calcium)" in viewer.window.dock_widgets
    assert start_dock.workspace_of(viewer).shows("Raster")
    before = len(viewer.window.dock_widgets)
    dock.docks.linkActivated.emit("Raster")
    assert len(viewer.window.dock_widgets) == before
