"""What the window waits for with a movie: reading cells that were drawn or chosen."""

import numpy as np
from scipy import sparse

from napari_calcium.movie.extraction import extract
from napari_calcium.movie.extraction_settings import ExtractionSettings
from napari_calcium.movie.grid import grid_for
from napari_calcium.movie.partial_extraction import KnownTraces, extract_changed, extract_few
from napari_calcium.movie.registered_movie import RegisteredMovie
from napari_calcium.rois import Rois

RATE = 30.0
SHAPE = (512, 512)


def cells(number):
    """Discs on a grid with room for their rings."""
    side = int(np.ceil(np.sqrt(number)))
    places = np.linspace(20, SHAPE[0] - 20, side)
    y, x = np.indices(SHAPE)
    rows = [
        sparse.csr_array((np.hypot(y - a, x - b) < 6).ravel()[None].astype(np.float32))
        for a in places
        for b in places
    ]
    return Rois(np.arange(number), sparse.csr_array(sparse.vstack(rows[:number])), SHAPE)


class ReadingAgain:
    """One more cell among a hundred, of 1,000 registered frames: at once, exactly, and all of them."""

    timeout = 600
    number = 1
    repeat = 3

    def setup(self):
        rng = np.random.default_rng(0)
        raw = rng.poisson(50, (1000, *SHAPE)).astype(np.uint16)
        grid = grid_for(SHAPE, 64)
        fields = rng.normal(0, 1, (1000, grid.ny, grid.nx, 2)).astype(np.float32)
        self.movie = RegisteredMovie(raw, fields, grid)
        self.rois = cells(100)
        self.bad = np.zeros(1000, bool)
        before = self.rois.take(np.arange(99))
        light = extract(self.movie, before, RATE, bad=self.bad)
        self.known = KnownTraces(before, light.raw, light.neuropil, light.corrected, light.coefficients)
        self.settings = ExtractionSettings()
        self.time_at_once()

    def time_at_once(self):
        extract_few(self.movie, self.rois, [99], RATE, self.settings, bad=self.bad)

    def time_exactly(self):
        extract_changed(self.movie, self.rois, RATE, self.settings, known=self.known, bad=self.bad)

    def time_all(self):
        extract(self.movie, self.rois, RATE, self.settings, bad=self.bad)

    def track_cells_read_exactly(self):
        return extract_changed(self.movie, self.rois, RATE, self.settings, known=self.known, bad=self.bad)[1]
