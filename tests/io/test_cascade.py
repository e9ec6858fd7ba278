import numpy as np
import pytest
from scipy.io import loadmat, savemat

from napari_calcium.io.cascade import read_cascade, write_for_cascade
from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.opening import open_recording
from napari_calcium.recording import Recording, Trace


def predictions():
    values = np.random.default_rng(0).gamma(0.1, 1.0, (4, 200)).astype(np.float32)
    values[:, :32] = values[:, -32:] = np.nan
    return values


@pytest.mark.parametrize("suffix", [".npy", ".mat"])
def test_predictions_open_as_spikes_per_second(tmp_path, suffix):
    values, path = predictions(), tmp_path / f"predictions_mine{suffix}"
    if suffix == ".npy":
        np.save(path, values)
    else:
        savemat(path, {"spike_rates": values})
    opened = open_recording(path, CsvSettings(frame_rate=30.0))
    np.testing.assert_allclose(opened.traces["spikes"].values, 30 * values, rtol=1e-6)
    assert opened.traces["spikes"].unit == "spikes/s" and opened.frame_rate == 30
    without = read_cascade(path)
    np.testing.assert_array_equal(without.traces["spikes"].values, values)
    assert without.traces["spikes"].unit == "spikes/frame"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("predictions.npy", np.zeros(5), "neurons × frames"),
        ("predictions.npy", np.zeros((2, 3), "U3"), "neurons × frames"),
    ],
)
def test_other_tables_are_refused(tmp_path, name, content, says):
    np.save(tmp_path / name, content)
    with pytest.raises(ReadError, match=says):
        read_cascade(tmp_path / name)


def test_a_file_without_the_variable_is_refused_and_names_what_is_there(tmp_path):
    savemat(tmp_path / "predictions.mat", {"other": np.zeros((2, 3))})
    with pytest.raises(ReadError, match=r"predictions\.mat: expected a variable spike_rates, there is other"):
        read_cascade(tmp_path / "predictions.mat")
    (tmp_path / "predictions.mat").write_bytes(b"nonsense" * 40)
    with pytest.raises(ReadError, match=r"^predictions\.mat"):
        read_cascade(tmp_path / "predictions.mat")


def test_dff_is_written_as_cascade_takes_it(tmp_path):
    values = np.random.default_rng(1).normal(size=(3, 50)).astype(np.float32)
    recording = Recording("r", np.arange(3), 7.5, {"dff": Trace(values, "ΔF/F")})
    write_for_cascade(recording, tmp_path / "dff.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "dff.npy"), values)
    write_for_cascade(recording, tmp_path / "dff.mat")
    np.testing.assert_array_equal(loadmat(tmp_path / "dff.mat")["dF_traces"], values)
    with pytest.raises(ValueError, match="end the name"):
        write_for_cascade(recording, tmp_path / "dff.txt")
    with pytest.raises(ValueError, match="run the baseline"):
        write_for_cascade(Recording("r", np.arange(0), 7.5), tmp_path / "dff.npy")


def test_numbers_beyond_all_in_a_damaged_file_are_missing_ones(tmp_path):
    values = np.ones((3, 40), np.float32)
    values[1, 5], values[2, 6] = 3e38, np.inf
    np.save(tmp_path / "predictions_x.npy", values)
    recording = read_cascade(tmp_path / "predictions_x.npy", CsvSettings(frame_rate=30))
    rates = recording.traces["spikes"].values
    assert np.isnan(rates[1, 5]) and np.isnan(rates[2, 6]) and rates[0, 0] == 30
