"""Tuning curves and place maps with spatial information, tested by circular shifts of the behaviour."""

from __future__ import annotations

import re
from collections.abc import Collection
from concurrent.futures import Executor
from functools import partial
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import gaussian_filter

from napari_calcium.behaviour.occupancy import Bins, equal_bins, halves, spatial_information
from napari_calcium.behaviour.signals import ActivityInput
from napari_calcium.behaviour.subjects import Subjects
from napari_calcium.behaviour.time_blocks import dividing_shifts
from napari_calcium.checks import check_frame_rate
from napari_calcium.numerics.blocks import map_blocks
from napari_calcium.numerics.fdr import q_values
from napari_calcium.numerics.gaps import fill_gaps
from napari_calcium.progress import Progress, part, silent
from napari_calcium.results.behaviour_findings import Tuned, Tuning, TuningCurve, TuningMap
from napari_calcium.results.behaviour_results import Behaviour
from napari_calcium.settings import Seconds, Settings

__all__ = ["TuningSettings", "map_axes", "tune"]

_ROWS = 64
"""Subjects of a block: what the bins need is made once a block."""


class TuningSettings(Settings):
    """How activity is averaged over behaviour."""

    input: ActivityInput = Field(
        "events",
        title="Activity",
        description="What stands for the activity of a neuron. The event rate is the nearest to what spatial "
        "information is made for: never below 0, and without the slow tail of fluorescence.",
    )
    smoothing: Annotated[Seconds, Ge(0), Le(30)] = Field(
        0.2,
        title="Smoothing",
        description="Standard deviation of the Gaussian that turns events and activations into rates.",
    )
    n_bins: Annotated[int, Ge(2), Le(200)] = Field(
        20, title="Bins", description="Bins of a tuning curve, and to each side of a place map."
    )
    min_occupancy: Annotated[Seconds, Ge(0), Le(600)] = Field(
        0.5, title="Shortest stay", description="Bins in which the animal spent less time are left empty."
    )
    map_smoothing: Annotated[float, Ge(0), Le(10)] = Field(
        1.0,
        title="Smoothing of maps",
        description="Standard deviation, in bins, of the Gaussian over activity and time of a place map.",
    )
    map_x: str | None = Field(
        None,
        title="Map: across",
        description="Signal to the right of the place map. Leave empty to take x, pos_x or the like.",
    )
    map_y: str | None = Field(
        None,
        title="Map: down",
        description="Signal of the other side. Leave empty to take y, pos_y and the like.",
    )
    speed_signal: str | None = Field(
        None,
        title="Only while",
        description="Signal that says when frames count, such as speed; leave empty to count all frames.",
    )
    least_speed: float = Field(
        2.0, title="… is at least", description="Frames in which that signal is lower are left out."
    )
    n_shifts: Annotated[int, Ge(20), Le(100_000)] = Field(
        1000,
        title="Shifts",
        description="Circular shifts of the behaviour to compare with, at equal distances all round; up to "
        "half as many where these divide the frames evenly. The smallest p-value is one over their number.",
    )


def map_axes(names: tuple[str, ...], settings: TuningSettings) -> tuple[int, int] | None:
    """Return the places of the two signals of the place map, None where there is none.

    Raises
    ------
    ValueError
        If the settings name a signal that is not there, or only one of the two.
    """
    if settings.map_x is not None or settings.map_y is not None:
        if settings.map_x is None or settings.map_y is None:
            raise ValueError("a place map needs both signals; name map_x and map_y, or neither")
        return _place(names, settings.map_x), _place(names, settings.map_y)
    found = [[k for k, name in enumerate(names) if _is_axis(name, axis)] for axis in "xy"]
    return (found[0][0], found[1][0]) if len(found[0]) == len(found[1]) == 1 else None


def _is_axis(name: str, axis: str) -> bool:
    return bool(re.fullmatch(rf"(pos(ition)?|place|coord)?[ _-]?{axis}[ _-]?(pos(ition)?)?", name.lower()))


def _place(names: tuple[str, ...], name: str) -> int:
    if name not in names:
        raise ValueError(f"there is no signal {name!r}; there are {', '.join(names) or 'none'}")
    return names.index(name)


def tune(
    subjects: Subjects,
    behaviour: Behaviour,
    frame_rate: float,
    settings: TuningSettings = TuningSettings(),
    *,
    two_valued: Collection[str] = (),
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Tuning:
    """Average the activity of each subject at each value of each signal, and at each place.

    Parameters
    ----------
    subjects : Subjects
    behaviour : Behaviour
        On the same frames. Only signals that were measured are taken: tuning to a signal that is made of the
        neurons themselves would be circular.
    frame_rate : float
        Hz.
    settings : TuningSettings
    two_valued : collection of str
        Signals that are on or off as they were recorded. Frames in which they change have values between,
        which are no states of the animal: such a signal has two bins, whose centres are its two values.
    on_progress, executor
        As in :func:`~napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    Tuning
        Curves for all signals, and a map where two signals give a place. p is the share of circular shifts
        of the behaviour (the true one included) with at least as much information; q over all subjects of a
        kind and all signals.

    Raises
    ------
    ValueError
        If the settings name a signal that is not there.

    Notes
    -----
    Missing samples of the activity are interpolated over. Shifts lie at equal distances all round the
    recording; behaviour shifts as a whole, so the time spent in each bin stays what it is, and a cell with
    slow activity meets its equal. O(subjects × bins × frames × log frames); memory for the bins and shifts
    of a few subjects at a time.
    """
    rate = check_frame_rate(frame_rate)
    names = behaviour.names
    axes = map_axes(tuple(names[k] for k in behaviour.measured), settings)
    included = _included(behaviour, settings, subjects.values.shape[1])
    activity = fill_gaps(subjects.values)[0]
    jobs: list[tuple[int, ...]] = [(k,) for k in behaviour.measured]
    if axes is not None:
        jobs.append((behaviour.measured[axes[0]], behaviour.measured[axes[1]]))
    curves, place_map, tuned = [], None, []
    for number, job in enumerate(jobs):
        grid = _Grid.over(behaviour, job, included, rate, settings, two_valued)
        share = part(on_progress, number / len(jobs), (number + 1) / len(jobs))
        mean = grid.mean(grid.bins.sums(activity))
        tuned.append(_test(grid, activity, mean, subjects, settings.n_shifts, share, executor))
        shape = tuple(len(edges) - 1 for edges in grid.edges)
        if len(job) == 1:
            curves.append(
                TuningCurve(names[job[0]], behaviour.units[job[0]], grid.edges[0], grid.occupancy_s, mean)
            )
        else:
            x, y = job
            place_map = TuningMap(
                names[x],
                names[y],
                behaviour.units[x],
                behaviour.units[y],
                grid.edges[1],
                grid.edges[0],
                grid.occupancy_s.reshape(shape),
                mean.reshape(-1, *shape),
            )
    table = _joined(tuned)
    return Tuning(subjects.kind, subjects.id, table, tuple(curves), place_map, subjects.input, subjects.unit)


def _included(behaviour: Behaviour, settings: TuningSettings, n_frames: int) -> NDArray[np.bool_]:
    if settings.speed_signal is None:
        return np.ones(n_frames, bool)
    speed = behaviour.values[_place(behaviour.names, settings.speed_signal)]
    with np.errstate(invalid="ignore"):
        fast: NDArray[np.bool_] = speed >= settings.least_speed
    return fast


class _Grid:
    """Bins over one signal or two, with what averaging in them needs."""

    def __init__(
        self,
        bins: Bins,
        edges: tuple[NDArray[np.float64], ...],
        rate: float,
        least_s: float,
        smoothing: float,
    ) -> None:
        self.bins, self.edges = bins, edges
        self.label = ""
        self.occupancy_s = bins.frames() / rate
        self._rate = rate
        self._empty = (self.occupancy_s < least_s) | (self.occupancy_s == 0)
        self._shape = tuple(len(e) - 1 for e in edges)
        self._smoothing = smoothing if len(edges) == 2 else 0.0
        self._time = self._smoothed(self.occupancy_s[None])[0]

    @classmethod
    def over(
        cls,
        behaviour: Behaviour,
        job: tuple[int, ...],
        included: NDArray[np.bool_],
        rate: float,
        settings: TuningSettings,
        two_valued: Collection[str],
    ) -> _Grid:
        """Lay bins over one signal, or over x and y (rows of the grid go with y)."""
        on_or_off = len(job) == 1 and behaviour.names[job[0]] in two_valued
        n = 2 if on_or_off else settings.n_bins
        known = included & np.isfinite(behaviour.values[list(job)]).all(axis=0)
        divide = halves if on_or_off else equal_bins
        sides = [divide(behaviour.values[k], n, known) for k in reversed(job)]
        label = sides[0][0] if len(job) == 1 else np.where(known, sides[0][0] * n + sides[1][0], -1)
        grid = cls(
            Bins(label, n ** len(job)),
            tuple(edges for _, edges in sides),
            rate,
            settings.min_occupancy,
            settings.map_smoothing,
        )
        grid.label = " × ".join(behaviour.names[k] for k in job)
        return grid

    def mean(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return means from the sums in each bin, (…, n_bins); NaN where the stay was too short."""
        time = np.where(self._empty | (self._time <= 0), np.nan, self._time)
        return self._smoothed(sums / self._rate) / time

    def _smoothed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._smoothing == 0:
            return values
        image = values.reshape(-1, *self._shape)
        smooth: NDArray[np.float64] = gaussian_filter(
            image, self._smoothing, axes=(1, 2), mode="constant", truncate=3.0
        )
        return smooth.reshape(values.shape)

    def information(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return bits per unit of activity."""
        return spatial_information(self.occupancy_s, mean)

    def preferred(self, mean: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the centre of the bin of highest mean: (x, y), y NaN where there is one signal."""
        nowhere = np.full(len(mean), np.nan)
        known = np.isfinite(mean).any(axis=1) if mean.shape[1] else np.zeros(len(mean), bool)
        best = np.argmax(np.where(np.isfinite(mean), mean, -np.inf), axis=1)
        centres = [0.5 * (edges[1:] + edges[:-1]) for edges in self.edges]
        if len(centres) == 1:
            return np.where(known, centres[0][best], np.nan), nowhere
        row, column = np.divmod(best, len(centres[1]))
        return np.where(known, centres[1][column], np.nan), np.where(known, centres[0][row], np.nan)


def _test(
    grid: _Grid,
    activity: NDArray[np.floating],
    mean: NDArray[np.float64],
    subjects: Subjects,
    n_shifts: int,
    on_progress: Progress,
    executor: Executor | None,
) -> Tuned:
    n_subjects, n_frames = activity.shape
    shifts = dividing_shifts(n_frames, n_shifts)
    observed = grid.information(mean)
    p_value, chance = np.empty(n_subjects), np.empty(n_subjects)
    work = partial(_shifted_information, grid, activity, shifts, observed)
    for block, (p, bits) in map_blocks(work, n_subjects, _ROWS, on_progress=on_progress, executor=executor):
        p_value[block], chance[block] = p, bits
    known = np.isfinite(observed)
    preferred, preferred_y = grid.preferred(mean)
    return Tuned(
        kind=subjects.kinds,
        id=subjects.id,
        signal=np.full(len(observed), grid.label),
        preferred=np.where(known, preferred, np.nan),
        preferred_y=np.where(known, preferred_y, np.nan),
        information_bits=observed,
        information_by_chance_bits=np.where(known, chance, np.nan),
        p_value=np.where(known, p_value, np.nan),
        q_value=np.full(len(observed), np.nan),
    )


def _shifted_information(
    grid: _Grid,
    activity: NDArray[np.floating],
    shifts: NDArray[np.int64],
    observed: NDArray[np.float64],
    block: slice,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return p-value and mean information by chance of some subjects."""
    own = observed[block]
    more, total = np.zeros(len(own)), np.zeros(len(own))
    for rows, sums in grid.bins.each_shifted(activity[block], shifts):
        bits = np.nan_to_num(grid.information(grid.mean(sums)))[:, 1:]
        more[rows] = (bits >= own[rows, None] * (1 - 1e-9)).sum(axis=1)
        total[rows] = bits.sum(axis=1)
    return (1 + more) / len(shifts), total / max(1, len(shifts) - 1)


def _joined(tables: list[Tuned]) -> Tuned:
    if not tables:
        return Tuned()
    columns = {
        name: np.concatenate([table.columns()[name] for table in tables]) for name in Tuned().columns()
    }
    for kind in np.unique(columns["kind"]):
        own = columns["kind"] == kind
        columns["q_value"][own] = q_values(columns["p_value"][own])
    return Tuned(**columns)
