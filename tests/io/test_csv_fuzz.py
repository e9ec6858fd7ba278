"""Damaged tables: whatever happens to a file, reading it gives a recording or one clear line, and soon.

``NAPARI_CALCIUM_FUZZ=5000 pytest tests/io/test_csv_fuzz.py`` tries that many files instead of a few hundred.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_calcium.io.csv import CsvSettings, ReadError, read_csv
from napari_calcium.recording import Recording

N_FILES = int(os.environ.get("NAPARI_CALCIUM_FUZZ", "320"))
N_BATCHES = 8
SECONDS = 20.0

Rng = np.random.Generator


def _table(rng: Rng) -> list[list[str]]:
    n_rows, n_columns = rng.integers(1, 30, 2)
    kind = rng.integers(4)
    values = rng.standard_normal((n_rows, n_columns)) * 0.1
    values = values * 100 + 500 if kind == 0 else values
    digits = int(rng.integers(0, 9))
    return [
        [f"{value:.{digits}f}" if kind != 3 else f"{value:.{digits}e}" for value in row] for row in values
    ]


def _framed(rng: Rng, rows: list[list[str]]) -> list[list[str]]:
    """Put a heading, an index or times beside the numbers, as programs do."""
    kind = rng.integers(7)
    width = len(rows[0])
    if kind == 0:
        return [[f"cell {k}" for k in range(width)], *rows]
    if kind == 1:
        return [["", *map(str, range(width))], *([str(k), *row] for k, row in enumerate(rows))]
    if kind == 2:
        timed = ([f"{k / 4.8:.4f}", *row] for k, row in enumerate(rows))
        return [["Time (s)", *(f"n{k}" for k in range(width))], *timed]
    if kind == 3:
        return [
            [" ", *(f"Mean{k + 1}" for k in range(width))],
            *([str(k + 1), *r] for k, r in enumerate(rows)),
        ]
    if kind == 4:
        status = rng.choice(["accepted", "undecided", "rejected"], width)
        names = ["", *(f"C{k:02d}" for k in range(width))]
        return [
            names,
            ["Time(s)/Cell Status", *status],
            *([f"{k * 0.05:.3f}", *r] for k, r in enumerate(rows)),
        ]
    if kind == 5:
        return [[f"ROI {k}", *row] for k, row in enumerate(rows)]
    return rows


WORDS = [
    *("", "nan", "NA", "#N/A", "#DIV/0!", "inf", "-inf", "1e999", "1e-999", "1e5000000000", "1" * 400),
    *("x", "1_0", "0x1F", "1,5", "1.5.2", "1 2", "--", "+", "e5", "1e", "TRUE", "12:30:01", "2024-01-01"),
    *('"', '""', '"1', '1"', "'1'", "−1", "٣", "🧠", "\ufeff1", "NaN NaN", "%", "#", "sep=;", ",", ";"),
    *("\\N", "\t", "\x00", "\x1a", "\x0b", "\r"),
]


def _structure(rng: Rng, rows: list[list[str]]) -> list[list[str]]:
    """Damage the table as people and programs do."""
    rows = [list(row) for row in rows]
    for _ in range(int(rng.integers(0, 3))):
        k = int(rng.integers(len(rows)))
        c = int(rng.integers(max(1, len(rows[k]))))
        kind = rng.integers(9)
        if kind == 0 and rows[k]:
            rows[k][min(c, len(rows[k]) - 1)] = str(rng.choice(WORDS))
        elif kind == 1 and rows[k]:
            del rows[k][min(c, len(rows[k]) - 1)]
        elif kind == 2:
            rows[k].insert(c, str(rng.choice(WORDS)))
        elif kind == 3 and len(rows) > 1:
            del rows[k]
        elif kind == 4:
            rows.insert(k, list(rows[int(rng.integers(len(rows)))]))
        elif kind == 5:
            rows.insert(k, [])
        elif kind == 6:
            rows = [[*row, ""] for row in rows]
        elif kind == 7:
            rows = [[str(rng.choice(WORDS)) if rng.random() < 0.05 else x for x in row] for row in rows]
        else:
            rows = [
                [row[min(c, len(row) - 1)] if row and rng.random() < 0.1 else cell for cell in row]
                for row in rows
            ]
    return rows


def _text(rng: Rng, rows: list[list[str]]) -> str:
    separator = str(rng.choice([",", ",", ";", "\t", " ", "|", ", "]))
    decimal_comma = rng.random() < 0.2
    quote = rng.random() < 0.1
    end = str(rng.choice(["\n", "\n", "\r\n", "\r"]))
    lines = []
    for row in rows:
        cells = [cell.replace(".", ",") if decimal_comma else cell for cell in row]
        lines.append(separator.join(f'"{cell}"' if quote else cell for cell in cells))
    return end.join(lines) + (end if rng.random() < 0.7 else "")


def _bytes(rng: Rng, data: bytes) -> bytes:
    """Damage single bytes and pieces, as broken discs and editors do."""
    damaged = bytearray(data)
    for _ in range(int(rng.integers(0, 4))):
        at = int(rng.integers(len(damaged) + 1))
        size = int(rng.integers(1, 40))
        kind = rng.integers(6)
        if kind == 0 and at < len(damaged):
            damaged[at] = int(rng.integers(256))
        elif kind == 1:
            del damaged[at : at + size]
        elif kind == 2:
            damaged[at:at] = rng.integers(0, 256, size).astype(np.uint8).tobytes()
        elif kind == 3:
            damaged[at:at] = bytes(
                rng.choice(np.frombuffer(b',;\t\n\r"#%.eE+-0 \xef\xbb\xbf\xff\xfe', np.uint8), 3)
            )
        elif kind == 4:
            del damaged[at:]
        else:
            damaged[at:at] = damaged[max(0, at - size) : at] * int(rng.integers(1, 30))
    return bytes(damaged)


def damaged_file(rng: Rng) -> bytes:
    """Make a table and damage it."""
    rows = _framed(rng, _table(rng))
    data = _text(rng, _structure(rng, rows)).encode(
        str(rng.choice(["utf-8"] * 6 + ["utf-16", "cp1252"])), "replace"
    )
    return _bytes(rng, data) if rng.random() < 0.4 else data


def any_settings(rng: Rng) -> CsvSettings:
    """Mostly leave everything to be guessed, sometimes insist on something, fitting or not."""
    if rng.random() < 0.6:
        return CsvSettings()
    choices: dict[str, list[object]] = {
        "layout": ["plain", "imagej", "inscopix", "cascade"],
        "orientation": ["neurons_in_rows", "neurons_in_columns"],
        "unit": ["raw", "dff", "percent_dff", "zscore", "spikes"],
        "frame_rate": [4.8, 30.0],
        "header_rows": [0, 1, 2, 50],
        "index_column": ["none", "first", "second", "last"],
        "time_column": ["none", "first", "second", "last"],
        "separator": ["comma", "semicolon", "tab", "space", "bar"],
        "decimal": ["point", "comma"],
        "rejected_cells": ["keep", "leave_out"],
    }
    chosen = rng.choice(list(choices), int(rng.integers(1, 4)), replace=False)
    return CsvSettings(**{name: choices[name][int(rng.integers(len(choices[name])))] for name in chosen})


def check_valid(recording: Recording) -> None:
    """A recording that was read is whole, and its settled settings and notes are plain."""
    ((_, trace),) = recording.traces.items()
    assert trace.values.dtype == np.float32 and trace.values.flags.c_contiguous
    assert trace.values.shape == (recording.n_rois, recording.n_frames) and recording.n_frames
    assert not np.isinf(trace.values).any()
    assert recording.frame_rate is None or 0 < recording.frame_rate < float("inf")
    entry = recording.log[0]
    assert "auto" not in entry.settings.values()
    assert all(isinstance(note, str) and "\n" not in note for note in entry.notes)


def try_file(path: Path, seed: int) -> str:
    """Read one damaged file; return what came of it."""
    rng = np.random.default_rng(seed)
    path.write_bytes(damaged_file(rng))
    started = time.perf_counter()
    try:
        recording = read_csv(path, any_settings(rng))
    except ReadError as error:
        message = str(error)
        assert message.startswith(path.name) and "\n" not in message and len(message) < 500, message
        return "error"
    finally:
        assert time.perf_counter() - started < SECONDS
    check_valid(recording)
    settled = CsvSettings.validated(dict(recording.log[0].settings))
    assert read_csv(path, settled) == recording, "the settled settings read something else"
    return "recording"


def _batch(folder: Path, seeds: range, attempt: Callable[[Path, int], str] = try_file) -> dict[str, int]:
    outcomes = {"recording": 0, "error": 0}
    for seed in seeds:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                outcomes[attempt(folder / "damaged.csv", seed)] += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
    return outcomes


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("batch", range(N_BATCHES))
def test_damaged_files_give_a_recording_or_one_line(tmp_path: Path, batch: int):
    outcomes = _batch(tmp_path, range(batch, N_FILES, N_BATCHES))
    # Both must happen, or the files are too broken, or not broken enough, to try the reader.
    assert min(outcomes.values()) > 0.1 * (N_FILES // N_BATCHES)
