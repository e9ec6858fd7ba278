from importlib.util import find_spec

import numpy as np
import pytest

from napari_calcium.pipeline import STAGES, PipelineSettings, StageError, run, run_stage
from napari_calcium.pipeline_settings import default_settings
from napari_calcium.population.binned_activity import PopulationInput
from napari_calcium.population.dimensionality import UmapPlane
from napari_calcium.population.population_activity import PopulationActivitySettings
from napari_calcium.population.sorting import SortByBehaviour, SortByEnsemble, SortBySignal
from napari_calcium.recording import Recording, Trace
from napari_calcium.results.behaviour_results import Behaviour, Epochs
from napari_calcium.results.population_results import PARTS, Population
from napari_calcium.results.tables import Events
from napari_calcium.simulate import SimulationSettings, simulate
from napari_calcium.stages.pipeline_population import (
    POPULATION_STAGES,
    activity_of,
    cell_places,
    ensemble_rows,
)

RATE = 10.0


def made(n_rois=12, n_frames=600, seed=0):
    random = np.random.default_rng(seed)
    values = np.abs(random.standard_normal((n_rois, n_frames))).astype(np.float32)
    onset = np.sort(random.uniform(0, n_frames / RATE, 40))
    row = np.sort(random.integers(0, max(1, n_rois), 40)) if n_rois else np.empty(0, np.int64)
    onset = onset[: len(row)]
    ids = np.arange(n_rois) + 100
    events = Events(ids[row], onset, onset, onset, np.ones(len(onset)), np.ones(len(onset)))
    traces = {"dff": Trace(values, "ΔF/F"), "spikes": Trace(values, "spikes/s")}
    return Recording("few", ids, RATE, traces, events=events)


@pytest.fixture(scope="module")
def everything():
    recording = made()
    for stage in POPULATION_STAGES:
        recording = run_stage(recording, stage, default_settings(stage))
    return recording


def test_no_stage_of_the_population_runs_by_default():
    assert all(getattr(PipelineSettings(), stage) is None for stage in POPULATION_STAGES)
    assert set(POPULATION_STAGES) <= set(STAGES)


def test_every_stage_makes_its_part(everything):
    assert all(getattr(everything.population, part) is not None for part in PARTS)
    assert [entry.stage for entry in everything.log] == list(POPULATION_STAGES)
    assert all(entry.writes[0].startswith("population/") for entry in everything.log)


@pytest.mark.parametrize("stage", POPULATION_STAGES)
def test_the_same_settings_give_the_same_result(everything, stage):
    again = run_stage(made(), stage, default_settings(stage))
    part = again.log[-1].writes[0].removeprefix("population/")
    assert getattr(again.population, part) == getattr(everything.population, part)


@pytest.mark.parametrize("stage", POPULATION_STAGES)
@pytest.mark.parametrize("n_rois", [0, 1])
def test_no_cell_and_one_cell_are_results(stage, n_rois):
    assert run_stage(made(n_rois), stage, default_settings(stage)).population is not None


@pytest.mark.parametrize("stage", POPULATION_STAGES)
def test_a_recording_of_one_frame_is_a_result(stage):
    assert run_stage(made(3, 1), stage, default_settings(stage)).population is not None


def test_a_new_trace_takes_away_what_was_made_of_the_old_one(everything):
    read_events = run_stage(everything, "coupling", default_settings("coupling").replace(input="events"))
    entry = read_events.log[-1]
    newer = read_events.with_step(
        type(entry)("baseline", {}, ("traces/raw",), ("traces/dff",)), traces=dict(made().traces)
    )
    kept = read_events.population
    assert newer.population == Population(coupling=kept.coupling, correlation=kept.correlation)


def test_running_a_stage_again_leaves_the_others(everything):
    again = run_stage(everything, "correlation", default_settings("correlation").replace(bin=1.0))
    assert again.population.correlation != everything.population.correlation
    assert again.population.sorting is everything.population.sorting


@pytest.mark.parametrize(
    ("source", "unit"), [("dff", "ΔF/F"), ("events", "events/s"), ("spikes", "spikes/s")]
)
def test_any_activity_can_be_read_and_says_its_unit(source, unit):
    recording = made()
    activity, reads, _ = activity_of(recording, PopulationInput(input=source, bin=0.5), "coupling")
    assert (activity.name, activity.unit, activity.bin_s) == (source, unit, 0.5)
    assert activity.values.shape == (12, 120)
    assert reads == ("events" if source == "events" else f"traces/{source}")
    if source == "events":
        assert activity.values.sum() * 0.5 == pytest.approx(len(recording.events))


def test_what_was_not_made_is_named():
    with pytest.raises(StageError, match="Correlation needs the results of Events"):
        run_stage(
            made().replace(events=None),
            "correlation",
            default_settings("correlation").replace(input="events"),
        )


def test_bins_that_are_no_whole_number_of_frames_are_told():
    _, _, notes = activity_of(made(), PopulationInput(input="dff", bin=0.26), "coupling")
    assert notes == ("bins of 0.3 s, a whole number of frames",)


def test_sorting_by_ensemble_needs_ensembles_and_a_signal_its_cell():
    with pytest.raises(StageError, match="needs the results of Ensembles"):
        run_stage(made(), "sorting", SortByEnsemble())
    with pytest.raises(StageError, match="there is no cell 7"):
        run_stage(made(), "sorting", SortBySignal(cell=7))


@pytest.mark.skipif(find_spec("umap") is not None, reason="UMAP is installed")
def test_umap_that_is_not_there_is_one_line():
    with pytest.raises(StageError, match=r"pip install napari-calcium\[umap\]"):
        run_stage(made(), "dimensionality", UmapPlane())


@pytest.fixture(scope="module")
def simulated():
    """A recording with three planted ensembles, analysed as a user would."""
    truth = simulate(
        SimulationSettings(
            seed=3, n_rois=60, n_frames=2400, n_ensembles=3, ensemble_size=(10, 12), activations=(20, 25)
        )
    )
    pipeline = PipelineSettings(**{stage: default_settings(stage) for stage in POPULATION_STAGES})
    return truth, run(truth.to_recording(), pipeline)


def test_links_of_the_network_join_members_of_an_ensemble(simulated):
    truth, result = simulated
    pairs = result.population.correlation.pairs
    together = np.array(
        [
            any({a, b} <= set(members) for members in truth.members)
            for a, b in zip(pairs.roi_id_a.tolist(), pairs.roi_id_b.tolist(), strict=True)
        ]
    )
    assert len(pairs) > 50
    # Running adds links of its own: it raises all rates a little.
    assert together.mean() > 0.8


def test_members_are_more_coupled_than_others(simulated):
    truth, result = simulated
    coupling = result.population.coupling.cells.coupling
    member = np.isin(result.roi_ids, np.concatenate([list(m) for m in truth.members]))
    assert np.median(coupling[member]) > np.median(coupling[~member]) + 0.1


def test_as_many_components_as_ensembles(simulated):
    assert 3 <= simulated[1].population.dimensionality.n_significant <= 5


def test_positions_are_in_micrometres_where_the_pixel_size_is_known(simulated):
    result = simulated[1]
    places, unit = cell_places(result)
    assert unit == "µm"
    np.testing.assert_allclose(places, result.rois.centroids * result.pixel_size_um)
    assert cell_places(result.replace(pixel_size_um=None))[1] == "px"
    assert cell_places(made()) == (None, "px")


def test_ensembles_stand_as_in_the_raster(simulated):
    from napari_calcium.figures.row_order import display_order

    np.testing.assert_array_equal(ensemble_rows(simulated[1]), display_order(simulated[1])[0])


def test_a_whole_run_knows_the_yaml_of_its_population(simulated):
    pipeline = PipelineSettings(
        population_activity=PopulationActivitySettings(), dimensionality=UmapPlane(), sorting=SortByEnsemble()
    )
    assert PipelineSettings.from_yaml(pipeline.to_yaml()) == pipeline


def test_cells_are_sorted_by_a_signal_of_the_behaviour():
    recording = made()
    speed = np.repeat(np.random.default_rng(3).standard_normal(-(-recording.n_frames // 5)), 5)
    values = np.stack([speed[: recording.n_frames], np.zeros(recording.n_frames)])
    traces = dict(recording.traces)
    followed = traces["dff"].values.copy()
    followed[7] = values[0]
    traces["dff"] = Trace(followed, "ΔF/F")
    known = Behaviour(("speed", "pupil"), ("cm/s", ""), values, Epochs(), np.zeros((2, 0)))
    recording = recording.replace(traces=traces, behaviour=known)
    done = run_stage(recording, "sorting", SortByBehaviour(input="dff"))
    assert done.population.sorting.roi_id[0] == 107
    assert any("speed" in note for note in done.log[-1].notes)
    assert "behaviour" in done.log[-1].reads
    with pytest.raises(StageError, match="no signal 'wheel'; there are speed, pupil"):
        run_stage(recording, "sorting", SortByBehaviour(signal="wheel"))
    with pytest.raises(StageError, match=r"[Bb]ehaviour"):
        run_stage(made(), "sorting", SortByBehaviour())


def test_sorting_runs_after_the_behaviour_it_may_read():
    assert STAGES.index("behaviour") < STAGES.index("sorting")
