"""Time and peak memory of finding cells and of reading their fluorescence."""

import numpy as np

from napari_calcium.movie.extraction import extract, traces_of
from napari_calcium.movie.grid import grid_for
from napari_calcium.movie.registered_movie import RegisteredMovie
from napari_calcium.movie.segmentation import FunctionalCells, find_cells
from napari_calcium.rois import Rois

BIN_RATE = 7.5
SIZES = (256, 512)


def flashing_bins(side, n_bins=750):
    """Discs that flash in white noise, 100 on a field of 512 pixels."""
    rng = np.random.default_rng(0)
    movie = rng.standard_normal((n_bins, side, side), dtype=np.float32)
    y, x = np.mgrid[-8:9, -8:9]
    disc = (np.hypot(y, x) < 6).astype(np.float32)
    for row in range(26, side - 26, 50):
        for column in range(26, side - 26, 50):
            for onset in rng.integers(0, n_bins - 8, 10):
                area = movie[onset : onset + 6, row - 8 : row + 9, column - 8 : column + 9]
                area += 3 * np.exp(-np.arange(6) / 3, dtype=np.float32)[:, None, None] * disc
    return movie


class FindCells:
    param_names = ("side",)
    params = SIZES
    timeout = 600

    def setup(self, side):
        self.movie = flashing_bins(side)
        # The kernels are compiled before the clock runs.
        find_cells(self.movie[:40, :64, :64], {}, BIN_RATE, FunctionalCells(diameter=12))

    def time_given_diameter(self, side):
        find_cells(self.movie, {}, BIN_RATE, FunctionalCells(diameter=12))

    def time_estimated_diameter(self, side):
        find_cells(self.movie, {}, BIN_RATE)

    def time_refined(self, side):
        find_cells(self.movie, {}, BIN_RATE, FunctionalCells(diameter=12, refinement="nmf"))

    def peakmem_find(self, side):
        find_cells(self.movie, {}, BIN_RATE)

    def peakmem_data_alone(self, side):
        """What to subtract from the peak: the input, its making and the imports."""


class Repeated:
    """Frames that are made while they are read: a movie of any length that exists nowhere."""

    dtype = np.dtype(np.uint16)

    def __init__(self, n_frames, side):
        self.shape = (n_frames, side, side)
        rng = np.random.default_rng(0)
        self._frames = rng.poisson(200, (64, side, side)).astype(np.uint16)

    def __getitem__(self, frames):
        return self._frames[np.arange(frames.start, frames.stop) % 64]


def cells_on_a_grid(side, apart=24):
    labels = np.zeros((side, side), np.int32)
    for k, (row, column) in enumerate(np.ndindex(side // apart, side // apart)):
        labels[row * apart + 6 : row * apart + 17, column * apart + 6 : column * apart + 17] = k + 1
    return Rois.from_labels(labels)


class Extract:
    param_names = ("n_frames",)
    params = (1500, 3000)
    timeout = 600

    def setup(self, n_frames):
        side = 512
        grid = grid_for((side, side), 64)
        rng = np.random.default_rng(0)
        fields = rng.normal(0, 1, (n_frames, grid.ny, grid.nx, 2)).astype(np.float32)
        self.movie = RegisteredMovie(Repeated(n_frames, side), fields, grid)
        self.rois = cells_on_a_grid(side)
        few = RegisteredMovie(Repeated(8, side), fields[:8], grid)
        extract(few, self.rois, 30.0)
        traces_of(few, self.rois, self.rois.ids[:1])

    def time_all_cells(self, n_frames):
        extract(self.movie, self.rois, 30.0)

    def time_three_cells_on_demand(self, n_frames):
        traces_of(self.movie, self.rois, self.rois.ids[:3])

    def peakmem_all_cells(self, n_frames):
        extract(self.movie, self.rois, 30.0)

    def peakmem_data_alone(self, n_frames):
        """What to subtract from the peak: the input, its making and the imports."""
