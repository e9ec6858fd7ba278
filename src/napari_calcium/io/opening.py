"""Open whatever a user points at: a table, a results folder, or what another program extracted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from napari_calcium import __version__
from napari_calcium.io.behaviour_csv import BehaviourFileSettings, add_behaviour
from napari_calcium.io.caiman import is_caiman, read_caiman
from napari_calcium.io.cascade import is_cascade, read_cascade
from napari_calcium.io.csv import CsvSettings, read_csv
from napari_calcium.io.errors import ReadError
from napari_calcium.io.hdf5 import is_hdf5
from napari_calcium.io.matlab import is_matlab, read_matlab
from napari_calcium.io.minian import find_minian, read_minian
from napari_calcium.io.movie_choice import choose
from napari_calcium.io.movie_parts import open_movie_folder
from napari_calcium.io.nwb import is_nwb, read_nwb
from napari_calcium.io.positions import PositionSettings, add_positions
from napari_calcium.io.results_folder import is_results_folder
from napari_calcium.io.results_reading import read_results
from napari_calcium.io.suite2p import find_suite2p, read_suite2p
from napari_calcium.io.tiff import MovieFile, open_movie
from napari_calcium.plurals import count_of
from napari_calcium.progress import Progress, silent
from napari_calcium.recording import LogEntry, Movie, Recording, Source

__all__ = ["movie_recording", "open_recording", "reader_of"]

Reader = Callable[[CsvSettings, Progress], Recording]

_FORMATS = "a table (CSV, MATLAB), a TIFF movie, a results folder, NWB, CaImAn's HDF5, suite2p or Minian"


def open_recording(
    path: str | Path,
    read: CsvSettings = CsvSettings(),
    positions: PositionSettings = PositionSettings(),
    behaviour: BehaviourFileSettings = BehaviourFileSettings(),
    *,
    on_progress: Progress = silent,
) -> Recording:
    """Read a recording; what wrote it is told by its content.

    Parameters
    ----------
    path : path
        A CSV of fluorescence or ΔF/F, a TIFF movie, a folder of TIFFs that are frames or parts of one, a
        results folder (whose own settings count then), or what
        another program extracted: see :func:`reader_of`.
    read : CsvSettings
        Of other programs' files `frame_rate` and `rejected_cells` count.
    positions : PositionSettings
        Relative paths in it start at the folder of `path`.
    behaviour : BehaviourFileSettings
        As are those in it.
    on_progress
        Of reading.

    Raises
    ------
    ReadError
        If there is nothing there, or it cannot be read.
    """
    path = Path(path)
    if not path.exists():
        raise ReadError(f"{path}: no such file; check the name and the folder")
    if not (path.is_file() or path.is_dir()):
        # A pipe would be waited for, and a device may never end.
        raise ReadError(f"{path.name}: is neither a file nor a folder")
    recording = _read(path, read, positions, on_progress)
    return add_behaviour(recording, behaviour, path.parent)


def _read(path: Path, read: CsvSettings, positions: PositionSettings, on_progress: Progress) -> Recording:
    reader = reader_of(path)
    if reader is not None:
        return add_positions(reader(read, on_progress), positions, path.parent)
    if path.is_dir():
        movie = open_movie_folder(path)
        if movie is None:
            raise ReadError(f"{path.name}: this folder is not known; give {_FORMATS}")
        return movie_recording(movie, read)
    if path.suffix.lower() in (".tif", ".tiff"):
        return movie_recording(open_movie(path), read)
    if is_hdf5(path):
        raise ReadError(f"{path.name}: HDF5, but neither NWB nor CaImAn's; give {_FORMATS}")
    recording = read_csv(path, read, on_progress=on_progress)
    return add_positions(recording, positions, path.parent)


def movie_recording(movie: MovieFile, read: CsvSettings = CsvSettings()) -> Recording:
    """Return a recording of a movie alone, from which fluorescence is still to be read.

    Parameters
    ----------
    movie : MovieFile
        In one file or several.
    read : CsvSettings
        `frame_rate` counts, where it is given, and which plane and channel are chosen.

    Raises
    ------
    ReadError
        If there is no such plane or channel.
    """
    path = Path(movie.path)
    part = choose(movie, read)
    rate = read.frame_rate or part.frame_rate
    settings = read.replace(frame_rate=rate).model_dump(mode="json")
    n_frames, height, width = part.data.shape
    size = f"{movie.dialect} movie of {count_of(n_frames, 'frame')} of {height} × {width} pixels"
    notes = (size, *movie.notes, *part.notes)
    return Recording(
        path.stem,
        np.empty(0, np.int64),
        rate,
        movie=Movie(part.data, movie.path, part.guide),
        pixel_size_um=movie.pixel_size_um,
        source=Source(path.name, path.stat().st_size),
        log=(LogEntry("read", settings, (), ("movie",), notes, __version__),),
    )


def reader_of(path: str | Path) -> Reader | None:
    """Return what reads a folder or file that is no plain table, told by its content; None for others.

    Raises
    ------
    ReadError
        If it is known but the user must choose, as with a folder of several planes.
    """
    path = Path(path)
    if path.is_dir() and is_results_folder(path):
        return lambda settings, progress: read_results(path)
    if find_suite2p(path):
        return lambda settings, progress: read_suite2p(path, settings)
    if find_minian(path) is not None:
        return lambda settings, progress: read_minian(path, settings)
    if is_cascade(path):
        return lambda settings, progress: read_cascade(path, settings)
    if is_matlab(path):
        return lambda settings, progress: read_matlab(path, settings)
    if is_caiman(path):
        return lambda settings, progress: read_caiman(path, settings)
    if is_nwb(path):
        return lambda settings, progress: read_nwb(path, settings, on_progress=progress)
    return None
