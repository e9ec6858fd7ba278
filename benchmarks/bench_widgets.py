"""From a click to the redraw: our own work in a real viewer with its docks.

asv needs a display (``xvfb-run -a asv run …``). By hand, with the smallest time of many, which other work on
the machine disturbs least::

    xvfb-run -a -s "-screen 0 1920x1080x24" python benchmarks/bench_widgets.py
"""

from __future__ import annotations

import time

import numpy as np

from napari_calcium.recording import Recording, Trace
from napari_calcium.results.tables import Activations, Ensembles, Members
from napari_calcium.rois import Rois

SIZES = {"1,000 cells, 512²": (1_000, 512, 15_000), "20,000 cells, 4096²": (20_000, 4096, 3_000)}
MEMBERS = 40


def field(n_rois: int, side: int, n_frames: int) -> Recording:
    """Return discs on a grid with noise for traces, and ten ensembles."""
    rng = np.random.default_rng(0)
    per_side = int(np.ceil(np.sqrt(n_rois)))
    pitch = side / per_side
    y, x = np.mgrid[:side, :side]
    cell = (y // pitch * per_side + x // pitch).astype(np.int64) + 1
    off = np.hypot(y % pitch - pitch / 2, x % pitch - pitch / 2)
    labels = np.where((off < 0.35 * pitch) & (cell <= n_rois), cell, 0)
    dff = rng.standard_normal((n_rois, n_frames), np.float32)
    chosen = np.array([rng.choice(n_rois, MEMBERS, replace=False) for _ in range(10)])
    who = np.repeat(np.arange(10), MEMBERS)
    members = Members(who, chosen.ravel(), *(np.ones(len(who)) for _ in range(3)), np.ones(len(who), bool))
    times = np.sort(rng.uniform(0, n_frames / 10, (10, 20)), axis=1)
    active = Activations(np.repeat(np.arange(10), 20), times.ravel(), np.zeros(200), np.full(200, MEMBERS))
    return Recording(
        "bench",
        np.arange(n_rois),
        10.0,
        {"dff": Trace(dff, "ΔF/F")},
        rois=Rois.from_labels(labels),
        images={"mean": rng.random((side, side), np.float32)},
        pixel_size_um=1.0,
        ensembles=Ensembles(members, active),
    )


class Links:
    """What follows a click: highlights, outlines, traces, cursor; without the graphics driver's drawing."""

    params = tuple(SIZES)
    param_names = ("field",)
    timeout = 300

    def setup(self, size: str) -> None:
        import napari

        from napari_calcium.widgets.ensembles_dock import EnsemblesDock
        from napari_calcium.widgets.traces import TracesDock
        from napari_calcium.widgets.viewer_session import session_of

        self.viewer = napari.Viewer()
        self.viewer.window.resize(1800, 1000)
        self.traces, self.ensembles = TracesDock(self.viewer), EnsemblesDock(self.viewer)
        self.viewer.window.add_dock_widget(self.traces, area="bottom")
        self.viewer.window.add_dock_widget(self.ensembles, area="right")
        self.session = session_of(self.viewer)
        self.recording = field(*SIZES[size])
        self.session.open(self.recording)
        self.turn = 0
        self._settle()

    def teardown(self, size: str) -> None:
        self.viewer.close()

    def _settle(self) -> None:
        from qtpy.QtWidgets import QApplication

        for _ in range(3):
            QApplication.processEvents()

    def _next(self) -> int:
        self.turn += 37
        return self.turn % self.recording.n_rois

    def time_click_on_a_soma(self, size: str) -> None:
        self.session.selection.cells = (self._next(),)
        self.traces.refresh()

    def time_ten_cells(self, size: str) -> None:
        first = self._next()
        n = self.recording.n_rois
        self.session.selection.cells = [(first + 61 * k) % n for k in range(10)]
        self.traces.refresh()

    def time_choose_an_ensemble(self, size: str) -> None:
        self.session.choose_ensemble(self._next() % 10)
        self.traces.refresh()

    def time_cell_in_focus(self, size: str) -> None:
        self.session.selection.focus = self._next()
        self.traces.refresh()

    def time_step_in_time(self, size: str) -> None:
        self.session.selection.time = self._next() % 290

    def time_zoom_in_time(self, size: str) -> None:
        start = self._next() % 200
        self.session.selection.span = (start, start + 40.0)

    def time_undo(self, size: str) -> None:
        recording = self.session.recording
        assert recording is not None
        self.session.apply(recording.replace(ensembles=self.recording.ensembles), "step")
        self.session.undo()


def main() -> None:
    names = [name for name in vars(Links) if name.startswith("time_")]
    for size in SIZES:
        bench = Links()
        started = time.perf_counter()
        bench.setup(size)
        print(f"{size}: opened in {time.perf_counter() - started:.1f} s")
        for name in names:
            taken = []
            for _ in range(30):
                started = time.perf_counter()
                getattr(bench, name)(size)
                taken.append(1e3 * (time.perf_counter() - started))
                bench._settle()
            words = name.removeprefix("time_").replace("_", " ")
            print(f"  {words:22} {min(taken):6.1f} ms at best, {np.median(taken):6.1f} ms in the middle")
        bench.teardown(size)


if __name__ == "__main__":
    main()
