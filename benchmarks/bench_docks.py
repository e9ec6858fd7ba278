"""From an interaction to the end of painting, in the docks that show the whole population.

asv needs a display (``xvfb-run -a asv run …``). By hand, with the lower quartile of many, since other work
on the machine disturbs some, beside a bare pyqtgraph scene that is panned and painted in turn with ours: a
dock of the same window, with an image of as many pixels as the screen and a cursor::

    xvfb-run -a -s "-screen 0 1920x1080x24" python benchmarks/bench_docks.py

Painting goes to a picture of the widget's size. On the screen comes the window's own part, which is the same
for every widget: with napari's canvas in it, Qt puts the whole window together anew (20 ms with software
OpenGL).
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from napari_calcium.recording import Recording, Trace
from napari_calcium.results.tables import Activations, Coactivity, EnsembleEvents, Ensembles, Events, Members

SIZES = {
    "1,000 x 15,000": (1_000, 15_000),
    "20,000 x 10,000": (20_000, 10_000),
    "20,000 x 50,000": (20_000, 50_000),
}
"""The largest is a file of 4 GB, and needs 3 GB of memory."""
RATE, WINDOW, MEMBERS, N_ENSEMBLES, N_EVENTS = 10.0, 0.5, 40, 10, 600


_SCRATCH = tempfile.TemporaryDirectory(prefix="napari-calcium-bench-")
_IN_MEMORY = 300_000_000
_BLOCK = 5_000


def noise(n_rois: int, n_frames: int) -> np.ndarray:
    """Return traces of noise; where they are large they lie in a file, and the same block comes again."""
    rng = np.random.default_rng(0)
    if n_rois * n_frames <= _IN_MEMORY:
        return rng.standard_normal((n_rois, n_frames), np.float32)
    path = Path(_SCRATCH.name) / f"{n_rois}x{n_frames}.npy"
    traces = np.lib.format.open_memmap(path, "w+", np.float32, (n_rois, n_frames))
    block = rng.standard_normal((n_rois, _BLOCK), np.float32)
    for start in range(0, n_frames, _BLOCK):
        traces[:, start : start + _BLOCK] = block[:, : n_frames - start]
    traces.flush()
    return np.load(path, mmap_mode="r")


def population(n_rois: int, n_frames: int) -> Recording:
    """Return noise for traces, with every table that the docks show."""
    rng = np.random.default_rng(0)
    duration = n_frames / RATE
    size = min(MEMBERS, n_rois)
    chosen = np.array([rng.choice(n_rois, size, replace=False) for _ in range(N_ENSEMBLES)])
    who = np.repeat(np.arange(N_ENSEMBLES), size)
    members = Members(who, chosen.ravel(), *(np.ones(len(who)) for _ in range(3)), np.ones(len(who), bool))
    times = np.sort(rng.uniform(1, duration - 1, N_EVENTS))
    owner = rng.integers(-1, N_ENSEMBLES, N_EVENTS)
    order = np.lexsort((times, owner))
    kept = order[owner[order] >= 0]
    active = Activations(owner[kept], times[kept], np.zeros(len(kept)), np.full(len(kept), size))
    part = np.sort(chosen[np.maximum(owner, 0)], axis=1)
    found = EnsembleEvents(
        np.arange(N_EVENTS),
        times - WINDOW / 2,
        times + WINDOW / 2,
        times,
        np.full(N_EVENTS, size),
        np.full(N_EVENTS, 1e-6),
        owner,
        np.arange(N_EVENTS + 1) * size,
        part.ravel(),
        1.0,
    )
    n = int(duration / WINDOW)
    counts = rng.poisson(n_rois / 100, n)
    flat = np.full(n, n_rois / 100)
    table = Coactivity(np.arange(n) * WINDOW, counts, flat, flat, 2 * flat, counts > 2 * flat, WINDOW, WINDOW)
    cells = np.repeat(np.arange(n_rois), 10)
    onset = np.sort(rng.uniform(0, duration, (n_rois, 10)), axis=1).ravel()
    ones = np.ones(len(onset))
    return Recording(
        "bench",
        np.arange(n_rois),
        RATE,
        {"dff": Trace(noise(n_rois, n_frames), "ΔF/F")},
        events=Events(cells, onset, onset, onset, ones, ones),
        coactivity=table,
        ensemble_events=found,
        ensembles=Ensembles(members, active, rng.random((N_EVENTS, N_EVENTS)).astype(np.float32)),
        features={f"feature_{k}": rng.random(n_rois) for k in range(17)},
    )


class Docks:
    """What follows an interaction in one dock, painting included; the other docks are hidden."""

    params = tuple(SIZES)
    param_names = ("recording",)
    timeout = 600

    def setup(self, size: str) -> None:
        import napari
        from qtpy.QtCore import Qt

        from napari_calcium.widgets.cells_dock import CellsDock
        from napari_calcium.widgets.coactivity_dock import CoactivityDock
        from napari_calcium.widgets.raster_dock import RasterDock
        from napari_calcium.widgets.similarity_dock import SimilarityDock
        from napari_calcium.widgets.viewer_session import session_of

        self.viewer = napari.Viewer()
        self.viewer.window.resize(1800, 1000)
        self.session = session_of(self.viewer)
        main = self.viewer.window._qt_window
        self.raster, self.coactivity, self.similarity, self.cells = (
            made(self.viewer) for made in (RasterDock, CoactivityDock, SimilarityDock, CellsDock)
        )
        for widget, area in (
            (self.raster, "bottom"),
            (self.coactivity, "bottom"),
            (self.similarity, "right"),
            (self.cells, "right"),
        ):
            self.viewer.window.add_dock_widget(widget, area=area, name=widget.name)
        main.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        self.recording = population(*SIZES[size])
        self.turn, self.painting = 0, True
        self.session.open(self.recording)
        self.settle()

    def paint(self, widget: Any) -> None:
        """Paint now, not when Qt finds time."""
        if self.painting:
            widget.grab()

    def teardown(self, size: str) -> None:
        self.viewer.close()

    def settle(self) -> None:
        """Wait until nothing is being prepared."""
        from qtpy.QtWidgets import QApplication

        QApplication.processEvents()
        while self.raster._job.busy or self.similarity._job.busy:
            QApplication.processEvents()
            time.sleep(0.005)
        QApplication.processEvents()

    def _next(self, most: int) -> int:
        self.turn += 37
        return self.turn % most

    def _span(self) -> tuple[float, float]:
        whole = self.recording.duration_s
        start = self._next(100) / 200 * whole
        return start, start + 0.4 * whole

    def time_raster_pan(self, size: str) -> None:
        self.raster.plot.box.setXRange(*self._span(), padding=0)
        self.paint(self.raster.plot.viewport())

    def time_raster_to_single_frames(self, size: str) -> None:
        start = self._span()[0]
        self.raster.plot.box.setXRange(start, start + 20, padding=0)
        self.paint(self.raster.plot.viewport())

    def time_raster_rows(self, size: str) -> None:
        first = self._next(50) / 100 * self.recording.n_rois
        self.raster.plot.box.setYRange(first, first + 0.3 * self.recording.n_rois, padding=0)
        self.paint(self.raster.plot.viewport())

    def time_raster_select(self, size: str) -> None:
        self.raster.plot.show_cells((self._next(self.recording.n_rois),), None)
        self.paint(self.raster.plot.viewport())

    def time_raster_choose_ensemble(self, size: str) -> None:
        chosen = self._next(N_ENSEMBLES)
        cells = self.recording.ensembles.members_of(chosen).roi_id.tolist()
        self.raster.plot.show_cells(tuple(cells), chosen)
        self.paint(self.raster.plot.viewport())

    def time_raster_cursor(self, size: str) -> None:
        self.raster.show_time(0.1 * self.recording.duration_s + self._next(50))
        self.paint(self.raster.plot.viewport())

    def time_coactivity_pan(self, size: str) -> None:
        self.coactivity.plot.box.setXRange(*self._span(), padding=0)
        self.paint(self.coactivity.plot.viewport())

    def time_coactivity_event(self, size: str) -> None:
        self.session.selection.time = float(self.recording.ensemble_events.peak_s[self._next(N_EVENTS)])
        self.paint(self.coactivity.plot.viewport())

    def time_coactivity_choose_ensemble(self, size: str) -> None:
        self.coactivity.show_ensemble(self._next(N_ENSEMBLES))
        self.paint(self.coactivity.plot.viewport())

    def time_similarity_event(self, size: str) -> None:
        self.similarity.plot.show_event(self._next(N_EVENTS))
        self.paint(self.similarity.plot.viewport())

    def time_cells_select(self, size: str) -> None:
        self.cells.table.show_selected((self._next(self.recording.n_rois),))
        self.paint(self.cells.table.viewport())

    def time_cells_sort(self, size: str) -> None:
        self.cells.table.sort_by(f"feature_{self._next(17)}", descending=True)
        self.paint(self.cells.table.viewport())

    def time_cells_filter(self, size: str) -> None:
        self.cells.filter.setText(f"feature 3 > 0.{self._next(10)}")
        self.cells._apply_filter()
        self.paint(self.cells.table.viewport())


def to_front(widget: Any) -> None:
    """Bring the dock of a widget before the others, alone at its place."""
    from qtpy.QtWidgets import QApplication, QDockWidget

    dock = widget
    while not isinstance(dock, QDockWidget):
        dock = dock.parentWidget()
    main = dock.parentWidget()
    for other in main.findChildren(QDockWidget):
        if other is not dock and main.dockWidgetArea(other) == main.dockWidgetArea(dock):
            other.hide()
    dock.show()
    dock.raise_()
    for _ in range(5):
        QApplication.processEvents()


def bare_pan(like: Any, window: Any) -> Callable[..., None]:
    """Return what pans and repaints a plain pyqtgraph plot of the size of another, and of as many pixels.

    It takes a span to show, with the image over all of it; without one it goes on by itself.
    """
    import pyqtgraph as pg

    shape = (max(1, int(like.box.height())), max(1, int(like.box.width())))
    plot = pg.PlotWidget()
    image = pg.ImageItem(axisOrder="row-major")
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    image.setLookupTable(pg.colormap.get("viridis").getLookupTable(nPts=256))
    plot.addItem(image)
    plot.addItem(pg.InfiniteLine(10, movable=True))
    window.add_dock_widget(plot, area="bottom", name="Bare")
    to_front(plot)
    turn = 0

    def pan(span: tuple[float, float] | None = None) -> None:
        nonlocal turn
        turn += 37
        image.setImage(pixels, autoLevels=False)
        if span is not None:
            image.setRect(span[0], 0, span[1] - span[0], shape[0])
        start, stop = (turn % 100, turn % 100 + 300) if span is None else span
        plot.getPlotItem().getViewBox().setXRange(start, stop, padding=0)
        plot.viewport().grab()

    return pan


def beside(
    action: Callable[[], None], bare: Callable[[], None], after: Callable[[], None], times: int = 25
) -> tuple[float, float]:
    """Return the lower quartiles of the times of two actions, taken in turn, in milliseconds."""
    taken = np.empty((times + 3, 2))
    for turn in range(len(taken)):
        for column, one in enumerate((action, bare)):
            started = time.perf_counter()
            one()
            taken[turn, column] = 1e3 * (time.perf_counter() - started)
        after()
    # The first ones load what is used for the first time.
    ours, plain = np.percentile(taken[3:], 25, axis=0)
    return float(ours), float(plain)


def main() -> None:
    names = [name for name in vars(Docks) if name.startswith("time_")]
    for size in sys.argv[1:] or SIZES:
        bench = Docks()
        started = time.perf_counter()
        bench.setup(size)
        print(f"{size}: opened in {time.perf_counter() - started:.1f} s (simulation included)")
        to_front(bench.raster)
        bare = bare_pan(bench.raster.plot, bench.viewer.window)
        for name in names:
            to_front(getattr(bench, name.split("_")[1]))
            bench.settle()
            action = partial(getattr(bench, name), size)
            bench.painting = False
            own, _ = beside(action, bare, bench.settle)
            bench.painting = True
            found, plain = beside(action, bare, bench.settle)
            words = name.removeprefix("time_").replace("_", " ")
            print(
                f"  {words:28} {found:6.1f} ms, of which {own:4.1f} ms before painting; "
                f"bare {plain:4.1f} ms, ratio {found / plain:.2f}"
            )
        bench.teardown(size)


if __name__ == "__main__":
    main()
