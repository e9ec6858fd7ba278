"""From a raw movie to traces: the stages joined, on small simulated movies with known cells."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tifffile

from napari_calcium.cell_choice import CellChoice
from napari_calcium.io.csv import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.opening import open_recording
from napari_calcium.movie.registration_settings import NonRigidRegistration, RigidRegistration
from napari_calcium.pipeline import run, run_stage, settings_of
from napari_calcium.pipeline_settings import MOVIE_STAGES, STAGES, PipelineSettings
from napari_calcium.progress import Cancelled
from napari_calcium.recording import Movie, Recording
from napari_calcium.simulate import SimulationSettings, simulate
from napari_calcium.stages.pipeline_movie import lags_behind
from napari_calcium.stages.stage_steps import StageError

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


def test_of_two_channels_the_first_is_analysed_and_a_third_refused_in_one_line(tmp_path):
    frames = np.zeros((5, 2, 16, 18), np.uint16)
    frames[:, 1] = 7
    tifffile.imwrite(tmp_path / "two.tif", frames, imagej=True, metadata={"axes": "TCYX"})
    recording = open_recording(tmp_path / "two.tif")
    assert recording.movie.data[:].max() == 0
    assert "channel 1 of 2 is analysed" in recording.log[0].notes
    with pytest.raises(ReadError, match=r"two\.tif: there is no channel 3; the movie has 2 channels"):
        open_recording(tmp_path / "two.tif", CsvSettings(channel=3))


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


# --- stage by stage


@pytest.fixture(scope="module")
def one_by_one(raw):
    made = [raw]
    for stage in MOVIE_STAGES:
        made.append(run_stage(made[-1], stage, getattr(PipelineSettings(), stage)))
    return made


def only_movie(recording):
    """What the movie's stages made of a recording."""
    settings = dict.fromkeys(STAGES)
    return run(recording, PipelineSettings(**settings))


def test_each_stage_by_itself_gives_the_bytes_of_the_whole_run(raw, one_by_one):
    assert one_by_one[-1] == only_movie(raw)


def test_a_stage_tells_what_it_made_and_no_more(one_by_one):
    raw, registered, segmented, extracted = one_by_one
    assert registered.motion is not None and registered.rois is None and not registered.traces
    assert segmented.rois is not None and segmented.candidates is not None and not segmented.traces
    assert segmented.n_frames == 600 and segmented.n_rois == len(segmented.rois)
    assert list(extracted.traces) == ["raw", "neuropil", "corrected"]
    assert raw.motion is None and not raw.images


def test_running_an_earlier_stage_drops_what_was_made_of_it(finished):
    registered = run_stage(finished, "registration", RigidRegistration())
    assert registered.rois is None and registered.candidates is None and not registered.traces
    assert registered.n_rois == 0 and registered.events is None
    assert [entry.stage for entry in registered.log] == ["registration"]
    again = run_stage(finished, "segmentation", settings_of(finished).segmentation)
    assert again.motion is finished.motion and not again.traces
    assert again.candidates == finished.candidates


def test_a_binned_movie_that_is_gone_is_made_again_to_the_byte(one_by_one):
    registered = one_by_one[1]
    # Another object, as after reading a saved recording: nothing is kept for it.
    reopened = registered.replace(motion=dataclasses.replace(registered.motion))
    seen = []
    found = run_stage(
        reopened,
        "segmentation",
        PipelineSettings().segmentation,
        on_progress=lambda done, total: seen.append(done / total),
    )
    assert found.candidates == one_by_one[2].candidates
    assert seen == sorted(seen)


def test_the_settings_of_a_finished_recording_are_those_that_made_it(finished):
    chosen = finished.replace(cell_choice=CellChoice(threshold=2.0))
    assert settings_of(chosen).cell_choice.threshold == 2.0
    assert settings_of(chosen).registration == NonRigidRegistration()


def test_rejected_candidates_are_kept_with_their_quality(finished):
    found = finished.candidates
    assert len(found) >= len(finished.rois) and np.isfinite(found.quality["quality"]).all()
    assert set(finished.rois.ids.tolist()) == set(found.ids[found.accepted].tolist())
    assert not lags_behind(finished)


def test_a_choice_is_made_when_the_fluorescence_is_read(finished):
    first = int(finished.roi_ids[0])
    choice = finished.cell_choice.decide(finished.candidates, [first], cells=False)
    chosen = finished.replace(cell_choice=choice)
    assert lags_behind(chosen) and chosen.traces.keys() == finished.traces.keys()
    read = run_stage(chosen, "extraction", PipelineSettings().extraction)
    anew = run_stage(chosen.replace(traces={}), "extraction", PipelineSettings().extraction)
    assert read == anew  # though only what has changed was read
    assert first not in read.roi_ids and not lags_behind(read) and read.events is None


def test_the_choice_in_the_settings_gives_the_same_headless(raw, finished):
    first = int(finished.roi_ids[0])
    settings = PipelineSettings(**TRACES_ONLY, cell_choice=CellChoice(rejected=(first,)))
    assert first not in run(raw, settings).roi_ids


def test_rejected_candidates_are_read_where_they_are_to_be_kept(raw, finished):
    kept = only_movie_with(raw, PipelineSettings(read=CsvSettings(rejected_cells="keep")))
    assert len(kept.rois) == len(finished.candidates)
    np.testing.assert_array_equal(kept.rois.accepted, finished.candidates.accepted)


def only_movie_with(recording, settings):
    return run(recording, settings.replace(**dict.fromkeys(STAGES)))


def test_rois_that_are_there_are_read_without_detection(raw, truth):
    there = raw.replace(rois=truth.rois, roi_ids=truth.rois.ids)
    read = only_movie_with(there, PipelineSettings(segmentation=None))
    assert read.roi_ids.tolist() == truth.rois.ids.tolist() and read.candidates is None


def test_what_a_stage_needs_is_said_in_one_line(raw, finished):
    nothing = raw.replace(movie=None)
    with pytest.raises(StageError, match="open the movie it came from"):
        run_stage(nothing, "registration", RigidRegistration())
    with pytest.raises(StageError, match="run Cells, or draw"):
        run_stage(raw, "extraction", PipelineSettings().extraction)
    shorter = finished.replace(movie=Movie(finished.movie.data[:99]))
    with pytest.raises(StageError, match="99 frames but 600 were registered"):
        run_stage(shorter, "extraction", PipelineSettings().extraction)


def test_a_file_that_is_gone_or_cut_is_told_before_it_is_read(tmp_path):
    path = tmp_path / "day.tif"
    frames = np.random.default_rng(0).integers(0, 99, (9, 64, 64), np.uint16)
    tifffile.imwrite(path, frames, photometric="minisblack")
    opened = open_recording(path, CsvSettings(frame_rate=10.0))
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(StageError, match=r"day\.tif: the file has 20,000 bytes, but .* copy it again"):
        run_stage(opened, "registration", RigidRegistration())
    path.unlink()
    with pytest.raises(StageError, match=r"day\.tif: the movie is no longer there; put it back"):
        run_stage(opened, "registration", RigidRegistration())


def test_candidates_and_choice_are_saved(finished, tmp_path):
    from napari_calcium.io.results_folder import new_results_folder, write_results
    from napari_calcium.io.results_reading import read_results

    chosen = finished.replace(cell_choice=CellChoice(threshold=1.5, accepted=(3,)))
    with new_results_folder(tmp_path / "results") as folder:
        write_results(chosen, folder, "version: 1\n")
    again = read_results(tmp_path / "results")
    assert again.candidates == chosen.candidates and again.cell_choice == chosen.cell_choice
