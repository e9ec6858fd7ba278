import numpy as np
import pytest

from napari_calcium.figures.cell_numbers import cell_columns, fitting_rows
from napari_calcium.figures.population_numbers import population_numbers
from napari_calcium.pipeline import run_stage
from napari_calcium.pipeline_settings import default_settings
from napari_calcium.recording import Recording, Trace
from napari_calcium.stages.pipeline_population import POPULATION_STAGES


@pytest.fixture(scope="module")
def recording():
    random = np.random.default_rng(0)
    values = random.standard_normal((10, 400)).astype(np.float32)
    values[:4] += 2 * random.standard_normal(400).astype(np.float32)
    values[9] = 1.0
    made = Recording("few", np.arange(10)[::-1] + 5, 5.0, {"dff": Trace(values, "ΔF/F")})
    for stage in POPULATION_STAGES:
        made = run_stage(made, stage, default_settings(stage).replace(input="dff"))
    return made


def test_every_stage_has_its_numbers_in_the_table_of_cells(recording):
    keys = [column.key for column in cell_columns(recording)]
    for key in ("population_coupling", "degree", "module", "cluster", "component_1", "sorting"):
        assert key in keys
    assert len(set(keys)) == len(keys)


def test_numbers_are_those_of_the_results(recording):
    numbers = {key: values for key, _, _, values in population_numbers(recording)}
    found = recording.population
    np.testing.assert_array_equal(numbers["population_coupling"], found.coupling.cells.coupling)
    np.testing.assert_array_equal(numbers["degree"], found.correlation.cells.degree)
    np.testing.assert_array_equal(numbers["component_2"], found.dimensionality.loadings[:, 1].astype(float))
    order = recording.roi_ids[np.argsort(numbers["sorting"])]
    np.testing.assert_array_equal(order, found.sorting.roi_id)


def test_what_is_not_defined_is_nan(recording):
    numbers = {key: values for key, _, _, values in population_numbers(recording)}
    for key in ("population_coupling", "chorister", "mean_correlation", "module", "cluster", "component_1"):
        assert np.isnan(numbers[key][9]), key


def test_the_table_can_be_filtered_by_them(recording):
    assert fitting_rows("degree >= 3", cell_columns(recording)).tolist() == [0, 1, 2, 3]


def test_nothing_before_a_stage_has_run(recording):
    assert population_numbers(recording.replace(population=None)) == []
