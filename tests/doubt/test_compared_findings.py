"""What differs between two results beyond events and ensembles: laws on results of real runs."""

import numpy as np
import pytest

from napari_calcium.doubt.compared_findings import finding_rows
from napari_calcium.doubt.compared_rows import row_of_sets
from napari_calcium.doubt.comparison import compare
from napari_calcium.doubt.variants import variant
from napari_calcium.pipeline import run, run_stage, settings_of
from napari_calcium.pipeline_settings import default_settings
from napari_calcium.recording import Recording
from napari_calcium.results.behaviour_findings import Preferences
from napari_calcium.results.population_results import CellClusters, CellOrder, Population
from napari_calcium.simulate import SimulationSettings, simulate

STAGES = ("population_activity", "correlation", "coupling", "dimensionality", "sorting", "cell_clusters")


@pytest.fixture(scope="module")
def finished():
    made = simulate(SimulationSettings(n_rois=24, n_frames=700, frame_rate=10.0, n_ensembles=2, seed=5))
    recording = run(made.to_recording().replace(movie=None))
    for stage in STAGES:
        recording = run_stage(recording, stage, default_settings(stage))
    return recording


def rows_of(a, b):
    return {row.what: row for row in finding_rows(a, b)}


def test_of_a_recording_with_itself_nothing_differs(finished):
    rows = finding_rows(finished, finished.replace())
    assert [row.what for row in rows] == [
        "Numbers of the cells",
        "Bins of activity",
        "Correlated pairs",
        "Choristers",
        "Components beyond chance",
        "Cells at their place in the order",
        "Clusters of cells",
        "Cells in their cluster",
    ]
    assert all(row.is_same and row.a == row.b == row.both for row in rows)


@pytest.mark.parametrize("stage", STAGES)
def test_exchanged_it_is_the_same_exchanged_and_adds_up(finished, stage):
    made = getattr(settings_of(finished), stage)
    other = variant(finished, {stage: made.replace(bin=2.0)}) if hasattr(made, "bin") else finished
    there, back = rows_of(finished, other), rows_of(other, finished)
    assert there.keys() == back.keys()
    for what, row in there.items():
        assert row.a == row.both + row.only_a and row.b == row.both + row.only_b
        assert (row.a, row.b, row.both) == (back[what].b, back[what].a, back[what].both)
        assert min(row.a, row.b, row.both, row.only_a, row.only_b) >= 0


def test_a_stage_of_the_population_changes_its_own_row_alone(finished):
    made = settings_of(finished).population_activity
    other = variant(finished, {"population_activity": made.replace(bin=2.0)})
    changed = [what for what, row in rows_of(finished, other).items() if not row.is_same]
    assert changed == ["Bins of activity"]
    assert not compare(finished, other).is_same


def with_order(ids):
    order = CellOrder(np.array(ids), np.zeros(len(ids)))
    return Recording("r", np.arange(len(ids)), 10.0, population=Population(sorting=order))


def test_cells_that_moved_in_the_order_are_counted():
    row = rows_of(with_order([0, 1, 2, 3]), with_order([0, 2, 1, 3]))["Cells at their place in the order"]
    assert (row.both, row.only_a, row.only_b) == (2, 2, 2)


def with_clusters(cluster):
    n = len(cluster)
    found = CellClusters(np.arange(n), np.array(cluster), np.zeros(n))
    return Recording("r", np.arange(n), 10.0, population=Population(clusters=found))


@pytest.mark.parametrize(
    "a, b, clusters, cells",
    [
        ([0, 0, 1, 1], [1, 1, 0, 0], (2, 2, 2), (4, 4, 4)),  # other names, the same clusters
        ([0, 0, 1, 1], [0, 0, 0, 1], (2, 2, 2), (4, 4, 3)),
        ([0, 0, 1, 1], [0, 0, 0, 0], (2, 1, 1), (4, 4, 2)),
        ([0, 0, 1, -1], [-1, -1, -1, -1], (2, 0, 0), (3, 0, 0)),
    ],
)
def test_clusters_are_matched_whatever_their_names(a, b, clusters, cells):
    found = rows_of(with_clusters(a), with_clusters(b))
    for what, expected in (("Clusters of cells", clusters), ("Cells in their cluster", cells)):
        assert (found[what].a, found[what].b, found[what].both) == expected


def test_findings_of_the_behaviour_are_the_significant_ones():
    def made(q):
        n = len(q)
        table = Preferences(
            kind=np.array(["cell"] * n),
            id=np.arange(n),
            label=np.array(["run"] * n),
            **dict.fromkeys(("n_inside", "n_total"), np.zeros(n, np.int64)),
            **dict.fromkeys(
                ("share_of_time", "enrichment", "p_value", "chance_low", "chance_high"), np.zeros(n)
            ),
            q_value=np.array(q),
        )
        return Recording("r", np.arange(n), 10.0, preferences=table)

    row = rows_of(made([0.01, 0.01, 0.5, np.nan]), made([0.01, 0.5, 0.04, 0.01]))["Preferred epochs"]
    assert (row.a, row.b, row.both) == (2, 3, 1)


def test_numbers_of_the_cells_are_matched_by_cell():
    def made(ids, values):
        return Recording(
            "r", np.array(ids), 10.0, features={"roi_id": np.array(ids), "snr": np.array(values)}
        )

    rows = rows_of(made([3, 1], [5.0, np.nan]), made([1, 3, 8], [np.nan, 5.0, 2.0]))
    assert (rows["Numbers of the cells"].a, rows["Numbers of the cells"].b) == (2, 3)
    assert rows["Numbers of the cells"].both == 2
    assert (rows["Cells"].both, rows["Cells"].only_b) == (2, 1)


def test_what_only_one_has_is_not_counted(finished):
    assert finding_rows(finished.replace(population=None, features=None), finished) == ()


def test_a_set_counts_once_what_comes_twice():
    row = row_of_sets("x", np.array([1, 1, 2]), [2, 3, 3])
    assert (row.a, row.b, row.both, row.only_a, row.only_b) == (2, 2, 1, 1, 1)
