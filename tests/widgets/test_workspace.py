"""The Explore workspace in a real window: it opens by itself, once, and never fights the user."""

from __future__ import annotations

import json

import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QDockWidget, QMainWindow, QTabBar

from napari_calcium.widgets import workspace as module
from napari_calcium.widgets.dock_place import dock_of, our_docks, short_name
from napari_calcium.widgets.explore_places import PLACES
from napari_calcium.widgets.preferences import Preferences, preferences
from napari_calcium.widgets.readers import read_table
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workspace import Workspace, explore, workspace_of

RIGHT, BOTTOM = Qt.DockWidgetArea.RightDockWidgetArea, Qt.DockWidgetArea.BottomDockWidgetArea


@pytest.fixture
def wanted(monkeypatch):
    """The user wants the workspace."""
    monkeypatch.setattr(module, "preferences", Preferences)


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """Arrangements are kept in a folder of this test."""
    monkeypatch.setattr(module, "storage_folder", lambda: tmp_path)
    return tmp_path / "napari-calcium-window.json"


@pytest.fixture
def viewer(make_napari_viewer):
    made = make_napari_viewer(show=True)
    made.window.resize(1600, 1000)
    return made


def main_of(viewer) -> QMainWindow:
    return viewer.window._qt_window


def opened(qtbot, workspace: Workspace) -> None:
    qtbot.waitUntil(lambda: workspace.is_open and not workspace._waiting, timeout=60_000)
    for _ in range(5):
        QApplication.processEvents()


def names(viewer) -> list[str]:
    return sorted(short_name(dock) for dock in our_docks(main_of(viewer)) if not dock.isHidden())


def dock(viewer, name: str) -> QDockWidget:
    return next(d for d in our_docks(main_of(viewer)) if short_name(d) == name)


def in_table(recording) -> list[str]:
    return sorted(place.dock for place in PLACES if place.of_use(recording))


def test_every_place_is_a_dock_of_the_manifest():
    from npe2 import PluginManager

    manager = PluginManager.instance()
    manager.discover()
    manifest = manager.get_manifest("napari-calcium")
    known = {widget.display_name for widget in manifest.contributions.widgets}
    assert {place.dock for place in PLACES} <= known
    assert len({place.dock for place in PLACES}) == len(PLACES)


def test_a_recording_brings_the_docks_that_are_of_use(viewer, qtbot, wanted, populated, raw_recording):
    session_of(viewer).open(raw_recording)
    explore(viewer)
    workspace = workspace_of(viewer)
    opened(qtbot, workspace)
    assert names(viewer) == in_table(raw_recording)
    assert "Similarity" not in names(viewer)
    session_of(viewer).apply(populated, "Run all")
    opened(qtbot, workspace)
    assert names(viewer) == in_table(populated)
    main = main_of(viewer)
    assert main.dockWidgetArea(dock(viewer, "Cells")) == RIGHT
    assert main.dockWidgetArea(dock(viewer, "Raster")) == BOTTOM
    assert dock(viewer, "Raster") in main.tabifiedDockWidgets(dock(viewer, "Traces"))


def test_a_file_dropped_on_the_window_opens_it(viewer, qtbot, wanted, tmp_path, simulation):
    simulation.write_csv(tmp_path / "cells.csv")
    read_table(tmp_path / "cells.csv")(tmp_path / "cells.csv")
    opened(qtbot, workspace_of(viewer))
    assert {"Calcium pipeline", "Traces", "Raster"} <= set(names(viewer))


def test_who_does_not_want_it_has_none(viewer, qtbot, recording):
    session_of(viewer).open(recording)
    explore(viewer)
    assert not workspace_of(viewer).is_open
    assert names(viewer) == []


def test_titles_are_short(viewer, qtbot, wanted, recording):
    session_of(viewer).open(recording)
    explore(viewer)
    opened(qtbot, workspace_of(viewer))
    docks = {short_name(d): d.windowTitle() for d in our_docks(main_of(viewer))}
    assert docks.pop("Calcium pipeline") == "Pipeline", "its tab must not push others out of sight"
    assert docks == {name: name for name in docks}


def test_the_window_keeps_its_size_whatever_opens(viewer, qtbot, wanted, populated):
    main = main_of(viewer)
    main.resize(1366, 738)
    viewer.window.add_plugin_dock_widget("napari-calcium", "Start here")
    session_of(viewer).open(populated)
    explore(viewer)
    qtbot.waitUntil(lambda: "Calcium pipeline" in names(viewer), timeout=60_000)
    main.resize(1500, 800)  # the user's doing, while they open
    opened(qtbot, workspace_of(viewer))
    qtbot.waitUntil(lambda: (main.width(), main.height()) == (1500, 800))


def test_a_dock_of_no_group_is_a_tab_beside_the_others(viewer, qtbot, wanted, recording):
    _, widget = viewer.window.add_plugin_dock_widget("napari-calcium", "Start here")
    start = dock_of(widget)
    session_of(viewer).open(recording)
    explore(viewer)
    opened(qtbot, workspace_of(viewer))
    tabs = main_of(viewer).tabifiedDockWidgets(start)
    assert "Calcium pipeline" in {short_name(tab) for tab in tabs}


def test_tabs_spell_out_their_names(viewer, qtbot, wanted, populated):
    session_of(viewer).open(populated)
    explore(viewer)
    opened(qtbot, workspace_of(viewer))
    bars = main_of(viewer).findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
    assert len(bars) >= 2
    assert {bar.elideMode() for bar in bars} == {Qt.TextElideMode.ElideNone}


def test_docks_for_rare_use_open_when_asked_beside_their_group(viewer, qtbot, wanted, populated):
    session_of(viewer).open(populated)
    explore(viewer)
    workspace = workspace_of(viewer)
    opened(qtbot, workspace)
    for name, mate in (("Compare", "Calcium pipeline"), ("Stability", "Traces"), ("History", "Cells")):
        assert name not in names(viewer)
        workspace.show(name)
        assert dock(viewer, name) in main_of(viewer).tabifiedDockWidgets(dock(viewer, mate))


def test_a_narrow_window_has_tabs_a_wide_one_neighbours(viewer, qtbot, wanted, populated):
    session_of(viewer).open(populated)
    explore(viewer)
    opened(qtbot, workspace_of(viewer))
    main = main_of(viewer)
    traces, similarity = dock(viewer, "Traces"), dock(viewer, "Similarity")
    assert similarity not in main.tabifiedDockWidgets(traces)
    main.resize(1366, 738)
    workspace_of(viewer).arrange()
    assert similarity in main.tabifiedDockWidgets(traces)


def test_what_the_user_closed_stays_closed_and_what_they_moved_stays_there(
    viewer, qtbot, wanted, populated, raw_recording
):
    session_of(viewer).open(raw_recording)
    explore(viewer)
    workspace = workspace_of(viewer)
    opened(qtbot, workspace)
    main = main_of(viewer)
    dock(viewer, "Cells").hide()
    main.addDockWidget(RIGHT, dock(viewer, "Traces"))
    session_of(viewer).open(populated)
    explore(viewer)
    opened(qtbot, workspace)
    assert "Cells" not in names(viewer)
    assert main.dockWidgetArea(dock(viewer, "Traces")) == RIGHT
    workspace.arrange()
    assert "Cells" in names(viewer)
    assert main.dockWidgetArea(dock(viewer, "Traces")) == BOTTOM


def test_docks_that_were_open_before_are_not_opened_twice_nor_moved(viewer, qtbot, wanted, recording):
    made, widget = viewer.window.add_plugin_dock_widget("napari-calcium", "Traces")
    for _ in range(5):
        QApplication.processEvents()
    main_of(viewer).addDockWidget(RIGHT, made)
    session_of(viewer).open(recording)
    explore(viewer)
    opened(qtbot, workspace_of(viewer))
    assert dock_of(widget) is dock(viewer, "Traces")
    assert main_of(viewer).dockWidgetArea(made) == RIGHT


def test_the_next_start_has_the_same_docks_at_the_same_places(
    make_napari_viewer, qtbot, wanted, kept, recording
):
    first = make_napari_viewer(show=True)
    first.window.resize(1600, 1000)
    session_of(first).open(recording)
    explore(first)
    opened(qtbot, workspace_of(first))
    dock(first, "Cells").hide()
    workspace_of(first).show("History")
    main_of(first).addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock(first, "Raster"))
    before = names(first)
    first.close()
    assert json.loads(kept.read_text())["closed"] == ["Cells"]

    second = make_napari_viewer(show=True)
    second.window.resize(1600, 1000)
    session_of(second).open(recording)
    explore(second)
    opened(qtbot, workspace_of(second))
    assert names(second) == before
    main = main_of(second)
    assert main.dockWidgetArea(dock(second, "Raster")) == Qt.DockWidgetArea.LeftDockWidgetArea
    assert main.dockWidgetArea(dock(second, "Traces")) == BOTTOM


@pytest.mark.parametrize("text", ["", "{}", '{"open": 3}', "[1, 2]"])
def test_a_spoilt_file_is_as_none(viewer, qtbot, wanted, kept, recording, text):
    kept.write_text(text)
    session_of(viewer).open(recording)
    explore(viewer)
    opened(qtbot, workspace_of(viewer))
    assert names(viewer) == in_table(recording)


def test_a_dock_that_fails_is_told_and_the_others_come(viewer, qtbot, wanted, recording, monkeypatch):
    said = []
    monkeypatch.setattr(module, "show_warning", said.append)
    usual = viewer.window.add_plugin_dock_widget

    def add(plugin, name):
        if name == "Cells":
            raise RuntimeError("no paint")
        return usual(plugin, name)

    monkeypatch.setattr(viewer.window, "add_plugin_dock_widget", add)
    session_of(viewer).open(recording)
    explore(viewer)
    opened(qtbot, workspace_of(viewer))
    assert "Raster" in names(viewer)
    assert "Cells" not in names(viewer)
    assert len(said) == 1
    assert "no paint" in said[0]


def test_the_preferences_page_has_the_defaults_of_the_program():
    assert preferences() == Preferences()


def test_a_preference_set_in_napari_is_heard():
    from napari.settings import get_plugin_settings

    page = get_plugin_settings("napari-calcium").window
    page.open_explore = False
    try:
        assert preferences() == Preferences(open_explore=False)
    finally:
        page.open_explore = True


def test_a_viewer_without_a_window_has_no_workspace():
    assert workspace_of(ViewerModel()) is None
    explore(ViewerModel())


def test_menus_lead_to_what_they_say(viewer, qtbot, populated):
    from napari._app_model import get_app_model

    commands = get_app_model().commands
    session_of(viewer).open(populated)
    commands.execute_command("napari-calcium.explore").result()
    opened(qtbot, workspace_of(viewer))
    assert names(viewer) == in_table(populated)


def test_menu_entries_stand_where_they_belong():
    from npe2 import PluginManager

    manager = PluginManager.instance()
    manager.discover()
    menus = manager.get_manifest("napari-calcium").contributions.menus
    there = {
        place: [item.command.rpartition(".")[2] for item in items if hasattr(item, "command")]
        for place, items in menus.items()
    }
    assert there["napari/layers/register"] == ["registration"]
    assert there["napari/layers/segment"] == ["segmentation", "edit_dock"]
    assert [item.submenu for item in menus["napari/layers/measure"]] == [
        f"napari-calcium/{group}" for group in ("traces", "ensembles", "population", "behaviour")
    ]
    assert there["napari-calcium/traces"][0] == "extraction"
    assert "features" in there["napari-calcium/ensembles"]
    assert "explore" in there["napari/layers/visualize"]


def test_no_dock_is_made_within_napari_s_own_opening_of_a_file():
    """Its progress bar takes in events on the way: a dock that opened there would hold up the file."""
    asked = []

    class Asked:
        def __fspath__(self):
            asked.append(module._napari_is_opening())
            raise OSError("that was all")

    with pytest.raises(OSError, match="that was all"):
        ViewerModel().open([Asked()])
    assert asked and all(asked)
    assert not module._napari_is_opening()
