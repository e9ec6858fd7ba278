import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from napari_calcium.cli import app
from napari_calcium.figures.spike_check_figure import prepare_spike_check
from napari_calcium.io.results_folder import write_results
from napari_calcium.pipeline_settings import PipelineSettings
from napari_calcium.recording import Recording, Trace
from napari_calcium.results.tables import SpikeTimes
from napari_calcium.spikes.ground_truth import score_spike_rate, spikes_per_frame


@pytest.fixture
def recorded(tmp_path):
    """Return a folder of results, right for cell 3 and half too many for cell 5, and the truth."""
    rng = np.random.default_rng(0)
    times = {cell: np.sort(rng.uniform(5, 95, 80)) for cell in (3, 5)}
    rate = np.array(
        [30 * spikes_per_frame(times[3], 3000, 30.0), 45 * spikes_per_frame(times[5], 3000, 30.0)]
    )
    recording = Recording("r", np.array([3, 5]), 30.0, {"spikes": Trace(rate, "spikes/s")})
    (tmp_path / "results").mkdir()
    write_results(recording, tmp_path / "results", PipelineSettings().to_yaml())
    rows = [(cell, time) for cell, all_ in times.items() for time in all_]
    pd.DataFrame(rows, columns=["roi_id", "time_s"]).to_csv(tmp_path / "spikes.csv", index=False)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_scores_are_printed_and_written(recorded):
    done = run("check-spikes", recorded / "results", recorded / "spikes.csv", "--out", recorded / "out")
    assert done.exit_code == 0, done.output
    table = pd.read_csv(recorded / "out" / "spike_scores.csv")
    np.testing.assert_allclose(table["correlation"], 1, atol=1e-6)
    np.testing.assert_allclose(table["bias"], [0, 0, 0, 0.5, 0.5, 0.5], atol=1e-6)
    assert (recorded / "out" / "spike_check.png").stat().st_size > 10_000
    assert len(done.output.splitlines()) == 1 + 6 + 3 and "median" in done.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("--trace", "dff"), "there are no traces 'dff'"), (("--trace",), "requires an argument")],
)
def test_what_is_wrong_is_one_line(recorded, arguments, says):
    done = run("check-spikes", recorded / "results", recorded / "spikes.csv", *arguments)
    assert done.exit_code != 0 and says in done.stderr


def test_a_path_that_is_wrong_is_told_before_spikes_that_are_missing(recorded):
    recording = Recording("r", np.array([3]), 30.0, {"dff": Trace(np.zeros((1, 90), np.float32), "ΔF/F")})
    (recorded / "bare").mkdir()
    write_results(recording, recorded / "bare", PipelineSettings().to_yaml())
    done = run("check-spikes", recorded / "bare", recorded / "wrong.csv")
    assert done.exit_code == 1 and "wrong.csv: no such file" in done.stderr
    done = run("check-spikes", recorded / "bare", recorded / "spikes.csv")
    assert "spikes: {method: network}" in done.stderr and "among dff" in done.stderr
    told = done.stderr.split("'")[3]
    assert PipelineSettings.from_yaml(told).spikes is not None


def test_the_figure_shows_cells_from_best_to_worst_where_most_spikes_are():
    rng = np.random.default_rng(1)
    counted = rng.poisson(0.02, (6, 9000)).astype(float)
    counted[:, 5000:5600] += rng.poisson(0.2, (6, 600))
    noisy = 30 * np.array([row + k * 0.1 * rng.random(9000) for k, row in enumerate(counted)])
    recording = Recording("r", np.arange(6), 30.0, {"spikes": Trace(noisy, "spikes/s")})
    row, frame = np.nonzero(counted)
    number = counted[row, frame].astype(int)
    truth = SpikeTimes(np.repeat(row, number), np.repeat(frame / 30, number))
    scores = score_spike_rate(noisy, 30.0, np.arange(6), truth)
    data = prepare_spike_check(recording, truth, scores)
    assert list(data.correlation) == sorted(data.correlation, reverse=True)
    assert all(start < 5060 / 30 and start + 60 > 5540 / 30 for start in data.start_s)
    assert data.recorded.shape == data.inferred.shape == (4, 1800)
    assert len(data.of_all) == 3 and all(len(values) == 6 for values in data.of_all)
    none = score_spike_rate(noisy, 30.0, np.arange(6), SpikeTimes())
    assert prepare_spike_check(recording, SpikeTimes(), none).message
