from __future__ import annotations

import h5py
import numpy as np
import pytest
import scipy.io

from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.export import export_traces
from napari_calcium.io.matlab import is_matlab, read_matlab
from napari_calcium.io.opening import open_recording
from napari_calcium.recording import Recording, Trace
from napari_calcium.simulate import demo_settings, simulate


@pytest.fixture(scope="module")
def traces():
    return simulate(demo_settings()).raw[:20, :500].astype(np.float64)


def write73(path, **variables):
    """As MATLAB does: column-major, a class on each variable, 512 bytes in front."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in variables.items():
            value = np.asarray(value)
            stored = file.create_dataset(name, data=value.T)
            stored.attrs["MATLAB_class"] = np.bytes_(
                "double" if value.dtype.kind == "f" else value.dtype.name
            )
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def write5(path, **variables):
    scipy.io.savemat(path, variables, do_compression=True)


def write4(path, **variables):
    scipy.io.savemat(path, variables, format="4")


@pytest.mark.parametrize("write", [write4, write5, write73])
@pytest.mark.parametrize("turned", [False, True])
def test_the_only_table_is_read_either_way_round(tmp_path, traces, write, turned):
    path = tmp_path / "day1.mat"
    write(path, data=traces.T if turned else traces, fs=np.array([[10.0]]))
    recording = open_recording(path)
    assert is_matlab(path) and recording.frame_rate == 10.0 and recording.name == "day1"
    np.testing.assert_array_equal(recording.traces["raw"].values, traces.astype(np.float32))
    again = read_matlab(path, CsvSettings.validated(dict(recording.log[0].settings)))
    assert again.traces == recording.traces and again.frame_rate == 10.0


@pytest.mark.parametrize("write", [write5, write73])
def test_the_variable_can_be_chosen(tmp_path, traces, write):
    path = tmp_path / "a.mat"
    write(path, one=traces, other=traces * 2)
    with pytest.raises(ReadError, match=r"say which variable holds the traces: one \(20 × 500\), other"):
        read_matlab(path)
    chosen = read_matlab(path, CsvSettings(variable="other"))
    np.testing.assert_allclose(chosen.traces["raw"].values, traces * 2, rtol=1e-6)
    with pytest.raises(ReadError, match="there is no table third; there are: one"):
        read_matlab(path, CsvSettings(variable="third"))


def test_the_usual_name_is_taken_and_said(tmp_path, traces):
    write5(tmp_path / "Fall.mat", F=traces, Fneu=traces / 2, spks=traces / 3)
    recording = read_matlab(tmp_path / "Fall.mat")
    np.testing.assert_array_equal(recording.traces["raw"].values, traces.astype(np.float32))
    assert "variable F, one of 3 tables" in recording.log[0].notes[1]


def test_tables_in_structs(tmp_path, traces):
    path = tmp_path / "a.mat"
    write5(path, session={"inner": {"F": traces}, "rate": 5.0})
    with pytest.raises(ReadError, match=r"look into session"):
        read_matlab(path)
    recording = read_matlab(path, CsvSettings(variable="session.inner.F"))
    np.testing.assert_array_equal(recording.traces["raw"].values, traces.astype(np.float32))
    with pytest.raises(ReadError, match=r"there is no G in session\.inner\.G"):
        read_matlab(path, CsvSettings(variable="session.inner.G"))
    with h5py.File(tmp_path / "b.mat", "w") as file:
        file["session/inner/F"] = traces.T
    recording = read_matlab(tmp_path / "b.mat", CsvSettings(variable="session.inner.F"))
    np.testing.assert_array_equal(recording.traces["raw"].values, traces.astype(np.float32))


@pytest.mark.parametrize("unit", ["ΔF/F", "a.u."])
def test_what_is_exported_comes_back(tmp_path, traces, unit):
    values = (traces - 400) / 400 if unit == "ΔF/F" else traces
    name = "dff" if unit == "ΔF/F" else "raw"
    recording = Recording("r", np.arange(20) + 7, 12.5, {name: Trace(values.astype(np.float32), unit)})
    export_traces(recording, tmp_path / "r.mat", name)
    again = read_matlab(tmp_path / "r.mat")
    assert again.traces == recording.traces and again.frame_rate == 12.5
    assert again.roi_ids.tolist() == recording.roi_ids.tolist()


def test_settings_overrule(tmp_path, traces):
    write5(tmp_path / "a.mat", x=traces, fs=3.0)
    chosen = CsvSettings(orientation="neurons_in_columns", unit="percent_dff", frame_rate=4)
    recording = read_matlab(tmp_path / "a.mat", chosen)
    assert recording.n_rois == 500 and recording.frame_rate == 4
    np.testing.assert_allclose(recording.traces["dff"].values, traces.T / 100, rtol=1e-6)


def test_files_without_a_table(tmp_path):
    write5(tmp_path / "a.mat", x=np.ones((1, 5)), text="hello")
    with pytest.raises(ReadError, match=r"a\.mat: holds no table of numbers"):
        read_matlab(tmp_path / "a.mat")
    write5(tmp_path / "c.mat", x=np.ones((3, 5)) * 1j)
    with pytest.raises(ReadError, match="x: must be a table of real numbers"):
        read_matlab(tmp_path / "c.mat")
    (tmp_path / "b.mat").write_bytes(b"no such thing at all, but long enough to have a header" * 4)
    with pytest.raises(ReadError, match=r"b\.mat: cannot be read as a MATLAB file"):
        read_matlab(tmp_path / "b.mat")


def test_infinite_values_are_missing(tmp_path, traces):
    values = traces.copy()
    values[3, 4] = np.inf
    write5(tmp_path / "a.mat", x=values)
    recording = read_matlab(tmp_path / "a.mat")
    assert np.isnan(recording.traces["raw"].values[3, 4])
    assert any("1 infinite values" in note for note in recording.log[0].notes)


@pytest.mark.parametrize("write", [write4, write5, write73])
def test_damaged_files_do_no_harm(tmp_path, traces, check_reader, write):
    write(tmp_path / "a.mat", x=traces[:4, :50], fs=np.array([[3.0]]))
    check_reader(tmp_path / "a.mat", lambda: read_matlab(tmp_path / "a.mat"), 80)
