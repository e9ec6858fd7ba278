"""Time and peak memory of reading: CSV beside pandas' C parser in the same run, and opening TIFF movies."""

from pathlib import Path

import numpy as np
import pandas as pd
import tifffile

from napari_calcium.io.csv import CsvSettings, read_csv
from napari_calcium.io.tiff import open_movie

SHAPES = ((324, 15_000), (5_000, 20_000))
DISTINCT_ROWS = 50


def write_table(path, shape, *, frames_in_rows=False):
    """Write raw intensities with three decimals; rows repeat, so that files are made fast."""
    n_rows, n_columns = shape[::-1] if frames_in_rows else shape
    rng = np.random.default_rng(0)
    block = 500 + 30 * rng.standard_normal((DISTINCT_ROWS, n_columns))
    lines = [",".join(f"{value:.3f}" for value in row).encode() + b"\n" for row in block]
    with path.open("wb") as file:
        for k in range(n_rows):
            file.write(lines[k % DISTINCT_ROWS])


class Csv:
    """The whole reader (layout, numbers, unit, notes, hash) beside pandas, which reads the numbers only."""

    params = (SHAPES, ("neurons in rows", "frames in rows"))
    param_names = ("shape", "layout")
    timeout = 900

    def setup_cache(self):
        paths = {}
        for shape in SHAPES:
            for layout in self.params[1]:
                path = Path(f"table_{shape[0]}_{layout.split()[0]}.csv").absolute()
                write_table(path, shape, frames_in_rows=layout == "frames in rows")
                paths[shape, layout] = str(path)
        return paths

    def setup(self, paths, shape, layout):
        self.path = paths[shape, layout]
        orientation = "neurons_in_rows" if layout == "neurons in rows" else "neurons_in_columns"
        # Rows repeat every 50 rows, which says nothing of time: the orientation is set.
        self.settings = CsvSettings(orientation=orientation)

    def time_read_csv(self, paths, shape, layout):
        read_csv(self.path, self.settings)

    def time_pandas(self, paths, shape, layout):
        pd.read_csv(self.path, engine="c", header=None, dtype=np.float32)

    def peakmem_read_csv(self, paths, shape, layout):
        read_csv(self.path, self.settings)

    def peakmem_pandas(self, paths, shape, layout):
        pd.read_csv(self.path, engine="c", header=None, dtype=np.float32)


class Movie:
    """Opening a movie of 4,000 frames and showing one of them."""

    params = ("contiguous", "compressed")
    param_names = ("pages",)

    def setup_cache(self):
        frames = np.random.default_rng(0).integers(0, 4096, (100, 128, 128)).astype(np.uint16)
        for kind, options in (("contiguous", {}), ("compressed", {"compression": "zlib"})):
            with tifffile.TiffWriter(f"{kind}.tif", bigtiff=True) as writer:
                writer.write(
                    (frames[k % 100] for k in range(4000)),
                    shape=(4000, 128, 128),
                    dtype=np.uint16,
                    photometric="minisblack",
                    **options,
                )

    def time_open(self, pages):
        open_movie(f"{pages}.tif")

    def time_open_and_show_a_frame(self, pages):
        np.asarray(open_movie(f"{pages}.tif").data[2000])

    def peakmem_open(self, pages):
        open_movie(f"{pages}.tif")
