"""How the result moves with each setting that matters: events, ensemble events, ensembles, members."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_calcium.doubt.comparison import agreement
from napari_calcium.doubt.variants import stages_made, variant
from napari_calcium.pipeline import settings_of
from napari_calcium.pipeline_settings import TITLES
from napari_calcium.progress import Progress, part, silent
from napari_calcium.recording import Recording
from napari_calcium.settings import Settings, SettingsError, Unit
from napari_calcium.stages.stage_steps import StageError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Knob", "StabilityPoint", "knobs_of", "stability", "stability_table"]

_RESULT_STAGES = ("events", "validation", "coactivity", "significance", "ensembles")
_CHANCES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_SEEDS = tuple(range(6))
# How the values of a setting are chosen: times the present value, or as they are.
_FACTORS = {("events", "n_sd"): (0.6, 0.75, 0.875, 1.125, 1.25, 1.5, 2.0)}
_VALUES: dict[tuple[str, str], tuple[float, ...]] = {
    ("coactivity", "window"): (0.25, 0.5, 0.75, 1.0, 1.25, 1.5),
    ("significance", "false_discovery_rate"): _CHANCES,
    ("significance", "alpha"): _CHANCES,
    ("significance", "percentile"): (95.0, 97.0, 98.0, 99.0, 99.5, 99.9),
    ("ensembles", "seed"): _SEEDS,
}


@dataclass(frozen=True)
class Knob:
    """A setting and the values it is to take.

    Attributes
    ----------
    stage, field : str
    title : str
        Stage and setting, as forms call them.
    unit : str
    values : tuple of float
        Ascending; the present one is among them.
    current : float
        The one that made the result.
    settings : Settings
        Of the stage, with the present value.
    """

    stage: str
    field: str
    title: str
    unit: str
    values: tuple[float, ...]
    current: float
    settings: Settings

    def at(self, value: float) -> Settings:
        """Return the stage's settings with another value."""
        kind = type(getattr(self.settings, self.field))
        return self.settings.replace(**{self.field: kind(value)})


@dataclass(frozen=True, eq=False)
class StabilityPoint:
    """The result at one value of one setting.

    Attributes
    ----------
    knob : Knob
    value : float
    n_events, n_ensemble_events, n_ensembles, n_members : int
        Members are cells in at least one ensemble.
    agreement : float
        How alike the ensembles are to the present ones, 0 to 1: see
        :func:`napari_calcium.doubt.comparison.agreement`.
    members : float
        Jaccard similarity of the cells in any ensemble to those of now, 0 to 1; 1 where there are none in
        both.
    recording : Recording
        The result itself; of what is made of ensembles it holds nothing.
    """

    knob: Knob
    value: float
    n_events: int
    n_ensemble_events: int
    n_ensembles: int
    n_members: int
    agreement: float
    members: float
    recording: Recording

    @property
    def is_current(self) -> bool:
        """Whether this is the result as it is now."""
        return self.value == self.knob.current


def knobs_of(recording: Recording) -> tuple[Knob, ...]:
    """Return the settings that matter for a result and the values to try, from the stages that made it.

    The event threshold, the width of the windows of coactivity (0.25 to 1.5 s), the level or percentile of
    significance, and the seed of the search for ensembles; where the chosen methods have them.
    """
    try:
        made = settings_of(recording)
    except SettingsError:
        return ()  # Made with settings that this version does not have.
    ran = stages_made(recording)
    found = []
    for stage in _RESULT_STAGES:
        settings = getattr(made, stage) if stage in ran else None
        for place in (*_FACTORS, *_VALUES):
            if settings is not None and place[0] == stage and place[1] in type(settings).model_fields:
                found.append(_knob(stage, place[1], settings))
    return tuple(found)


def _knob(stage: str, name: str, settings: Settings) -> Knob:
    field = type(settings).model_fields[name]
    current = float(getattr(settings, name))
    wanted = [current * share for share in _FACTORS.get((stage, name), ())]
    wanted = [float(f"{value:.3g}") for value in wanted] + list(_VALUES.get((stage, name), ()))
    title = f"{TITLES[stage]}: {(field.title or name).lower()}"
    unit = next((mark.symbol for mark in field.metadata if isinstance(mark, Unit)), "")
    draft = Knob(stage, name, title, unit, (), current, settings)
    values = tuple(sorted({current, *(v for v in wanted if _is_allowed(draft, v))}))
    return Knob(stage, name, title, unit, values, current, settings)


def _is_allowed(knob: Knob, value: float) -> bool:
    try:
        knob.at(value)
    except SettingsError:
        return False
    return True


def stability(
    recording: Recording,
    knobs: Sequence[Knob] | None = None,
    *,
    on_progress: Progress = silent,
    on_point: Callable[[StabilityPoint], None] = lambda point: None,
    executor: Executor | None = None,
) -> tuple[StabilityPoint, ...]:
    """Find how the result moves when one setting at a time takes other values.

    Parameters
    ----------
    recording : Recording
        With ensembles.
    knobs : sequence of Knob, optional
        By default :func:`knobs_of` the recording.
    on_progress : callable
        Over all points.
    on_point : callable
        Called with each point as it is known, those of the present values first.
    executor : Executor, optional
        Of the stages; the result is the same for any number of workers.

    Returns
    -------
    tuple of StabilityPoint
        By knob and value.

    Raises
    ------
    StageError
        If no ensembles were searched for.

    Notes
    -----
    Only the changed stage and those after it run, up to ensembles. One setting moves at a time: two that
    compensate each other are not found. A result that holds over a range of values is not true for that; one
    that hangs on a single value is not to be trusted.
    """
    if recording.ensembles is None:
        raise StageError("there is no result to compare with; run the stages up to Ensembles first")
    chosen = knobs_of(recording) if knobs is None else tuple(knobs)
    places = [(k, value) for k, knob in enumerate(chosen) for value in knob.values]
    places.sort(key=lambda place: place[1] != chosen[place[0]].current)
    points: dict[tuple[int, float], StabilityPoint] = {}
    costly = max(1, sum(value != chosen[k].current for k, value in places))
    done = 0
    for k, value in places:
        knob = chosen[k]
        other = recording
        if value != knob.current:
            share = part(on_progress, done / costly, (done + 1) / costly)
            other = variant(
                recording,
                {knob.stage: knob.at(value)},
                only=_RESULT_STAGES,
                on_progress=share,
                executor=executor,
            )
            done += 1
        points[k, value] = _point(knob, value, other, recording)
        on_point(points[k, value])
    on_progress(1, 1)
    return tuple(points[k, value] for k, knob in enumerate(chosen) for value in knob.values)


def _point(knob: Knob, value: float, result: Recording, now: Recording) -> StabilityPoint:
    assert result.events is not None and result.ensemble_events is not None
    assert result.ensembles is not None and now.ensembles is not None
    mine, theirs = (set(r.members.roi_id.tolist()) for r in (result.ensembles, now.ensembles))
    either = len(mine | theirs)
    return StabilityPoint(
        knob,
        value,
        len(result.events),
        len(result.ensemble_events),
        len(result.ensembles),
        len(mine),
        agreement(result.ensembles, now.ensembles),
        len(mine & theirs) / either if either else 1.0,
        result,
    )


def stability_table(points: Sequence[StabilityPoint]) -> pd.DataFrame:
    """Return the points as a pandas data frame, a row a value."""
    import pandas as pd

    rows: list[dict[str, Any]] = [
        {
            "stage": point.knob.stage,
            "setting": point.knob.field,
            "value": point.value,
            "current": point.is_current,
            "events": point.n_events,
            "ensemble_events": point.n_ensemble_events,
            "ensembles": point.n_ensembles,
            "cells_in_ensembles": point.n_members,
            "ensemble_similarity": point.agreement,
            "member_similarity": point.members,
        }
        for point in points
    ]
    return pd.DataFrame(rows)
