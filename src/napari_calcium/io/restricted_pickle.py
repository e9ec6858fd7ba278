"""Read pickled NumPy files of other programs without running anything that is in them."""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.io.errors import ReadError

__all__ = ["load_npy"]

_LARGEST_PICKLE = 1 << 30


def load_npy(path: str | Path) -> NDArray[Any]:
    """Read a ``.npy`` file, also one that holds Python objects, as suite2p's ``stat.npy`` does.

    Parameters
    ----------
    path : path

    Returns
    -------
    ndarray
        Plain arrays of numbers are memory-mapped, read-only. Arrays of objects hold dicts, lists, tuples,
        numbers, texts and arrays; paths and dates have become texts.

    Raises
    ------
    ReadError
        If it is no ``.npy`` file, ends too early, declares more than it holds, or asks for anything but the
        rebuilding of NumPy arrays, which is how a file could run a program.

    Notes
    -----
    NumPy's own code never sees what the pickle says of an array: shapes, types and bytes are collected first
    and checked, then arrays are made of them. Python's slower unpickler is used, since the one in C reserves
    memory for whatever size the file names. About 1 s for 5,000 cells of suite2p.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            shape, dtype, fortran = _header(file)
            start = file.tell()
            size = path.stat().st_size - start
            if dtype.hasobject:
                if dtype != np.dtype(object):
                    raise ReadError("records that hold objects are not read")
                if size > _LARGEST_PICKLE:
                    raise ReadError(f"its pickle has {size:,} bytes; at most {_LARGEST_PICKLE:,} are read")
                return _checked_objects(_unpickle(file.read()), shape)
        if (needed := math.prod(shape) * dtype.itemsize) > size:
            raise ReadError(f"its heading declares {needed:,} bytes but {size:,} follow; copy the file again")
        if needed == 0:
            return np.empty(shape, dtype)
        return np.memmap(path, dtype, "r", start, shape, order="F" if fortran else "C")
    except ReadError as error:
        raise ReadError(f"{path.name}: {error}") from None
    except OSError as error:
        raise ReadError(f"{path.name}: {error.strerror or error}") from None


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any], bool]:
    try:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read(file)
    except Exception as error:
        # NumPy raises what its parser of the heading happens to raise.
        raise ReadError(f"no NumPy file ({_one_line(error)})") from None
    if any(n < 0 for n in shape):
        raise ReadError(f"its heading declares the shape {shape}")
    return shape, dtype, fortran


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


class _Shell:
    """An array or type as the pickle describes it, before anything is made of it."""

    __slots__ = ("code", "kind", "state")

    def __init__(self, kind: str, code: Any = None) -> None:
        self.kind, self.code = kind, code
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Maker:
    """What a name in a pickle stands for; it has no attributes that the pickle could change."""

    __slots__ = ("_make",)
    _make: Callable[..., Any]

    def __init__(self, make: Callable[..., Any]) -> None:
        object.__setattr__(self, "_make", make)

    def __setattr__(self, name: str, value: Any) -> None:
        raise pickle.UnpicklingError("a pickle must not change what it calls")

    def __call__(self, *arguments: Any) -> Any:
        return self._make(*arguments)


def _array(kind: Any = None, shape: Any = None, code: Any = None) -> _Shell:
    return _Shell("array")


def _dtype(code: Any, align: Any = False, copy: Any = False) -> _Shell:
    return _Shell("dtype", code)


def _scalar(dtype: Any, raw: Any = b"") -> _Shell:
    return _Shell("scalar", (dtype, raw))


def _buffer(raw: Any, dtype: Any, shape: Any, order: Any) -> _Shell:
    return _Shell("buffer", (raw, dtype, shape, order))


def _path(*parts: Any) -> str:
    return "/".join(str(part) for part in parts)


def _date(*parts: Any) -> str:
    return "date" + (parts[0].hex() if parts and isinstance(parts[0], bytes) else "")


_MADE: Mapping[tuple[str, str], _Maker] = MappingProxyType(
    {
        **{(f"numpy.{core}.multiarray", "_reconstruct"): _Maker(_array) for core in ("core", "_core")},
        **{(f"numpy.{core}.multiarray", "scalar"): _Maker(_scalar) for core in ("core", "_core")},
        **{(f"numpy.{core}.numeric", "_frombuffer"): _Maker(_buffer) for core in ("core", "_core")},
        ("numpy", "ndarray"): _Maker(_array),
        ("numpy", "dtype"): _Maker(_dtype),
        **{("pathlib", name): _Maker(_path) for name in ("PosixPath", "WindowsPath", "PurePosixPath")},
        **{("pathlib._local", name): _Maker(_path) for name in ("PosixPath", "WindowsPath")},
        # suite2p 1.1 keeps when it ran with the time zone.
        **{("datetime", name): _Maker(_date) for name in ("datetime", "date", "timedelta", "timezone")},
        ("collections", "OrderedDict"): _Maker(lambda *_: {}),
    }
)


class _Unpickler(pickle._Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _MADE[module, name]
        except KeyError:
            raise ReadError(
                f"its pickle asks for {module}.{name}, which could run a program; it is not opened"
            ) from None


def _unpickle(data: bytes) -> Any:
    try:
        return _Build()(_Unpickler(io.BytesIO(data)).load())
    except ReadError:
        raise
    except Exception as error:
        # A damaged pickle fails wherever the damage is, with any error.
        raise ReadError(f"its pickle is damaged ({_one_line(error)})") from None


class _Build:
    """Turns what was collected into arrays; each thing once, so that shared ones stay shared."""

    def __init__(self) -> None:
        self._done: dict[int, Any] = {}

    def __call__(self, thing: Any) -> Any:
        if not isinstance(thing, (dict, list, tuple, set, frozenset, _Shell, _Maker)):
            return thing
        if id(thing) not in self._done:
            # A thing that holds itself finds this, and is refused.
            self._done[id(thing)] = _OPEN
            self._done[id(thing)] = self._built(thing)
        made = self._done[id(thing)]
        if made is _OPEN:
            raise ReadError("its pickle holds something that holds itself")
        return made

    def _built(self, thing: Any) -> Any:
        if isinstance(thing, dict):
            return {self(key): self(value) for key, value in thing.items()}
        if isinstance(thing, (list, tuple, set, frozenset)):
            return type(thing)(self(value) for value in thing)
        if isinstance(thing, _Maker):
            raise ReadError("its pickle holds a name where a value should be")
        return getattr(self, f"_{thing.kind}")(thing)

    def _dtype(self, shell: _Shell) -> np.dtype[Any]:
        code = shell.code
        if not isinstance(code, str):
            raise ReadError("its pickle describes a type that is not a plain one")
        dtype = np.dtype(code)
        if dtype.kind not in "?biufcSUO" or dtype.subdtype is not None or dtype.fields is not None:
            raise ReadError(f"its pickle holds values of type {code!r}, which are not read")
        order = shell.state[1] if isinstance(shell.state, tuple) and len(shell.state) > 1 else "="
        return dtype.newbyteorder(">") if order == ">" else dtype

    def _array(self, shell: _Shell) -> NDArray[Any]:
        _, shape, dtype, fortran, raw = shell.state
        return self._filled(raw, self(dtype), shape, bool(fortran))

    def _buffer(self, shell: _Shell) -> NDArray[Any]:
        raw, dtype, shape, order = shell.code
        return self._filled(bytes(raw), self(dtype), shape, order == "F")

    def _scalar(self, shell: _Shell) -> Any:
        dtype, raw = shell.code
        return self._filled(raw, self(dtype), (), False)[()]

    def _filled(self, raw: Any, dtype: Any, shape: Any, fortran: bool) -> NDArray[Any]:
        if not isinstance(dtype, np.dtype) or not isinstance(shape, tuple):
            raise ReadError("its pickle describes an array without type or shape")
        if not all(isinstance(n, int) and n >= 0 for n in shape):
            raise ReadError(f"its pickle describes an array of shape {shape}")
        if dtype.hasobject:
            flat = np.empty(len(raw), object)
            flat[:] = [self(value) for value in raw] if isinstance(raw, list) else _refuse_objects()
        elif isinstance(raw, bytes) and len(raw) == math.prod(shape) * dtype.itemsize:
            flat = np.frombuffer(raw, dtype) if raw else np.empty(math.prod(shape), dtype)
        else:
            raise ReadError(f"its pickle describes an array of shape {shape} that its bytes do not fill")
        return flat.reshape(shape, order="F" if fortran else "C")


_OPEN = object()


def _refuse_objects() -> Any:
    raise ReadError("its pickle gives raw bytes for objects")


def _checked_objects(value: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    if not isinstance(value, np.ndarray):
        raise ReadError("its pickle is not an array")
    if value.shape != shape:
        raise ReadError(f"its heading declares the shape {shape}, but it holds {value.shape}")
    return value
