"""NWB: the file a recording is saved in, and what other programs write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.hdf5 import Hdf5File, is_hdf5
from napari_calcium.io.nwb_caiman import find_caiman_module, read_caiman_nwb
from napari_calcium.io.nwb_foreign import read_foreign_nwb
from napari_calcium.io.nwb_reread import is_own_nwb, reread, reread_selection
from napari_calcium.io.nwb_write import save_nwb
from napari_calcium.progress import Progress, silent
from napari_calcium.recording import Recording

__all__ = ["is_nwb", "read_nwb", "read_selection", "save_nwb"]


def is_nwb(path: str | Path) -> bool:
    """Whether a file is HDF5 that calls itself NWB, or is named so.

    Raises
    ------
    ReadError
        If it is HDF5 that is damaged.
    """
    path = Path(path)
    if not path.is_file() or not is_hdf5(path):
        return path.suffix.lower() == ".nwb"
    with Hdf5File(path) as file:
        return path.suffix.lower() == ".nwb" or file.attribute("/", "nwb_version") is not None


def read_nwb(
    path: str | Path, settings: CsvSettings = CsvSettings(), *, on_progress: Progress = silent
) -> Recording:
    """Read a recording from an NWB file.

    Parameters
    ----------
    path : path
        It is never written to.
    settings : CsvSettings
        For files of other programs: `frame_rate` and `rejected_cells`.
    on_progress
        Of reading the traces.

    Returns
    -------
    Recording
        From a file that :func:`save_nwb` wrote, one that equals what was saved (a movie by its path). From
        others, what :func:`~napari_calcium.io.nwb_foreign.read_foreign_nwb` finds, of CaImAn's
        :func:`~napari_calcium.io.nwb_caiman.read_caiman_nwb`.

    Raises
    ------
    ReadError
        In one line that names file and field.
    """
    with Hdf5File(path) as file:
        if is_own_nwb(file):
            return reread(file, on_progress)
        if (module := find_caiman_module(file)) is not None:
            return read_caiman_nwb(file, module, settings, on_progress=on_progress)
        return read_foreign_nwb(file, settings, on_progress=on_progress)


def read_selection(path: str | Path) -> dict[str, Any]:
    """Return what was selected when this program saved an NWB file; nothing for any other file."""
    if not is_nwb(path):
        return {}
    with Hdf5File(path) as file:
        return reread_selection(file) if is_own_nwb(file) else {}
