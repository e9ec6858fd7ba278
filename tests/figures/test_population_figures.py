import numpy as np
import pytest
from tests.figures.pages import laid_out

from napari_calcium.figures.activity_figure import binned, event_rates, prepare_activity, quantity_label
from napari_calcium.figures.correlation_figure import (
    MATRIX_ORDERS,
    matrix_groups,
    matrix_order,
    off_diagonal,
    prepare_correlation,
)
from napari_calcium.figures.coupling_figure import prepare_coupling
from napari_calcium.figures.dimensionality_figure import prepare_dimensionality
from napari_calcium.figures.diverging import UNKNOWN, diverging_colors, symmetric_limit
from napari_calcium.figures.export import FIGURES, figure_of
from napari_calcium.pipeline import run_stage
from napari_calcium.pipeline_settings import default_settings
from napari_calcium.recording import Recording, Trace
from napari_calcium.results.tables import Events
from napari_calcium.simulate import SimulationSettings, simulate
from napari_calcium.stages.pipeline_population import POPULATION_STAGES

KINDS = {kind.stem: kind for kind in FIGURES if kind.needs[0].startswith("population.")}


def run_all(recording):
    for stage in POPULATION_STAGES:
        recording = run_stage(recording, stage, default_settings(stage))
    return recording


def few(n_rois, n_frames=60):
    values = np.ones((n_rois, n_frames), np.float32)
    return Recording("few", np.arange(n_rois), 5.0, {"dff": Trace(values, "ΔF/F")}, events=Events())


@pytest.fixture(scope="module")
def recording():
    truth = simulate(SimulationSettings(n_rois=25, n_frames=600, n_ensembles=2, ensemble_size=(6, 8)))
    made = truth.to_recording()
    times, cells = truth.events.time_s, truth.events.roi_id
    order = np.lexsort((times, cells))
    times, cells = times[order], cells[order]
    blank = np.ones(len(times))
    made = made.replace(
        traces={"dff": Trace(truth.dff, "ΔF/F")}, events=Events(cells, times, times, times, blank, blank)
    )
    return run_all(made)


def test_there_is_a_figure_a_part():
    assert set(KINDS) == {"activity", "correlation", "coupling", "dimensionality"}


@pytest.mark.parametrize("stem", KINDS)
def test_figures_need_their_part(stem, recording):
    assert KINDS[stem].fits(recording)
    assert not KINDS[stem].fits(recording.replace(population=None))
    assert KINDS[stem].prepare(recording.replace(population=None)).message


@pytest.mark.parametrize("stem", KINDS)
@pytest.mark.parametrize("n_rois", [0, 1, 2])
def test_no_neuron_and_few_are_figures(stem, n_rois):
    figure = laid_out(figure_of(KINDS[stem], run_all(few(n_rois))))
    said = " ".join(text.get_text() for text in (*figure.texts, *(t for ax in figure.axes for t in ax.texts)))
    assert said or any(ax.has_data() for ax in figure.axes)


@pytest.mark.parametrize("stem", KINDS)
def test_figures_are_drawn(stem, recording):
    figure = figure_of(KINDS[stem], recording)
    figure.canvas.draw()
    assert figure.axes


def test_matrix_is_ordered_and_says_how_many_pairs(recording):
    data, found = prepare_correlation(recording), recording.population.correlation
    order = np.argsort(found.cells.position)
    np.testing.assert_array_equal(data.image, found.matrix[np.ix_(order, order)])
    assert data.told.startswith(f"{found.n_pairs} of 300 pairs")


@pytest.mark.parametrize("by", MATRIX_ORDERS)
def test_every_order_is_one_of_all_rows(by, recording):
    order = matrix_order(recording, recording.population.correlation, by)
    assert sorted(order) == list(range(recording.n_rois))


def test_modules_stand_together_largest_first(recording):
    found = recording.population.correlation
    groups = matrix_groups(recording, found, "module")[matrix_order(recording, found, "module")]
    inside = groups[groups >= 0]
    assert (np.diff(inside) >= 0).all()
    assert (groups[len(inside) :] < 0).all()


def test_off_diagonal_are_all_pairs_and_no_neuron_with_itself():
    matrix = np.arange(16, dtype=np.float32).reshape(4, 4)
    assert sorted(off_diagonal(matrix).ravel()) == [k for k in range(16) if k % 5]


def test_coupling_is_sorted_with_the_most_coupled_on_top(recording):
    data = prepare_coupling(recording)
    known = data.coupling[np.isfinite(data.coupling)]
    assert (np.diff(known) <= 0).all()
    assert data.start_s < data.stop_s <= recording.duration_s + 1


def test_activity_is_binned_not_subsampled(recording):
    activity = binned(recording, "dff", 0.5)
    values = recording.traces["dff"].values
    np.testing.assert_allclose(activity.values[:, 0], values[:, :5].mean(axis=1), rtol=1e-5)
    assert binned(recording, "events", 1.0).unit == "events/s"


def test_rates_are_events_per_minute(recording):
    rates = event_rates(recording)
    assert rates.sum() == pytest.approx(len(recording.events) / recording.duration_s * 60)


def test_held_out_time_is_named(recording):
    settings = default_settings("sorting").replace(held_out=True, block=10.0)
    data = prepare_activity(run_stage(recording, "sorting", settings))
    np.testing.assert_allclose(data.held_out_s[0], [10, 20])
    assert "dimmed" in data.order


def test_labels_name_quantity_and_unit():
    assert quantity_label("denoised", "ΔF/F", "mean") == "Mean ΔF/F (%)"
    assert quantity_label("events", "events/s") == "Event rate (events/s)"


def test_the_first_component_of_one_is_drawn_with_zeros(recording):
    settings = default_settings("dimensionality").replace(components=1)
    data = prepare_dimensionality(run_stage(recording, "dimensionality", settings))
    assert data.loadings.shape == (25, 2)
    assert (data.loadings[:, 1] == 0).all()


@pytest.mark.parametrize("on_dark", [False, True])
def test_no_colour_is_that_of_what_is_not_known(on_dark):
    table = diverging_colors(on_dark=on_dark).astype(int)
    assert np.abs(table - UNKNOWN).sum(axis=1).min() > 60
    assert table[0, 2] > table[0, 0] + 50 and table[-1, 0] > table[-1, 2] + 50


def test_scales_are_symmetric_and_never_beyond_one():
    assert symmetric_limit(np.array([np.nan])) == 1.0
    assert symmetric_limit(np.array([0.3, -0.3])) == pytest.approx(0.3)
    assert symmetric_limit(np.array([5.0])) == 1.0
    assert symmetric_limit(np.zeros(4), least=0.2) == 0.2
