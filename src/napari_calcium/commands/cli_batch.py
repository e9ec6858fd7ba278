"""The batch command: many recordings, one file of settings, one table of what came out."""

from __future__ import annotations

import csv
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from napari_calcium.atomic import replacing
from napari_calcium.commands.cli_running import Report, check_place, one_line
from napari_calcium.memory import peak_memory_mb

if TYPE_CHECKING:
    from napari_calcium.recording import Recording

__all__ = ["BatchRow", "run_batch", "write_table"]

TABLE = "batch.csv"
"""Name of the table beside the results folders."""


@dataclass(frozen=True)
class BatchRow:
    """What came out of one recording; numbers are empty where it failed or a stage was skipped.

    Attributes
    ----------
    file, results : str
        The recording as it was given, and its results folder.
    status : str
        ``"done"`` or ``"failed"``.
    error : str
        Why it failed, in one line.
    """

    file: str
    results: str
    status: str
    cells: int | None = None
    frames: int | None = None
    frame_rate_hz: float | None = None
    bad_frames: int | None = None
    events: int | None = None
    ensemble_events: int | None = None
    ensembles: int | None = None
    seconds: float | None = None
    peak_memory_mb: float | None = None
    error: str = ""


def run_batch(
    files: Sequence[Path], output: Path, run_one: Callable[[Path, Path], Recording], report: Report
) -> list[BatchRow]:
    """Run recordings one after the other; one that fails is told and does not stop the rest.

    Parameters
    ----------
    files : sequence of Path
    output : Path
        Folder for a results folder a recording, named as it, and the table ``batch.csv``, which is written
        anew after each of them.
    run_one : callable
        Runs one file and writes its results folder.
    report : Report

    Returns
    -------
    list of BatchRow
        In the order of the files.

    Raises
    ------
    Exception
        What is no fault of a recording, and interruption: the table holds what was done before.
    """
    output.mkdir(parents=True, exist_ok=True)
    rows: list[BatchRow] = []
    for number, (file, folder) in enumerate(zip(files, places(files, output), strict=True), 1):
        report.line(f"{number} of {len(files)}: {file}")
        start = time.perf_counter()
        try:
            check_place(folder)
            rows.append(_row(file, folder, run_one(file, folder), time.perf_counter() - start))
        except Exception as error:
            text = one_line(error)
            if text is None:
                raise
            report.line(f"{file}: {text}")
            rows.append(BatchRow(str(file), str(folder), "failed", error=text))
        write_table(rows, output / TABLE)
    return rows


def places(files: Sequence[Path], output: Path) -> list[Path]:
    """Return a folder for each file, named as it; those of the same name also by the folder they are in."""
    names = Counter(file.stem for file in files)
    wanted = [
        file.stem if names[file.stem] == 1 else f"{file.absolute().parent.name}_{file.stem}" for file in files
    ]
    taken: Counter[str] = Counter()
    result = []
    for name in wanted:
        taken[name] += 1
        result.append(output / (name if taken[name] == 1 else f"{name}_{taken[name]}"))
    return result


def write_table(rows: Sequence[BatchRow], path: Path) -> None:
    """Write rows as CSV, one a recording; the old table stays whole until the new one is."""
    with replacing(path) as beside, open(beside, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        names = [field.name for field in fields(BatchRow)]
        table.writerow(names)
        table.writerows([_text(getattr(row, name)) for name in names] for row in rows)


def _text(value: object) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _row(file: Path, folder: Path, done: Recording, seconds: float) -> BatchRow:
    return BatchRow(
        str(file),
        str(folder),
        "done",
        done.n_rois,
        done.n_frames,
        done.frame_rate,
        None if done.motion is None else int(done.motion.bad.sum()),
        None if done.events is None else len(done.events),
        None if done.ensemble_events is None else len(done.ensemble_events),
        None if done.ensembles is None else len(done.ensembles),
        seconds,
        peak_memory_mb(),
    )
