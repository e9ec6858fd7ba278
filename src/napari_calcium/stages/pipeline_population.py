"""The stages of the population, on a recording; each reads what the user chooses, and none reads another."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.numerics.binning import event_frames
from napari_calcium.plurals import count_of
from napari_calcium.population.binned_activity import Activity, PopulationInput, bin_events, bin_traces
from napari_calcium.population.cell_correlations import correlate_cells
from napari_calcium.population.coupling import couple_cells
from napari_calcium.population.dimensionality import MissingExtra, reduce_dimensions
from napari_calcium.population.neuron_clusters import cluster_cells
from napari_calcium.population.population_activity import population_activity
from napari_calcium.population.sorting import sort_cells
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.results.behaviour_results import Behaviour
from napari_calcium.results.population_results import Population
from napari_calcium.stages.stage_steps import Apply, Outcome, StageError, input_of, needed, rate_of

__all__ = ["POPULATION_STAGES", "activity_of", "cell_places", "ensemble_rows"]


def activity_of(
    recording: Recording, settings: PopulationInput, stage: str
) -> tuple[Activity, str, tuple[str, ...]]:
    """Return what a stage reads, in bins.

    Parameters
    ----------
    recording : Recording
        With a frame rate.
    settings : PopulationInput
        Which activity, and how wide the bins are.
    stage : str
        Who asks.

    Returns
    -------
    activity : Activity
    reads : str
        Name of the result for the log: ``"traces/denoised"``, ``"events"``.
    notes : tuple of str
        What was read instead, and the width of the bins where it is not the one asked for.

    Raises
    ------
    StageError
        If it was not made yet, or the recording has no frame.
    """
    rate = rate_of(recording)
    notes: tuple[str, ...] = ()
    if settings.input == "events":
        events = needed(recording, "events", stage)
        frames = event_frames(events.onset_s, rate, max(1, recording.n_frames))
        rows = events.rows(recording.roi_ids)
        values, bin_s = bin_events(rows, frames, recording.n_rois, recording.n_frames, rate, settings.bin)
        name, unit, reads = "events", "events/s", "events"
    else:
        name, trace, notes = input_of(recording, settings.input, stage)
        values, bin_s = bin_traces(trace.values, rate, settings.bin)
        unit, reads = trace.unit, f"traces/{name}"
    if settings.bin > 0 and abs(bin_s - settings.bin) > 0.005 * settings.bin:
        notes += (f"bins of {bin_s:.4g} s, a whole number of frames",)
    return Activity(values, bin_s, name, unit), reads, notes


def cell_places(recording: Recording) -> tuple[NDArray[np.float64] | None, str]:
    """Return the centres of the somata and their unit.

    Returns
    -------
    places : (n_rois, 2) float64, or None
        y and x; NaN for a cell without a ROI. None where no cell has one.
    unit : str
        ``"µm"`` where the size of a pixel is known, else ``"px"``.
    """
    rois, size = recording.rois, recording.pixel_size_um
    if rois is None or not len(rois):
        return None, "µm" if size else "px"
    places = np.full((recording.n_rois, 2), np.nan)
    places[recording.rows(rois.ids)] = rois.centroids * (size or 1.0)
    return places, "µm" if size else "px"


def ensemble_rows(recording: Recording) -> NDArray[np.int64] | None:
    """Return the rows such that members stand together, the strongest first; None before ensembles are found.

    A cell of several ensembles stands where it takes part most; cells of none follow in their order.
    """
    if recording.ensembles is None:
        return None
    home = np.full(recording.n_rois, np.iinfo(np.int64).max)
    best = np.zeros(recording.n_rois)
    members = recording.ensembles.members
    members = members.take(np.isin(members.roi_id, recording.roi_ids))
    # In ascending order of participation, so that the highest is written last.
    members = members.take(np.lexsort((-members.ensemble_id, members.participation)))
    rows = recording.rows(members.roi_id)
    home[rows], best[rows] = members.ensemble_id, members.participation
    return np.lexsort((np.arange(recording.n_rois), -best, home)).astype(np.int64)


def _activity(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    activity, reads, notes = activity_of(rec, settings, "population_activity")
    found = population_activity(activity, settings)
    return _outcome("activity", found, (reads,), notes)


def _correlation(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    activity, reads, notes = activity_of(rec, settings, "correlation")
    places, unit = cell_places(rec)
    found = correlate_cells(
        activity, rec.roi_ids, places, unit, settings, on_progress=on_progress, executor=executor
    )
    n_pairs = rec.n_rois * (rec.n_rois - 1) // 2
    told = f"{found.n_pairs:,} of {count_of(n_pairs, 'pair')} correlated beyond chance"
    if n_pairs and activity.n_bins < 2 * activity.frames(settings.least_shift):
        told = "the recording is too short to be shifted against itself, so no pair was tested"
    elif found.n_pairs > len(found.pairs):
        told += f"; the strongest {len(found.pairs):,} are listed"
    # Places come with their own entry of the log only where a file of their own holds them.
    known = ("rois",) if places is not None else ()
    return _outcome("correlation", found, (reads, *known), (*notes, told))


def _coupling(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    activity, reads, notes = activity_of(rec, settings, "coupling")
    found = couple_cells(activity, rec.roi_ids, settings, on_progress=on_progress, executor=executor)
    known = int(np.isfinite(found.cells.coupling).sum())
    singing = int(found.cells.chorister.sum())
    told = f"{singing:,} choristers, {known - singing:,} soloists"
    if known < rec.n_rois:
        told += f"; coupling is not defined for {rec.n_rois - known:,}"
    return _outcome("coupling", found, (reads,), (*notes, told))


def _dimensionality(
    rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None
) -> Outcome:
    activity, reads, notes = activity_of(rec, settings, "dimensionality")
    said: list[str] = []
    try:
        found = reduce_dimensions(
            activity, rec.roi_ids, settings, on_note=said.append, on_progress=on_progress, executor=executor
        )
    except MissingExtra as error:
        raise StageError(str(error)) from None
    beyond = f"{found.n_significant} components beyond chance" if settings.copies else "chance not tested"
    told = f"{beyond}; participation ratio {found.participation_ratio:.3g}"
    return _outcome("dimensionality", found, (reads,), (*notes, *said, told))


def _sorting(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    activity, reads, notes = activity_of(rec, settings, "sorting")
    rows = ensemble_rows(rec) if settings.method == "ensemble" else None
    if settings.method == "ensemble" and rows is None:
        needed(rec, "ensembles", "sorting")
    course = None
    if settings.method == "behaviour":
        course, told = _behaviour_course(rec, activity, settings.signal)
        notes += told
    try:
        found = sort_cells(activity, rec.roi_ids, settings, ensemble_order=rows, signal=course)
    except ValueError as error:
        raise StageError(str(error)) from None
    known: tuple[str, ...] = ("ensembles",) if rows is not None else ()
    known += ("behaviour",) if course is not None else ()
    return _outcome("sorting", found, (reads, *known), notes)


def _behaviour_course(
    rec: Recording, activity: Activity, wanted: str | None
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return a signal of the behaviour in the bins of the activity, and which it is where none was named."""
    behaviour: Behaviour = needed(rec, "behaviour", "sorting")
    if not behaviour.names:
        raise StageError("the behaviour has no signal to sort by, only epochs")
    if wanted is not None and wanted not in behaviour.names:
        raise StageError(f"there is no signal {wanted!r}; there are {', '.join(behaviour.names)}")
    name = wanted if wanted is not None else behaviour.names[0]
    values = behaviour.values[behaviour.names.index(name)]
    course = bin_traces(values[None], rate_of(rec), activity.bin_s)[0][0]
    return course, () if wanted is not None else (f"sorted by {name}, the first signal",)


def _clusters(rec: Recording, settings: Any, on_progress: Progress, executor: Executor | None) -> Outcome:
    activity, reads, notes = activity_of(rec, settings, "cell_clusters")
    found = cluster_cells(activity, rec.roi_ids, settings, on_progress=on_progress, executor=executor)
    number = int(found.cluster.max(initial=0))
    told = f"{count_of(number, 'cluster')}"
    if len(found.numbers):
        best = int(np.argmax(found.numbers.silhouette))
        told += f", silhouette {found.numbers.silhouette[best]:.2f}"
        told += f" (chance {found.numbers.chance[best]:.2f})" if settings.copies else ""
    return _outcome("clusters", found, (reads,), (*notes, told))


def _outcome(part: str, found: Any, reads: tuple[str, ...], notes: tuple[str, ...]) -> Outcome:
    return Outcome({"population": Population(**{part: found})}, reads, (f"population/{part}",), notes)


POPULATION_STAGES: Mapping[str, Apply] = MappingProxyType(
    {
        "population_activity": _activity,
        "correlation": _correlation,
        "coupling": _coupling,
        "dimensionality": _dimensionality,
        "sorting": _sorting,
        "cell_clusters": _clusters,
    }
)
"""What applies each stage to a recording."""
