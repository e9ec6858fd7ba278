"""Ensembles: groups of neurons that are active together again and again, and when they are."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from napari_calcium.checks import check_frame_rate
from napari_calcium.ensembles.calibrated import CalibratedEnsembles, calibrated_groups
from napari_calcium.ensembles.coactivity import window_frames
from napari_calcium.ensembles.course import CourseEnsembles, SimilarityGraphEnsembles, WardEnsembles
from napari_calcium.ensembles.event_clusters import (
    MOST_EVENTS,
    cluster_groups,
    clusters_by_chance,
    strongest_events,
)
from napari_calcium.ensembles.independent_components import IcaEnsembles, component_groups
from napari_calcium.ensembles.similarity import contributor_matrix, jaccard
from napari_calcium.ensembles.tabulate import Group, ordered, tabulated, with_activations
from napari_calcium.ensembles.trains import Trains
from napari_calcium.numerics.binning import event_frames
from napari_calcium.progress import Progress, silent
from napari_calcium.results.tables import Coactivity, EnsembleEvents, Ensembles, Events

__all__ = [
    "CalibratedEnsembles",
    "CourseEnsembles",
    "EnsembleSettings",
    "IcaEnsembles",
    "SimilarityGraphEnsembles",
    "WardEnsembles",
    "find_ensembles",
]

EnsembleSettings = Annotated[
    CalibratedEnsembles | CourseEnsembles | IcaEnsembles | SimilarityGraphEnsembles | WardEnsembles,
    Field(discriminator="method"),
]

_SMOOTHING, _LEFT_OUT = 5.0, 1.0  # s: the slow rate that shifted copies keep


def find_ensembles(
    events: Events,
    roi_ids: ArrayLike,
    n_frames: int,
    frame_rate: float,
    coactivity: Coactivity,
    ensemble_events: EnsembleEvents,
    settings: EnsembleSettings = CalibratedEnsembles(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> tuple[Ensembles, EnsembleEvents]:
    """Find groups of neurons that are active together again and again.

    Parameters
    ----------
    events : Events
    roi_ids : (n_rois,) int64
    n_frames : int
        At least 1.
    frame_rate : float
        Hz.
    coactivity : Coactivity
        After :func:`~napari_calcium.ensembles.significance.significance`.
    ensemble_events : EnsembleEvents
        From the same call.
    settings : CalibratedEnsembles, CourseEnsembles, IcaEnsembles, SimilarityGraphEnsembles or WardEnsembles
    on_progress, executor
        For the surrogates; the result does not depend on them.

    Returns
    -------
    ensembles : Ensembles
        Numbered from 0 by the number of activations (then members, then the lowest rows). `similarity` is
        the Jaccard similarity of the ensemble events. `notes` says in plain sentences what was found and
        what chance alone would give.
    ensemble_events : EnsembleEvents
        With the ensemble of each, −1 where it belongs nowhere.

    Raises
    ------
    ValueError
        If there is no frame, the frame rate is not above 0, or an event's cell is not in `roi_ids`.

    Notes
    -----
    *calibrated* (default) looks for covariation of neurons and overlap of events, refines both together and
    may answer "none"; its activations are found by the exact test of each ensemble's own members, so there
    may be more of them than ensemble events
    (:func:`~napari_calcium.ensembles.calibrated.calibrated_groups`). *course* clusters the ensemble events
    by Jaccard similarity. It is faithful to the course together with bins side by side and the *pooled*
    null. *similarity_graph*, *ward* and *ica* are comparators; all but *calibrated* find ensembles in
    recordings that have none rather often, which is what `expected_by_chance` tells.

    It misleads where neurons share artefacts (motion, neuropil, one cell cut in two ROIs): these recur like
    ensembles. Ensembles whose members follow each other over more than a second are not found. Members that
    rarely take part are missed, all the more if events are.
    """
    ids = np.asarray(roi_ids, np.int64)
    rate = check_frame_rate(frame_rate)
    width = window_frames(coactivity.window_s, rate, n_frames)
    trains = _trains(events, ids, n_frames, rate, width, settings)
    similarity = jaccard(contributor_matrix(ensemble_events, ids))
    if isinstance(settings, CalibratedEnsembles):
        groups, by_chance = calibrated_groups(trains, settings, on_progress=on_progress, executor=executor)
    elif isinstance(settings, IcaEnsembles):
        groups, by_chance = component_groups(trains, settings, on_progress=on_progress, executor=executor)
    else:
        groups, _ = _clusters(ensemble_events, ids, trains.coverage, settings)
        by_chance = clusters_by_chance(
            trains,
            coactivity,
            partial(_number, trains.coverage, settings),
            settings.surrogates,
            settings.seed,
            on_progress=on_progress,
            executor=executor,
        )
    return _result(groups, ids, similarity, ensemble_events, coactivity, settings, by_chance)


_Clustered = CourseEnsembles | SimilarityGraphEnsembles | WardEnsembles


def _trains(
    events: Events,
    ids: NDArray[np.int64],
    n_frames: int,
    rate: float,
    width: int,
    settings: EnsembleSettings,
) -> Trains:
    smoothing, left_out = _SMOOTHING, _LEFT_OUT
    if isinstance(settings, CalibratedEnsembles):
        smoothing, left_out = settings.smoothing, settings.left_out
    key = np.sort(events.rows(ids) * n_frames + event_frames(events.onset_s, rate, n_frames))
    return Trains(
        key // n_frames, key % n_frames, len(ids), n_frames, width, rate, smoothing * rate, left_out * rate
    )


def _clusters(
    ensemble_events: EnsembleEvents,
    ids: NDArray[np.int64],
    coverage: NDArray[np.float64],
    settings: _Clustered,
) -> tuple[list[Group], list[NDArray[np.int64]]]:
    share, largest_q = settings.limits
    return cluster_groups(
        ensemble_events, ids, coverage, settings.clusterer(), settings.least_events, share, largest_q
    )


def _number(coverage: NDArray[np.float64], settings: _Clustered, ensemble_events: EnsembleEvents) -> int:
    groups, _ = _clusters(ensemble_events, np.arange(len(coverage)), coverage, settings)
    return len(groups)


def _result(
    groups: list[Group],
    ids: NDArray[np.int64],
    similarity: NDArray[np.float32],
    ensemble_events: EnsembleEvents,
    coactivity: Coactivity,
    settings: EnsembleSettings,
    by_chance: float,
) -> tuple[Ensembles, EnsembleEvents]:
    groups = ordered(groups)
    members, activations = tabulated(groups, ids, settings.core_participation)
    clustered = isinstance(settings, CourseEnsembles | SimilarityGraphEnsembles | WardEnsembles)
    # An event that was clustered is its own activation; others belong to one that overlaps them.
    reach = 0.0 if clustered else coactivity.window_s
    assigned = with_activations(ensemble_events, groups, reach)
    notes = _notes(groups, assigned, coactivity, settings, by_chance)
    return Ensembles(members, activations, similarity, notes, by_chance), assigned


def _notes(
    groups: list[Group],
    events: EnsembleEvents,
    coactivity: Coactivity,
    settings: EnsembleSettings,
    by_chance: float,
) -> tuple[str, ...]:
    """Say what was found, and what chance alone would give."""
    notes = [_found_note(groups), _events_note(events)]
    if np.isfinite(by_chance):
        copies = f"{settings.surrogates} copies with every neuron shifted in time"
        notes.append(f"The same search on {copies} found {by_chance:.2g} ensembles on average.")
    if not isinstance(settings, CalibratedEnsembles) and by_chance >= 0.05:
        notes.append("This method finds ensembles where there are none; compare with the calibrated one.")
    if isinstance(settings, CourseEnsembles) and coactivity.step_s < coactivity.window_s:
        notes.append("The course counts in bins side by side; these events come from sliding windows.")
    clustered = isinstance(settings, CourseEnsembles | SimilarityGraphEnsembles | WardEnsembles)
    if clustered and len(strongest_events(events)) < len(events):
        notes.append(f"Only the {MOST_EVENTS} most significant of {len(events)} events were clustered.")
    return tuple(notes)


def _found_note(groups: list[Group]) -> str:
    if not groups:
        return "No ensembles were found."
    neurons = len(np.unique(np.concatenate([g.members for g in groups])))
    activations = sum(len(g.times_s) for g in groups)
    found = _counted(len(groups), "ensemble")
    return f"{found} with {neurons} neurons in all, active {activations} times in all."


def _events_note(events: EnsembleEvents) -> str:
    nowhere = int((events.ensemble_id < 0).sum())
    chance = events.expected_by_chance
    by_chance = f"; chance alone would give {chance:.2g}" if np.isfinite(chance) else ""
    found = _counted(len(events), "ensemble event")
    return f"{found}, of which {nowhere} belong to no ensemble{by_chance}."


def _counted(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
