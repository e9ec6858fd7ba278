"""Saving and opening as NWB, beside a bare HDF5 write and read of the same arrays.

``python benchmarks/bench_exchange.py`` prints the ratios, each the median of five pairs.
"""

from __future__ import annotations

import gc
import os
import statistics
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
from scipy import sparse

from napari_calcium.io.nwb import read_nwb, save_nwb
from napari_calcium.recording import Recording, Trace
from napari_calcium.rois import Rois

_SIDE, _ACROSS = 512, 12
_AREA = _ACROSS**2


class Nwb:
    params = ([(324, 15_000), (5_000, 20_000)],)
    param_names = ("n_rois, n_frames",)
    timeout = 300

    def setup(self, size):
        n_rois, n_frames = size
        rng = np.random.default_rng(0)
        values = rng.random((n_rois, n_frames), dtype=np.float32)
        # Somata: discs would only differ at the edge.
        top, left = rng.integers(0, _SIDE - _ACROSS, (2, n_rois, 1, 1))
        y, x = top + np.arange(_ACROSS)[:, None], left + np.arange(_ACROSS)
        pixels = (y * _SIDE + x).ravel()
        footprints = sparse.csr_array(
            (np.ones(len(pixels), np.float32), pixels, np.arange(n_rois + 1) * _AREA),
            shape=(n_rois, _SIDE**2),
        )
        self.recording = Recording(
            "benchmark",
            np.arange(n_rois),
            30.0,
            {"raw": Trace(values, "a.u."), "dff": Trace(values, "ΔF/F")},
            rois=Rois(np.arange(n_rois), footprints, (_SIDE, _SIDE)),
        )
        self.folder = tempfile.TemporaryDirectory()
        self.nwb, self.bare = (Path(self.folder.name) / name for name in ("a.nwb", "a.h5"))
        self.time_save_bare(size)
        save_nwb(self.recording, self.nwb)

    def teardown(self, size):
        self.folder.cleanup()

    def time_save(self, size):
        save_nwb(self.recording, self.nwb)

    def time_save_bare(self, size):
        with h5py.File(self.bare, "w") as file:
            for name, values in self._arrays().items():
                file[name] = values
        # A save is only done when it is on the disk.
        with self.bare.open("rb") as written:
            os.fsync(written.fileno())

    def _arrays(self):
        footprints = self.recording.rois.footprints
        parts = {name: getattr(footprints, name) for name in ("data", "indices", "indptr")}
        return parts | {name: trace.values for name, trace in self.recording.traces.items()}

    def time_open(self, size):
        self.read = read_nwb(self.nwb)

    def time_open_bare(self, size):
        with h5py.File(self.bare) as file:
            # All of it, as a recording holds it.
            self.read = [file[name][...] for name in file]

    def _ratio(self, ours, bare, size):
        ratios = []
        for _ in range(5):
            spent = []
            for work in (bare, ours):
                self.read = None
                gc.collect()
                _touch_memory()
                began = time.perf_counter()
                work(size)
                spent.append(time.perf_counter() - began)
            ratios.append(spent[1] / spent[0])
        return statistics.median(ratios)

    def track_save_ratio(self, size):
        return self._ratio(self.time_save, self.time_save_bare, size)

    def track_open_ratio(self, size):
        return self._ratio(self.time_open, self.time_open_bare, size)

    def peakmem_save(self, size):
        save_nwb(self.recording, self.nwb)

    def peakmem_open(self, size):
        read_nwb(self.nwb)


def _touch_memory(size=3_000_000_000):
    """Have the memory that is used next; a virtual machine first gets it from its host, which is slow."""
    np.ones(size, np.uint8)


if __name__ == "__main__":
    for n_rois, n_frames in Nwb.params[0]:
        suite = Nwb()
        suite.setup((n_rois, n_frames))
        save, opened = (r((n_rois, n_frames)) for r in (suite.track_save_ratio, suite.track_open_ratio))
        print(f"{n_rois} ROIs x {n_frames} frames: save {save:.2f}, open {opened:.2f} of bare HDF5")
        suite.teardown((n_rois, n_frames))
