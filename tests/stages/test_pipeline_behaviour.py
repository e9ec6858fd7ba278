"""The stages of the behaviour in a whole run: what is planted is found, what is old goes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_calcium.behaviour.alignment import AutomaticAlignment, OffsetAlignment
from napari_calcium.behaviour.decoding import DecodingSettings
from napari_calcium.behaviour.relations import RelationSettings
from napari_calcium.behaviour.response_tests import ByMoving, ByShift
from napari_calcium.behaviour.triggered import TriggeredSettings
from napari_calcium.behaviour.tuning import TuningSettings
from napari_calcium.io.behaviour_csv import BehaviourFileSettings, add_behaviour
from napari_calcium.io.results_folder import new_results_folder, write_results
from napari_calcium.io.results_reading import read_results
from napari_calcium.pipeline import PipelineSettings, run, run_stage, settings_of, without_results
from napari_calcium.pipeline_settings import default_settings
from napari_calcium.recording import Recording, Trace
from napari_calcium.results.behaviour_results import BehaviourFile, Epochs
from napari_calcium.simulate.behaviour_simulation import (
    BehaviourSimulationSettings,
    simulate_behaviour,
)
from napari_calcium.simulate.simulation_settings import SimulationSettings
from napari_calcium.stages.pipeline_behaviour import BEHAVIOUR_STAGES, subjects_of
from napari_calcium.stages.stage_steps import StageError

SETTINGS = PipelineSettings(
    **{stage: default_settings(stage) for stage in BEHAVIOUR_STAGES}
    | {"tuning": TuningSettings(n_shifts=500), "decoding": DecodingSettings(n_shifts=40)}
)


@pytest.fixture(scope="module")
def truth():
    return simulate_behaviour()


@pytest.fixture(scope="module")
def result(truth):
    return run(truth.to_recording().replace(movie=None), SETTINGS)


def ids(table, name, kind="neuron", **wanted):
    own = (table.kind == kind) & (table.q_value <= 0.05)
    for column, value in wanted.items():
        own &= getattr(table, column) == value
    return set(table.id[own].tolist())


def test_the_clock_comes_back_from_the_pulses(truth, result):
    found = result.behaviour
    assert abs(found.drift_ppm - truth.settings.drift) < 0.1
    np.testing.assert_allclose(found.offset_s, -truth.settings.clock_start, atol=0.01)
    frames = (np.arange(result.n_frames) + 0.5) / result.frame_rate
    np.testing.assert_allclose(found.values[0], np.interp(frames, frames, truth.simulation.speed), atol=1.0)


def test_speed_cells_go_with_speed_at_their_lag(truth, result):
    table = result.relations
    hits = ids(table, "relations", signal="speed")
    assert set(truth.speed_cells.tolist()) <= hits
    own = np.isin(table.id, truth.speed_cells) & (table.kind == "neuron") & (table.signal == "speed")
    assert abs(np.median(table.lag_s[own]) - truth.settings.lag) < 0.25


def test_those_who_know_nothing_are_not_found(truth, result):
    """Members of the ensembles that prefer a stimulus, and whoever moves with speed, know something."""
    known = [truth.speed_cells, truth.place_cells, truth.stimulus_cells]
    known += [truth.simulation.members[k] for k in truth.preferring.values()]
    unaware = np.setdiff1d(result.roi_ids, np.concatenate(known))
    for table in (result.relations, result.tuning.tuned, result.triggered.responses):
        own = np.isin(table.id, unaware) & (table.kind == "neuron")
        assert (table.q_value[own] <= 0.05).mean() < 0.02


def test_place_cells_have_their_field_where_it_is(truth, result):
    table = result.tuning.tuned
    own = table.take((table.kind == "neuron") & (table.signal == "x × y"))
    rows = np.searchsorted(own.id, truth.place_cells)
    found = own.q_value[rows] <= 0.05
    assert found.mean() > 0.5
    centres = np.stack([own.preferred[rows], own.preferred_y[rows]], axis=1)[found]
    assert np.median(np.hypot(*(centres - truth.centres[found]).T)) < 15


def test_stimulus_cells_answer_gratings_and_next_to_nobody_licks(truth, result):
    table = result.triggered.responses
    gratings = ids(table, "triggered", label="grating")
    assert len(set(truth.stimulus_cells.tolist()) - gratings) <= 2
    own = np.isin(table.id, truth.stimulus_cells) & (table.label == "grating") & (table.kind == "neuron")
    assert (table.response[own] > 0).all()
    # q is over all labels: of some 30 discoveries 5 % may be false.
    assert len(ids(table, "triggered", label="lick")) <= 2


def test_ensembles_prefer_their_stimulus(truth, result):
    """Ensembles are found anew, so they are told by their members."""
    for stimulus, number in truth.preferring.items():
        members = set(truth.simulation.members[number].tolist())
        shared = {
            k: len(members & set(result.ensembles.members_of(k).roi_id.tolist()))
            for k in result.ensembles.ids
        }
        found = max(shared, key=shared.get)
        assert found in ids(result.preferences, "preferences", kind="ensemble", label=stimulus)


def test_speed_and_gratings_can_be_told_from_the_neurons_and_licks_cannot(result):
    scores = result.decoding.scores
    rows = {(t, s): k for k, (t, s) in enumerate(zip(scores.target, scores.source, strict=True))}
    assert scores.score[rows["speed", "neurons"]] > 0.4
    assert scores.p_value[rows["speed", "neurons"]] <= 0.05
    assert scores.score[rows["grating", "neurons"]] > 0.7
    assert abs(scores.score[rows["lick", "neurons"]] - 0.5) < 0.1


def test_a_run_says_what_it_found(result):
    notes = {entry.stage: entry.notes for entry in result.log}
    assert any("118 pulses" in note for note in notes["behaviour"])
    assert any(note.startswith("speed:") and "of 120 cells" in note for note in notes["relations"])
    assert any("balanced accuracy" in note for note in notes["decoding"])


def test_settings_come_back_from_the_log_and_the_yaml(result):
    assert settings_of(result) == SETTINGS
    assert PipelineSettings.from_yaml(SETTINGS.to_yaml()) == SETTINGS
    assert all(getattr(PipelineSettings(), stage) is None for stage in BEHAVIOUR_STAGES)


def test_a_new_alignment_drops_what_was_made_of_the_old_one(result):
    again = run_stage(result, "behaviour", OffsetAlignment(offset=-12.5))
    assert again.behaviour is not None
    for name in ("relations", "tuning", "triggered", "preferences", "decoding"):
        assert getattr(again, name) is None
    assert again.events is result.events
    assert again.behaviour_file is result.behaviour_file


def test_new_events_drop_what_was_made_of_them_and_keep_the_alignment(result):
    again = run_stage(result, "events", default_settings("events"))
    assert again.behaviour is result.behaviour
    assert again.relations is None
    assert again.preferences is None


def test_the_file_stays_when_results_go(result):
    bare = without_results(result)
    assert bare.behaviour_file is result.behaviour_file
    assert bare.behaviour is None


def test_files_give_what_the_simulation_has(truth, tmp_path):
    files = truth.write_files(tmp_path)
    chosen = BehaviourFileSettings(**{name: path.name for name, path in files.items()})
    recording = truth.simulation.to_recording().replace(movie=None)
    found = run_stage(add_behaviour(recording, chosen, tmp_path), "behaviour", AutomaticAlignment())
    direct = run_stage(truth.to_recording().replace(movie=None), "behaviour", AutomaticAlignment())
    assert found.behaviour.names == direct.behaviour.names
    assert found.behaviour.units == direct.behaviour.units
    np.testing.assert_allclose(found.behaviour.values, direct.behaviour.values, atol=0.3)
    np.testing.assert_allclose(found.behaviour.epochs.start_s, direct.behaviour.epochs.start_s, atol=0.02)


def test_without_a_file_the_population_stands_in():
    quiet = SimulationSettings(n_rois=20, n_frames=800, n_ensembles=0)
    recording = simulate_behaviour(BehaviourSimulationSettings(recording=quiet)).simulation.to_recording()
    stages = dict.fromkeys(PipelineSettings.model_fields) | {
        "baseline": default_settings("baseline"),
        "behaviour": AutomaticAlignment(),
        "relations": RelationSettings(input="dff"),
        "tuning": TuningSettings(input="dff"),
    }
    chosen = {k: v for k, v in stages.items() if k in BEHAVIOUR_STAGES or k == "baseline"}
    skipped = dict.fromkeys(
        ("background", "denoise", "events", "coactivity", "significance", "ensembles", "features")
    )
    result = run(recording.replace(movie=None), PipelineSettings(**(skipped | chosen)))
    assert result.behaviour.names == ("population mean", "first component")
    assert result.behaviour.stand_ins == (True, True)
    assert result.behaviour.made_of == "dff"
    assert np.isfinite(result.relations.correlation[result.relations.kind == "neuron"]).all()
    assert not result.tuning.curves


def test_results_come_back_whole(result, tmp_path):
    with new_results_folder(tmp_path / "r") as folder:
        write_results(result, folder, SETTINGS.to_yaml())
    back = read_results(tmp_path / "r")
    for name in ("behaviour_file", *BEHAVIOUR_STAGES):
        assert getattr(back, name) == getattr(result, name)


@pytest.mark.parametrize(
    ("stage", "settings", "message"),
    [
        ("behaviour", OffsetAlignment(offset=1e5), "do not overlap"),
        ("behaviour", AutomaticAlignment(stand_ins="always", input="spikes"), "reads spikes"),
        ("relations", RelationSettings(), "needs the results of Behaviour"),
        ("tuning", TuningSettings(map_x="nowhere", map_y="y"), "no signal 'nowhere'"),
    ],
)
def test_what_cannot_run_says_what_to_do(truth, result, stage, settings, message):
    recording = result if stage == "tuning" else truth.to_recording()
    with pytest.raises(StageError, match=message) as error:
        run_stage(recording, stage, settings)
    assert "\n" not in str(error.value)


def test_no_file_and_no_stand_ins_is_told():
    recording = simulate_behaviour().simulation.to_recording()
    with pytest.raises(StageError, match="no file of the behaviour"):
        run_stage(recording, "behaviour", AutomaticAlignment(stand_ins="never"))


def test_subjects_are_neurons_ensembles_and_the_population(result):
    subjects, reads, _ = subjects_of(result, "denoised", 0.5, "relations")
    assert subjects.values.shape == (120 + len(result.ensembles) + 1, result.n_frames)
    assert reads == ("traces/denoised", "ensembles")
    np.testing.assert_allclose(subjects.values[-1], result.traces["denoised"].values.mean(axis=0), rtol=1e-4)
    number = len(result.ensembles.activations_of(0))
    np.testing.assert_allclose(subjects.values[120].sum() / result.frame_rate, number, rtol=1e-3)


def test_simulation_is_the_same_again_and_knows_its_truth(truth):
    again = simulate_behaviour()
    np.testing.assert_array_equal(again.simulation.raw, truth.simulation.raw)
    assert again.file == truth.file
    groups = [truth.speed_cells, truth.place_cells, truth.stimulus_cells]
    assert len(np.unique(np.concatenate(groups))) == sum(map(len, groups))
    assert [s.name for s in truth.file.signals] == ["speed", "pupil", "x", "y"]


def test_what_comes_at_equal_intervals_is_told_of():
    rng = np.random.default_rng(0)
    start = np.arange(5.0, 120, 10)
    flashes = Epochs(np.full(12, "flash"), start, start + 1)
    file = BehaviourFile(epochs=flashes)
    activity = rng.standard_normal((3, 1200)).astype(np.float32)
    recording = Recording("r", np.arange(3), 10.0, {"denoised": Trace(activity, "ΔF/F")}).replace(
        behaviour_file=file
    )
    recording = run_stage(recording, "behaviour", OffsetAlignment())
    for test, told in ((ByShift(), 1), (ByMoving(), 0)):
        done = run_stage(recording, "triggered", TriggeredSettings(test=test))
        notes = next(entry.notes for entry in done.log if entry.stage == "triggered")
        assert sum("⚠ flash repeats itself" in note for note in notes) == told
