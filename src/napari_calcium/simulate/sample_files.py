"""Write a synthetic recording as files: the program's own sample data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_calcium.atomic import replacing
from napari_calcium.simulate.synthetic_movie import SyntheticMovie

__all__ = ["write_csv", "write_labels", "write_mean_image", "write_movie"]

_IMAGEJ_LIMIT = 2**32 - 2**25
"""ImageJ's dialect ends at 4 GiB; room is left for its description."""


@contextmanager
def _atomic(path: Path) -> Iterator[Path]:
    """Give a file to write beside `path`, in a folder that is made where it does not exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as beside:
        yield beside


def write_csv(path: Path, traces: NDArray[np.float32]) -> Path:
    """Write traces with three decimals, as ImageJ does: a row a neuron, no header."""
    line = ",".join(["%.3f"] * traces.shape[1]) + "\n"
    with _atomic(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        for row in traces:
            file.write(line % tuple(row.tolist()))
    return path


def write_labels(path: Path, labels: NDArray[np.uint16] | NDArray[np.uint32], pixel_size: float) -> Path:
    """Write a label image with its pixel size."""
    import tifffile

    with _atomic(path) as beside:
        tifffile.imwrite(
            beside,
            labels,
            photometric="minisblack",
            compression="zlib",
            resolution=(1e4 / pixel_size, 1e4 / pixel_size),
            resolutionunit="CENTIMETER",
            metadata={"axes": "YX"},
            datetime=False,
        )
    return path


def write_mean_image(path: Path, image: NDArray[np.float32], pixel_size: float) -> Path:
    """Write the mean image in float32 with its pixel size, as ImageJ does."""
    import tifffile

    resolution = (1 / pixel_size, 1 / pixel_size)
    with _atomic(path) as beside:
        tifffile.imwrite(beside, image, imagej=True, resolution=resolution, metadata={"unit": "um"})
    return path


def write_movie(path: Path, movie: SyntheticMovie, frame_rate: float, pixel_size: float) -> Path:
    """Write a movie frame by frame, in ImageJ's dialect or, beyond 4 GiB, as a BigTIFF."""
    import tifffile

    imagej = movie.nbytes < _IMAGEJ_LIMIT
    with _atomic(path) as beside:
        tifffile.imwrite(
            beside,
            (movie.frame(k) for k in range(len(movie))),
            shape=movie.shape,
            dtype=movie.dtype,
            photometric="minisblack",
            imagej=imagej,
            bigtiff=not imagej,
            resolution=(1 / pixel_size, 1 / pixel_size),
            metadata={"axes": "TYX", "unit": "um", "finterval": 1 / frame_rate, "fps": frame_rate},
        )
    return path
