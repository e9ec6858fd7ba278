"""A classifier of cells that learns from a recording's accepted and rejected ones, and judges others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_calcium.cells.cell_measures import compactness, known_measures, overlap_share
from napari_calcium.curation.chosen_cells import with_choice_of_file
from napari_calcium.curation.classifier import CellClassifier, train_classifier
from napari_calcium.recording import Recording
from napari_calcium.rois import Rois
from napari_calcium.settings import SettingsError

__all__ = [
    "PROBABILITY",
    "accept_by_probability",
    "judged_cells",
    "learn",
    "learning_table",
    "own_decisions",
    "with_probability",
]

PROBABILITY = "probability"
"""Name of the column of quality that a classifier writes."""

# What follows from the other numbers, and what a classifier wrote.
_NOT_LEARNT_FROM = ("quality", PROBABILITY)


def judged_cells(recording: Recording) -> tuple[Rois, NDArray[np.bool_]]:
    """Return the cells that can be judged, and which are accepted now.

    Returns
    -------
    rois : Rois
        Candidates of a movie, else the ROIs of a file.
    accepted : (n,) bool

    Raises
    ------
    SettingsError
        If there are no places.
    """
    if recording.candidates is not None:
        return recording.candidates, recording.cell_choice.accepts(recording.candidates)
    if recording.rois is None:
        raise SettingsError("these cells have no places; there is nothing to learn from")
    return recording.rois, np.array(recording.rois.accepted)


def learning_table(recording: Recording) -> dict[str, NDArray[np.float64]]:
    """Return the numbers a classifier reads, by name, (n,) float64 in the order of :func:`judged_cells`.

    Of a movie's candidates: what detection measured, and their shape; of rejected ones no trace was read.
    Of cells from a file: the quality that it holds, their shape, and what was measured on their traces.
    """
    rois, _ = judged_cells(recording)
    table = {n: np.asarray(v) for n, v in rois.quality.items() if n not in _NOT_LEARNT_FROM}
    table |= {"compactness": compactness(rois), "overlap_share": overlap_share(rois)}
    table["area_px"] = rois.areas.astype(np.float64)
    if recording.candidates is None:
        rows = recording.rows(rois.ids)
        shape = ("compactness", "overlap_percent")
        table |= {n: v[rows] for n, v in (known_measures(recording) or {}).items() if n not in shape}
    return table


def own_decisions(recording: Recording) -> tuple[int, int]:
    """Return how many of the cells the user accepted and rejected himself."""
    rois, accepted = judged_cells(recording)
    own = np.isin(rois.ids, list(recording.cell_choice.own))
    return int((own & accepted).sum()), int((own & ~accepted).sum())


def learn(recording: Recording, *, everything: bool = False) -> CellClassifier:
    """Train a classifier on which cells of a recording the user accepted and rejected.

    Parameters
    ----------
    recording : Recording
    everything : bool
        Learn from every cell as it stands, whoever judged it: the detection's threshold, another program, or
        a classifier. It is then likely to say again what those said.

    Raises
    ------
    SettingsError
        With fewer than five of either, or no numbers.
    """
    rois, accepted = judged_cells(recording)
    decided = None if everything else np.isin(rois.ids, list(recording.cell_choice.own))
    return train_classifier(learning_table(recording), accepted, decided)


def with_probability(recording: Recording, classifier: CellClassifier) -> Recording:
    """Return a recording whose cells have a column of quality with how likely each is one.

    Raises
    ------
    SettingsError
        If the classifier reads numbers that these cells have not.
    """
    rois, _ = judged_cells(recording)
    values = classifier.probability(learning_table(recording))
    of_cell = dict(zip(rois.ids.tolist(), values.tolist(), strict=True))

    def marked(some: Rois | None) -> Rois | None:
        if some is None:
            return None
        column = np.array([of_cell.get(cell, np.nan) for cell in some.ids.tolist()], np.float64)
        quality = {**some.quality, PROBABILITY: column}
        return Rois(some.ids, some.footprints, some.shape, some.labels, some.accepted, quality)

    return recording.replace(rois=marked(recording.rois), candidates=marked(recording.candidates))


def accept_by_probability(recording: Recording, classifier: CellClassifier, least: float) -> Recording:
    """Accept the cells of at least a probability and reject the others, save those the user judged himself.

    Parameters
    ----------
    recording : Recording
    classifier : CellClassifier
    least : float
        0 to 1.

    Returns
    -------
    Recording
        With the probability of each cell. The decisions are settings, so a run makes them again without the
        classifier.
    """
    judged = with_probability(recording, classifier)
    rois, _ = judged_cells(judged)
    yes, choice = rois.quality[PROBABILITY] >= least, judged.cell_choice
    if judged.candidates is None:
        return with_choice_of_file(judged, choice.decide_by_classifier(rois.ids, yes))
    # What the threshold says anyway goes on following it.
    new = yes != choice.among(choice.own).accepts(rois)
    return judged.replace(cell_choice=choice.decide_by_classifier(rois.ids[new], yes[new]))
