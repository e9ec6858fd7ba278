"""The pipeline as a whole: order, skipping, staleness, YAML, cancelling and known truth."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from napari_calcium.pipeline import (
    StageError,
    preview,
    run,
    run_stage,
    settings_of,
)
from napari_calcium.pipeline_settings import MOVIE_STAGES, STAGES, TITLES, PipelineSettings
from napari_calcium.progress import Cancelled
from napari_calcium.recording import Recording, Trace
from napari_calcium.settings import SettingsError
from napari_calcium.simulate import SimulationSettings, simulate

USED = tuple(stage for stage in STAGES if getattr(PipelineSettings(), stage) is not None)
"""Stages that are not skipped by default."""


@pytest.fixture(scope="module")
def truth():
    return simulate(
        SimulationSettings(n_rois=60, n_frames=2400, frame_rate=10.0, n_ensembles=2, seed=3, overlap=0.0)
    )


@pytest.fixture(scope="module")
def raw(truth):
    return truth.to_recording()


@pytest.fixture(scope="module")
def finished(raw):
    return run(raw)


def test_stages_are_the_fields_in_run_order():
    fields = [name for name in PipelineSettings.model_fields if name in TITLES]
    assert fields == [*MOVIE_STAGES, *STAGES] == list(TITLES)


def test_everything_is_made_and_logged_in_order(finished):
    assert list(finished.traces) == ["raw", "baseline", "dff", "background_corrected", "denoised"]
    for name in ("events", "coactivity", "ensemble_events", "ensembles", "features"):
        assert getattr(finished, name) is not None
    assert [e.stage for e in finished.log][-len(USED) :] == list(USED)
    assert all(e.seconds >= 0 and e.peak_memory_mb > 0 for e in finished.log[-len(USED) :])


def test_input_is_left_as_it_was(raw, finished):
    assert list(raw.traces) == ["raw"] and raw.events is None and len(raw.log) == 1
    assert finished.traces["raw"] is raw.traces["raw"]


def test_known_ensembles_are_found(truth, finished):
    true_sets = [set(truth.members[k].tolist()) for k in range(2)]
    found = [set(finished.ensembles.members_of(k).roi_id.tolist()) for k in finished.ensembles]
    best = [max((len(t & f) / len(t | f) for f in found), default=0.0) for t in true_sets]
    assert min(best) > 0.6, (best, len(found))


def test_same_settings_same_result_with_any_executor(raw, finished):
    with ThreadPoolExecutor(1) as one:
        assert run(raw, executor=one) == finished


def test_permuting_cells_permutes_the_events(raw, finished):
    order = np.random.default_rng(0).permutation(raw.n_rois)
    shuffled = Recording(
        raw.name, raw.roi_ids[order], raw.frame_rate, {"raw": Trace(raw.traces["raw"].values[order], "a.u.")}
    )
    settings = PipelineSettings(coactivity=None, significance=None, ensembles=None, features=None)
    events = run(shuffled, settings).events
    for roi in raw.roi_ids:
        np.testing.assert_array_equal(
            events.onset_s[events.roi_id == roi], finished.events.onset_s[finished.events.roi_id == roi]
        )


def test_yaml_round_trip():
    for settings in (PipelineSettings(), PipelineSettings.course(), PipelineSettings(denoise=None)):
        assert PipelineSettings.from_yaml(settings.to_yaml()) == settings


def test_settings_come_back_from_the_log(raw):
    settings = PipelineSettings.course().replace(features=None)
    made = settings_of(run(raw, settings), settings)
    assert made == settings


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("baseline: {method: percentile, percentil: 20}", "baseline.percentil"),
        ("events: {method: guess}", "events.method"),
        ("colour: red", "colour"),
        ("coactivity: {window: -1}", "coactivity.window"),
        ("version: 2", "version"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(text, path):
    with pytest.raises(SettingsError, match=f"^{path}: ") as caught:
        PipelineSettings.from_yaml(text)
    assert "\n" not in str(caught.value)


def test_rerunning_a_stage_drops_what_was_made_from_it(finished):
    again = run_stage(finished, "denoise", PipelineSettings().denoise)
    reads = {e.stage: e.reads for e in finished.log}
    assert "denoised" in again.traces and again.traces["dff"] is finished.traces["dff"]
    assert (again.events is None) == ("traces/denoised" in reads["events"])
    fresh = run_stage(finished, "events", PipelineSettings().events)
    assert fresh.ensembles is None and fresh.coactivity is None and fresh.features is None
    assert [e.stage for e in fresh.log][-1] == "events"
    assert not {"coactivity", "significance", "ensembles"}.intersection(e.stage for e in fresh.log)


def test_skipped_stages_leave_nothing_of_an_earlier_run(finished):
    less = run(finished, PipelineSettings(denoise=None, ensembles=None))
    assert "denoised" not in less.traces and less.ensembles is None and less.ensemble_events is not None


def test_recording_of_dff_skips_the_baseline(raw, finished):
    given = Recording("dff", raw.roi_ids, raw.frame_rate, {"dff": finished.traces["dff"]})
    result = run(given)
    assert "baseline" not in {e.stage for e in result.log}
    assert result.events is not None


def test_falls_back_to_an_earlier_trace_and_says_so(raw):
    settings = PipelineSettings(background=None, coactivity=None, significance=None, ensembles=None)
    result = run(raw, settings)
    entry = next(e for e in result.log if e.stage == "denoise")
    assert entry.reads == ("traces/dff",) and "background_corrected was not made" in entry.notes[0]


def test_cancelling_at_any_moment_leaves_the_recording_alone(raw):
    for limit in (1, 7, 20):
        calls = 0

        def stop(done, total, limit=limit):
            nonlocal calls
            calls += 1
            if calls >= limit:
                raise Cancelled

        with pytest.raises(Cancelled):
            run(raw, on_progress=stop)
        assert list(raw.traces) == ["raw"]


def test_progress_of_the_whole_run_never_goes_back(raw):
    seen = []
    stages = []
    run(raw, on_progress=lambda done, total: seen.append(done / total), on_stage=stages.append)
    assert seen == sorted(seen) and seen[-1] == 1
    assert stages == list(USED)


def test_stages_that_miss_something_say_what(raw):
    with pytest.raises(StageError, match="Coactivity needs the results of Events"):
        run_stage(raw, "coactivity", PipelineSettings().coactivity)
    with pytest.raises(StageError, match=r"reads .* but there is raw"):
        run_stage(raw, "events", PipelineSettings().events)
    with pytest.raises(StageError, match="frame rate is not known"):
        run_stage(raw.replace(frame_rate=None), "baseline", PipelineSettings().baseline)


def test_preview_is_the_stage_on_a_few_cells(finished):
    ids = finished.roi_ids[[4, 2]]
    small = preview(finished, "baseline", PipelineSettings().baseline, ids)
    np.testing.assert_array_equal(small.roi_ids, ids)
    np.testing.assert_array_equal(small.traces["dff"].values, finished.traces["dff"].values[[4, 2]])


@pytest.mark.parametrize(
    "settings", [PipelineSettings(), PipelineSettings.course()], ids=["default", "course"]
)
@pytest.mark.parametrize(
    "values",
    [
        np.empty((0, 50)),
        np.full((1, 1), 5.0),
        np.full((3, 400), 7.0),
        np.full((2, 300), np.nan),
        np.zeros((2, 300)),
        -np.ones((2, 300)),
        np.vstack([np.full(300, np.nan), np.random.default_rng(0).normal(100, 3, 300)]),
    ],
    ids=["no cells", "one sample", "constant", "all NaN", "zeros", "negative", "one of two"],
)
def test_poor_recordings_give_results_not_crashes(values, settings):
    recording = Recording("poor", np.arange(len(values)), 5.0, {"raw": Trace(values, "a.u.")})
    result = run(recording, settings)
    assert len(result.ensembles) == 0
    assert all(
        np.isfinite(t.values).any()
        or not np.isfinite(values).all()
        or values.max(initial=-1) <= 0
        or not values.size
        for t in result.traces.values()
    )


@pytest.mark.skipif(
    not os.path.isdir("../shared/data"), reason="the real recordings are not beside this checkout"
)
@pytest.mark.parametrize(
    ("name", "rate"), [("allen_visual_coding_30hz", 30.0), ("zebrafish_pdp_7.5hz_1", 7.5)]
)
def test_real_recordings_run_through(name, rate):
    from napari_calcium.io.csv import CsvSettings
    from napari_calcium.io.opening import open_recording

    recording = open_recording(f"../shared/data/{name}.csv", CsvSettings(frame_rate=rate))
    result = run(recording)
    assert "raw" not in result.traces and len(result.events) > 0
    assert result.events.fwhm_s[np.isfinite(result.events.fwhm_s)].min() > 0
