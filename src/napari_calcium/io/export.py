"""Take the stored traces to other programs: CSV, NumPy or MATLAB, never what a plot made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from napari_calcium import __version__
from napari_calcium.atomic import replacing
from napari_calcium.io.caiman_write import write_caiman
from napari_calcium.io.cascade import write_for_cascade
from napari_calcium.io.suite2p import write_iscell
from napari_calcium.io.suite2p_write import write_suite2p
from napari_calcium.recording import Recording

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EXPORT_SUFFIXES", "export_for", "export_traces"]

EXPORT_SUFFIXES = (".csv", ".npz", ".mat", ".parquet")
_SPANS = 100
"""Stretches of bad frames that the comment line names."""


def export_traces(recording: Recording, path: str | Path, stage: str) -> None:
    """Write one stage of all traces; the file's suffix says in which format.

    Parameters
    ----------
    recording : Recording
    path : path
        ``.csv``: a comment line that says what it is, then one row a frame: time in seconds and one column a
        cell. ``.npz`` (NumPy; the keys are what pynapple's ``TsdFrame`` reads: ``t``, ``d``, ``columns``).
        ``.mat`` (MATLAB 5): ``traces`` (n_rois, n_frames), ``time_s``, ``roi_ids``, ``unit``,
        ``frame_rate_hz``. ``.parquet``: the table of the CSV; needs pyarrow. Bad frames of the movie,
        over which traces were interpolated, are named in the comment line (from 0), and are ``bad_frames``
        (n_frames,) in ``.npz`` and ``.mat``.
    stage : str
        Name of the traces: ``"dff"`` …

    Raises
    ------
    ValueError
        If there are no such traces, or the suffix is not known.
    """
    path = Path(path)
    if stage not in recording.traces:
        raise ValueError(f"there are no traces {stage!r}; there are: {', '.join(recording.traces) or 'none'}")
    if path.suffix not in EXPORT_SUFFIXES:
        raise ValueError(f"{path.name}: cannot tell the format; end the name in {', '.join(EXPORT_SUFFIXES)}")
    with replacing(path) as partial, partial.open("wb") as file:
        _WRITERS[path.suffix](file, recording, stage)


def export_for(
    program: Literal["suite2p", "iscell", "caiman", "cascade"], recording: Recording, path: str | Path
) -> None:
    """Write a recording as another program reads it.

    Parameters
    ----------
    program : {"suite2p", "iscell", "caiman", "cascade"}
        See :func:`napari_calcium.io.suite2p_write.write_suite2p`,
        :func:`napari_calcium.io.suite2p.write_iscell`,
        :func:`napari_calcium.io.caiman_write.write_caiman` and
        :func:`napari_calcium.io.cascade.write_for_cascade`.
    recording : Recording
    path : path
        A folder for suite2p, that of which the recording was read for ``"iscell"``, a file for the others.

    Raises
    ------
    ValueError
        If the recording lacks what that program needs.
    """
    if program == "suite2p":
        write_suite2p(recording, path)
    elif program == "iscell":
        write_iscell(recording, path)
    elif program == "caiman":
        write_caiman(recording, path)
    else:
        write_for_cascade(recording, path)


def _times(recording: Recording) -> NDArray[np.float64]:
    rate = recording.frame_rate
    if rate is None:
        raise ValueError(
            "the frame rate is not known, so frames have no time; read the file with a frame rate"
        )
    return np.arange(recording.n_frames) / rate


def _write_csv(file: IO[bytes], recording: Recording, stage: str) -> None:
    trace = recording.traces[stage]
    made = next((e for e in recording.log if f"traces/{stage}" in e.writes), None)
    steps = " → ".join(e.stage for e in recording.log if any(w.startswith("traces/") for w in e.writes))
    how = f"; made by {made.stage} ({_settings(made.settings)}); steps: {steps}" if made else ""
    unit = "ΔF/F (a fraction)" if trace.unit == "ΔF/F" else trace.unit
    about = f"napari-calcium {__version__}; {recording.name}; {stage} in {unit}"
    file.write(f"# {about}; frame rate {recording.frame_rate} Hz{how}{_bad_words(recording)}\n".encode())
    _table(recording, stage).to_csv(file, index=False, lineterminator="\n", encoding="utf-8")


def _bad_frames(recording: Recording) -> NDArray[np.bool_]:
    motion = recording.motion
    known = motion is not None and len(motion) == recording.n_frames
    return motion.bad if motion is not None and known else np.zeros(recording.n_frames, np.bool_)


def _bad_words(recording: Recording) -> str:
    """Name the bad frames, counted from 0; the first of very many. Empty where there are none."""
    steps = np.diff(np.concatenate([[0], _bad_frames(recording).astype(np.int8), [0]]))
    first, last = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1) - 1
    spans = [f"{a}-{b}" if b > a else f"{a}" for a, b in zip(first.tolist(), last.tolist(), strict=True)]
    more = f" and {len(spans) - _SPANS:,} more stretches" if len(spans) > _SPANS else ""
    return f"; bad frames, interpolated: {' '.join(spans[:_SPANS])}{more}" if spans else ""


def _table(recording: Recording, stage: str) -> pd.DataFrame:
    """Return a row a frame: its time, and a column a cell with the unit in its name."""
    import pandas as pd

    trace = recording.traces[stage]
    names = [f"{recording.cell_name(int(i))} ({trace.unit})" for i in recording.roi_ids]
    frame = pd.DataFrame(trace.values.T, columns=names)
    frame.insert(0, "time_s", _times(recording))
    return frame


def _write_parquet(file: IO[bytes], recording: Recording, stage: str) -> None:
    if find_spec("pyarrow") is None:
        raise ValueError("writing Parquet takes pyarrow, which is not installed: pip install pyarrow")
    _table(recording, stage).to_parquet(file, index=False)


def _settings(settings: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def _write_npz(file: IO[bytes], recording: Recording, stage: str) -> None:
    trace = recording.traces[stage]
    times = _times(recording)
    np.savez(
        file,
        t=times,
        d=trace.values.T,
        columns=recording.roi_ids,
        start=times[:1],
        end=times[-1:],
        type=np.array(["TsdFrame"]),
        unit=np.array([trace.unit]),
        bad_frames=_bad_frames(recording),
    )


def _write_mat(file: IO[bytes], recording: Recording, stage: str) -> None:
    from scipy.io import savemat

    trace = recording.traces[stage]
    contents = {
        "traces": trace.values,
        "time_s": _times(recording),
        "roi_ids": recording.roi_ids,
        "unit": trace.unit,
        "frame_rate_hz": recording.frame_rate,
        "bad_frames": _bad_frames(recording),
    }
    savemat(file, contents, do_compression=True)


_WRITERS: Mapping[str, Callable[[IO[bytes], Recording, str], None]] = MappingProxyType(
    {".csv": _write_csv, ".npz": _write_npz, ".mat": _write_mat, ".parquet": _write_parquet}
)
