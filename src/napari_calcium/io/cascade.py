"""CASCADE: read its predictions, and write ΔF/F as it takes them."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_calcium.atomic import replacing
from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.foreign import Parts, make_recording, source_of
from napari_calcium.io.restricted_pickle import load_npy
from napari_calcium.recording import Recording

__all__ = ["is_cascade", "read_cascade", "write_for_cascade"]

_VARIABLES = ("spike_rates", "spike_prob", "predictions")


def is_cascade(path: str | Path) -> bool:
    """Whether a file is called as CASCADE calls its predictions: ``predictions_*.npy`` or ``.mat``."""
    file = Path(path)
    return file.is_file() and file.name.startswith("predictions") and file.suffix in (".npy", ".mat")


def read_cascade(path: str | Path, settings: CsvSettings = CsvSettings()) -> Recording:
    """Read the spikes that CASCADE inferred.

    Parameters
    ----------
    path : path
        ``predictions_*.npy`` or ``.mat``: (n_neurons, n_frames) expected spikes per frame, NaN at both ends.
    settings : CsvSettings
        Its `frame_rate` is needed: the file does not tell it.

    Returns
    -------
    Recording
        With the traces ``"spikes"``: in spikes/s where the frame rate is set, else as the file has them.

    Raises
    ------
    ReadError
        In one line that names the file.
    """
    started, file = time.perf_counter(), Path(path)
    values = _table(file)
    if values.ndim != 2 or values.dtype.kind not in "fiu":
        raise ReadError(
            f"{file.name}: must be a table of neurons × frames, got {values.dtype} of shape {values.shape}"
        )
    rate = settings.frame_rate
    unit, notes = "spikes/frame", []
    if rate is not None:
        # What is beyond all numbers in a damaged file is told of where the recording is made.
        with np.errstate(over="ignore", invalid="ignore"):
            values, unit = values * rate, "spikes/s"
        notes = ["expected spikes per frame times the frame rate are spikes per second"]
    parts = Parts(
        program="CASCADE",
        name=file.stem,
        roi_ids=np.arange(len(values), dtype=np.int64),
        frame_rate=None,
        traces={"spikes": (values, unit)},
        notes=notes,
    )
    return make_recording(parts, file, source_of(file), settings, started)


def _table(file: Path) -> NDArray[np.float64]:
    if file.suffix == ".npy":
        return np.asarray(load_npy(file))
    from scipy.io import loadmat

    try:
        content = loadmat(file)
    except (ValueError, TypeError, NotImplementedError, OSError) as error:
        raise ReadError(f"{file.name}: no MATLAB file of version 5: {' '.join(str(error).split())}") from None
    found = next((content[name] for name in _VARIABLES if name in content), None)
    if found is None:
        names = ", ".join(name for name in content if not name.startswith("__")) or "none"
        raise ReadError(f"{file.name}: expected a variable {_VARIABLES[0]}, there is {names}")
    return np.asarray(found)


def write_for_cascade(recording: Recording, path: str | Path) -> None:
    """Write ΔF/F as CASCADE reads it.

    Parameters
    ----------
    recording : Recording
        With ΔF/F.
    path : path
        ``.npy``: the table of neurons × frames alone. ``.mat``: the same as the variable ``dF_traces``, with
        ``frame_rate`` beside it. ΔF/F is a fraction, which is what CASCADE takes.

    Raises
    ------
    ValueError
        Without ΔF/F, or for another suffix.
    """
    target = Path(path)
    if "dff" not in recording.traces:
        raise ValueError("CASCADE takes ΔF/F, which this recording has not; run the baseline stage first")
    if target.suffix not in (".npy", ".mat"):
        raise ValueError(f"{target.name}: CASCADE reads .npy and .mat; end the name in one of them")
    values = recording.traces["dff"].values
    with replacing(target) as partial, partial.open("wb") as file:
        if target.suffix == ".npy":
            np.save(file, values, allow_pickle=False)
        else:
            from scipy.io import savemat

            rate = np.nan if recording.frame_rate is None else recording.frame_rate
            savemat(file, {"dF_traces": values, "frame_rate": rate}, do_compression=True)
