"""The stages one by one: each has a dock that menus open, and one dock shows any of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from napari.components import ViewerModel

from napari_calcium.pipeline_settings import TITLES
from napari_calcium.widgets import stage_docks
from napari_calcium.widgets.dock_place import dock_of, our_docks, short_name
from napari_calcium.widgets.stage_docks import STAGE_WIDGETS, SingleStage, open_stage, stage_widget
from napari_calcium.widgets.workbench import workbench_of

FOUND = yaml.safe_load((Path(__file__).parents[2] / "napari.yaml").read_text("utf-8"))["contributions"]


def test_every_stage_has_a_widget_of_its_own_name():
    assert set(STAGE_WIDGETS) == set(TITLES) - {"validation"}
    assert [stage_widget(stage).panel.stage for stage in STAGE_WIDGETS] == list(STAGE_WIDGETS)
    names = [stage_widget(stage).name for stage in STAGE_WIDGETS]
    assert len(set(names)) == len(names)


def test_a_menu_leads_to_every_stage_and_the_plugins_menu_to_none_by_itself():
    opens = {c["id"]: c["python_name"].rpartition(":")[2] for c in FOUND["commands"]}
    widgets = {widget["command"] for widget in FOUND["widgets"]}
    in_menus = {item["command"] for items in FOUND["menus"].values() for item in items if "command" in item}
    for stage in STAGE_WIDGETS:
        command = next(name for name, attribute in opens.items() if attribute == f"open_{stage}")
        assert command in in_menus
        assert command not in widgets
        assert callable(getattr(stage_docks, f"open_{stage}"))
    submenus = {submenu["id"] for submenu in FOUND["submenus"]}
    placed = {item["submenu"] for items in FOUND["menus"].values() for item in items if "submenu" in item}
    assert submenus == placed == {menu for menu in FOUND["menus"] if menu.startswith("napari-calcium/")}


def test_what_one_starts_with_comes_first_in_the_plugins_menu():
    first = [widget["display_name"] for widget in FOUND["widgets"][:3]]
    assert first == ["Start here", "Calcium pipeline", "Import fluorescence"]


@pytest.mark.parametrize("name", ["open_", "open_nothing", "nothing"])
def test_there_is_no_opener_of_what_is_no_stage(name):
    with pytest.raises(AttributeError, match=name):
        getattr(stage_docks, name)


def test_a_menu_opens_a_stage_once(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    stage_docks.open_baseline()
    stage_docks.open_events()
    main = viewer.window._qt_window
    there = sorted(short_name(dock) for dock in our_docks(main))
    assert there == sorted(stage_widget(stage).name for stage in ("baseline", "events"))
    widget = open_stage(viewer, "baseline")
    dock_of(widget).hide()
    assert open_stage(viewer, "baseline") is widget
    assert not dock_of(widget).isHidden()
    assert len(our_docks(main)) == 2


def test_one_dock_shows_any_stage_with_the_settings_of_all(qtbot, raw_recording):
    viewer = ViewerModel()
    widget = SingleStage(viewer)
    qtbot.addWidget(widget)
    bench = workbench_of(viewer)
    bench.session.open(raw_recording)
    assert widget.shown.stage_panel.stage == "baseline"
    for stage in STAGE_WIDGETS:
        widget.chooser.setCurrentIndex(widget.chooser.findData(stage))
        assert widget.shown.stage_panel.stage == stage
        assert widget.shown.stage_panel.form.settings == bench.plan.stage(stage)
    widget.chooser.setCurrentIndex(widget.chooser.findData("events"))
    form = widget.shown
    widget.chooser.setCurrentIndex(0)
    widget.chooser.setCurrentIndex(widget.chooser.findData("events"))
    assert widget.shown is form
