import numpy as np
import pytest

from napari_calcium.results.population_results import (
    PARTS,
    CellOrder,
    Correlations,
    Coupling,
    NetworkCells,
    Pairs,
    Population,
    PopulationActivity,
)


def test_equality_is_by_value_and_nan_equals_nan():
    def made(value):
        return Correlations(np.array([[value]], np.float32), modularity=float("nan"))

    assert made(np.nan) == made(np.nan)
    assert made(0.5) != made(0.6)
    assert made(0.5) != Coupling()


def test_arrays_cannot_be_changed():
    matrix = np.zeros((2, 2), np.float32)
    found = Correlations(matrix)
    with pytest.raises(ValueError, match="read-only"):
        found.matrix[0, 0] = 1
    matrix[0, 0] = 1  # one's own stays one's own


def test_columns_have_one_length():
    with pytest.raises(ValueError, match="differ in length"):
        Pairs(roi_id_a=np.arange(3))
    assert len(NetworkCells()) == 0


def test_parts_come_and_go_by_the_names_of_the_log():
    whole = Population(activity=PopulationActivity(), sorting=CellOrder())
    assert whole.without(["population/activity", "events"]) == Population(sorting=CellOrder())
    assert whole.without(f"population/{name}" for name in PARTS).is_empty
    newer = CellOrder(method="chain")
    assert whole.joined(Population(sorting=newer)).sorting is newer
    assert whole.joined(Population(sorting=newer)).activity is whole.activity
