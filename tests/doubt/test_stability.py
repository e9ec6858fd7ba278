"""Variants of a result, and how it moves with its settings."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from napari_calcium.doubt.comparison import agreement
from napari_calcium.doubt.stability import knobs_of, stability, stability_table
from napari_calcium.doubt.variants import complete, stages_made, variant
from napari_calcium.events.validation import ValidationSettings
from napari_calcium.pipeline import run
from napari_calcium.pipeline_settings import PipelineSettings
from napari_calcium.progress import Cancelled
from napari_calcium.results.event_choices import EventChoice
from napari_calcium.simulate import SimulationSettings, simulate
from napari_calcium.stages.stage_steps import StageError


@pytest.fixture(scope="module")
def raw():
    made = simulate(SimulationSettings(n_rois=30, n_frames=900, frame_rate=10.0, n_ensembles=2, seed=3))
    return made.to_recording().replace(movie=None)


@pytest.fixture(scope="module")
def finished(raw):
    return run(raw)


@pytest.fixture(scope="module")
def points(finished):
    return stability(finished)


# --- variants

CHANGES = {
    "baseline": lambda s: s.replace(percentile=20),
    "events": lambda s: s.replace(n_sd=5.0),
    "coactivity": lambda s: s.replace(window=1.0),
    "significance": lambda s: s.replace(false_discovery_rate=0.01),
    "ensembles": lambda s: s.replace(seed=4),
    "features": lambda s: s.replace(min_events=5),
}


@pytest.mark.parametrize("stage", CHANGES)
def test_a_variant_is_a_whole_run_with_these_settings(raw, finished, stage):
    settings = PipelineSettings()
    other = CHANGES[stage](getattr(settings, stage))
    assert variant(finished, {stage: other}) == run(raw, settings.replace(**{stage: other}))


def test_two_changes_at_once(raw, finished):
    settings = PipelineSettings()
    changes = {name: CHANGES[name](getattr(settings, name)) for name in ("ensembles", "events")}
    assert variant(finished, changes) == run(raw, settings.replace(**changes))


def test_the_same_settings_make_the_same_result_without_a_run(finished):
    assert variant(finished, {"events": PipelineSettings().events}) is finished
    assert variant(finished, {}) is finished


def test_decisions_by_hand_are_applied_again(raw, finished):
    found = finished.events
    choice = EventChoice(int(found.roi_id[0]), float(found.onset_s[0]), "reject")
    settings = PipelineSettings(validation=ValidationSettings(choices=(choice,)))
    judged = run(raw, settings)
    stricter = CHANGES["events"](settings.events)
    assert variant(judged, {"events": stricter}) == run(raw, settings.replace(events=stricter))


def test_what_is_not_asked_for_is_gone_and_can_be_completed(raw, finished):
    other = CHANGES["events"](PipelineSettings().events)
    part = variant(finished, {"events": other}, only=("coactivity",))
    assert part.features is None and part.ensembles is None and part.coactivity is not None
    whole = complete(part, PipelineSettings(), stages_made(finished))
    assert whole == run(raw, PipelineSettings(events=other))


# --- stability


def test_the_settings_that_matter_are_those_of_the_methods_that_ran(raw, finished):
    knobs = knobs_of(finished)
    assert [(k.stage, k.field) for k in knobs] == [
        ("events", "n_sd"),
        ("coactivity", "window"),
        ("significance", "false_discovery_rate"),
        ("ensembles", "seed"),
    ]
    assert knobs[1].values == (0.25, 0.5, 0.75, 1.0, 1.25, 1.5) and knobs[1].unit == "s"
    for knob in knobs:
        assert knob.current in knob.values and list(knob.values) == sorted(set(knob.values))
        assert knob.at(knob.current) == knob.settings
        assert all(getattr(knob.at(v), knob.field) == v for v in knob.values)
    course = knobs_of(run(raw, PipelineSettings.course()))
    assert ("significance", "percentile") in [(k.stage, k.field) for k in course]


def test_a_present_value_between_the_others_is_among_them(raw):
    odd = PipelineSettings()
    odd = odd.replace(coactivity=odd.coactivity.replace(window=0.6))
    knob = next(k for k in knobs_of(run(raw, odd)) if k.field == "window")
    assert knob.values == (0.25, 0.5, 0.6, 0.75, 1.0, 1.25, 1.5)


def test_present_values_are_the_present_result(finished, points):
    now = [p for p in points if p.is_current]
    assert len(now) == len(knobs_of(finished))
    for point in now:
        assert point.recording is finished
        assert (point.n_events, point.n_ensembles) == (len(finished.events), len(finished.ensembles))
        assert point.agreement == point.members == 1


def test_every_point_is_the_run_with_that_value(raw, points):
    for field, value in (("n_sd", 6.0), ("window", 1.0), ("false_discovery_rate", 0.01), ("seed", 3)):
        point = next(p for p in points if p.knob.field == field and p.value == value)
        settings = PipelineSettings().replace(**{point.knob.stage: point.knob.at(value)})
        whole = run(raw, settings)
        assert point.recording.events == whole.events
        assert point.recording.ensembles == whole.ensembles
        assert point.n_ensemble_events == len(whole.ensemble_events)
        now = next(p for p in points if p.is_current).recording
        assert point.agreement == pytest.approx(agreement(whole.ensembles, now.ensembles))


def test_a_higher_threshold_finds_fewer_events(points):
    counts = [p.n_events for p in points if p.knob.field == "n_sd"]
    assert counts == sorted(counts, reverse=True) and counts[0] > counts[-1]


def test_clear_ensembles_hold_whatever_the_seed(raw):
    made = simulate(
        SimulationSettings(n_rois=40, n_frames=1500, frame_rate=10.0, n_ensembles=2, seed=1, overlap=0.0)
    )
    result = run(made.to_recording().replace(movie=None))
    seeds = [k for k in knobs_of(result) if k.field == "seed"]
    assert len(result.ensembles) == 2
    assert min(p.agreement for p in stability(result, seeds)) > 0.9


def test_points_do_not_depend_on_the_number_of_workers(finished):
    knobs = [k for k in knobs_of(finished) if k.field in ("seed", "window")]
    alone = stability(finished, knobs)
    with ThreadPoolExecutor(3) as executor:
        together = stability(finished, knobs, executor=executor)
    assert [p.recording for p in alone] == [p.recording for p in together]


def test_progress_only_grows_and_points_come_one_by_one(finished):
    knobs = [k for k in knobs_of(finished) if k.field == "seed"]
    seen, come = [], []
    stability(
        finished, knobs, on_progress=lambda done, total: seen.append(done / total), on_point=come.append
    )
    assert seen == sorted(seen) and seen[-1] == 1
    assert len(come) == len(knobs[0].values) and come[0].is_current


def test_it_can_be_cancelled(finished):
    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        stability(finished, on_progress=stop)


def test_without_a_result_it_says_what_to_run(raw):
    with pytest.raises(StageError, match="Ensembles"):
        stability(raw)


def test_the_table_has_a_row_a_value(points):
    table = stability_table(points)
    assert len(table) == len(points)
    assert table["current"].sum() == 4
    assert np.isfinite(table[["events", "ensemble_similarity", "member_similarity"]].to_numpy(float)).all()
