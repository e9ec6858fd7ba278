"""Tables of behaviour from the labs: what they hold is found, and what is wrong is told in one line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.io.behaviour_columns import name_and_unit, rising_edges, role_of, runs_of_ones
from napari_calcium.io.behaviour_csv import (
    BehaviourFileSettings,
    add_behaviour,
    looks_like_behaviour,
    read_behaviour,
)
from napari_calcium.io.errors import ReadError
from napari_calcium.recording import Recording
from napari_calcium.results.behaviour_results import BehaviourFile, Epochs


def read(tmp_path, text, name="behaviour.csv", **options):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_behaviour(BehaviourFileSettings(file=name, **options), tmp_path)


def labels(epochs: Epochs):
    return [
        (label, round(a, 6), round(b, 6))
        for label, a, b in zip(epochs.label.tolist(), epochs.start_s, epochs.end_s, strict=True)
    ]


def test_signals_with_units_and_a_gap(tmp_path):
    file, notes = read(
        tmp_path, "time (s),speed (cm/s),pupil_px\n0.0,1.5,30\n0.02,,31\n0.04,2.5,nan\n5,3,33\n"
    )
    assert [(s.name, s.unit) for s in file.signals] == [("speed", "cm/s"), ("pupil", "px")]
    np.testing.assert_allclose(file.signals[0].time_s, [0, 0.02, 0.04, 5])
    np.testing.assert_allclose(file.signals[0].values, [1.5, np.nan, 2.5, 3])
    np.testing.assert_allclose(file.signals[1].values, [30, 31, np.nan, 33])
    assert notes[0] == "2 signals"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("t_ms,x\n100,1\n150,2\n", [0.1, 0.15]),
        ("timestamp,x\n0,1\n33.3,2\n66.6,3\n", [0, 0.0333, 0.0666]),
        ("time [min]\tx\n1\t1\n2\t2\n", [60, 120]),
        ("time_us;x\n1000000;1,5\n2000000;2,5\n", [1, 2]),
        ("time,x\n2024-05-01 12:00:00.250,1\n2024-05-01 12:00:01.250,2\n", [1714564800.25, 1714564801.25]),
        ("time,x\n2024-05-01T12:00:00Z,1\n2024-05-01T12:00:00.5Z,2\n", [1714564800, 1714564800.5]),
    ],
)
def test_clocks_of_every_unit(tmp_path, text, seconds):
    file, _ = read(tmp_path, text)
    np.testing.assert_allclose(file.signals[0].time_s, seconds, rtol=1e-12)


def test_the_unit_can_be_set(tmp_path):
    file, notes = read(tmp_path, "time,x\n0,1\n20,2\n", time_unit="s")
    np.testing.assert_allclose(file.signals[0].time_s, [0, 20])
    assert any("as set" in note for note in notes)


def test_a_line_of_units_below_the_names(tmp_path):
    file, _ = read(tmp_path, "Recorded by\ntime,speed,lick\n(ms),(cm/s),\n0,1,0\n20,2,0\n")
    assert [(s.name, s.unit) for s in file.signals] == [("speed", "cm/s"), ("lick", "")]
    np.testing.assert_allclose(file.signals[0].time_s, [0, 0.02])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_semicolons_decimal_commas_remarks_and_encodings(tmp_path, encoding):
    text = "# Tier 12, Größe\r\n\r\nZeit;time;speed\r\na;0,0;1,5\r\nb;0,1;2,25\r\n"
    file, _ = read(tmp_path, text.encode(encoding))
    speed = next(s for s in file.signals if s.name == "speed")
    np.testing.assert_allclose(speed.time_s, [0, 0.1])
    np.testing.assert_allclose(speed.values, [1.5, 2.25])


def test_without_headings_the_column_that_rises_is_the_clock(tmp_path):
    file, _ = read(tmp_path, "0.0,5,1\n0.1,4,2\n0.2,6,1\n")
    np.testing.assert_allclose(file.signals[0].time_s, [0, 0.1, 0.2])
    assert [s.name for s in file.signals] == ["column 2", "column 3"]


def test_columns_of_0_and_1_are_epochs_too(tmp_path):
    file, _ = read(tmp_path, "time,lick\n0,0\n1,1\n2,1\n3,0\n4,1\n5,0\n")
    assert labels(file.epochs) == [("lick", 1, 3), ("lick", 4, 5)]
    assert file.signals[0].name == "lick"


def test_columns_of_words_are_epochs(tmp_path):
    file, _ = read(tmp_path, "time,speed,stimulus\n0,1,\n1,2,grating\n2,2,grating\n3,2,dot\n4,1,\n5,1,\n")
    assert labels(file.epochs) == [("grating", 1, 3), ("dot", 3, 4)]
    assert [s.name for s in file.signals] == ["speed"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("start,end,label\n1,2,light\n5,6.5,tone\n", [("light", 1, 2), ("tone", 5, 6.5)]),
        ("onset,duration,trial_type\n1,2,go\n9,1,stop\n", [("go", 1, 3), ("stop", 9, 10)]),
        ("start_ms,end_ms,label\n1000,2000,a\n", [("a", 1, 2)]),
        ("time,event\n3,reward\n1,lick\n7,lick\n", [("lick", 1, 1), ("reward", 3, 3), ("lick", 7, 7)]),
        ("on,off,stim\n1,2,30\n3,4,60\n5,6,30\n", [("stim 30", 1, 2), ("stim 60", 3, 4), ("stim 30", 5, 6)]),
        ("onset,end,label\n1,,a\n2,3,b\n", [("a", 1, 1), ("b", 2, 3)]),
    ],
)  # fmt: skip
def test_tables_of_events(tmp_path, text, expected):
    file, _ = read(tmp_path, text)
    assert labels(file.epochs) == expected


def test_events_without_a_label_are_called_like_the_file(tmp_path):
    file, notes = read(tmp_path, "start,end\n1,2\n4,5\n", "airpuff.csv")
    assert labels(file.epochs) == [("airpuff", 1, 2), ("airpuff", 4, 5)]
    assert any("airpuff" in note for note in notes)


def test_numbers_of_trials_are_no_labels(tmp_path):
    rows = "".join(f"{10 * k},{10 * k + 5},{k}\n" for k in range(30))
    file, _ = read(tmp_path, "start,end,label\n" + rows)
    assert file.epochs.labels == ("label",)


def test_pulses_and_frames_in_columns(tmp_path):
    rows = "".join(f"{k / 100},{int(k % 50 < 5) * 4.9},{k // 10},7\n" for k in range(200))
    file, _ = read(tmp_path, "time,sync,frame,speed\n" + rows)
    np.testing.assert_allclose(file.pulse_s, [0, 0.5, 1, 1.5])
    np.testing.assert_allclose(file.frame_s, 0.1 * np.arange(1, 20), err_msg="0 is before the first frame")
    assert [s.name for s in file.signals] == ["speed"]


def test_pulses_of_frames(tmp_path):
    rows = "".join(f"{k / 100},{int(k % 10 < 5)}\n" for k in range(5, 100))
    file, _ = read(tmp_path, "time,frame_ttl\n" + rows)
    np.testing.assert_allclose(file.frame_s, 0.1 * np.arange(1, 10))


def test_pulses_among_events(tmp_path):
    file, _ = read(tmp_path, "time,event\n1,sync\n2,lick\n3,sync\n4,frame\n")
    assert file.pulse_s.tolist() == [1, 3]
    assert file.frame_s.tolist() == [4]
    assert labels(file.epochs) == [("lick", 2, 2)]


def test_lists_of_moments_in_files_of_their_own(tmp_path):
    (tmp_path / "epochs.csv").write_text("start,end,label\n1,2,light\n")
    (tmp_path / "frames.csv").write_text("0.1\n0.2\n0.3\n")
    (tmp_path / "sync.csv").write_text("number,time_ms\n1,500\n2,700\n")
    (tmp_path / "scope.csv").write_text("pulse_s\n0.4\n0.6\n")
    options = {"epochs": "epochs.csv", "frame_times": "frames.csv", "pulses": "sync.csv"}
    file, notes = read(tmp_path, "time,speed\n0,1\n0.1,2\n", recording_pulses="scope.csv", **options)
    np.testing.assert_allclose(file.frame_s, [0.1, 0.2, 0.3])
    np.testing.assert_allclose(file.pulse_s, [0.5, 0.7])
    np.testing.assert_allclose(file.recording_pulse_s, [0.4, 0.6])
    assert labels(file.epochs) == [("light", 1, 2)]
    assert notes[0] == "1 signals, 1 epochs, 2 pulses, 3 frame times"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,speed\n0,1\n1,fast\n2,3\n", "row 3 of column 'speed': 'fast' is not a number"),
        ("time,speed\n0,1\n2,2\n1,3\n", r"row 4: the time runs back \(1 after 2\)"),
        ("time,speed\n0,1\n1,2,9\n2,3\n", "row 3 has 3 cells, but there are 2 columns"),
        ("time,speed,pupil\n0,1,5\n\n1,2\n2,3,5\n", "row 4 has 2 cells, but there are 3 columns"),
        ("start,end,label\n1,2,a\n5,4,b\n", "row 3: the end .4 s. lies before the start"),
        ("speed,pupil\n3,1\n2,2\n4,1\n", "there is no column of times"),
        ("time,speed\n2024-05-01 12:00:00,1\n2024-99-01 12:00:01,2\n", "row 3 of column 'time'"),
        ("time,speed\n", "no rows below the headings"),
        ("", "empty"),
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "HDF5"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_row(tmp_path, text, message):
    with pytest.raises(ReadError, match=message) as error:
        read(tmp_path, text)
    assert str(error.value).startswith("behaviour.csv: ")
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ReadError, match=r"nowhere.csv: cannot be opened"):
        read_behaviour(BehaviourFileSettings(file="nowhere.csv"), tmp_path)


def test_rows_without_a_time_and_with_the_same_are_left_out_and_told(tmp_path):
    file, notes = read(tmp_path, "time,speed\n0,1\n,2\n1,3\n1,4\n2,5\n")
    np.testing.assert_allclose(file.signals[0].values, [1, 3, 5])
    assert any("2 rows" in note for note in notes)


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("fuzz")
    try:
        read(folder, content)
    except ReadError as error:
        assert "\n" not in str(error)


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet="0123456789.,;\t\n -ateimlbel\"'", max_size=200))
def test_any_table_like_text_is_read_or_refused_in_one_line(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("fuzz")
    try:
        read(folder, "time,speed\n" + content)
    except ReadError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("time,speed\n0,1\n1,2\n", True),
        ("onset,duration,label\n0,1,a\n", True),
        ("start,end,label\n0,1,a\n", True),
        ("start,value\n0,1\n", False),
        ("timestamp_ms,pos_x,pos_y\n0,1,2\n5,1,2\n", True),
        ("time,cell 1,cell 2\n0,1,2\n1,3,4\n", False),
        ("1,2,3\n4,5,6\n", False),
        (" ,Mean1,Mean2\n1,5,6\n2,5,6\n", False),
        ("speed,pupil\n0,1\n", False),
    ],
)
def test_which_tables_look_like_behaviour(tmp_path, text, expected):
    (tmp_path / "table.csv").write_text(text)
    assert looks_like_behaviour(tmp_path / "table.csv") is expected
    assert not looks_like_behaviour(tmp_path / "missing.csv")


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("speed [cm/s]", ("speed", "cm/s")),
        ("Running speed_cm_per_s", ("Running speed", "cm/s")),
        ("pupil (a.u.)", ("pupil", "a.u.")),
        ("pupil_area", ("pupil_area", "")),
        ("x", ("x", "")),
        ("position (mm)", ("position", "mm")),
    ],
)
def test_names_and_units(heading, expected):
    assert name_and_unit(heading) == expected


def test_roles():
    kinds = {
        h: role_of(h).kind
        for h in ("Time (ms)", "on", "offset", "Stimulus", "sync_ttl", "2p_frame", "framework")
    }
    assert list(kinds.values()) == ["time", "start", "end", "label", "pulse", "frame", "signal"]


@given(st.lists(st.sampled_from([0.0, 1.0, np.nan]), max_size=30))
def test_edges_and_runs_are_those_of_the_loop(values):
    array, up, state = np.array(values, np.float64), [], False
    for k, value in enumerate(values):
        now = state if np.isnan(value) else value == 1
        if now and not state:
            up.append(k)
        state = now
    has_both = {0.0, 1.0} <= {v for v in values if not np.isnan(v)}
    assert rising_edges(array).tolist() == (up if has_both else [])
    first, after = runs_of_ones(array == 1)
    assert sum(after - first) == sum(v == 1 for v in values)


def test_a_recording_takes_the_file_and_remembers_which(tmp_path):
    (tmp_path / "b.csv").write_text("time,speed\n0,1\n1,2\n")
    recording = Recording("r", np.arange(2), 10.0)
    chosen = BehaviourFileSettings(file="b.csv")
    found = add_behaviour(recording, chosen, tmp_path)
    assert isinstance(found.behaviour_file, BehaviourFile)
    assert found.log[-1].settings == chosen.model_dump(mode="json")
    assert add_behaviour(recording, BehaviourFileSettings(), tmp_path) is recording
