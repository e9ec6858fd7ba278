"""Files dropped on a window with docks of this plugin open at once, in an order that makes sense."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
import tifffile
from napari.components import ViewerModel
from napari.settings import get_settings
from npe2 import PluginManager
from qtpy.QtCore import QMimeData, QObject, QPoint, QPointF, Qt, QUrl, Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QMainWindow, QWidget

from napari_calcium.widgets import dropped_files, reader_choice
from napari_calcium.widgets.dropped_files import DroppedFiles, Kind, opening_order, watch_drops
from napari_calcium.widgets.preferences import Preferences
from napari_calcium.widgets.reader_choice import (
    is_first_choice,
    make_first_choice,
    opens_by_itself,
    plugin_for,
)
from napari_calcium.widgets.viewer_session import session_of


@pytest.fixture(autouse=True)
def no_choice_yet(monkeypatch):
    """All plugins are known, as in a window; napari's own settings come back after each test."""
    PluginManager.instance().discover()
    plugins = get_settings().plugins
    before = dict(plugins.extension2reader)
    plugins.extension2reader = {}
    yield
    plugins.extension2reader = before


@pytest.fixture
def files(tmp_path, simulation) -> Path:
    simulation.write_csv(tmp_path / "cells.csv")
    simulation.write_labels(tmp_path / "rois.tif")
    simulation.write_mean_image(tmp_path / "mean.tif")
    simulation.write_movie(tmp_path / "movie.tif")
    (tmp_path / "licks.csv").write_text("time_s,lick\n" + "\n".join(f"{k / 10},0" for k in range(60)))
    return tmp_path


class Viewer(ViewerModel):
    """Remembers what was opened, and with what."""

    opened: ClassVar[list[tuple]] = []

    def open(self, path, *, plugin, stack=False):
        if "bad" in str(path):
            raise ValueError("bad.csv: no\ntable")
        names = [Path(one).name for one in path] if stack else Path(path).name
        self.opened.append((names, plugin))


@pytest.fixture
def window(qtbot):
    """A window with a canvas that takes drops, as napari's does, and with a dock beside it."""

    class Canvas(QWidget):
        def __init__(self):
            super().__init__()
            self.dropped = []

        def dragEnterEvent(self, event):
            event.accept()

        def dropEvent(self, event):
            self.dropped.append(event)

    main = QMainWindow()
    canvas = Canvas()
    canvas.setAcceptDrops(True)
    main.setCentralWidget(canvas)
    Viewer.opened.clear()
    main.viewer = Viewer()
    main.canvas = canvas
    main.drops = DroppedFiles(main.viewer, main)
    qtbot.addWidget(main)
    main.show()
    return main


def drop(target: QWidget, *paths: Path) -> QDropEvent:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    none = Qt.KeyboardModifier.NoModifier
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    QApplication.sendEvent(target, QDragEnterEvent(QPoint(5, 5), action, mime, button, none))
    event = QDropEvent(QPointF(5, 5), action, mime, button, none)
    event.ignore()
    event.mime = mime  # the event does not keep it
    QApplication.sendEvent(target, event)
    return event


def hold(monkeypatch, key: Qt.KeyboardModifier) -> None:
    monkeypatch.setattr(dropped_files.QGuiApplication, "keyboardModifiers", lambda: key)


# --- the order


def test_a_recording_comes_before_the_places_of_its_cells_and_behaviour_last(files):
    given = [str(files / name) for name in ("licks.csv", "mean.tif", "rois.tif", "cells.csv")]
    names = [one.files[0].name for one in opening_order(given)]
    assert names == ["cells.csv", "mean.tif", "rois.tif", "licks.csv"]


def test_several_movies_are_the_parts_of_one(files, simulation):
    simulation.write_movie(files / "movie_2.tif")
    given = [str(files / name) for name in ("movie.tif", "rois.tif", "movie_2.tif")]
    assert [[path.name for path in one.files] for one in opening_order(given)] == [
        ["movie.tif", "movie_2.tif"],
        ["rois.tif"],
    ]


def test_a_file_that_cannot_be_read_has_a_place_in_the_order(tmp_path):
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0 and no more")
    assert opening_order([str(broken)]) == [(Kind.UNREADABLE, (broken,))]
    assert opening_order([]) == []


# --- a drop


@pytest.mark.parametrize("where", ["canvas", "window"])
def test_what_is_dropped_opens_without_a_question_wherever_it_falls(qtbot, window, files, where):
    target = window.canvas if where == "canvas" else window
    assert drop(target, files / "rois.tif", files / "cells.csv", files / "movie.tif").isAccepted()
    qtbot.waitUntil(lambda: len(window.viewer.opened) == 3)
    assert window.viewer.opened == [
        (name, "napari-calcium") for name in ("cells.csv", "movie.tif", "rois.tif")
    ]
    assert window.canvas.dropped == []


def test_a_picture_without_a_recording_is_naparis_and_nobody_asks(qtbot, window, files):
    drop(window.canvas, files / "mean.tif")
    qtbot.waitUntil(lambda: bool(window.viewer.opened))
    assert window.viewer.opened == [("mean.tif", "napari")]


def test_what_others_read_is_left_to_napari(window, tmp_path):
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG")
    for target in (window.canvas, window):
        window.canvas.dropped.clear()
        drop(target, picture)
        assert len(window.canvas.dropped) == 1, "beside the canvas it goes to napari as well"
    assert window.viewer.opened == []


def test_alt_and_a_choice_of_ones_own_let_napari_decide(window, files, monkeypatch):
    hold(monkeypatch, Qt.KeyboardModifier.AltModifier)
    drop(window.canvas, files / "cells.csv")
    hold(monkeypatch, Qt.KeyboardModifier.NoModifier)
    get_settings().plugins.extension2reader = {"*.csv": "napari"}
    drop(window.canvas, files / "cells.csv")
    get_settings().plugins.extension2reader = {}
    monkeypatch.setattr(dropped_files, "preferences", lambda: Preferences(open_dropped=False))
    drop(window.canvas, files / "cells.csv")
    assert len(window.canvas.dropped) == 3


def test_with_shift_tiffs_are_parts_and_a_stack_of_anything_else_is_naparis(
    qtbot, window, files, monkeypatch
):
    hold(monkeypatch, Qt.KeyboardModifier.ShiftModifier)
    drop(window.canvas, files / "mean.tif", files / "rois.tif")
    qtbot.waitUntil(lambda: bool(window.viewer.opened))
    assert window.viewer.opened == [(["mean.tif", "rois.tif"], "napari-calcium")]
    drop(window.canvas, files / "cells.csv", files / "licks.csv")
    assert len(window.canvas.dropped) == 1


def test_what_goes_wrong_is_one_line_and_the_next_file_opens(qtbot, window, files, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(dropped_files, "show_warning", said.append)
    (files / "bad.csv").write_text((files / "cells.csv").read_text("utf-8"), "utf-8")
    drop(window.canvas, files / "bad.csv", files / "cells.csv")
    qtbot.waitUntil(lambda: bool(window.viewer.opened))
    assert said == ["bad.csv: not opened. bad.csv: no table"]
    assert window.viewer.opened == [("cells.csv", "napari-calcium")]


def test_why_a_file_is_broken_is_not_talked_over(qtbot, window, files, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(dropped_files, "show_warning", said.append)
    monkeypatch.setattr(dropped_files, "is_told_of", lambda name: name == "bad.csv")
    (files / "bad.csv").write_text((files / "cells.csv").read_text("utf-8"), "utf-8")
    drop(window.canvas, files / "bad.csv", files / "cells.csv")
    qtbot.waitUntil(lambda: bool(window.viewer.opened))
    assert said == []


def test_what_belongs_to_a_large_table_waits_for_it(qtbot, window, files, monkeypatch):
    class Runner(QObject):
        finished = Signal(str, object)
        busy = False

    runner = Runner(window)
    monkeypatch.setattr(dropped_files, "_runners", lambda viewer: [runner])
    opens = Viewer.open

    def start_reading(self, path, **keywords):
        opens(self, path, **keywords)
        runner.busy = Path(path).name == "cells.csv"

    monkeypatch.setattr(Viewer, "open", start_reading)
    drop(window.canvas, files / "rois.tif", files / "cells.csv")
    qtbot.waitUntil(lambda: bool(window.viewer.opened))
    qtbot.wait(20)
    assert [name for name, _ in window.viewer.opened] == ["cells.csv"]
    runner.busy = False
    runner.finished.emit("Reading cells.csv", None)
    qtbot.waitUntil(lambda: len(window.viewer.opened) == 2)


@pytest.mark.parametrize("beside", [False, True], ids=["at once", "beside the window"])
def test_what_belongs_to_a_recording_that_did_not_open_is_left_too(
    qtbot, window, files, few, monkeypatch, beside
):
    class Runner(QObject):
        finished = Signal(str, object)
        busy = False

    runner, said = Runner(window), []
    monkeypatch.setattr(dropped_files, "_runners", lambda viewer: [runner])
    monkeypatch.setattr(dropped_files, "show_warning", said.append)
    session_of(window.viewer).open(few)
    (files / "bad.csv").write_text((files / "cells.csv").read_text("utf-8"), "utf-8")
    if beside:
        monkeypatch.setattr(Viewer, "open", lambda self, path, **_: setattr(runner, "busy", True))
    drop(window.canvas, files / "bad.csv", files / "licks.csv")
    qtbot.wait(20)
    if beside:
        drop(window.canvas, files / "rois.tif")  # it waits, too, and belongs to what is dropped with it
        qtbot.wait(20)
        runner.busy = False
        runner.finished.emit("Reading bad.csv", None)
    qtbot.waitUntil(lambda: any("licks.csv" in line for line in said))
    assert "bad.csv was not" in said[-1]
    assert window.viewer.opened == []
    assert session_of(window.viewer).recording is few


def test_what_is_dropped_with_a_broken_movie_is_not_added_to_what_is_open(
    qtbot, window, files, few, monkeypatch
):
    said: list[str] = []
    monkeypatch.setattr(dropped_files, "show_warning", said.append)
    session_of(window.viewer).open(few)
    (files / "bad.tif").write_bytes(b"II*\0 and no more")
    drop(window.canvas, files / "licks.csv", files / "bad.tif")
    qtbot.waitUntil(lambda: any("licks.csv" in line for line in said))
    assert window.viewer.opened == []


def test_a_viewer_without_a_window_has_none_to_watch(viewer, monkeypatch):
    made = []
    monkeypatch.setattr(dropped_files, "DroppedFiles", lambda *given: made.append(given))
    watch_drops(viewer)
    assert made == []


# --- who opens what


def test_a_file_is_told_by_its_content(files, tmp_path):
    assert plugin_for(files / "cells.csv") == "napari-calcium"
    assert plugin_for(files / "movie.tif") == "napari-calcium"
    assert plugin_for(files / "mean.tif") == "napari"
    assert opens_by_itself(files / "mean.tif")
    assert not opens_by_itself(tmp_path / "picture.png")


def test_the_choice_is_told_to_napari_and_taken_back(files):
    plugins = get_settings().plugins
    plugins.extension2reader = {"*.zarr": "other"}
    assert not is_first_choice()
    make_first_choice(True)
    assert is_first_choice()
    assert reader_choice.get_preferred_reader(files / "cells.csv") == "napari-calcium"
    assert opens_by_itself(files / "cells.csv")
    plugins.extension2reader = {**plugins.extension2reader, "*.tif": "other"}
    make_first_choice(False)
    assert plugins.extension2reader == {"*.zarr": "other", "*.tif": "other"}


def test_where_it_opens_everything_a_picture_still_opens_as_napari_opens_it(files, make_napari_viewer):
    viewer = make_napari_viewer()
    make_first_choice(True)
    (layer,) = viewer.open(str(files / "mean.tif"))
    assert layer.data.shape == tifffile.imread(files / "mean.tif").shape
    assert type(layer).__name__ == "Image"
