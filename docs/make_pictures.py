"""Make the pictures of README and docs by running the program.

It needs a display: ``xvfb-run -a -s "-screen 0 1920x1080x24" python docs/make_pictures.py [NAME …]``.
Each function below is one picture; add one to `PICTURES` to extend.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

# The pictures show the defaults, not the settings of whoever makes them.
os.environ["NAPARI_CONFIG"] = ""

import numpy as np
from napari.settings import get_settings
from qtpy.QtWidgets import QApplication, QDockWidget

from napari_calcium.pipeline import run
from napari_calcium.recording import Recording
from napari_calcium.simulate import demo_settings, simulate
from napari_calcium.widgets.launch import open_window
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workspace import workspace_of

FOLDER = Path(__file__).parent / "pictures"
SIZE = (1600, 960)


@cache
def demo() -> Recording:
    """The bundled sample, analysed with the default settings."""
    return run(simulate(demo_settings()).to_recording("demo").replace(movie=None))


class Window:
    """The program's window, ready to be used and photographed."""

    def __init__(self, recording: Recording | None, size: tuple[int, int] = SIZE) -> None:
        self.viewer = open_window(recording)
        self.session = session_of(self.viewer)
        self.main = self.viewer.window._qt_window
        self.main.move(0, 0)
        self.main.resize(*size)
        workspace = workspace_of(self.viewer)
        while not workspace.is_ready:
            self.settle(0.1)
        self.settle()
        self.viewer.reset_view()

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: object) -> None:
        self.viewer.close()
        self.settle(0.1)

    def settle(self, seconds: float = 0.8) -> None:
        """Let the window draw."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            QApplication.processEvents()
            time.sleep(0.01)

    def dock(self, name: str) -> QDockWidget:
        """Return a dock and bring it to the front."""
        found = next(d for d in self.main.findChildren(QDockWidget) if d.windowTitle().startswith(name))
        found.raise_()
        self.settle(0.1)
        return found

    def choose_ensemble(self, place: int = 0) -> None:
        """Choose an ensemble and go to one of its activations."""
        ensembles = self.session.recording.ensembles
        chosen = ensembles.ids[place]
        self.session.choose_ensemble(chosen)
        self.session.selection.time = float(ensembles.activations_of(chosen).time_s[2])

    def save(self, name: str, widget: object = None) -> None:
        """Photograph the window, or a part of it."""
        self.settle()
        # The status bar holds the keys of the active layer, which a reader cannot use.
        self.viewer.status = "Ready"
        self.viewer.help = ""
        self.settle(0.1)
        FOLDER.mkdir(exist_ok=True)
        (widget or self.main).grab().save(str(FOLDER / f"{name}.png"))


def window() -> None:
    """An ensemble chosen: somata, traces and activations."""
    with Window(demo()) as shown:
        shown.dock("Ensembles")
        shown.choose_ensemble()
        shown.save("window")


def traces() -> None:
    """A few cells in detail, ΔF/F under the denoised trace, with events."""
    with Window(demo()) as shown:
        events = demo().events
        active = np.argsort(-np.bincount(np.searchsorted(demo().roi_ids, events.roi_id)), kind="stable")
        cells = demo().roi_ids[active[:4]].tolist()
        shown.session.selection.cells = cells
        shown.session.selection.focus = cells[1]
        shown.session.selection.span = (60.0, 140.0)
        shown.session.selection.time = 90.0
        shown.save("traces", shown.dock("Traces"))


def heatmap() -> None:
    """Traces without positions."""
    alone = demo().replace(rois=None, images={}, pixel_size_um=None)
    with Window(alone) as shown:
        shown.dock("Ensembles")
        shown.choose_ensemble(1)
        shown.save("heatmap")


def population() -> None:
    """All neurons over time, members of an ensemble together."""
    with Window(demo()) as shown:
        shown.dock("Ensembles")
        shown.choose_ensemble(2)
        shown.dock("Raster")
        shown.save("population")


def small_screen() -> None:
    """The window on a small laptop."""
    with Window(demo(), (1366, 738)) as shown:
        shown.dock("Ensembles")
        shown.choose_ensemble(2)
        shown.save("small_screen")


def light() -> None:
    """The light theme."""
    with Window(demo()) as shown:
        shown.viewer.theme = "light"
        shown.dock("Ensembles")
        shown.choose_ensemble(3)
        shown.save("light")


PICTURES: dict[str, Callable[[], None]] = {
    made.__name__: made for made in (window, traces, population, heatmap, small_screen, light)
}


def main() -> None:
    get_settings().application.confirm_close_window = False
    for name in sys.argv[1:] or PICTURES:
        PICTURES[name]()
        print(FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
