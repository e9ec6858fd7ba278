"""MATLAB files, from version 4 to 7.3: one variable of traces, chosen by name or the only one there is."""

from __future__ import annotations

import re
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.io.csv import TRACES_BY_KIND
from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.foreign import Parts, make_recording, source_of
from napari_calcium.io.hdf5 import Hdf5File, is_hdf5
from napari_calcium.io.orientation import guess_orientation
from napari_calcium.io.trace_unit import TraceKind, guess_unit
from napari_calcium.recording import Recording

__all__ = ["is_matlab", "read_matlab"]

_NUMBERS = {"double", "single", "logical", *(f"{sign}int{n}" for sign in ("", "u") for n in (8, 16, 32, 64))}
_USUAL = ("traces", "F")
_RATES = re.compile(r"(fs|fps|frame_?rate(_?hz)?|sampling_?rate|rate)$", re.I)
_SAMPLE = 2000
_DEPTH = 3


@dataclass
class _Contents:
    """What a file holds: tables by name, numbers and texts by name, and what must be looked into by name."""

    tables: dict[str, tuple[int, ...]] = field(default_factory=dict)
    singles: dict[str, tuple[int, ...]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    structs: list[str] = field(default_factory=list)

    def add(self, name: str, shape: tuple[int, ...], kind: str) -> None:
        """Note a variable."""
        if kind in _NUMBERS and len(shape) == 2:
            (self.tables if min(shape) > 1 else self.singles)[name] = shape
        elif kind == "char":
            self.texts.append(name)
        elif kind == "struct":
            self.structs.append(name)


def is_matlab(path: str | Path) -> bool:
    """Whether a file begins as MATLAB's do, or is named ``.mat``."""
    path = Path(path)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(6) == b"MATLAB" or path.suffix.lower() == ".mat"


def read_matlab(path: str | Path, settings: CsvSettings = CsvSettings()) -> Recording:
    """Read a table of traces from a MATLAB file.

    Parameters
    ----------
    path : path
        ``.mat`` of version 4, 5, 7 or 7.3; it is never written to.
    settings : CsvSettings
        `variable`: the table's name, with dots into structs (``session.dff``). Empty: the only table there
        is, else one called ``traces`` or ``F``. `orientation`, `unit` and `frame_rate` are found out where
        they are left open, as for CSV; a rate is taken from a number called ``fs``, ``frame_rate`` or the
        like.

    Returns
    -------
    Recording
        With one trace: ``"raw"``, ``"dff"`` or ``"spikes"``. Ids from ``roi_ids`` where the file has as many.

    Raises
    ------
    ReadError
        In one line: damaged, no table, several to choose from, or no such variable.
    """
    started = time.perf_counter()
    path = Path(path)
    contents, load = _open_hdf5(path) if is_hdf5(path) else _open_old(path)
    chosen, why = _choose(path, contents, settings.variable)
    values = _numbers(path, chosen, load(chosen))
    rows, reason = _rows_are_neurons(values, settings)
    traces = np.ascontiguousarray(values if rows else values.T, np.float32)
    unit_text = _text(load, "unit") if "unit" in contents.texts else ""
    kind, kind_reason = guess_unit(traces, f"{chosen.replace('_', ' ')} {unit_text}")
    wanted: TraceKind = kind if settings.unit == "auto" else settings.unit
    name, symbol, what = TRACES_BY_KIND[wanted]
    rate = next((load(n) for n in contents.singles if _RATES.fullmatch(n.rsplit(".", 1)[-1])), None)
    parts = Parts(
        program="MATLAB",
        name=path.stem,
        roi_ids=_ids(contents, load, len(traces)),
        frame_rate=float(rate.ravel()[0]) if rate is not None and rate.size == 1 else None,
        traces={name: (traces / np.float32(100) if wanted == "percent_dff" else traces, symbol)},
        notes=[
            f"the traces are variable {chosen}{why}",
            f"a {'row' if rows else 'column'} is a neuron: {reason}",
            f"the values are {what}: {kind_reason if wanted == kind else 'as set'}",
        ],
    )
    orientation = "neurons_in_rows" if rows else "neurons_in_columns"
    resolved = settings.replace(variable=chosen, orientation=orientation, unit=wanted)
    return make_recording(parts, path, source_of(path), resolved, started)


def _choose(path: Path, contents: _Contents, wanted: str | None) -> tuple[str, str]:
    tables = contents.tables
    listed = ", ".join(f"{n} ({' × '.join(map(str, s))})" for n, s in list(tables.items())[:10])
    if wanted is not None:
        top = wanted.split(".", 1)[0]
        if wanted in tables or wanted in contents.singles or ("." in wanted and top in contents.structs):
            return wanted, ", as set"
        raise ReadError(f"{path.name}: there is no table {wanted}; there are: {listed or 'none'}")
    if len(tables) == 1:
        return next(iter(tables)), ", the only table"
    for name in _USUAL:
        if name in tables:
            return name, f", one of {len(tables)} tables"
    if not tables:
        inside = (
            f"; look into {contents.structs[0]} with variable {contents.structs[0]}.…"
            if contents.structs
            else ""
        )
        raise ReadError(f"{path.name}: holds no table of numbers{inside}")
    raise ReadError(f"{path.name}: say which variable holds the traces: {listed}")


def _numbers(path: Path, name: str, values: Any) -> NDArray[Any]:
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiub" or values.ndim != 2:
        raise ReadError(f"{path.name}: {name}: must be a table of real numbers")
    if values.shape[1] == 0 or values.shape[0] == 0:
        raise ReadError(f"{path.name}: {name}: is empty, {values.shape[0]} × {values.shape[1]}")
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.float32)


def _rows_are_neurons(values: NDArray[Any], settings: CsvSettings) -> tuple[bool, str]:
    if settings.orientation != "auto":
        return settings.orientation == "neurons_in_rows", "as set"
    sample = values[:_SAMPLE, :_SAMPLE].astype(np.float64)
    sample[np.isinf(sample)] = np.nan
    return guess_orientation(sample, *values.shape)


def _ids(contents: _Contents, load: Any, n_rois: int) -> NDArray[np.int64]:
    if int(np.prod(contents.singles.get("roi_ids", (0,)))) == n_rois:
        ids = np.asarray(load("roi_ids")).ravel()
        if (
            len(np.unique(ids)) == n_rois
            and (ids == np.floor(ids)).all()
            and np.abs(ids).max(initial=0) < 2**53
        ):
            return ids.astype(np.int64)
    return np.arange(n_rois, dtype=np.int64)


def _text(load: Any, name: str) -> str:
    value = np.asarray(load(name)).ravel()
    if value.dtype.kind in "iu":  # version 7.3 keeps texts as numbers
        return "".join(chr(int(c)) for c in value[:100])
    return str(value[0]) if len(value) else ""


def _open_old(path: Path) -> tuple[_Contents, Any]:
    """Open a file of version 4 to 7, of which only what is asked for by name is unpacked."""
    import scipy.io

    def load(name: str) -> Any:
        top, *inner = name.split(".")
        value = _tried(path, lambda: scipy.io.loadmat(path, variable_names=[top], struct_as_record=True))[top]
        for part in inner:
            while isinstance(value, np.ndarray) and value.dtype == object and value.size == 1:
                value = value.item()
            if not isinstance(value, np.ndarray) or part not in (value.dtype.names or ()) or value.size != 1:
                raise ReadError(f"{path.name}: there is no {part} in {name}")
            value = value[part].item()
        return value

    contents = _Contents()
    for name, shape, kind in _tried(path, lambda: scipy.io.whosmat(path)):
        contents.add(name, tuple(shape), kind)
    return contents, load


def _tried(path: Path, action: Any) -> Any:
    try:
        with warnings.catch_warnings():
            # It warns of variables twice and of types it does not know, which are not read.
            warnings.simplefilter("ignore")
            return action()
    except Exception as error:
        # A damaged file fails wherever the damage is, with any error.
        text = " ".join(str(error).split())[:200] or type(error).__name__
        raise ReadError(f"{path.name}: cannot be read as a MATLAB file ({text})") from None


def _open_hdf5(path: Path) -> tuple[_Contents, Any]:
    """Open a file of version 7.3, whose tables lie the other way round."""

    def load(name: str) -> Any:
        with Hdf5File(path) as file:
            return file.array(name.replace(".", "/")).T

    contents = _Contents()
    with Hdf5File(path) as file:
        _look(file, "", contents, _DEPTH)
    return contents, load


def _look(file: Hdf5File, group: str, contents: _Contents, depth: int) -> None:
    names = file.keys(group or "/")
    for name in names:
        place = f"{group}/{name}".strip("/")
        if name.startswith("#"):
            continue
        if file.is_dataset(place):
            kind = file.attribute(place, "MATLAB_class")
            shape = file.dataset(place).shape[::-1]
            contents.add(place.replace("/", "."), shape, str(kind) if kind else "double")
        elif depth and file.attribute(place, "MATLAB_sparse") is None:
            _look(file, place, contents, depth - 1)
