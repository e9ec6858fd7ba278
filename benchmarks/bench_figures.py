"""Time and peak memory of the prepared figures, of drawing them, and of decimation as the plots use it."""

import shutil
import tempfile
from pathlib import Path

import numpy as np

from napari_calcium.figures.decimate import outline, pool_max
from napari_calcium.figures.export import FIGURES, draw_all
from napari_calcium.figures.figure_sheet import write_sheet
from napari_calcium.recording import Recording, Trace
from napari_calcium.results.tables import Coactivity, EnsembleEvents, Ensembles, Events

SHAPES = ((324, 15_000), (5_000, 20_000))
EVENTS_PER_CELL = 60


def recording(shape):
    """Noise with events at random and no ensembles: what is drawn is as much as in a real recording."""
    n_rois, n_frames = shape
    rng = np.random.default_rng(0)
    traces = rng.standard_normal(shape, dtype=np.float32)
    cell = np.repeat(np.arange(n_rois), EVENTS_PER_CELL)
    onset = np.sort(rng.uniform(0, n_frames / 10 - 2, (n_rois, EVENTS_PER_CELL)), axis=1).ravel()
    ones = np.ones(len(cell))
    windows = n_frames // 5
    coactivity = Coactivity(
        time_s=0.5 * np.arange(windows),
        active_neurons=rng.poisson(4, windows),
        expected=np.full(windows, 4.0),
        p_value=np.ones(windows),
        threshold=np.full(windows, 12.0),
        significant=np.zeros(windows, bool),
    )
    return Recording(
        "benchmark",
        np.arange(n_rois),
        10.0,
        traces={"dff": Trace(traces, "ΔF/F")},
        events=Events(cell, onset, onset + 0.2, onset + 1, ones, ones),
        coactivity=coactivity,
        ensemble_events=EnsembleEvents(),
        ensembles=Ensembles(),
    )


class Prepare:
    params = (SHAPES, tuple(kind.stem for kind in FIGURES))
    param_names = ("shape", "figure")
    timeout = 600

    def setup(self, shape, figure):
        self.recording = recording(shape)
        kind = next(kind for kind in FIGURES if kind.stem == figure)
        if not kind.fits(self.recording):
            raise NotImplementedError("the stage that it shows has not run")  # asv skips it
        self.prepare = kind.prepare
        self.prepare(self.recording)

    def time_prepare(self, shape, figure):
        self.prepare(self.recording)


class Draw:
    params = (SHAPES,)
    param_names = ("shape",)
    timeout = 600

    def setup(self, shape):
        self.recording = recording(shape)
        self.folder = Path(tempfile.mkdtemp())

    def teardown(self, shape):
        shutil.rmtree(self.folder)

    def time_draw_all(self, shape):
        draw_all(self.recording, self.folder)

    def peakmem_draw_all(self, shape):
        draw_all(self.recording, self.folder)

    def time_sheet(self, shape):
        write_sheet(self.recording, self.folder / "sheet.pdf")

    def peakmem_sheet(self, shape):
        write_sheet(self.recording, self.folder / "sheet.pdf")


class Decimate:
    params = ((10, 15_000), (324, 15_000), (5_000, 20_000))
    param_names = ("shape",)

    def setup(self, shape):
        self.traces = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
        outline(self.traces[:1], 1000)

    def time_outline_1000_pixels(self, shape):
        outline(self.traces, 1000)

    def time_pool_max_800_by_1600(self, shape):
        pool_max(self.traces, 800, 1600)
