"""How long the window is deaf: the longest turn of Qt's event loop after each thing a user does.

Between two turns the window answers mouse and keys, so the longest one is what a user waits for at most.
Painting is in it: the canvas by software OpenGL where there is no GPU, as napari does it without us. Of each
turn come the wall clock and the processor time of the main thread, which other work on the machine does not
lengthen::

    tools/with-screen python benchmarks/bench_turns.py [FOLDER] [--only WORDS] [--size 20x1000000] [--why]

FOLDER is a results folder: it is opened, and used in every dock. ``--only`` takes what has these words in its
name. With ``--why`` the functions that the longest turn went into are listed, and being watched makes them
slower.
"""

from __future__ import annotations

import cProfile
import gc
import os
import pstats
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["NAPARI_CONFIG"] = ""

import numpy as np

_QUIET_S, _MOST_S, _QUIET_MS = 0.6, 30.0, 4.0
_WORTH_TELLING_MS = 50.0


@dataclass(frozen=True)
class Turn:
    """One turn of the event loop, in milliseconds."""

    wall: float
    cpu: float
    collected: float
    profile: cProfile.Profile | None


class Watch:
    """Takes the event loop round by hand."""

    def __init__(self, *, why: bool = False) -> None:
        self.why = why
        self._collecting = 0.0
        self._since = 0.0
        gc.callbacks.append(self._on_collection)

    def _on_collection(self, phase: str, _: dict[str, int]) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._since = now
        else:
            self._collecting += 1e3 * (now - self._since)

    def turn(self, work: Callable[[], object]) -> Turn:
        """Do something in one turn."""
        profile = cProfile.Profile(time.thread_time) if self.why else None
        self._collecting = 0.0
        wall, cpu = time.perf_counter(), time.thread_time()
        if profile is not None:
            profile.runcall(work)
        else:
            work()
        return Turn(
            1e3 * (time.perf_counter() - wall), 1e3 * (time.thread_time() - cpu), self._collecting, profile
        )

    def until_quiet(self, action: Callable[[], object]) -> list[Turn]:
        """Do something as one turn, and go on until nothing has happened for a while."""
        from qtpy.QtWidgets import QApplication

        turns = [self.turn(action)]
        began = quiet = time.perf_counter()
        while time.perf_counter() - quiet < _QUIET_S and time.perf_counter() - began < _MOST_S:
            turns.append(self.turn(QApplication.processEvents))
            if turns[-1].cpu > _QUIET_MS or any("napari-calcium" in t.name for t in threading.enumerate()):
                quiet = time.perf_counter()
            time.sleep(0.001)
        return turns


def told(name: str, turns: list[Turn]) -> None:
    """Print the longest turns."""
    longest = sorted(turns, key=lambda turn: -turn.cpu)[:3]
    over = sum(turn.cpu > _WORTH_TELLING_MS for turn in turns)
    shown = ", ".join(f"{turn.cpu:.0f} ({turn.wall:.0f})" for turn in longest)
    collected = max(turn.collected for turn in turns)
    print(
        f"  {name:34} longest turns {shown} ms cpu (wall); {over} over {_WORTH_TELLING_MS:.0f}; "
        f"first {turns[0].cpu:.0f}; all {sum(turn.cpu for turn in turns):.0f}; "
        f"longest collection of garbage {collected:.0f}",
        flush=True,
    )
    worst = longest[0]
    if worst.profile is not None and worst.cpu > _WORTH_TELLING_MS:
        pstats.Stats(worst.profile).sort_stats("cumulative").print_stats(70)


def sparse_movie(path: Path, n_frames: int, side: int = 512) -> Path:
    """Write a movie of that many frames that takes no room on the disk: all but the first are holes."""
    import tifffile

    movie = tifffile.memmap(path, shape=(n_frames, side, side), dtype=np.uint16, bigtiff=True)
    movie[0] = np.random.default_rng(0).integers(100, 200, (side, side))
    movie.flush()
    return path


def table(path: Path, n_rois: int = 324, n_frames: int = 5000) -> Path:
    """Write a table of fluorescence, a column a neuron."""
    import pandas as pd

    values = np.random.default_rng(0).gamma(2, 100, (n_frames, n_rois)).round(1)
    frame = pd.DataFrame(values, columns=[f"cell_{k}" for k in range(n_rois)])
    frame.insert(0, "time_s", np.arange(n_frames) / 10)
    frame.to_csv(path, index=False)
    return path


def fresh() -> Any:
    """Return a window that has painted."""
    import napari
    from qtpy.QtWidgets import QApplication

    viewer = napari.Viewer()
    viewer.window.resize(1800, 1000)
    for _ in range(20):
        QApplication.processEvents()
        time.sleep(0.02)
    return viewer


def in_a_running_program(work: Callable[[], None]) -> None:
    """Do something as a slot of a running event loop: some things wait in a script, and not in a program."""
    from napari.qt import get_qapp
    from qtpy.QtCore import QTimer

    app = get_qapp()
    QTimer.singleShot(0, lambda: (work(), app.quit()))
    app.exec()


def opening(watch: Watch, name: str, path: Path) -> None:
    """Open a file or folder in a new window."""
    viewer = fresh()
    told(name, watch.until_quiet(lambda: viewer.open(str(path), plugin="napari-calcium")))
    viewer.close()


def bare_opening(watch: Watch, name: str, path: Path) -> None:
    """Open a movie as napari's own lazy layer."""
    import tifffile

    viewer = fresh()
    told(name, watch.until_quiet(lambda: viewer.add_image(tifffile.memmap(path), contrast_limits=(0, 300))))
    viewer.close()


def steps(viewer: Any) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield what a user does with a recording that is open, one thing after the other."""
    from napari_calcium.widgets.dock_place import our_docks, short_name
    from napari_calcium.widgets.explore_places import PLACES
    from napari_calcium.widgets.viewer_session import session_of
    from napari_calcium.widgets.workspace import workspace_of

    session, workspace = session_of(viewer), workspace_of(viewer)
    assert workspace is not None
    main = viewer.window._qt_window
    there = [short_name(dock) for dock in our_docks(main)]
    recording = session.recording
    assert recording is not None
    yield "select ten cells", lambda: setattr(session.selection, "cells", tuple(range(10)))
    for place in PLACES:
        name = place.dock
        yield f"{'raise' if name in there else 'open'} {name}", lambda name=name: workspace.show(name)
    yield "choose an ensemble", lambda: session.choose_ensemble(0)
    yield "go to a moment", lambda: setattr(session.selection, "time", recording.duration_s / 2)
    yield "light theme", lambda: setattr(viewer, "theme", "light")
    yield "dark theme", lambda: setattr(viewer, "theme", "dark")
    bare = recording.replace(
        events=None, coactivity=None, ensemble_events=None, ensembles=None, features=None, population=None
    )
    yield "results go", lambda: session.apply(bare, "Take results away")
    yield "results of every stage come", lambda: session.apply(recording.replace(), "Run all")
    yield "undo", session.undo
    yield "redo", session.redo
    other = recording.replace(name="other", roi_ids=recording.roi_ids.copy())
    yield "open another recording", lambda: session.open(other)
    yield "back to the first", session.undo
    yield "arrange", workspace.arrange


def exploring(watch: Watch, size: str) -> None:
    """Open noise of a size, and go about in it."""
    from bench_docks import population

    from napari_calcium.widgets.dock_place import our_docks
    from napari_calcium.widgets.raster_dock import RasterDock
    from napari_calcium.widgets.viewer_session import session_of
    from napari_calcium.widgets.workspace import explore, workspace_of

    n_rois, n_frames = (int(number) for number in size.split("x"))
    recording = population(n_rois, n_frames)
    viewer = fresh()
    session, workspace = session_of(viewer), workspace_of(viewer)
    assert workspace is not None

    def show() -> None:
        session.open(recording)
        explore(viewer)

    told(f"{size}: open", watch.until_quiet(show))
    widgets = [dock.widget() for dock in our_docks(viewer.window._qt_window)]
    raster = next(widget for widget in widgets if isinstance(widget, RasterDock))
    whole, selection = recording.duration_s, session.selection
    actions: dict[str, Callable[[], object]] = {
        "select ten cells": lambda: setattr(selection, "cells", tuple(range(10))),
        "zoom in traces": lambda: setattr(selection, "span", (0.4 * whole, 0.5 * whole)),
        "to single frames": lambda: setattr(selection, "span", (0.4 * whole, 0.4 * whole + 5)),
        "all of it": lambda: setattr(selection, "span", None),
        "raster": lambda: workspace.show("Raster"),
        "zoom in raster": lambda: setattr(selection, "span", (0.2 * whole, 0.6 * whole)),
        "pan raster": lambda: setattr(selection, "span", (0.25 * whole, 0.65 * whole)),
        "zoom in neurons": lambda: raster.plot.box.setYRange(0, max(4, n_rois // 10), padding=0),
        "sort by event rate": lambda: (raster.orders.setCurrentIndex(2), raster._on_order()),
        "scale each neuron": raster.scaled.click,
        "coactivity": lambda: workspace.show("Coactivity"),
        "cells": lambda: workspace.show("Cells"),
        "another moment": lambda: setattr(selection, "time", 0.3 * whole),
        "an ensemble": lambda: session.choose_ensemble(0),
        "a step": lambda: session.apply(recording.replace(features=None), "step"),
        "undo": session.undo,
    }
    for name, action in actions.items():
        told(f"{size}: {name}", watch.until_quiet(action))
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e9
    traces = recording.traces["dff"].values.nbytes / 1e9
    print(f"  {size}: {resident:.1f} GB resident; the traces are {traces:.1f}")
    viewer.close()


def main(folder: Path | None, only: str, sizes: list[str], *, why: bool) -> None:
    watch = Watch(why=why)
    for size in sizes:
        exploring(watch, size)
    if sizes:
        return
    with tempfile.TemporaryDirectory(prefix="napari-calcium-turns-") as scratch:
        movie = sparse_movie(Path(scratch) / "movie.tif", 4000)
        made = {
            "napari's own layer": (bare_opening, movie),
            "movie, the first of the program": (opening, movie),
            "movie": (opening, movie),
            "table": (opening, table(Path(scratch) / "table.csv")),
            "results folder": (opening, folder),
        }
        for name, (do, path) in made.items():
            if only in name and path is not None:
                do(watch, name, path)
    if folder is None:
        return
    viewer = fresh()
    watch.until_quiet(lambda: viewer.open(str(folder), plugin="napari-calcium"))
    for name, action in steps(viewer):
        if only in name or only == "steps":
            told(name, watch.until_quiet(action))
    viewer.close()


if __name__ == "__main__":
    from argparse import ArgumentParser

    parser = ArgumentParser()
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--only", default="")
    parser.add_argument(
        "--size", action="append", default=[], help="as 20x1000000: neurons x frames of noise"
    )
    parser.add_argument("--why", action="store_true")
    given = parser.parse_args()
    in_a_running_program(lambda: main(given.folder, given.only, given.size, why=given.why))
