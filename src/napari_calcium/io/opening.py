"""Open whatever a user points at: a fluorescence table or a results folder, with or without positions."""

from __future__ import annotations

from pathlib import Path

from napari_calcium.io.csv import CsvSettings, read_csv
from napari_calcium.io.errors import ReadError
from napari_calcium.io.positions import PositionSettings, add_positions
from napari_calcium.io.results_folder import is_results_folder, read_results
from napari_calcium.progress import Progress, silent
from napari_calcium.recording import Recording

__all__ = ["open_recording"]


def open_recording(
    path: str | Path,
    read: CsvSettings = CsvSettings(),
    positions: PositionSettings = PositionSettings(),
    *,
    on_progress: Progress = silent,
) -> Recording:
    """Read a recording.

    Parameters
    ----------
    path : path
        A CSV of fluorescence or ΔF/F, or a results folder (whose own settings count then).
    read : CsvSettings
    positions : PositionSettings
        Relative paths in it start at the folder of `path`.
    on_progress
        Of reading.

    Raises
    ------
    ReadError
        If there is nothing there, or it cannot be read.
    """
    path = Path(path)
    if path.is_dir():
        if is_results_folder(path):
            return read_results(path)
        raise ReadError(f"{path.name}: a folder, but not a results folder of napari-calcium; give a file")
    if not path.exists():
        raise ReadError(f"{path}: no such file; check the name and the folder")
    if path.suffix.lower() in (".tif", ".tiff"):
        raise ReadError(
            f"{path.name}: a TIFF; this version analyses tables of fluorescence (CSV). "
            "Give a label image with --rois, or open the movie in napari"
        )
    recording = read_csv(path, read, on_progress=on_progress)
    return add_positions(recording, positions, path.parent)
