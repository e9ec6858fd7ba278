"""Results of any shape as plain data and named arrays, and back: what a file keeps beside its own tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from napari_calcium import cell_choice, rois
from napari_calcium.results import (
    behaviour_findings,
    behaviour_results,
    event_choices,
    population_results,
    tables,
)
from napari_calcium.settings import Settings

__all__ = ["from_plain", "to_plain"]

_MODULES = (
    behaviour_findings,
    behaviour_results,
    cell_choice,
    event_choices,
    population_results,
    rois,
    tables,
)
_KNOWN: Mapping[str, type] = MappingProxyType(
    {name: made for module in _MODULES for name, made in vars(module).items() if isinstance(made, type)}
)
"""The only classes that a file can ask for."""


def to_plain(value: Any, put: Callable[[str, NDArray[Any]], None], name: str) -> Any:
    """Return a value as JSON knows it.

    Parameters
    ----------
    value
        A frozen data class of results, settings, an array (dense, or sparse in rows), or plain data; nested
        in any way.
    put
        Called with a name and each array that is not empty and not of text, as signed or unsigned integers,
        booleans or floats.
    name : str
        Of the value, with which the names of its arrays begin.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.ndarray):
        return _array_to_plain(value, put, name)
    if isinstance(value, sparse.csr_array):
        parts = {key: getattr(value, key) for key in ("data", "indices", "indptr")}
        stored = {key: to_plain(array, put, f"{name}.{key}") for key, array in parts.items()}
        return {"is": "rows", "of": stored, "shape": [int(n) for n in value.shape]}
    if isinstance(value, Settings):
        return {"is": "settings", "class": type(value).__name__, "of": value.model_dump(mode="json")}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        of = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
        return {"is": "object", "class": type(value).__name__, "of": _each(of, put, name)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {"is": "object", "class": type(value).__name__, "of": _each(value._asdict(), put, name)}
    if isinstance(value, (tuple, list)):
        return {"is": "list", "of": [to_plain(v, put, f"{name}.{k}") for k, v in enumerate(value)]}
    if isinstance(value, Mapping):
        # Keys need not be texts, nor what a file allows as a name.
        pairs = [
            [to_plain(k, put, name), to_plain(v, put, f"{name}.{n}")]
            for n, (k, v) in enumerate(value.items())
        ]
        return {"is": "mapping", "of": pairs}
    raise TypeError(f"{name}: results of type {type(value).__name__} cannot be saved")


def _each(fields: Mapping[str, Any], put: Callable[[str, NDArray[Any]], None], name: str) -> dict[str, Any]:
    return {key: to_plain(value, put, f"{name}.{key}") for key, value in fields.items()}


def _array_to_plain(
    array: NDArray[Any], put: Callable[[str, NDArray[Any]], None], name: str
) -> dict[str, Any]:
    about = {"is": "array", "shape": list(array.shape), "dtype": array.dtype.str}
    if array.dtype.kind == "U":
        return about | {"texts": array.ravel().tolist()}
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name}: arrays of {array.dtype} cannot be saved")
    if array.size:
        put(name, array.view(np.uint8) if array.dtype.kind == "b" else array)
        about["name"] = name
    return about


def from_plain(plain: Any, get: Callable[[str], NDArray[Any]]) -> Any:
    """Return the value of which :func:`to_plain` made plain data.

    Parameters
    ----------
    plain
        What it returned.
    get
        Returns the array of a name.

    Raises
    ------
    ValueError, TypeError, KeyError
        If the data were damaged: a class that is no result, arrays that do not fit. Nothing but the classes
        of this program's results is ever made.
    """
    if not isinstance(plain, dict):
        if plain is None or isinstance(plain, (bool, int, float, str)):
            return plain
        raise ValueError(f"expected results, got {type(plain).__name__}")
    kind, of = plain.get("is"), plain.get("of")
    if kind == "array":
        return _array_from_plain(plain, get)
    if kind == "list" and isinstance(of, list):
        return tuple(from_plain(value, get) for value in of)
    if kind == "mapping" and isinstance(of, list):
        return {from_plain(key, get): from_plain(value, get) for key, value in of}
    if not isinstance(of, dict):
        raise ValueError(f"results of kind {kind!r} are not known; the file may be of a later version")
    if kind == "rows":
        parts = [from_plain(of[key], get) for key in ("data", "indices", "indptr")]
        return sparse.csr_array(tuple(parts), shape=tuple(plain["shape"]))
    made = _KNOWN.get(str(plain.get("class")))
    if made is None:
        raise ValueError(f"results {plain.get('class')!r} are not known; the file may be of a later version")
    if kind == "settings" and issubclass(made, Settings):
        return made.validated(of)
    if kind == "object" and (dataclasses.is_dataclass(made) or issubclass(made, tuple)):
        return made(**{name: from_plain(value, get) for name, value in of.items()})
    raise ValueError(f"results of kind {kind!r} are not known")


def _array_from_plain(plain: Mapping[str, Any], get: Callable[[str], NDArray[Any]]) -> NDArray[Any]:
    shape, dtype = tuple(int(n) for n in plain["shape"]), np.dtype(plain["dtype"])
    if dtype.kind not in "fiubU" or min(shape, default=0) < 0:
        raise ValueError(f"there are no arrays of {dtype} and shape {shape} in results")
    if "texts" in plain:
        return np.array(plain["texts"], dtype).reshape(shape)
    if "name" not in plain:
        if np.prod(shape) != 0:
            raise ValueError(f"an array of shape {shape} has no numbers")
        return np.empty(shape, dtype)
    values = np.ascontiguousarray(get(plain["name"]))
    return (values.astype(bool) if dtype.kind == "b" else values.astype(dtype, copy=False)).reshape(shape)
