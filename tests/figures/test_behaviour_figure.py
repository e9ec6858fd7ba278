"""Figures of the behaviour: what is prepared is what the results say, and every edge is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from tests.figures.pages import laid_out
from tests.io.test_behaviour_folder import analysed, made

from napari_calcium.figures.behaviour_figure import behaviour_size, draw_behaviour, prepare_behaviour
from napari_calcium.figures.epoch_colors import epoch_color, signal_color
from napari_calcium.figures.export import FIGURES, FigureKind, figure_of, save_figure
from napari_calcium.figures.relations_figure import prepare_relations
from napari_calcium.figures.tuning_figure import best_tuned, draw_tuning, prepare_tuning, tuning_size
from napari_calcium.results.behaviour_findings import Preferences, Relations
from napari_calcium.results.behaviour_results import Behaviour, Epochs

KINDS = {kind.stem: kind for kind in FIGURES if kind.stem in ("behaviour", "relations", "tuning")}


@pytest.fixture(scope="module")
def whole():
    return analysed(made())


def drawn(kind, recording):
    return laid_out(figure_of(kind, recording))


@pytest.mark.parametrize("stem", KINDS)
def test_each_is_drawn_alike_again(whole, stem, tmp_path):
    (tmp_path / "again").mkdir()
    first = save_figure(KINDS[stem], whole, tmp_path)
    for a, b in zip(first, save_figure(KINDS[stem], whole, tmp_path / "again"), strict=True):
        assert a.read_bytes() == b.read_bytes()


@pytest.mark.parametrize("stem", KINDS)
@pytest.mark.parametrize("n_rois", [0, 1])
@pytest.mark.parametrize("with_file", [True, False])
def test_few_cells_and_stand_ins_are_drawn(stem, n_rois, with_file):
    recording = analysed(made(n_rois, with_file=with_file))
    assert KINDS[stem].fits(recording)
    drawn(KINDS[stem], recording)


def test_lanes_are_the_signals_under_the_cells(whole):
    data = prepare_behaviour(whole, (3, 1))
    assert [lane.name for lane in data.lanes] == ["cell 3", "cell 1", *whole.behaviour.names]
    assert [lane.is_cell for lane in data.lanes][:3] == [True, True, False]
    np.testing.assert_allclose(data.lanes[0].values, 100 * whole.traces["denoised"].values[3], rtol=1e-6)
    np.testing.assert_allclose(data.lanes[2].values, whole.behaviour.values[0].astype(np.float32))
    assert data.lanes[2].title == "speed (cm/s)"
    assert data.epochs == whole.behaviour.epochs
    assert prepare_behaviour(whole).lanes[0].name == "mean of all cells"


def test_only_what_was_decoded_better_than_chance_is_shown(whole):
    scores = whole.decoding.scores
    for lane in prepare_behaviour(whole).lanes:
        own = (scores.target == lane.name) & (scores.source == "neurons") & (scores.measure == "r2")
        better = bool((scores.p_value[own] <= 0.05).any())
        assert (len(lane.told) > 0) == better
    assert all(len(lane.told) == 0 for lane in prepare_behaviour(whole, decoded=False).lanes)


def test_before_the_alignment_a_sentence_says_so(whole):
    bare = whole.replace(behaviour=None)
    assert "not been aligned" in prepare_behaviour(bare).message
    drawn(FigureKind("b", (), prepare_behaviour, behaviour_size, draw_behaviour), bare)


def test_behaviour_of_epochs_alone_and_of_nothing_is_drawn(whole):
    kind = KINDS["behaviour"]
    n = whole.n_frames
    epochs = Behaviour(values=np.empty((0, n)), epochs=whole.behaviour.epochs)
    gap = Behaviour(values=np.full((1, n), np.nan), names=("a",), units=("",))
    assert prepare_behaviour(whole.replace(behaviour=gap)).lanes[-1].name == "a"
    for behaviour in (epochs, gap):
        assert drawn(kind, whole.replace(behaviour=behaviour)).axes
    drawn(kind, whole.replace(behaviour=Behaviour(values=np.empty((0, n)), epochs=Epochs()), traces={}))


def test_relations_are_sorted_and_marked(whole):
    data = prepare_relations(whole)
    table = whole.relations
    assert data.signals == tuple(whole.behaviour.names)
    strength = np.nan_to_num(data.correlation**2).mean(axis=1)
    assert (np.diff(strength) <= 1e-12).all()
    own = table.kind == "neuron"
    assert data.significant.sum() == (table.q_value[own] <= 0.05).sum()
    np.testing.assert_allclose(np.sort(data.correlation[:, 0]), np.sort(table.correlation[own][:6]))
    preferences = whole.preferences
    ensemble = preferences.kind == "ensemble"
    np.testing.assert_array_equal(data.enrichment.T.ravel(), preferences.enrichment[ensemble])
    assert len(data.targets) == (whole.decoding.scores.source == "neurons").sum()
    empty = whole.replace(relations=Relations(), preferences=Preferences(), decoding=None)
    assert prepare_relations(empty).message
    drawn(KINDS["relations"], empty)


def test_tuning_is_that_of_the_chosen_cells(whole):
    data = prepare_tuning(whole, (4, 2), signal="x", label="light")
    curve = next(c for c in whole.tuning.curves if c.signal == "x")
    assert data.signal == "x (cm)"
    np.testing.assert_array_equal(data.curves[0].y, curve.mean[4])
    assert [c.label for c in data.curves] == ["cell 4", "cell 2"]
    np.testing.assert_array_equal(data.map.values, whole.tuning.map.mean[2])
    place = whole.triggered.labels.index("light")
    np.testing.assert_allclose(data.bands[1].mean, 100 * whole.triggered.mean[place, 2])
    assert data.label == "light"
    np.testing.assert_allclose(np.nanmean(data.trials.values, axis=0), data.bands[1].mean, rtol=1e-4)
    assert any("cell 2 after light" in note for note in data.notes)


def test_an_ensemble_is_shown_by_its_activations(whole):
    data = prepare_tuning(whole, ensemble=0)
    assert data.curves[0].label == "ensemble 0"
    assert data.response == "Rate (activations/s)"
    assert data.trials is None
    kind = FigureKind("t", (), lambda made: prepare_tuning(made, ensemble=0), tuning_size, draw_tuning)
    drawn(kind, whole)


def test_by_default_the_best_tuned_and_the_most_telling(whole):
    assert len(best_tuned(whole, 3)) == 3
    table = whole.tuning.tuned
    cell = best_tuned(whole, 1)[0]
    data = prepare_tuning(whole, (cell,))
    own = table.take((table.id == cell) & (table.kind == "neuron") & (table.signal != "x × y"))
    gain = own.information_bits - own.information_by_chance_bits
    sure = own.q_value <= 0.05
    best = own.signal[sure][np.argmax(gain[sure])] if sure.any() else own.signal[np.argmin(own.p_value)]
    assert data.signal.split(" (")[0] == best
    assert prepare_tuning(whole, (999,)).curves == (), "a cell that is not there has no curve"


def test_before_the_stages_a_sentence_says_so(whole):
    bare = whole.replace(tuning=None, triggered=None)
    assert prepare_tuning(bare).message
    assert best_tuned(bare, 2) == (0, 1)
    one = whole.replace(tuning=None)
    assert prepare_tuning(one).curves == ()
    drawn(FigureKind("t", (), prepare_tuning, tuning_size, draw_tuning), one)


def test_colours_repeat_and_differ():
    assert len({epoch_color(k) for k in range(8)}) == len({signal_color(k) for k in range(8)}) == 8
    assert epoch_color(8) == epoch_color(0)


def test_preferred_epochs_of_an_ensemble_are_told(whole):
    table = whole.preferences
    q = np.where(table.kind == "ensemble", 0.01, 0.9)
    columns = table.columns() | {"q_value": q, "enrichment": np.full(len(table), 3.25)}
    data = prepare_tuning(whole.replace(preferences=Preferences(**columns)), ensemble=0)
    assert any("ensemble 0" in note and "light (× 3.2, q = 0.01)" in note for note in data.notes)
    assert not any("elsewhere" in note for note in prepare_tuning(whole, (1,)).notes)
