"""The files of a registration in the results folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_calcium.movie.registration import Registration

__all__ = ["write_registration"]


def write_registration(registration: Registration, folder: str | os.PathLike[str]) -> list[Path]:
    """Write ``registration.csv``, ``registration_blocks.npz`` and ``images/*.tif`` into a folder.

    Each file is written beside and renamed, so a crash leaves the old file or the new one.

    Parameters
    ----------
    registration : Registration
    folder : path
        Made where it does not exist.

    Returns
    -------
    list of Path
        The files written. ``registration.csv`` has a row a frame: its shift in pixels (what to add to a
        coordinate of the template to find it in that frame), its correlation with the template (empty where
        unknown), and whether it is bad (0 or 1). ``registration_blocks.npz`` holds the total displacement at
        the nodes.
    """
    root = Path(folder)
    (root / "images").mkdir(parents=True, exist_ok=True)
    files = [
        _written(root / "registration.csv", partial(_write_table, registration)),
        _written(root / "registration_blocks.npz", partial(_write_blocks, registration)),
    ]
    for name, image in {**registration.images, "template": registration.template}.items():
        files.append(_written(root / "images" / f"{name}.tif", partial(_write_image, image)))
    return files


def _written(path: Path, write: Callable[[Path], None]) -> Path:
    beside = path.with_name(f".{path.name}.part")
    try:
        write(beside)
        with beside.open("rb+") as written:
            os.fsync(written.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def _write_table(registration: Registration, path: Path) -> None:
    rows = zip(
        registration.shifts.tolist(),
        registration.correlation.tolist(),
        registration.bad.astype(int).tolist(),
        strict=True,
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("frame,shift_y_px,shift_x_px,correlation,bad\n")
        for frame, ((y, x), correlation, bad) in enumerate(rows):
            shown = "" if correlation != correlation else f"{correlation:.6g}"
            file.write(f"{frame},{y:.6g},{x:.6g},{shown},{bad}\n")


def _write_blocks(registration: Registration, path: Path) -> None:
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            shifts_y_px=registration.fields[..., 0],
            shifts_x_px=registration.fields[..., 1],
            centres_y_px=registration.grid.y,
            centres_x_px=registration.grid.x,
        )


def _write_image(image: NDArray[np.float32], path: Path) -> None:
    import tifffile

    tifffile.imwrite(path, np.asarray(image, np.float32), photometric="minisblack")
