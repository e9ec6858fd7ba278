"""A classifier trained on a recording's own decisions, applied to it and to another."""

import numpy as np
import pytest
from scipy import sparse

from napari_calcium.cell_choice import CellChoice
from napari_calcium.cells.cell_learning import (
    PROBABILITY,
    accept_by_probability,
    judged_cells,
    learn,
    learning_table,
    own_decisions,
    with_probability,
)
from napari_calcium.cells.cell_measures import measure_cells
from napari_calcium.curation.classifier import CellClassifier
from napari_calcium.recording import Recording, Trace
from napari_calcium.rois import Rois
from napari_calcium.settings import SettingsError

SHAPE = (60, 60)


def recording(seed=0, n=60):
    """Half of the candidates have a high SNR, and those are cells; a hidden few were judged by hand."""
    rng = np.random.default_rng(seed)
    real = np.arange(n) % 2 == 0
    snr = rng.normal(np.where(real, 6, 2), 1.0)
    pixels = (np.arange(n) * 53)[:, None] + np.arange(9)
    footprints = sparse.csr_array(
        (np.ones(9 * n, np.float32), pixels.ravel(), 9 * np.arange(n + 1)), (n, SHAPE[0] * SHAPE[1])
    )
    noise = {"quality": rng.uniform(0, 2, n), "snr": snr, "focus_sd": rng.normal(10, 1, n)}
    found = Rois(np.arange(n) + 100, footprints, SHAPE, accepted=np.ones(n, bool), quality=noise)
    choice = CellChoice().decide(found, found.ids[~real].tolist(), cells=False)
    choice = choice.decide(found, found.ids[real].tolist(), cells=True)
    made = Recording("film", np.empty(0, np.int64), 10.0, candidates=found, cell_choice=choice)
    return made, real


def test_it_learns_what_was_decided_and_judges_another_recording(tmp_path):
    first, _ = recording(0)
    classifier = learn(first)
    assert classifier.accuracy > 0.9 and (classifier.n_accepted, classifier.n_rejected) == (30, 30)
    assert "quality" not in classifier.columns
    classifier.save(tmp_path / "cells.json")
    other, real = recording(1)
    other = other.replace(cell_choice=CellChoice())
    judged = accept_by_probability(other, CellClassifier.load(tmp_path / "cells.json"), 0.5)
    assert (judged_cells(judged)[1] == real).mean() > 0.9
    probability = judged.candidates.quality[PROBABILITY]
    np.testing.assert_array_equal(judged_cells(judged)[1], probability >= 0.5)


def test_the_threshold_of_the_probability_counts():
    first, _ = recording()
    classifier, fresh = learn(first), first.replace(cell_choice=CellChoice())
    numbers = [int(judged_cells(accept_by_probability(fresh, classifier, p))[1].sum()) for p in (0, 0.5, 1.1)]
    assert numbers[0] == 60 and 20 < numbers[1] < 40 and numbers[2] == 0


def test_it_learns_from_what_the_user_judged_and_from_nothing_else():
    first, real = recording()
    found = first.candidates
    few = CellChoice().decide(found, found.ids[real][:7].tolist(), cells=True)
    few = few.decide(found, found.ids[~real][:6].tolist(), cells=False)
    judged = first.replace(cell_choice=few)
    assert own_decisions(judged) == (7, 6)
    classifier = learn(judged)
    assert (classifier.n_accepted, classifier.n_rejected) == (7, 6)
    everything = learn(judged, everything=True)
    assert (everything.n_accepted, everything.n_rejected) == (54, 6)
    # What it then decides is not the user's, and changes nothing in what is learnt next.
    applied = accept_by_probability(judged, classifier, 0.5)
    assert own_decisions(applied) == (7, 6) and learn(applied) == classifier
    with pytest.raises(SettingsError, match=r"got 0 and 0 that were judged by hand"):
        learn(first.replace(cell_choice=CellChoice()))


def test_what_the_user_judged_himself_stands():
    first, _ = recording()
    applied = accept_by_probability(first, learn(first), 1.1)
    np.testing.assert_array_equal(judged_cells(applied)[1], judged_cells(first)[1])


def test_what_it_wrote_is_not_what_it_learns_from():
    first, _ = recording()
    again = learn(with_probability(first, learn(first)))
    assert again == learn(first)
    assert learning_table(first).keys() >= {"snr", "focus_sd", "compactness", "overlap_share", "area_px"}


def test_cells_of_a_file_are_judged_by_their_traces_as_well():
    rng = np.random.default_rng(3)
    first, real = recording()
    raw = rng.normal(0, 1, (60, 400)).astype(np.float32)
    raw[real, 50:80] += 20
    rois = Rois(first.candidates.ids, first.candidates.footprints, SHAPE, accepted=real)
    table = Recording("file", rois.ids, 10.0, {"raw": Trace(raw, "a.u.")}, rois=rois)
    measure_cells(table)
    classifier = learn(table, everything=True)
    assert "trace_snr" in classifier.columns and classifier.accuracy > 0.95
    judged = accept_by_probability(table, classifier, 0.5)
    np.testing.assert_array_equal(judged.rois.accepted, real)
    assert judged.cell_choice.by_hand and judged.n_rois == 60


def test_too_few_decisions_and_no_places_are_said_in_one_line():
    first, _ = recording(n=6)
    with pytest.raises(SettingsError, match="at least 5 accepted and 5 rejected"):
        learn(first)
    with pytest.raises(SettingsError, match="no places"):
        learn(Recording("table", np.arange(2), 10.0))
