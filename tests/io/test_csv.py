"""Tables of fluorescence: every plausible relative of the course's file is read as what it is."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from napari_calcium.io.csv import CsvSettings, ReadError, describe_csv, read_csv
from napari_calcium.progress import Cancelled
from napari_calcium.settings import SettingsError

DATA = Path(__file__).parents[3] / "shared" / "data"


def simulated(n_rois: int = 12, n_frames: int = 400, *, seed: int = 0) -> np.ndarray:
    """ΔF/F with transients and noise."""
    rng = np.random.default_rng(seed)
    spikes = rng.random((n_rois, n_frames)) < 0.02
    kernel = np.exp(-np.arange(40) / 8.0)
    calcium = np.array([np.convolve(row, kernel)[:n_frames] for row in spikes])
    return calcium * 0.8 + 0.06 * rng.standard_normal((n_rois, n_frames))


def raw(n_rois: int = 12, n_frames: int = 400, *, seed: int = 0) -> np.ndarray:
    """Raw intensities, each neuron with its own F0."""
    f0 = np.random.default_rng(seed + 1).uniform(200, 900, (n_rois, 1))
    return np.round(f0 * (1 + simulated(n_rois, n_frames, seed=seed)), 3)


def text_of(values: np.ndarray, separator: str = ",", decimal: str = ".", digits: int = 3) -> str:
    lines = [separator.join(f"{v:.{digits}f}".replace(".", decimal) for v in row) for row in values]
    return "\n".join(lines) + "\n"


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "recording.csv"


def notes(recording) -> str:
    return "\n".join(recording.log[0].notes)


# What the course has, and its plain relatives


def test_neurons_in_rows_without_header(file: Path):
    values = raw()
    recording = read_csv(write(file, text_of(values)))
    assert recording.n_rois == 12 and recording.n_frames == 400
    assert_array_equal(recording.roi_ids, np.arange(12))
    assert_array_equal(recording.traces["raw"].values, values.astype(np.float32))
    assert recording.traces["raw"].unit == "a.u."
    assert recording.frame_rate is None and "does not tell the frame rate" in notes(recording)
    assert recording.name == "recording" and recording.cell_names == ()
    assert "each row is a neuron" in notes(recording)


def test_frames_in_rows_is_the_same_recording(file: Path, tmp_path: Path):
    values = raw()
    across = read_csv(write(file, text_of(values)))
    down = read_csv(write(tmp_path / "down.csv", text_of(values.T)))
    assert across.traces["raw"] == down.traces["raw"]
    assert "each column is a neuron" in notes(down)


def test_source_is_name_size_and_hash_of_the_bytes(file: Path):
    recording = read_csv(write(file, text_of(raw())))
    data = file.read_bytes()
    assert recording.source is not None
    assert recording.source.name == "recording.csv" and recording.source.size == len(data)
    assert recording.source.sha256 == hashlib.sha256(data).hexdigest()


def test_agrees_with_numpy_on_what_pandas_wrote(file: Path):
    rng = np.random.default_rng(3)
    values = rng.standard_normal((40, 300)) * 10.0 ** rng.integers(-8, 9, (40, 300))
    pd.DataFrame(values).to_csv(file, header=False, index=False)
    mine = read_csv(file, CsvSettings(unit="raw", orientation="neurons_in_rows")).traces["raw"].values
    theirs = np.loadtxt(file, delimiter=",").astype(np.float32)
    assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("separator", "decimal"),
    [
        (separator, decimal)
        for separator in (",", ";", "\t", "|", " ", "   ", ", ")
        for decimal in (".", ",")
        if decimal not in separator
    ],
)
def test_separators_and_decimal_signs(file: Path, separator: str, decimal: str):
    values = raw(5, 90)
    recording = read_csv(write(file, text_of(values, separator, decimal)))
    assert_array_equal(recording.traces["raw"].values, values.astype(np.float32))


def test_quoted_decimal_commas_between_commas(file: Path):
    values = raw(4, 60)
    lines = [",".join(f'"{v:.3f}"'.replace(".", ",") for v in row) for row in values]
    recording = read_csv(write(file, "\n".join(lines)))
    assert_array_equal(recording.traces["raw"].values, values.astype(np.float32))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends(file: Path, end: str, last: bool):
    values = raw(5, 80)
    text = text_of(values).rstrip("\n").replace("\n", end) + (end if last else "")
    assert_array_equal(read_csv(write(file, text)).traces["raw"].values, values.astype(np.float32))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_encodings(file: Path, encoding: str):
    values = raw(3, 80).T
    text = "Zelle_µ,Zelle_ä,Zelle_ß\n" + text_of(values)
    recording = read_csv(write(file, text.encode(encoding)))
    assert recording.cell_names == ("Zelle_µ", "Zelle_ä", "Zelle_ß")
    assert_array_equal(recording.traces["raw"].values, values.T.astype(np.float32))


def test_gzip(tmp_path: Path):
    values = raw(5, 80)
    packed = write(tmp_path / "recording.csv.gz", gzip.compress(text_of(values).encode()))
    recording = read_csv(packed)
    assert_array_equal(recording.traces["raw"].values, values.astype(np.float32))
    assert recording.name == "recording"
    assert recording.source is not None and recording.source.size == packed.stat().st_size
    with pytest.raises(ReadError, match="damaged gzip"):
        read_csv(write(tmp_path / "cut.csv.gz", packed.read_bytes()[:-20]))


def test_excels_line_that_names_the_separator(file: Path):
    values = raw(4, 60)
    recording = read_csv(write(file, "sep=;\n" + text_of(values, ";", ",")))
    assert_array_equal(recording.traces["raw"].values, values.astype(np.float32))


def test_separator_at_the_end_of_each_line(file: Path):
    values = raw(4, 60)
    recording = read_csv(write(file, text_of(values).replace("\n", ",\n")))
    assert recording.traces["raw"].values.shape == (4, 60)


def test_blank_lines_and_remarks_are_no_frames(file: Path):
    values = raw(4, 60)
    lines = text_of(values).splitlines()
    text = (
        "\n# made by hand\n\n"
        + "\n\n".join(lines[:2])
        + "\n# a pause\n   \n"
        + "\n".join(lines[2:])
        + "\n\n\n"
    )
    assert_array_equal(read_csv(write(file, text)).traces["raw"].values, values.astype(np.float32))


def test_missing_values_in_all_their_spellings(file: Path):
    values = raw(4, 60)
    cells = [[f"{v:.3f}" for v in row] for row in values]
    words = ["", "NaN", "nan", "NA", "N/A", "null", "-", "#N/A", '""', "-nan", " "]
    for k, word in enumerate(words):
        cells[1][5 + k] = word
        values[1, 5 + k] = np.nan
    cells[2][0], values[2, 0] = "#N/A", np.nan
    recording = read_csv(write(file, "\n".join(",".join(row) for row in cells)))
    assert_array_equal(recording.traces["raw"].values, values.astype(np.float32))
    assert "12 other values are missing, most of them in cell 1" in notes(recording)


def test_infinite_and_too_large_become_missing_and_are_told(file: Path):
    values = raw(4, 60)
    cells = [[f"{v:.3f}" for v in row] for row in values]
    cells[2][7], cells[2][8], cells[3][1], cells[0][3] = "inf", "-Infinity", "1e300", "#DIV/0!"
    recording = read_csv(write(file, "\n".join(",".join(row) for row in cells)))
    assert np.isnan(recording.traces["raw"].values[[2, 2, 3, 0], [7, 8, 1, 3]]).all()
    assert "4 infinite or too large values are read as missing, first at row 1, column 4" in notes(recording)


def test_large_whole_numbers(file: Path):
    values = np.array([[12345678901234567890, 4e18, 98765432109876543210987, 5, 6, 7]] * 2, dtype=object)
    values[1, 0] = 3
    text = "\n".join(",".join(str(int(v)) for v in row) for row in values)
    got = read_csv(write(file, text), CsvSettings(orientation="neurons_in_rows")).traces["raw"].values
    assert_array_equal(got, values.astype(np.float32))


@pytest.mark.parametrize(
    "cell", ["1e3", "1E+3", "+1000", "1000.", " 1000 ", "01000", ".1e4", '"1000"', "100000e-2"]
)
def test_spellings_of_a_number(file: Path, cell: str):
    text = f"5,{cell},7,8\n1,2,3,9\n"
    recording = read_csv(write(file, text), CsvSettings(orientation="neurons_in_rows"))
    assert recording.traces["raw"].values[0, 1] == 1000


def test_one_row_is_one_neuron_and_so_is_one_column(file: Path, tmp_path: Path):
    values = raw(1, 50)
    row = read_csv(write(file, text_of(values)))
    column = read_csv(write(tmp_path / "column.csv", text_of(values.T)))
    assert row.traces["raw"] == column.traces["raw"]
    assert read_csv(write(file, "3.5")).traces["raw"].values.shape == (1, 1)


# Names, indices, times


def test_pandas_index_and_header(file: Path):
    values = raw(6, 90)
    pd.DataFrame(values.T).to_csv(file)
    recording = read_csv(file)
    assert_array_equal(recording.traces["raw"].values, values.astype(np.float32))
    assert_array_equal(recording.roi_ids, np.arange(6))
    pd.DataFrame(values).to_csv(file)
    assert_array_equal(read_csv(file).traces["raw"].values, values.astype(np.float32))


def test_names_above_the_columns(file: Path):
    values = raw(3, 90)
    recording = read_csv(write(file, "soma A,soma B,soma C\n" + text_of(values.T)))
    assert recording.cell_names == ("soma A", "soma B", "soma C")
    assert_array_equal(recording.roi_ids, [0, 1, 2])
    assert "1 line above the numbers" in notes(recording)


def test_names_beside_the_rows(file: Path):
    values = raw(3, 90)
    lines = [f"cell_{k + 4},{line}" for k, line in enumerate(text_of(values).splitlines())]
    recording = read_csv(write(file, "\n".join(lines)))
    assert recording.cell_names == ("cell_4", "cell_5", "cell_6")
    assert_array_equal(recording.traces["raw"].values, values.astype(np.float32))


def test_names_make_few_long_columns_neurons_even_against_the_shape(file: Path):
    values = raw(40, 10)
    header = ",".join(f"n{k}x" for k in range(40))
    assert read_csv(write(file, header + "\n" + text_of(values.T))).n_rois == 40


def test_numbers_of_the_file_become_ids(file: Path):
    values = raw(4, 90)
    recording = read_csv(write(file, "frame,17,4,23,102\n" + _with_index(text_of(values.T))))
    assert_array_equal(recording.roi_ids, [17, 4, 23, 102])
    assert recording.cell_names == () and "own numbers as ids" in notes(recording)
    lines = text_of(values).splitlines()
    beside = "roi," + ",".join(f"f{k}" for k in range(90)) + "\n"
    beside += "\n".join(f"{n},{line}" for n, line in zip([17, 4, 23, 102], lines, strict=True))
    assert_array_equal(read_csv(write(file, beside)).roi_ids, [17, 4, 23, 102])


def _with_index(text: str, first: int = 0) -> str:
    return "\n".join(f"{k},{line}" for k, line in enumerate(text.splitlines(), first)) + "\n"


def test_repeated_names_are_kept_and_told(file: Path):
    values = raw(4, 90)
    recording = read_csv(write(file, "a,b,a,c\n" + text_of(values.T)))
    assert recording.cell_names == ("a", "b", "a", "c")
    assert_array_equal(recording.roi_ids, [0, 1, 2, 3])
    assert "'a' of neurons 1 and 3" in notes(recording)


@pytest.mark.parametrize(
    ("title", "scale"),
    [("Time (s)", 1), ("time_ms", 1000), ("t [min]", 1 / 60), ("", 1), (None, 1), ("Time", 1000)],
)
def test_frame_rate_from_a_column_of_times(file: Path, title: str | None, scale: float):
    values = raw(3, 300)
    times = np.arange(300) / 4.8 * scale
    lines = [f"{t:.6f},{line}" for t, line in zip(times, text_of(values.T).splitlines(), strict=True)]
    heading = "" if title is None else f"{title},a,b,c\n"
    recording = read_csv(write(file, heading + "\n".join(lines)))
    assert recording.frame_rate == pytest.approx(4.8, rel=1e-9)
    assert_array_equal(recording.traces["raw"].values, values.astype(np.float32))
    assert "each column is a neuron: a column holds the time of each row" in notes(recording)


def test_index_and_times_beside_each_other(file: Path):
    values = raw(3, 200)
    lines = [f"{k},{k / 30:.4f},{line}" for k, line in enumerate(text_of(values.T).splitlines())]
    recording = read_csv(write(file, "frame,time,a,b,c\n" + "\n".join(lines)))
    assert recording.frame_rate == 30 and recording.cell_names == ("a", "b", "c")


def test_times_above_the_columns(file: Path):
    values = raw(3, 200)
    heading = "," + ",".join(f"{k / 7.5:.5f}" for k in range(200))
    lines = [f"cell {k},{line}" for k, line in enumerate(text_of(values).splitlines())]
    recording = read_csv(write(file, heading + "\n" + "\n".join(lines)))
    assert recording.frame_rate == 7.5 and recording.cell_names == ("cell 0", "cell 1", "cell 2")
    assert recording.traces["raw"].values.shape == (3, 200)


def test_irregular_clock_is_told(file: Path):
    values = raw(3, 300)
    times = np.arange(300) / 10.0
    times[150:] += 2.0
    lines = [f"{t:.3f},{line}" for t, line in zip(times, text_of(values.T).splitlines(), strict=True)]
    recording = read_csv(write(file, "time,a,b,c\n" + "\n".join(lines)))
    assert recording.frame_rate == 10
    assert "1 gap, the longest of 2.1 s after frame 150" in notes(recording)


def test_frame_rate_in_a_remark(file: Path):
    assert read_csv(write(file, "# frame rate: 4.8 Hz\n" + text_of(raw()))).frame_rate == 4.8


def test_frame_rate_set_wins_and_a_name_is_only_a_hint(tmp_path: Path):
    file = write(tmp_path / "mouse_30hz.csv", text_of(raw()))
    assert read_csv(file).frame_rate is None and "its name says 30 Hz" in notes(read_csv(file))
    assert read_csv(file, CsvSettings(frame_rate=30)).frame_rate == 30


# Other programs


def test_imagej_multi_measure(file: Path):
    values = raw(4, 120)
    heading = " ," + ",".join(f"Area{k},Mean{k},Min{k}" for k in range(1, 5))
    rows = [
        f"{frame + 1}," + ",".join(f"35,{v:.3f},{v / 2:.1f}" for v in column)
        for frame, column in enumerate(values.T)
    ]
    recording = read_csv(write(file, heading + "\n" + "\n".join(rows)))
    assert recording.cell_names == ("Mean1", "Mean2", "Mean3", "Mean4")
    assert_array_equal(recording.traces["raw"].values, values.astype(np.float32))
    assert "ImageJ Multi Measure" in notes(recording) and "not Area, Min" in notes(recording)


def test_imagej_without_brightness(file: Path):
    text = " ,Area1,Area2\n" + _with_index("3.5,4.5\n" * 20, 1)
    with pytest.raises(ReadError, match="Mean gray value"):
        read_csv(write(file, text))


INSCOPIX = " , C00, C01, C02\nTime(s)/Cell Status, accepted, undecided, rejected\n"


def test_inscopix(file: Path):
    values = simulated(3, 200)
    rows = [f"{k * 0.05:.6f}, " + ", ".join(f"{v:.6f}" for v in column) for k, column in enumerate(values.T)]
    recording = read_csv(write(file, INSCOPIX + "\n".join(rows)))
    assert recording.cell_names == ("C00", "C01", "C02") and recording.frame_rate == 20
    assert recording.log[0].settings["layout"] == "inscopix"
    assert_allclose(recording.traces["dff"].values, values, atol=1e-6)
    assert "1 neuron marked as rejected (C02): kept" in notes(recording)
    fewer = read_csv(file, CsvSettings(rejected_cells="leave_out"))
    assert fewer.cell_names == ("C00", "C01") and fewer.traces["dff"].values.shape == (2, 200)


def test_cascade_predictions(file: Path):
    values = np.abs(simulated(5, 300))
    values[:, :32] = values[:, -32:] = np.nan
    np.savetxt(file, values, delimiter=",", fmt="%.5f")
    recording = read_csv(file)
    assert recording.log[0].settings["layout"] == "cascade"
    assert_allclose(recording.traces["spikes"].values, values, atol=1e-5)


def test_numpy_savetxt_defaults(file: Path):
    values = raw(4, 70)
    np.savetxt(file, values)
    assert_allclose(read_csv(file).traces["raw"].values, values, rtol=1e-7)
    np.savetxt(file, values.T, header="a,b,c,d", delimiter=",")
    assert read_csv(file).cell_names == ("a", "b", "c", "d")


def test_r_write_table(file: Path):
    values = raw(3, 70)
    text = '"a" "b" "c"\n' + "\n".join(
        f'"{k + 1}" {line}' for k, line in enumerate(text_of(values.T, " ").splitlines())
    )
    recording = read_csv(write(file, text))
    assert recording.cell_names == ("a", "b", "c")
    assert_array_equal(recording.traces["raw"].values, values.astype(np.float32))


# What the numbers are


@pytest.mark.parametrize(
    ("values", "name", "unit"),
    [
        (raw(), "raw", "a.u."),
        (raw().astype(int), "raw", "a.u."),
        (np.round(raw() - 150, 2), "raw", "a.u."),
        (simulated(), "dff", "ΔF/F"),
        (100 * simulated(), "dff", "ΔF/F"),
        (1 + simulated(), "raw", "a.u."),
        (
            (s := simulated()) / s.std(1, keepdims=True)
            - (s / s.std(1, keepdims=True)).mean(1, keepdims=True),
            "dff",
            "z-score",
        ),
        (np.zeros((5, 30)), "raw", "a.u."),
        (np.full((5, 30), np.nan), "raw", "a.u."),
    ],
    ids=["raw", "whole", "offset", "fraction", "percent", "ratio", "zscore", "zeros", "empty"],
)
def test_unit_is_recognised(file: Path, values: np.ndarray, name: str, unit: str):
    recording = read_csv(write(file, text_of(values, digits=5)))
    ((found, trace),) = recording.traces.items()
    assert (found, trace.unit) == (name, unit)


def test_percent_is_stored_as_a_fraction(file: Path):
    values = simulated()
    recording = read_csv(write(file, text_of(100 * values, digits=6)))
    assert_allclose(recording.traces["dff"].values, values, atol=1e-6)
    assert "stored as a fraction" in notes(recording)


def test_heading_tells_the_unit(file: Path):
    text = "# dF/F (%)\n" + text_of(simulated() * 0.5, digits=5)
    assert read_csv(write(file, text)).log[0].settings["unit"] == "percent_dff"


def test_setting_overrules_the_unit(file: Path):
    recording = read_csv(write(file, text_of(simulated())), CsvSettings(unit="raw"))
    assert set(recording.traces) == {"raw"} and "as set" in notes(recording)


def test_constant_and_empty_neurons_are_kept_and_named(file: Path):
    values = raw(6, 50)
    values[2], values[4] = 7, np.nan
    recording = read_csv(write(file, text_of(values)))
    assert recording.n_rois == 6
    assert "no values in cell 4; kept" in notes(recording)
    assert "never varying: cell 2; kept" in notes(recording)
    assert 4 in recording.roi_ids  # the note counts as the ids do
    turned = read_csv(write(file, text_of(values.T)), CsvSettings(orientation="neurons_in_columns"))
    assert "no values in column 5 (cell 4)" in notes(turned)
    down = read_csv(write(file, "a,b,c,d,e,f\n" + text_of(values.T)))
    assert "no values in column 5 (e)" in notes(down)


def test_frames_without_values_are_named(file: Path):
    values = raw(6, 50)
    values[:, [10, 20]] = np.nan
    assert "no values in frames 11 and 21" in notes(read_csv(write(file, text_of(values))))


# Errors, each one line that names the place


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "recording.csv: the file is empty"),
        ("  \n\n", "the file is empty"),
        ("# only\n# remarks\n", "no numbers"),
        ("a,b,c\n", "no row of numbers"),
        ("1,2,3\n4,5\n6,7,8\n", "row 2 has 2 columns where the others have 3"),
        ("1,2,3\n4,5,6\n6,7,8,9\n1,2,3\n", "row 3 has 4 columns where the others have 3"),
        ("1,2,3\n4,oops,6\n7,8,9\n", "row 2, column 2: 'oops' is not a number"),
        ("a,b,c\n1,2,3\n4,5,6\n7,8,x9\n", "row 4, column 3: 'x9' is not a number"),
        ("1;2;3\n4;5,5;6.5\n", "row 2, column 2: '5,5' is not a number"),
        ("1,12:30,3\n1,2,3\n1,2,3\n", "row 1, column 2: '12:30' is not a number"),
        ("1,1_000,3\n1,2,3\n1,2,3\n", "row 1, column 2: '1_000' is not a number"),
        ('1,"2"x,3\n1,2,3\n1,2,3\n', "row 1, column 2"),
        (b"PK\x03\x04 sheet", "Excel"),
        (b"\x00\x01\x02,\x00,5\n", "no text file"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
    ],
)
def test_errors_name_file_and_place(file: Path, text: str | bytes, message: str):
    write(file, text)
    with pytest.raises(ReadError) as caught:
        read_csv(file)
    assert message in str(caught.value)
    assert str(caught.value).startswith("recording.csv: ") and "\n" not in str(caught.value)


def test_no_such_file_and_folder(tmp_path: Path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ReadError, match="cannot be opened"):
            read_csv(path)


def test_error_deep_in_a_long_file_names_the_line(file: Path):
    lines = text_of(np.random.default_rng(0).uniform(100, 200, (60_000, 12))).splitlines()
    lines[54_321] = lines[54_321].replace(",", ",x", 1)
    with pytest.raises(ReadError, match="row 54322, column 2"):
        read_csv(write(file, "\n".join(lines)))


# Overruling, and the rerun


def test_every_guess_can_be_overruled(file: Path):
    values = raw(8, 100)
    write(file, text_of(values))
    recording = read_csv(file, CsvSettings(orientation="neurons_in_columns"))
    assert recording.traces["raw"].values.shape == (100, 8) and "as set" in notes(recording)
    assert read_csv(file, CsvSettings(header_rows=3)).n_rois == 5
    assert read_csv(file, CsvSettings(index_column="first")).n_frames == 99
    assert read_csv(file, CsvSettings(index_column="last")).n_frames == 99
    with pytest.raises(ReadError, match="both"):
        read_csv(file, CsvSettings(index_column="first", time_column="first"))
    with pytest.raises(ReadError, match="not the layout of imagej"):
        read_csv(file, CsvSettings(layout="imagej"))


def test_signs_are_understood_in_settings():
    settings_ = CsvSettings.validated({"separator": ";", "decimal": ","})
    assert (settings_.separator, settings_.decimal) == ("semicolon", "comma")
    with pytest.raises(SettingsError, match="separator"):
        CsvSettings.validated({"separator": "&"})


FILES = {
    "plain": text_of(raw(5, 60)),
    "frames in rows": text_of(raw(5, 60).T),
    "header and index": "frame,17,4,23\n" + _with_index(text_of(raw(3, 60).T)),
    "times": "time (ms);a;b\n"
    + "\n".join(f"{k * 50};{a:.2f};{b:.2f}" for k, (a, b) in enumerate(raw(2, 60).T)),
    "inscopix": INSCOPIX
    + "\n".join(
        f"{k * 0.1:.3f}, {a:.4f}, {b:.4f}, {c:.4f}" for k, (a, b, c) in enumerate(simulated(3, 60).T)
    ),
    "imagej": " ,Mean1,Mean2\n" + _with_index(text_of(raw(2, 60).T), 1),
    "german": text_of(simulated(4, 60), ";", ","),
    "remark": "% fps = 12.5\n" + text_of(raw(5, 60), "\t"),
}


@pytest.mark.parametrize("kind", FILES)
def test_rerun_with_the_settled_settings_is_the_same_to_the_note(file: Path, kind: str):
    first = read_csv(write(file, FILES[kind]))
    settled = CsvSettings.from_yaml(CsvSettings.validated(dict(first.log[0].settings)).to_yaml())
    assert "auto" not in settled.model_dump().values()
    again = read_csv(file, settled)
    assert again == first and again.log[0].settings == first.log[0].settings


def test_description_is_what_a_run_will_do(file: Path):
    description = describe_csv(write(file, FILES["inscopix"]))
    assert (description.n_rois, description.n_frames, description.frame_rate) == (3, 60, 10)
    assert "3 neurons × 60 frames, 10 Hz, dff in ΔF/F" in str(description)
    assert all(note in str(description) for note in description.notes)


def test_progress_and_cancelling(file: Path):
    write(file, text_of(np.random.default_rng(0).uniform(100, 200, (900, 1000))))
    seen: list[tuple[int, int]] = []
    read_csv(file, on_progress=lambda done, total: seen.append((done, total)))
    size = file.stat().st_size
    assert seen[0] == (0, size) and seen[-1] == (size, size)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)

    def cancel(done: int, total: int) -> None:
        if done:
            raise Cancelled

    with pytest.raises(Cancelled):
        read_csv(file, on_progress=cancel)


def test_input_is_never_written_to(file: Path):
    write(file, text_of(raw()))
    file.chmod(0o444)
    before = file.read_bytes(), file.stat().st_mtime_ns
    read_csv(file)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_blocks_and_workers_do_not_matter(file: Path, monkeypatch: pytest.MonkeyPatch):
    values = np.random.default_rng(0).uniform(100, 200, (300, 200))
    write(file, text_of(values))
    whole = read_csv(file)
    for size, cores in ((997, 1), (4096, 3)):
        monkeypatch.setattr("napari_calcium.io.text_blocks._BLOCK", size)
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        assert read_csv(file) == whole


# Laws

cells = st.one_of(
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.just(float("nan")),
    st.integers(-(10**12), 10**12),
)


@settings(max_examples=60, deadline=None)
@given(
    values=st.integers(1, 8).flatmap(
        lambda n: st.lists(st.lists(cells, min_size=n, max_size=n), min_size=1, max_size=8)
    ),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    decimal=st.sampled_from([".", ","]),
    crlf=st.booleans(),
)
def test_what_is_written_is_read(tmp_path_factory, values, separator: str, decimal: str, crlf: bool):
    if separator == decimal:
        decimal = "."
    file = tmp_path_factory.mktemp("law") / "t.csv"
    end = "\r\n" if crlf else "\n"
    file.write_text(
        end.join(
            separator.join("nan" if v != v else repr(v).replace(".", decimal) for v in row) for row in values
        ),
        newline="",
    )
    chosen = CsvSettings(
        unit="raw",
        header_rows=0,
        index_column="none",
        time_column="none",
        orientation="neurons_in_rows",
        separator=separator,
        decimal=decimal,
        layout="plain",
    )
    assert_array_equal(
        read_csv(file, chosen).traces["raw"].values, np.array(values, np.float64).astype(np.float32)
    )


# Real recordings


@pytest.mark.skipif(not DATA.exists(), reason="the shared recordings are not here")
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("allen_visual_coding_30hz", (74, 6001)),
        ("zebrafish_pdp_7.5hz_1", (260, 1005)),
        ("zebrafish_pdp_7.5hz_2", (260, 1005)),
    ],
)
def test_real_recordings_either_way_round(tmp_path: Path, name: str, shape: tuple[int, int]):
    recording = read_csv(DATA / f"{name}.csv")
    trace = recording.traces["dff"]
    assert trace.values.shape == shape and trace.unit == "ΔF/F"
    table = pd.read_csv(DATA / f"{name}.csv", header=None, dtype=np.float32).to_numpy()
    assert_allclose(trace.values, table if table.shape == shape else table.T, rtol=1e-6)
    np.savetxt(tmp_path / "turned.csv", table.T, delimiter=",", fmt="%.6g")
    assert read_csv(tmp_path / "turned.csv").traces["dff"].values.shape == shape
    if "zebrafish" in name:
        assert "no values in frames" in notes(recording)


# Found by damaging files


@pytest.mark.parametrize("column", ["second", "last"])
def test_a_column_that_is_not_there(file: Path, column: str):
    write(file, "5.5\n6.5\n7.25\n")
    with pytest.raises(ReadError, match="there is no"):
        read_csv(file, CsvSettings(time_column=column))


def test_status_of_cells_is_of_no_use_where_rows_are_set_to_be_neurons(file: Path):
    rows = [
        f"{k * 0.05:.3f}, " + ", ".join(f"{v:.4f}" for v in column)
        for k, column in enumerate(simulated(3, 50).T)
    ]
    write(file, INSCOPIX + "\n".join(rows))
    recording = read_csv(file, CsvSettings(orientation="neurons_in_rows", rejected_cells="leave_out"))
    assert recording.n_rois == 50 and "rejected" not in notes(recording)


def test_all_cells_rejected_is_a_recording_without_cells(file: Path):
    rows = [f"{k * 0.05:.3f}, {k % 7}.5" for k in range(60)]
    write(file, " , C00\nTime(s)/Cell Status, rejected\n" + "\n".join(rows))
    recording = read_csv(file, CsvSettings(rejected_cells="leave_out"))
    assert recording.n_rois == 0 and recording.n_frames == 60


def test_a_clock_of_one_step_forward_and_one_back(file: Path):
    write(file, "time,a,b\n3,1.5,2.5\n0,1.25,3.5\n10,1.5,4.5\n")
    recording = read_csv(file, CsvSettings(time_column="first"))
    assert recording.frame_rate is None and recording.n_frames == 3
