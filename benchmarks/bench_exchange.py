"""Saving and opening as NWB, beside a bare HDF5 write and read of the same traces."""

from __future__ import annotations

import os
import tempfile
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
            for name, trace in self.recording.traces.items():
                file[name] = trace.values
        # A save is only done when it is on the disk.
        with self.bare.open("rb") as written:
            os.fsync(written.fileno())

    def time_open(self, size):
        self.read = read_nwb(self.nwb)

    def time_open_bare(self, size):
        with h5py.File(self.bare) as file:
            # All of it, as a recording holds it.
            self.read = [file[name][...] for name in file]

    def peakmem_save(self, size):
        save_nwb(self.recording, self.nwb)

    def peakmem_open(self, size):
        read_nwb(self.nwb)
