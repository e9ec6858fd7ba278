"""Make the pictures of README and docs by running the program.

``make pictures`` runs it; with a display, ``python docs/make_pictures.py [NAME …]`` makes some of them. Each
function below that `picture` marks is one picture: add one to extend.
"""

from __future__ import annotations

import gc
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

# The pictures show the defaults, not the settings of whoever makes them.
os.environ["NAPARI_CONFIG"] = ""

import numpy as np
from napari.settings import get_settings
from napari.utils.theme import get_theme
from PIL import Image
from qtpy.QtCore import QBuffer
from qtpy.QtWidgets import QApplication, QDockWidget, QWidget

from napari_calcium.figures.export import FIGURES, figure_of
from napari_calcium.figures.figure_sheet import sheet_of
from napari_calcium.figures.figure_style import PUBLICATION
from napari_calcium.figures.palette import rgb
from napari_calcium.io.csv import CsvSettings
from napari_calcium.io.opening import open_recording
from napari_calcium.io.positions import PositionSettings
from napari_calcium.pipeline import PipelineSettings, run
from napari_calcium.pipeline_settings import default_settings
from napari_calcium.recording import Recording
from napari_calcium.simulate import course_settings, demo_settings, raw_movie_settings, simulate
from napari_calcium.simulate.behaviour_simulation import BehaviourSimulation, simulate_behaviour
from napari_calcium.stages.pipeline_behaviour import BEHAVIOUR_STAGES
from napari_calcium.stages.pipeline_population import POPULATION_STAGES
from napari_calcium.widgets.launch import open_window
from napari_calcium.widgets.theme import ensemble_mark
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workspace import workspace_of

REAL = Path(__file__).resolve().parents[2] / "shared" / "data"
"""Real recordings, which are not part of the project; where they are missing, their pictures stay."""
FOLDER = Path(__file__).parent / "pictures"
SIZE = (1600, 960)
PATIENCE_S = 60.0

PICTURES: dict[str, Callable[[], None]] = {}
SCRATCH = tempfile.TemporaryDirectory(prefix="napari-calcium-pictures-")


def picture(scene: Callable[[], None]) -> Callable[[], None]:
    """Mark a function that makes the picture of its name."""
    PICTURES[scene.__name__] = scene
    return scene


@cache
def demo() -> Recording:
    """The bundled sample, analysed with the default settings."""
    return run(simulate(demo_settings()).to_recording("demo").replace(movie=None))


@cache
def course_files() -> Path:
    """A folder with a CSV of the size of the course's, a label image and a mean image."""
    folder, sample = Path(SCRATCH.name), simulate(course_settings())
    sample.write_csv(folder / "course.csv")
    sample.write_labels(folder / "course_rois.tif")
    sample.write_mean_image(folder / "course_mean.tif")
    return folder


@cache
def course() -> Recording:
    """The course's sample with positions, as read."""
    places = PositionSettings(labels="course_rois.tif", image="course_mean.tif")
    return open_recording(course_files() / "course.csv", CsvSettings(frame_rate=4.8), places)


@cache
def course_analysed() -> Recording:
    """The same after all stages."""
    return run(course())


@cache
def movie() -> Recording:
    """A raw movie, as read."""
    path = Path(SCRATCH.name) / "movie.tif"
    simulate(raw_movie_settings()).write_movie(path)
    return open_recording(path)


class Unavailable(Exception):
    """A file that is not part of the project is not on this machine."""


class Window:
    """The program's window, ready to be used and photographed."""

    def __init__(self, recording: Recording | None, size: tuple[int, int] = SIZE) -> None:
        self.viewer = open_window(recording)
        self.session = session_of(self.viewer)
        self.main = self.viewer.window._qt_window
        self.main.move(0, 0)
        self.main.resize(*size)
        workspace = workspace_of(self.viewer)
        self.wait(lambda: workspace.is_ready)
        self.settle()
        self.viewer.reset_view()

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: object) -> None:
        self.viewer.close()
        self.settle(0.1)
        gc.collect()

    def settle(self, seconds: float = 0.8) -> None:
        """Let the window draw."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            QApplication.processEvents()
            time.sleep(0.01)

    def wait(self, done: Callable[[], Any]) -> None:
        """Let the window work until something is done."""
        until = time.perf_counter() + PATIENCE_S
        while not done():
            if time.perf_counter() > until:
                raise TimeoutError("the window was not done in time")
            self.settle(0.05)

    def dock(self, name: str) -> QDockWidget:
        """Return a dock and bring it to the front."""
        found = next(d for d in self.main.findChildren(QDockWidget) if d.objectName().startswith(name))
        found.show()
        found.raise_()
        self.settle(0.1)
        return found

    def plugin(self, name: str) -> QWidget:
        """Open a dock that is not part of the workspace and return its widget."""
        widget = self.viewer.window.add_plugin_dock_widget("napari-calcium", name)[1]
        self.settle()
        return widget

    def choose_ensemble(self, place: int = 0, activation: int = 2) -> None:
        """Choose an ensemble and go to one of its activations."""
        ensembles = self.session.recording.ensembles
        chosen = ensembles.ids[place]
        self.session.choose_ensemble(chosen)
        self.session.selection.time = float(ensembles.activations_of(chosen).time_s[activation])

    def save(self, name: str, widget: QWidget | None = None) -> None:
        """Photograph the window, or a part of it."""
        self.settle()
        # The status bar holds the keys of the active layer, which a reader cannot use.
        self.viewer.status = "Ready"
        self.viewer.help = ""
        self.settle(0.1)
        buffer = QBuffer()
        buffer.open(QBuffer.OpenModeFlag.ReadWrite)
        (widget or self.main).grab().save(buffer, "PNG")
        keep(name, Image.open(io.BytesIO(bytes(buffer.data()))))


def keep(name: str, image: Image.Image) -> None:
    """Write a picture with 256 colours, which takes a third of the bytes.

    The colours that mean something (those of ensembles) keep their places; the others are greys and shades.
    """
    FOLDER.mkdir(exist_ok=True)
    image = image.convert("RGB")
    counts = sorted(image.getcolors(image.width * image.height), reverse=True)
    # Large flat areas keep their exact colour, or a grey ground would get a tint.
    grounds = [get_theme(theme).background.as_hex("long")[:7] for theme in ("dark", "light")]
    ensembles = (rgb(ensemble_mark(k, ground)) for ground in grounds for k in range(12))
    kept = [*ensembles, *(color for _, color in counts[:60])]
    meaning = [value for color in dict.fromkeys(kept) for value in color]
    shades = image.quantize(256 - len(meaning) // 3, Image.Quantize.MEDIANCUT).getpalette()
    palette = Image.new("P", (1, 1))
    palette.putpalette([*meaning, *shades][: 3 * 256])
    small = image.quantize(palette=palette, dither=Image.Dither.NONE)
    small.save(FOLDER / f"{name}.png", optimize=True)


def made(name: str) -> Image.Image:
    """Return a picture, made now unless it is there."""
    if not (FOLDER / f"{name}.png").exists():
        PICTURES[name]()
    return Image.open(FOLDER / f"{name}.png").convert("RGB")


@picture
def window() -> None:
    """An ensemble chosen: somata, traces and activations."""
    with Window(demo()) as shown:
        shown.dock("Ensembles")
        shown.choose_ensemble()
        shown.save("window")


@picture
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


@picture
def heatmap() -> None:
    """Traces without positions."""
    alone = demo().replace(rois=None, images={}, pixel_size_um=None)
    with Window(alone) as shown:
        shown.dock("Ensembles")
        shown.choose_ensemble(1)
        shown.save("heatmap")


@picture
def population() -> None:
    """All neurons over time, members of an ensemble together."""
    with Window(demo()) as shown:
        shown.dock("Ensembles")
        shown.choose_ensemble(2)
        shown.dock("Raster")
        shown.save("population")


@picture
def coactivity() -> None:
    """An ensemble event among all: who took part, and what chance lets expect."""
    with Window(demo()) as shown:
        shown.dock("Cells")
        shown.choose_ensemble(3)
        shown.dock("Coactivity")
        shown.save("coactivity")


@picture
def small_screen() -> None:
    """The window on a small laptop."""
    with Window(demo(), (1366, 738)) as shown:
        shown.dock("Ensembles")
        shown.choose_ensemble(2)
        shown.save("small_screen")


@picture
def light() -> None:
    """The light theme."""
    with Window(demo()) as shown:
        shown.viewer.theme = "light"
        shown.dock("Ensembles")
        shown.choose_ensemble(3)
        shown.save("light")


@picture
def tutorial_import() -> None:
    """A table is read: what it would be, with the reasons, before it is opened."""
    with Window(None, (1400, 860)) as shown:
        form = shown.plugin("Import fluorescence")
        folder = course_files()
        form.table.path, form.labels.path = folder / "course.csv", folder / "course_rois.tif"
        form.image.path = folder / "course_mean.tif"
        form.frame_rate.setValue(4.8)
        form.table.changed.emit()
        shown.wait(lambda: form.recording is not None)
        # The reader needs the names of the files, not where they were on this machine.
        for row in (form.table, form.labels, form.image):
            row.path = Path(row.path.name)
        shown.dock("Import")
        shown.save("tutorial_import", form)


@picture
def tutorial_opened() -> None:
    """The course's sample as it opens: nothing has run."""
    with Window(course()) as shown:
        shown.session.selection.cells = course().roi_ids[[91, 306, 226]].tolist()
        shown.save("tutorial_opened")


@picture
def tutorial_run() -> None:
    """All stages have run: the form says in a line what each found."""
    with Window(course_analysed()) as shown:
        shown.session.selection.cells = course().roi_ids[[91, 306, 226]].tolist()
        shown.dock("Calcium pipeline")
        shown.save("tutorial_run")


@picture
def tutorial_which() -> None:
    """Which neurons and where: an ensemble chosen, its somata on the image, its members' traces."""
    with Window(course_analysed()) as shown:
        shown.dock("Ensembles")
        shown.choose_ensemble(2)
        at = shown.session.selection.time
        shown.session.selection.span = (at - 60, at + 60)
        shown.dock("Traces")
        shown.save("tutorial_which")


@picture
def tutorial_when() -> None:
    """When: ensemble events over the recording, against what chance explains."""
    with Window(course_analysed()) as shown:
        shown.dock("Ensembles")
        shown.choose_ensemble(2)
        shown.session.selection.span = (0.0, course_analysed().duration_s / 4)
        shown.dock("Coactivity")
        shown.save("tutorial_when")


@cache
def animal() -> BehaviourSimulation:
    """A simulated animal that runs, sees gratings and licks."""
    return simulate_behaviour()


@cache
def animal_analysed() -> Recording:
    """The same after all stages, those of the behaviour included."""
    stages = {stage: default_settings(stage) for stage in BEHAVIOUR_STAGES}
    return run(animal().to_recording("animal").replace(movie=None), PipelineSettings(**stages))


@picture
def behaviour_dock() -> None:
    """Signals under a place cell and a speed cell, with epochs and what was decoded."""
    cells = (int(animal().place_cells[0]), int(animal().speed_cells[0]))
    floating("Behaviour", cells, (1000, 360), "behaviour_dock")


@picture
def tuning_dock() -> None:
    """How a stimulus cell and a speed cell are tuned."""
    cells = (int(animal().stimulus_cells[0]), int(animal().speed_cells[0]))
    floating("Tuning", cells, (1000, 320), "tuning_dock")


def floating(
    name: str,
    cells: tuple[int, ...],
    size: tuple[int, int],
    picture_name: str,
    recording: Recording | None = None,
) -> None:
    """Photograph a dock by itself, as wide as it has room for everything."""
    with Window(recording or animal_analysed()) as shown:
        shown.session.selection.cells = cells
        dock = shown.dock(name)
        dock.setFloating(True)
        dock.resize(*size)
        shown.settle(2.0)
        shown.save(picture_name, dock.widget())


@cache
def demo_population() -> Recording:
    """The bundled sample after all stages, those of the population included."""
    stages = {stage: default_settings(stage) for stage in POPULATION_STAGES}
    return run(simulate(demo_settings()).to_recording("demo").replace(movie=None), PipelineSettings(**stages))


@picture
def correlation_dock() -> None:
    """The matrix in its order of likeness, and the network over the image."""
    with Window(demo_population()) as shown:
        dock = shown.dock("Correlation")
        shown.settle(1.0)
        dock.widget().show_network.setChecked(True)
        shown.settle(1.0)
        shown.save("correlation_dock")


@picture
def coupling_dock() -> None:
    """Each neuron's coupling, and how it goes over time."""
    floating("Coupling", (), (1000, 360), "coupling_dock", demo_population())


@picture
def embedding_dock() -> None:
    """Neurons in the plane of two components, members of an ensemble selected."""
    cells = tuple(demo_population().ensembles.members_of(demo_population().ensembles.ids[0]).roi_id.tolist())
    floating("Embedding", cells, (460, 480), "embedding_dock", demo_population())


@picture
def relations() -> None:
    """The figure of correlations, preferred epochs and decoding."""
    kind = next(kind for kind in FIGURES if kind.stem == "relations")
    buffer = io.BytesIO()
    figure_of(kind, animal_analysed()).savefig(buffer, dpi=130)
    keep("relations", Image.open(buffer))


@picture
def preferences() -> None:
    """The figure of preferred epochs."""
    kind = next(kind for kind in FIGURES if kind.stem == "preferences")
    buffer = io.BytesIO()
    figure_of(kind, animal_analysed()).savefig(buffer, dpi=130)
    keep("preferences", Image.open(buffer))


@cache
def real(name: str, frame_rate: float) -> Recording:
    """A real recording after all stages, with signals of the population in the place of behaviour."""
    path = REAL / name
    if not path.exists():
        raise Unavailable(path)
    stages = (*POPULATION_STAGES, "behaviour", "relations")
    wanted = PipelineSettings(**{stage: default_settings(stage) for stage in stages})
    return run(open_recording(path, CsvSettings(frame_rate=frame_rate)), wanted)


def zebrafish() -> Recording:
    """Adult zebrafish, telencephalic area Dp, OGB-1, 7.5 Hz."""
    return real("zebrafish_pdp_7.5hz_1.csv", 7.5)


@picture
def zebrafish_population() -> None:
    """Activity sorted by likeness with a marked stretch of time, and the correlations of the same cells."""
    with Window(zebrafish()) as shown:
        shown.dock("Activity")
        shown.dock("Correlation")
        shown.session.selection.marked = (13.0, 19.0)
        shown.settle(2.0)
        shown.save("zebrafish_population")


@picture
def zebrafish_trajectory() -> None:
    """The population's way through three components, coloured by its activity; bold where time is marked."""
    with Window(zebrafish()) as shown:
        shown.session.selection.marked = (13.0, 19.0)
        dock = shown.dock("Embedding")
        dock.setFloating(True)
        dock.resize(520, 460)
        widget = dock.widget()
        shown.settle(1.0)
        widget.tabs.setCurrentIndex(1)
        widget.signal.setCurrentIndex(1)
        widget.later()
        widget.way.turn(60, 40)
        shown.settle(2.0)
        shown.save("zebrafish_trajectory", widget)


@picture
def mouse_coupling() -> None:
    """Choristers and soloists of mouse visual cortex (Allen Brain Observatory, GCaMP6f, 30 Hz)."""
    floating("Coupling", (), (1000, 360), "mouse_coupling", real("allen_visual_coding_30hz.csv", 30.0))


@picture
def movie_opened() -> None:
    """A raw movie as it opens."""
    with Window(movie(), (1400, 860)) as shown:
        shown.viewer.reset_view()
        shown.save("movie_opened")


@picture
def movie_found() -> None:
    """The same movie after all stages: cells, traces and ensembles."""
    with Window(run(movie()), (1400, 860)) as shown:
        shown.dock("Ensembles")
        shown.choose_ensemble(1)
        shown.save("movie_found")


@picture
def sheet() -> None:
    """The whole analysis on one page."""
    buffer = io.BytesIO()
    sheet_of(demo(), PUBLICATION).savefig(buffer, format="png", dpi=110)
    keep("sheet", Image.open(buffer))


@picture
def strip() -> None:
    """For the README: from a table to an ensemble on the image to a page for the lab meeting."""
    height, gap = 560, 14
    shown = [made("tutorial_import"), made("tutorial_which"), made("sheet")]
    scaled = [
        im.resize((round(im.width * height / im.height), height), Image.Resampling.LANCZOS) for im in shown
    ]
    whole = Image.new("RGB", (sum(im.width for im in scaled) + gap * (len(scaled) - 1), height), "white")
    x = 0
    for im in scaled:
        whole.paste(im, (x, 0))
        x += im.width + gap
    keep("strip", whole)


def main() -> None:
    get_settings().application.confirm_close_window = False
    for name in sys.argv[1:] or PICTURES:
        try:
            PICTURES[name]()
        except Unavailable as missing:
            print(f"{name}: left as it is, for {missing} is not here", flush=True)
            continue
        print(f"{name}: {(FOLDER / f'{name}.png').stat().st_size / 1024:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
