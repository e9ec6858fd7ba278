import numpy as np
import pytest

from napari_calcium.events.spike_bursts import SpikeEvents
from napari_calcium.pipeline import STAGES, PipelineSettings
from napari_calcium.recording import LogEntry, Trace
from napari_calcium.session import Session
from napari_calcium.spikes.spikes_settings import DeconvolvedSpikes, NetworkSpikes
from napari_calcium.traces.baseline import MaximinBaseline, PercentileBaseline
from napari_calcium.traces.denoise import SavitzkyGolayDenoise
from napari_calcium.widgets.plan import (
    Plan,
    StageState,
    bring_up_to_date,
    entry_of,
    must_begin_anew,
    not_needed,
    pending,
    settings_made,
)

USED = tuple(stage for stage in STAGES if getattr(PipelineSettings(), stage) is not None)
"""Stages that are not skipped by default."""


@pytest.fixture
def recording(few):
    return few


@pytest.fixture
def session(few_session):
    return few_session


def states(plan):
    return {stage: plan.state(stage) for stage in USED}


@pytest.fixture
def plan(session):
    return Plan(session)


def test_a_fresh_plan_has_the_defaults_and_nothing_has_run(plan):
    assert plan.settings.replace(read=PipelineSettings().read) == PipelineSettings()
    assert set(states(plan).values()) == {StageState.NOT_RUN}


def test_the_reading_of_the_file_comes_from_the_recording(plan, recording):
    assert plan.settings.read.frame_rate == 10.0


def test_a_skipped_stage_is_none_and_its_settings_are_remembered(plan):
    plan.set_stage("baseline", MaximinBaseline(window=33))
    plan.set_enabled("baseline", False)
    assert plan.settings.baseline is None
    assert plan.state("baseline") is StageState.SKIPPED
    plan.set_enabled("baseline", True)
    assert plan.settings.baseline == MaximinBaseline(window=33)


def test_signals_tell_changes_and_only_changes(plan):
    seen = []
    plan.stage_changed.connect(seen.append)
    plan.set_stage("baseline", plan.stage("baseline"))
    plan.set_enabled("baseline", True)
    assert seen == []
    plan.set_stage("baseline", MaximinBaseline())
    plan.set_enabled("events", False)
    assert seen == ["baseline", "events"]


def test_loading_takes_over_settings_and_skips(plan):
    chosen = PipelineSettings(baseline=MaximinBaseline(window=12), denoise=None)
    plan.load(chosen)
    assert plan.stage("baseline") == MaximinBaseline(window=12)
    assert not plan.is_enabled("denoise")
    assert plan.stage("denoise") == PipelineSettings().denoise


def test_stages_are_up_to_date_after_running_and_out_of_date_after_an_edit(plan, session, fake_stages):
    session.apply(bring_up_to_date(session.recording, plan.settings), "all")
    assert set(states(plan).values()) == {StageState.UP_TO_DATE}
    plan.set_stage("events", plan.stage("events").replace(input="raw"))
    k = USED.index("events")
    assert {plan.state(s) for s in USED[:k]} == {StageState.UP_TO_DATE}
    assert {plan.state(s) for s in USED[k:]} == {StageState.STALE}


def test_only_what_has_to_run_runs(session, fake_stages):
    settings = PipelineSettings()
    done = bring_up_to_date(session.recording, settings)
    assert fake_stages.ran == list(USED)
    fake_stages.ran.clear()
    assert bring_up_to_date(done, settings) is done
    assert fake_stages.ran == []
    edited = settings.replace(events=settings.events.replace(input="raw"))
    bring_up_to_date(done, edited)
    assert fake_stages.ran == list(USED[USED.index("events") :])


def test_a_stage_that_ran_out_of_order_makes_the_later_ones_run_again(recording, fake_stages):
    settings = PipelineSettings()
    first = fake_stages(recording, "events", settings.events)
    then = fake_stages(first, "baseline", settings.baseline)
    assert pending(then, settings) == USED
    done = bring_up_to_date(then, settings)
    assert [entry.stage for entry in done.log if entry.stage in STAGES] == list(USED)
    assert pending(done, settings) == ()


def test_skipping_what_has_run_begins_anew(session, fake_stages):
    settings = PipelineSettings()
    done = bring_up_to_date(session.recording, settings)
    without = settings.replace(denoise=None)
    assert must_begin_anew(done, without)
    fake_stages.ran.clear()
    again = bring_up_to_date(done, without)
    assert entry_of(again, "denoise") is None
    assert "made_denoise" not in again.traces
    assert fake_stages.ran == [s for s in USED if s != "denoise"]


def test_skipping_everything_leaves_what_was_read(session, recording, fake_stages):
    done = bring_up_to_date(session.recording, PipelineSettings())
    nothing = PipelineSettings(**dict.fromkeys(STAGES))
    assert bring_up_to_date(done, nothing) == recording


def test_progress_covers_the_run_and_stages_are_announced(recording, fake_stages):
    shares, stages, results = [], [], []
    bring_up_to_date(
        recording,
        PipelineSettings(),
        on_progress=lambda done, total: shares.append(done / total),
        on_stage=stages.append,
        on_result=lambda stage, result: results.append((stage, entry_of(result, stage) is not None)),
    )
    assert stages == list(USED)
    assert results == [(stage, True) for stage in USED]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert 0.8 < shares[-1] <= 1


def test_forms_follow_undo_and_redo_and_edits_elsewhere_stay(plan, session, fake_stages):
    plan.set_stage("baseline", PercentileBaseline(percentile=11))
    session.apply(fake_stages(session.recording, "baseline", plan.stage("baseline")), "Baseline")
    plan.set_stage("baseline", PercentileBaseline(percentile=22))
    session.apply(fake_stages(session.recording, "baseline", plan.stage("baseline")), "Baseline")
    events = plan.stage("events").replace(input="raw")
    plan.set_stage("events", events)
    session.undo()
    assert plan.stage("baseline") == PercentileBaseline(percentile=11)
    assert plan.stage("events") == events
    assert plan.state("baseline") is StageState.UP_TO_DATE
    session.redo()
    assert plan.stage("baseline") == PercentileBaseline(percentile=22)


def test_an_edit_stays_when_another_stage_runs(plan, session, fake_stages):
    session.apply(fake_stages(session.recording, "baseline", plan.stage("baseline")), "Baseline")
    plan.set_stage("baseline", PercentileBaseline(percentile=44))
    session.apply(fake_stages(session.recording, "background", plan.stage("background")), "Background")
    assert plan.stage("baseline") == PercentileBaseline(percentile=44)
    assert plan.state("baseline") is StageState.STALE


def test_a_recording_that_came_as_dff_needs_no_baseline(session, recording, fake_stages):
    came = recording.replace(traces={"dff": Trace(np.zeros((6, 80), np.float32), "ΔF/F")})
    session.open(came)
    plan = Plan(session)
    assert not_needed(came, "baseline")
    assert plan.state("baseline") is StageState.NOT_NEEDED
    assert "baseline" not in pending(came, plan.settings)


def test_settings_made_reproduce_what_is_there_and_skip_the_rest(recording, fake_stages):
    positions = LogEntry("positions", {"labels": "rois.tif", "image": None, "link": "order"})
    there = recording.replace(log=(*recording.log, positions))
    done = fake_stages(there, "baseline", MaximinBaseline(window=7))
    made = settings_made(done)
    assert made.baseline == MaximinBaseline(window=7)
    assert all(getattr(made, stage) is None for stage in STAGES[1:])
    assert made.read.frame_rate == 10.0
    assert (made.positions.labels, made.positions.link) == ("rois.tif", "order")


def test_results_whose_settings_are_unknown_leave_the_form_and_are_out_of_date(plan, session, recording):
    strange = recording.with_step(
        LogEntry("events", {"method": "of the future"}, ("traces/raw",), ("events",))
    )
    before = plan.stage("events")
    session.apply(strange, "strange")
    assert plan.stage("events") == before
    assert plan.state("events") is StageState.STALE


@pytest.fixture
def analysed(few, fake_stages):
    """Everything has run, without spikes."""
    chosen = settings_made(few).replace(**{s: getattr(PipelineSettings(), s) for s in USED})
    return bring_up_to_date(few, chosen)


def inferred(recording, **chosen):
    settings = NetworkSpikes(**chosen)
    entry = LogEntry("spikes", settings.model_dump(mode="json"), ("traces/dff",), ("traces/spikes",))
    return recording.with_step(entry, traces={"spikes": recording.traces["raw"]})


def test_spikes_that_no_events_are_made_of_leave_the_other_stages_up_to_date(analysed):
    plan = Plan(Session())
    plan._session.open(inferred(analysed))
    assert plan.state("spikes") is StageState.UP_TO_DATE
    assert set(states(plan).values()) == {StageState.UP_TO_DATE}
    plan.set_stage("spikes", DeconvolvedSpikes())
    assert pending(inferred(analysed), plan.settings) == ("spikes",)


def test_spikes_are_out_of_date_with_a_stage_before_them(analysed):
    plan = Plan(Session())
    plan._session.open(inferred(analysed))
    plan.set_stage("baseline", MaximinBaseline(window=33))
    assert plan.state("spikes") is StageState.STALE
    due = pending(inferred(analysed), plan.settings)
    assert due.index("baseline") < due.index("spikes") < due.index("events")


def test_spikes_need_no_stage_that_makes_another_trace(analysed):
    plan = Plan(Session())
    plan._session.open(inferred(analysed))
    plan.set_stage("denoise", SavitzkyGolayDenoise())
    assert plan.state("denoise") is StageState.STALE
    assert plan.state("spikes") is StageState.UP_TO_DATE


def test_spikes_of_a_trace_that_would_be_another_now_are_out_of_date(analysed):
    plan = Plan(Session())
    plan._session.open(inferred(analysed, input="raw"))
    assert plan.state("spikes") is StageState.STALE


def test_events_from_spikes_come_after_them(analysed):
    plan = Plan(Session())
    plan._session.open(inferred(analysed))
    plan.set_stage("events", SpikeEvents())
    assert pending(inferred(analysed), plan.settings)[0] == "spikes"
    assert "events" in pending(inferred(analysed), plan.settings)


def test_skipping_spikes_takes_them_away_and_leaves_the_rest(analysed, fake_stages):
    made = inferred(analysed)
    fake_stages.ran.clear()
    without = bring_up_to_date(made, settings_made(analysed))
    assert fake_stages.ran == []
    assert without == analysed


def population_run(recording, *stages):
    from napari_calcium.pipeline import run_stage
    from napari_calcium.pipeline_settings import default_settings

    for stage in stages:
        recording = run_stage(recording, stage, default_settings(stage).replace(input="raw"))
    return recording


def raw_population(*stages):
    from napari_calcium.pipeline_settings import default_settings

    chosen = {stage: default_settings(stage).replace(input="raw") for stage in stages}
    return PipelineSettings(**(dict.fromkeys(STAGES) | chosen))


def test_stages_of_the_population_stand_in_whatever_order_they_ran(recording):
    ran = population_run(recording, "sorting", "coupling")
    assert pending(ran, raw_population("coupling", "sorting")) == ()
    assert pending(ran, raw_population("coupling", "dimensionality", "sorting")) == ("dimensionality",)


def test_a_stage_of_the_population_that_is_skipped_goes_alone(recording):
    ran = population_run(recording, "coupling", "sorting")
    left = bring_up_to_date(ran, raw_population("sorting"))
    assert left.population.coupling is None
    assert left.population.sorting is ran.population.sorting
    assert entry_of(left, "coupling") is None
