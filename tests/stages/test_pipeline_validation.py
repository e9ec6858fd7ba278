"""Events judged by hand, through the pipeline, the session and the results folder."""

import numpy as np
import pandas as pd
import pytest

from napari_calcium.events.validation import ValidationSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.results_folder import write_results
from napari_calcium.io.results_reading import read_results
from napari_calcium.pipeline import StageError, run, run_stage
from napari_calcium.pipeline_settings import STAGES, PipelineSettings
from napari_calcium.results.event_choices import EventChoice, decide
from napari_calcium.session import Session
from napari_calcium.simulate import SimulationSettings, simulate
from napari_calcium.stages.pipeline_validation import detected_events, review_of, with_choices
from napari_calcium.widgets.plan import Plan, StageState, bring_up_to_date, pending, settings_made


@pytest.fixture(scope="module")
def raw():
    truth = simulate(SimulationSettings(n_rois=30, n_frames=900, frame_rate=10.0, n_ensembles=2, seed=3))
    return truth.to_recording().replace(movie=None)


@pytest.fixture(scope="module")
def finished(raw):
    return run(raw)


def about(recording, choice, rows):
    found = detected_events(recording)
    return tuple(EventChoice(int(found.roi_id[k]), float(found.onset_s[k]), choice) for k in rows)


@pytest.fixture(scope="module")
def choices(finished):
    cell = int(finished.roi_ids[2])
    return tuple(
        sorted(
            (
                *about(finished, "reject", [0, 3]),
                *about(finished, "accept", [7]),
                EventChoice(cell, 33.3, "add"),
            )
        )
    )


@pytest.fixture(scope="module")
def judged(raw, choices):
    return run(raw, PipelineSettings(validation=ValidationSettings(choices=choices)))


def test_by_default_nothing_is_judged(finished):
    assert finished.detected_events is None and finished.event_choices == ()
    assert "validation" not in [entry.stage for entry in finished.log]
    assert detected_events(finished) is finished.events


def test_judging_after_a_run_is_judging_within_it(finished, judged, choices):
    """Applied to a finished recording, then everything after it: the bytes of one headless run."""
    settings = PipelineSettings(validation=ValidationSettings(choices=choices))
    recording = run_stage(finished, "validation", settings.validation)
    assert recording.coactivity is None and recording.features is None
    for stage in STAGES[STAGES.index("coactivity") :]:
        if getattr(settings, stage) is not None:
            recording = run_stage(recording, stage, getattr(settings, stage))
    assert recording == judged
    assert bring_up_to_date(with_choices(finished, choices), settings) == judged


def test_events_stand_as_judged(finished, judged):
    assert detected_events(judged) == finished.events
    assert len(judged.events) == len(finished.events) - 1  # two rejected, one added
    rejected = about(finished, "reject", [0, 3])
    standing = set(zip(judged.events.roi_id.tolist(), judged.events.onset_s.tolist(), strict=True))
    assert not standing & {c[:2] for c in rejected}
    assert (int(finished.roi_ids[2]), 33.3) in standing


def test_accepting_all_changes_nothing_but_the_log(finished):
    everything = about(finished, "accept", range(len(finished.events)))
    accepted = run_stage(finished, "validation", ValidationSettings(choices=everything))
    assert accepted.replace(log=(), detected_events=None, event_choices=()) == finished.replace(log=())
    without = tuple(entry for entry in accepted.log if entry.stage != "validation")
    assert without == finished.log
    assert pending(accepted, PipelineSettings(validation=ValidationSettings(choices=everything))) == ()


def test_a_cell_of_which_all_is_rejected_is_silent_in_everything_after(finished):
    members = finished.ensembles.members.roi_id if len(finished.ensembles) else finished.events.roi_id
    cell = int(members[0])
    own = np.flatnonzero(finished.events.roi_id == cell)
    silenced = bring_up_to_date(
        with_choices(finished, sorted(about(finished, "reject", own))),
        PipelineSettings(validation=ValidationSettings(choices=sorted(about(finished, "reject", own)))),
    )
    assert cell not in silenced.events.roi_id
    assert cell not in silenced.ensemble_events.member_ids
    assert cell not in silenced.ensembles.members.roi_id
    row = silenced.rows([cell])[0]
    assert silenced.features["n_events"][row] == 0


def test_a_false_event_of_a_silent_recording_is_the_only_one(raw):
    flat = raw.replace(
        traces={"dff": raw.traces["raw"].__class__(np.zeros((30, 900), np.float32), "ΔF/F")}, log=()
    )
    added = (EventChoice(int(flat.roi_ids[4]), 10.0, "add"),)
    made = run(flat, PipelineSettings(validation=ValidationSettings(choices=added)))
    assert made.events.roi_id.tolist() == [int(flat.roi_ids[4])]
    assert made.coactivity.active_neurons.max() == 1


def test_detection_run_again_keeps_the_decisions(judged, choices):
    stricter = PipelineSettings().events.replace(n_sd=6.0)
    again = run_stage(judged, "events", stricter)
    assert again.detected_events is None and again.event_choices == choices
    made = run_stage(again, "validation", ValidationSettings(choices=again.event_choices))
    assert made.event_choices == choices
    assert made.log[-1].notes[0].startswith("by hand: ")


def test_without_events_there_is_nothing_to_judge(raw):
    with pytest.raises(StageError, match="Events"):
        run_stage(raw, "validation", ValidationSettings())
    assert len(review_of(raw)) == 0


# --- the session


def test_undo_of_a_decision_gives_back_the_recording(finished):
    session = Session()
    session.open(finished)
    found = finished.events
    session.judge_event(int(found.roi_id[0]), float(found.onset_s[0]), "reject")
    assert session.history[-1].startswith("Reject event of cell")
    assert session.recording.events is finished.events  # what was made is still there
    session.undo()
    assert session.recording is finished
    session.redo()
    assert len(session.recording.event_choices) == 1
    session.judge_event(int(found.roi_id[0]), float(found.onset_s[0]), None)
    assert session.recording == finished


def test_deciding_what_is_decided_is_no_step(finished):
    session = Session()
    session.open(finished)
    for _ in range(3):
        session.judge_event(1, 2.0, "add")
    assert len(session.history) == 3


def test_the_plan_follows_decisions_and_undo(finished):
    session = Session()
    session.open(finished)
    plan = Plan(session)
    assert plan.state("validation") is StageState.SKIPPED
    found = finished.events
    session.judge_event(int(found.roi_id[0]), float(found.onset_s[0]), "reject")
    assert plan.state("events") is StageState.UP_TO_DATE
    assert plan.state("validation") is StageState.NOT_RUN
    assert plan.state("coactivity") is StageState.STALE
    session.amend(bring_up_to_date(session.recording, plan.settings))
    assert len(session.history) == 3
    assert plan.state("ensembles") is StageState.UP_TO_DATE
    assert len(session.recording.events) == len(found) - 1
    session.undo()
    assert plan.state("validation") is StageState.SKIPPED
    assert plan.state("ensembles") is StageState.UP_TO_DATE


def test_decisions_do_not_go_over_to_another_recording(finished, raw):
    session = Session()
    session.open(finished)
    plan = Plan(session)
    session.judge_event(0, 1.0, "add")
    session.open(raw.replace(name="other"))
    assert plan.settings.validation is None
    session.undo()
    assert plan.settings.validation.choices == (EventChoice(0, 1.0, "add"),)


def test_decisions_come_with_a_loaded_pipeline(finished, choices):
    session = Session()
    session.open(finished)
    plan = Plan(session)
    plan.load(PipelineSettings(validation=ValidationSettings(choices=choices)))
    assert session.recording.event_choices == choices
    session.undo()
    assert session.recording is finished


def test_a_preset_leaves_the_decisions_alone(finished):
    session = Session()
    session.open(finished)
    plan = Plan(session)
    session.judge_event(0, 1.0, "add")
    plan.load(PipelineSettings.course())
    assert session.recording.event_choices == (EventChoice(0, 1.0, "add"),)
    assert plan.settings.validation.choices == session.recording.event_choices


# --- the results folder


def test_the_pipeline_file_alone_makes_the_same_tables(raw, judged, tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    write_results(judged, first, settings_made(judged).to_yaml())
    again = PipelineSettings.from_yaml((first / "pipeline.yaml").read_text(encoding="utf-8"))
    write_results(run(raw, again), second, again.to_yaml())
    for path in sorted(first.rglob("*")):
        if path.is_file() and path.name != "log.json":
            assert (second / path.relative_to(first)).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("which", ["finished", "judged", "undecided", "not applied", "detected anew"])
def test_a_recording_comes_back_from_its_folder(which, finished, judged, choices, tmp_path):
    recording = {
        "finished": finished,
        "judged": judged,
        "undecided": with_choices(judged, ()),
        "not applied": with_choices(finished, choices),
        "detected anew": run_stage(judged, "events", PipelineSettings().events),
    }[which]
    write_results(recording, tmp_path, "")
    assert read_results(tmp_path) == recording


def test_tables_say_where_events_are_from(judged, finished, tmp_path):
    write_results(judged, tmp_path, "")
    events = pd.read_csv(tmp_path / "events.csv")
    assert list(events.columns)[:6] == ["roi_id", "onset_s", "peak_s", "end_s", "amplitude", "fwhm_s"]
    assert (events["source"] == "added").sum() == 1
    assert (events["status"] == "accepted").sum() == 2  # one accepted, one added
    found = pd.read_csv(tmp_path / "events_detected.csv")
    assert len(found) == len(finished.events) and (found["status"] == "rejected").sum() == 2
    assert set(pd.read_csv(tmp_path / "event_choices.csv")["choice"]) == {"accept", "reject", "add"}


def test_without_decisions_the_folder_is_as_ever(finished, tmp_path):
    write_results(finished, tmp_path, "")
    assert not list(tmp_path.glob("event_choices*")) and not list(tmp_path.glob("events_detected*"))
    assert "source" not in pd.read_csv(tmp_path / "events.csv")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("event_choices.csv", "reject", "perhaps", "accept, reject or add"),
        ("event_choices.csv", "choice", "chosen", "column choice is missing"),
        ("events_detected.csv", "rejected", "gone", "no status 'gone'"),
        ("events_detected.csv", "status", "state", "column status is missing"),
    ],
)
def test_a_damaged_table_is_named(judged, tmp_path, file, old, new, said):
    write_results(judged, tmp_path, "")
    path = tmp_path / file
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ReadError, match=f"{file}: .*{said}"):
        read_results(tmp_path)


def test_decide_keeps_what_a_reader_gives(choices):
    assert decide(choices, *choices[0]) == choices
