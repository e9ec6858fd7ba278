"""Zarr arrays of version 2, read with distrust: plain numbers, known codecs, sizes the folder can hold."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_calcium.io.errors import ReadError

__all__ = ["ZarrArray"]

_CODECS = {"blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd"}
"""Codecs that only unpack bytes; others, such as pickle, may run a program."""
_LARGEST_CHUNK = 1 << 31
_LARGEST_TEXT = 1 << 22
_BEST_COMPRESSION = 2000
_SMALL = 1 << 26


@dataclass(frozen=True)
class ZarrArray:
    """An array in a folder.

    Attributes
    ----------
    name : str
        For errors.
    folder : Path
    shape, chunks : tuple of int
    dtype : numpy.dtype
    dimensions : tuple of str
        Names of the axes, as xarray writes them; empty where it did not.
    """

    name: str
    folder: Path
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: np.dtype[Any]
    order: Literal["C", "F"]
    compressor: dict[str, Any] | None
    fill: float
    dimensions: tuple[str, ...]

    @classmethod
    def open(cls, folder: Path, name: str) -> ZarrArray:
        """Open an array by its description.

        Raises
        ------
        ReadError
            If there is none, or it is not what can be read safely.
        """
        if not (folder / ".zarray").is_file() and (folder / "zarr.json").is_file():
            raise ReadError(
                f"{name}: is of zarr version 3, which Minian cannot write and this program does not read; "
                "save it once more with zarr_format=2"
            )
        about, attributes = _json(folder / ".zarray", name), {}
        if (folder / ".zattrs").is_file():
            attributes = _json(folder / ".zattrs", name)
        try:
            shape, chunks = (tuple(int(n) for n in about[key]) for key in ("shape", "chunks"))
            dtype, compressor = np.dtype(about["dtype"]), about["compressor"]
            fill = float(about["fill_value"] or 0)
            names = tuple(str(n) for n in attributes.get("_ARRAY_DIMENSIONS", ()))
            filters, version, order = about["filters"], about["zarr_format"], about["order"]
        except (KeyError, TypeError, ValueError, SyntaxError, OverflowError) as error:
            raise ReadError(f"{name}/.zarray: is damaged ({_one_line(error)})") from None
        if version != 2 or dtype.kind not in "fiub" or filters or order not in ("C", "F"):
            raise ReadError(f"{name}/.zarray: only plain numbers of zarr version 2 are read, got {dtype}")
        if compressor is not None and (
            not isinstance(compressor, dict) or compressor.get("id") not in _CODECS
        ):
            raise ReadError(f"{name}/.zarray: its compressor is not known and not used")
        fits = len(shape) == len(chunks) and all(n >= 0 for n in shape) and all(n > 0 for n in chunks)
        if (
            not fits
            or math.prod(chunks) * dtype.itemsize > _LARGEST_CHUNK
            or (names and len(names) != len(shape))
        ):
            raise ReadError(f"{name}/.zarray: declares shape {shape} in chunks of {chunks}")
        return cls(name, folder, shape, chunks, dtype, order, compressor, fill, names)

    def stored(self) -> Iterator[tuple[tuple[slice, ...], NDArray[Any]]]:
        """Yield each chunk that is there, with its place; the others are `fill`.

        Raises
        ------
        ReadError
            If a chunk is damaged; it is named.
        """
        grid = tuple(-(-n // c) for n, c in zip(self.shape, self.chunks, strict=True))
        for path, place in _chunk_files(self.folder, len(self.shape)):
            if any(k >= n for k, n in zip(place, grid, strict=True)):
                continue
            start = [k * c for k, c in zip(place, self.chunks, strict=True)]
            stop = [min(a + c, n) for a, c, n in zip(start, self.chunks, self.shape, strict=True)]
            block = self._decoded(path)
            inside = tuple(slice(0, b - a) for a, b in zip(start, stop, strict=True))
            yield tuple(slice(a, b) for a, b in zip(start, stop, strict=True)), block[inside]

    def _decoded(self, path: Path) -> NDArray[Any]:
        import numcodecs

        needed = math.prod(self.chunks) * self.dtype.itemsize
        out = np.empty(needed, np.uint8)
        try:
            with path.open("rb") as file:
                data = file.read(needed + (needed >> 3) + 4096)
            if self.compressor is None:
                out[:] = np.frombuffer(data, np.uint8)
            else:
                codec = numcodecs.get_codec(dict(self.compressor))
                # Into a place of the right size, which a chunk that declares more does not fit.
                decoded = np.frombuffer(codec.decode(data, out=out), np.uint8)
                if decoded.size != needed:
                    raise ValueError(f"holds {decoded.size} of {needed} bytes")
        except Exception as error:
            # Every codec has its own errors.
            raise ReadError(f"{self.name}/{path.name}: the chunk is damaged ({_one_line(error)})") from None
        values: NDArray[Any] = out.view(self.dtype).reshape(self.chunks, order=self.order)
        return values

    def whole(self) -> NDArray[Any]:
        """Return the array.

        Raises
        ------
        ReadError
            If it declares far more than its folder holds.
        """
        declared = math.prod(self.shape) * self.dtype.itemsize
        held = sum(path.stat().st_size for path, _ in _chunk_files(self.folder, len(self.shape)))
        if declared > max(_SMALL, held * _BEST_COMPRESSION):
            raise ReadError(f"{self.name}: declares {declared:,} bytes, of which the folder holds {held:,}")
        values = np.full(self.shape, self.fill, self.dtype)
        for place, block in self.stored():
            values[place] = block
        return values


def _json(path: Path, name: str) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8") as file:
            content = json.loads(file.read(_LARGEST_TEXT))
    except OSError:
        raise ReadError(f"{name}: there is no array here ({path.name})") from None
    except (ValueError, RecursionError):
        raise ReadError(f"{name}/{path.name}: is damaged") from None
    if not isinstance(content, dict):
        raise ReadError(f"{name}/{path.name}: is damaged")
    return content


def _chunk_files(folder: Path, ndim: int) -> Iterator[tuple[Path, tuple[int, ...]]]:
    """Yield the files of chunks, whose names are their numbers joined by dots or slashes."""
    pattern = re.compile(r"\d{1,9}" + r"[./]\d{1,9}" * max(ndim - 1, 0))
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if pattern.fullmatch(name) and path.is_file():
            yield path, tuple(int(n) for n in re.split(r"[./]", name))


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
