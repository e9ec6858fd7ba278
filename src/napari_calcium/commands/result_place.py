"""Where results go: refused before the work if nothing can be written, kept elsewhere if it fails after."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from napari_calcium.commands.failure import Failure
from napari_calcium.io.results_folder import is_results_folder, new_results_folder
from napari_calcium.recording import Recording
from napari_calcium.system_refusal import refusal

__all__ = ["check_place", "check_space", "write_or_keep"]

_TRACES = 8
"""Stages of traces that a run writes at most, float32."""
_CELLS = 1_000
"""Cells that a movie is expected to hold before they are found."""
_REST = 50 << 20
"""Bytes for figures, tables and images."""


def check_place(output: Path) -> None:
    """Refuse a place where no results can be written, by writing there: rights alone do not tell.

    Raises
    ------
    Failure
        If something else is there, or the nearest folder that exists takes no file.
    """
    empty = output.is_dir() and not any(output.iterdir())
    if output.exists() and not empty and not is_results_folder(output):
        raise Failure(
            f"{output}: exists and is not a results folder; choose another place so that nothing is lost"
        )
    place = _nearest(output)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise Failure(
            f"{place}: nothing can be written there ({refusal(error)}); choose another place with --output"
        ) from None


def check_space(recording: Recording, output: Path) -> None:
    """Refuse a disk that is too full for the results of a recording.

    Raises
    ------
    Failure
        With the bytes that the traces of all stages take, generously, and those that are free.
    """
    n_rois = recording.n_rois or _CELLS
    needed = _TRACES * 4 * n_rois * recording.n_frames + _REST
    place = _nearest(output)
    free = shutil.disk_usage(place).free
    if needed > free:
        raise Failure(
            f"{place}: results take up to {_size(needed)}, but {_size(free)} are free there; "
            "make room, or choose another place with --output"
        )


def write_or_keep(output: Path, write: Callable[[Path], None]) -> None:
    """Write a results folder; where that fails, write it among the temporary files and say so.

    Parameters
    ----------
    output : path
    write : callable
        Writes into the folder that it is given.

    Raises
    ------
    Failure
        That names the folder in which the results are now, if not in `output`.
    OSError
        If they could be written nowhere.
    """
    try:
        with new_results_folder(output) as folder:
            write(folder)
    except OSError as error:
        elsewhere = Path(tempfile.mkdtemp(prefix="napari-calcium-")) / output.name
        try:
            with new_results_folder(elsewhere) as folder:
                write(folder)
        except OSError:
            shutil.rmtree(elsewhere.parent, ignore_errors=True)
            raise error from None
        raise Failure(
            f"{output}: {refusal(error)}; the results are in {elsewhere} instead, move them"
        ) from None


def _nearest(output: Path) -> Path:
    """Return the nearest folder above a path, or what stands in its place, that exists."""
    return next(place for place in output.absolute().parents if place.exists())


def _size(n: int) -> str:
    return f"{n / 1e9:.1f} GB" if n >= 1e8 else f"{n / 1e6:.1f} MB"
