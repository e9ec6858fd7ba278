"""From a raw movie to traces: the stages joined, on small simulated movies with known cells."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tifffile

from napari_calcium.io.csv import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.opening import open_recording
from napari_calcium.pipeline import run
from napari_calcium.pipeline_settings import MOVIE_STAGES, PipelineSettings
from napari_calcium.progress import Cancelled
from napari_calcium.recording import Movie, Recording
from napari_calcium.simulate import SimulationSettings, simulate

TRACES_ONLY = {"coactivity": None, "significance": None, "ensembles": None, "features": None}


@pytest.fixture(scope="module")
def truth():
    return simulate(
        SimulationSettings(
            n_rois=14,
            n_frames=600,
            frame_rate=10.0,
            height=96,
            width=96,
            n_ensembles=0,
            n_vessels=0,
            event_rate=0.1,
            seed=2,
        )
    )


@pytest.fixture(scope="module")
def raw(truth):
    return Recording("movie", np.empty(0, np.int64), 10.0, movie=Movie(truth.movie), pixel_size_um=1.2)


@pytest.fixture(scope="module")
def finished(raw):
    return run(raw, PipelineSettings(**TRACES_ONLY))


def test_cells_traces_motion_and_log_are_there(finished):
    assert list(finished.traces)[:3] == ["raw", "neuropil", "corrected"] and "denoised" in finished.traces
    assert finished.rois is not None and finished.rois.accepted.all()
    assert "neuropil_coefficient" in finished.rois.quality
    assert len(finished.motion) == 600 and finished.pixel_size_um == 1.2
    assert {"mean", "max_projection", "standard_deviation", "local_correlation"} <= finished.images.keys()
    assert [e.stage for e in finished.log][:3] == list(MOVIE_STAGES)


def test_known_cells_are_found_with_their_traces(truth, finished):
    found = 0
    # Who is silent cannot be found by its activity.
    active = np.flatnonzero(np.bincount(truth.events.roi_id, minlength=14) >= 3)
    assert len(active) >= 7
    for cell in active:
        distance = np.hypot(*(finished.rois.centroids - truth.rois.centroids[cell]).T)
        near = int(distance.argmin())
        r = np.corrcoef(truth.dff[cell], finished.traces["dff"].values[near])[0, 1]
        found += distance[near] < 4 and r > 0.6
    assert found >= 0.7 * len(active)
    assert finished.n_rois <= 1.3 * len(truth.rois)


def test_same_bytes_with_one_worker(raw, finished):
    with ThreadPoolExecutor(1) as one:
        assert run(raw, PipelineSettings(**TRACES_ONLY), executor=one) == finished


def test_running_again_begins_with_the_movie(finished):
    again = run(finished, PipelineSettings(**TRACES_ONLY))
    assert again == finished


def test_a_movie_alone_is_left_as_it_was_when_cancelled(raw):
    def stop(done, total):
        if done / total > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(raw, on_progress=stop)
    assert not raw.traces and raw.motion is None


@pytest.mark.parametrize("n_frames", [1, 3])
@pytest.mark.parametrize("value", [0, 200, 65535])
def test_movies_without_cells_give_results(n_frames, value):
    movie = np.full((n_frames, 32, 40), value, np.uint16)
    empty = Recording("empty", np.empty(0, np.int64), 10.0, movie=Movie(movie))
    result = run(empty)
    assert result.n_rois == 0 and len(result.events) == 0 and result.n_frames == n_frames


def test_without_registration_or_segmentation_it_says_what_is_missing(raw):
    with pytest.raises(ValueError, match="switch segmentation on"):
        run(raw, PipelineSettings(registration=None, segmentation=None))


def test_a_tiff_opens_as_a_movie_with_the_rate_the_user_gives(tmp_path):
    frames = np.random.default_rng(0).integers(0, 99, (5, 16, 18), np.uint16)
    tifffile.imwrite(tmp_path / "plain.tif", frames)
    opened = open_recording(tmp_path / "plain.tif", CsvSettings(frame_rate=7.5))
    assert opened.frame_rate == 7.5 and opened.n_rois == 0 and opened.n_frames == 5
    assert opened.log[0].settings["frame_rate"] == 7.5


def test_a_movie_of_two_channels_is_refused_in_one_line(tmp_path):
    frames = np.zeros((5, 2, 16, 18), np.uint16)
    tifffile.imwrite(tmp_path / "two.tif", frames, imagej=True, metadata={"axes": "TCYX"})
    with pytest.raises(ReadError, match=r"two\.tif: .*2 channels"):
        open_recording(tmp_path / "two.tif")


def test_the_results_folder_says_where_each_frame_went(finished, tmp_path):
    import pandas as pd

    from napari_calcium.io.results_folder import new_results_folder, write_results
    from napari_calcium.io.results_reading import read_results

    with new_results_folder(tmp_path / "results") as folder:
        write_results(finished, folder, "version: 1\n")
    table = pd.read_csv(tmp_path / "results" / "registration.csv")
    assert list(table.columns) == ["frame", "shift_y_px", "shift_x_px", "correlation", "bad"]
    blocks = np.load(tmp_path / "results" / "registration_blocks.npz")
    nodes = (len(blocks["centres_y_px"]), len(blocks["centres_x_px"]))
    assert blocks["shifts_y_px"].shape == blocks["shifts_x_px"].shape == (600, *nodes)
    assert read_results(tmp_path / "results") == finished.replace(movie=None)
