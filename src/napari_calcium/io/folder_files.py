"""Files of a results folder, read so that one that is damaged or gone is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from struct import error as StructError
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile
from zlib import error as ZlibError

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_calcium.io.errors import ReadError

__all__ = ["GONE", "array_of", "image_of", "naming", "parts_of", "table_of", "typed"]

GONE = "the file is gone from the folder; copy the whole folder again"
# NumPy parses the heading of an array as Python, and zipfile reads lengths as they come.
_DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    NotImplementedError,
    SyntaxError,
    MemoryError,
    BadZipFile,
    StructError,
    TokenError,
    ZlibError,
)
_LONGEST = 200
"""Of a reason, whose rest would be what a damaged file holds."""
_PARTS = ("traces", "images", "population", "behaviour")
"""Folders in a results folder, which a name is told with."""


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn what goes wrong with a file into one line that names it.

    Raises
    ------
    ReadError
        If the file is gone or damaged; one that is raised inside passes as it is.
    """
    try:
        yield
    except ReadError:
        raise
    except FileNotFoundError:
        raise ReadError(f"{_name(path)}: {GONE}") from None
    except _DAMAGED as error:
        words = " ".join(str(error).split())[:_LONGEST]
        raise ReadError(
            f"{_name(path)}: the file is damaged ({words}); copy it, or run the analysis, again"
        ) from error


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}" if path.parent.name in _PARTS else path.name


def table_of(path: Path, **options: Any) -> pd.DataFrame:
    """Read a CSV; `options` go to pandas.

    Raises
    ------
    ReadError
        See :func:`naming`.
    """
    with naming(path):
        frame: pd.DataFrame = pd.read_csv(path, **options)
        return frame


def array_of(path: Path, *, mapped: bool = False) -> NDArray[Any]:
    """Read a ``.npy`` file, into memory or mapped, read-only.

    Raises
    ------
    ReadError
        See :func:`naming`.
    """
    with naming(path):
        array: NDArray[Any] = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
        return array


def parts_of(path: Path) -> dict[str, NDArray[Any]]:
    """Read every array of a ``.npz`` file.

    Raises
    ------
    ReadError
        See :func:`naming`.
    """
    # Opened here: NumPy leaves a file that is no zip open.
    with naming(path), path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def image_of(path: Path) -> NDArray[Any]:
    """Read a TIFF of one image.

    Raises
    ------
    ReadError
        See :func:`naming`.
    """
    import tifffile

    with naming(path):
        image: NDArray[Any] = tifffile.imread(path)
        return image


def typed(column: Any, dtype: np.dtype[Any], path: Path) -> NDArray[Any]:
    """Return a column of a table as an array.

    Parameters
    ----------
    column : pandas.Series
        Empty cells are "none": −1 where whole numbers are asked for, NaN among others.
    dtype : numpy.dtype
    path : Path
        File the column is from.

    Raises
    ------
    ReadError
        If a cell is something else; file and column are named.
    """
    filled = column.fillna(-1) if dtype.kind == "i" else column
    try:
        numbers = pd.to_numeric(filled) if dtype.kind in "if" else filled
        # A number that is none of the kind would become any other.
        with np.errstate(invalid="raise", over="raise"):
            array: NDArray[Any] = numbers.to_numpy().astype(dtype)
    except (ValueError, TypeError, FloatingPointError) as error:
        words = " ".join(str(error).split())
        raise ReadError(f"{_name(path)}: column {column.name}: the file is damaged ({words})") from None
    return array
