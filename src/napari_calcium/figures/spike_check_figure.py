"""Inferred beside recorded spikes: the courses of some cells, and how well all cells agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.drawing import WIDTH, draw_message, set_titles, time_axis
from napari_calcium.recording import Recording
from napari_calcium.results.tables import SpikeTimes
from napari_calcium.spikes.ground_truth import SpikeScores, spikes_per_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["SpikeCheckData", "draw_spike_check", "prepare_spike_check", "spike_check_size"]

_MOST_CELLS = 4
_LONGEST_S = 60.0
_RECORDED, _INFERRED = "#222222", "#0072b2"


@dataclass(frozen=True)
class SpikeCheckData:
    """What the figure of inferred and recorded spikes shows.

    Attributes
    ----------
    cell_labels : tuple of str
        Of the cells whose course is drawn: the one in the middle of all first.
    correlation : tuple of float
        Of these cells.
    start_s : tuple of float
        Where each stretch begins: where most spikes were recorded.
    time_s : (n_points,) float64
        From the beginning of the stretch.
    recorded, inferred : (n_cells, n_points) float64
        Smoothed rates; `inferred` in `unit`.
    spikes_s : tuple of arrays
        Recorded spikes, from the beginning of each stretch.
    smoothing_s : tuple of float
    of_all : tuple of arrays
        Correlations of all cells with spikes, for each width of smoothing.
    unit : str
        Of what was inferred.
    course_s : float
        Width of smoothing of the courses.
    message : str
        Why there is nothing to show; empty otherwise.
    """

    cell_labels: tuple[str, ...]
    correlation: tuple[float, ...]
    start_s: tuple[float, ...]
    time_s: NDArray[np.float64]
    recorded: NDArray[np.float64]
    inferred: NDArray[np.float64]
    spikes_s: tuple[NDArray[np.float64], ...]
    smoothing_s: tuple[float, ...]
    of_all: tuple[NDArray[np.float64], ...]
    unit: str
    course_s: float
    message: str = ""


def prepare_spike_check(
    recording: Recording, recorded: SpikeTimes, scores: SpikeScores, trace: str = "spikes"
) -> SpikeCheckData:
    """Choose cells and stretches to show.

    Parameters
    ----------
    recording : Recording
        With the trace.
    recorded : SpikeTimes
    scores : SpikeScores
        Of that trace.
    trace : str
        What was inferred: ``"spikes"`` or any other activity.
    """
    widths = tuple(dict.fromkeys(scores.smoothing_s.tolist()))
    known = np.isfinite(scores.correlation)
    of_all = tuple(scores.correlation[known & (scores.smoothing_s == width)] for width in widths)
    rate = recording.frame_rate
    if not known.any() or rate is None:
        empty = np.empty((0, 0))
        why = "No cell has recorded spikes in the part that is judged."
        return SpikeCheckData((), (), (), np.empty(0), empty, empty, (), widths, of_all, "", 0.0, why)
    course = widths[len(widths) // 2]
    at = np.flatnonzero(known & (scores.smoothing_s == course))
    order = at[np.argsort(scores.correlation[at], kind="stable")]
    chosen = order[np.unique(np.linspace(0, len(order) - 1, _MOST_CELLS).round().astype(int))][::-1]
    n = min(recording.n_frames, max(1, round(_LONGEST_S * rate)))
    courses = [_course(recording, recorded, int(scores.roi_id[k]), trace, course, n, rate) for k in chosen]
    return SpikeCheckData(
        tuple(recording.cell_name(int(scores.roi_id[k])) for k in chosen),
        tuple(scores.correlation[chosen].tolist()),
        tuple(start for start, *_ in courses),
        np.arange(n) / rate,
        np.array([true for _, true, _, _ in courses]),
        np.array([found for _, _, found, _ in courses]),
        tuple(spikes for *_, spikes in courses),
        widths,
        of_all,
        recording.traces[trace].unit,
        course,
    )


def _course(
    recording: Recording, recorded: SpikeTimes, roi: int, trace: str, width_s: float, n: int, rate: float
) -> tuple[float, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return start, smoothed recorded and inferred rates, and spikes of a cell's liveliest stretch."""
    times = recorded.time_s[recorded.roi_id == roi]
    counted_ = spikes_per_frame(times, recording.n_frames, rate)
    so_far = np.concatenate([[0.0], np.cumsum(counted_)])
    start = int(np.argmax(so_far[n:] - so_far[: len(so_far) - n])) if recording.n_frames > n else 0
    part = slice(start, start + n)
    given = recording.traces[trace].values[int(recording.rows([roi])[0])].astype(np.float64)
    smooth_true = gaussian_filter1d(counted_ * rate, width_s * rate)[part]
    smooth = np.where(np.isnan(given), np.nan, gaussian_filter1d(np.nan_to_num(given), width_s * rate))[part]
    begin = start / rate
    inside = times[(times >= begin) & (times < begin + n / rate)] - begin
    return begin, smooth_true, smooth, inside


def spike_check_size(data: SpikeCheckData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    return WIDTH, 1.0 + 1.0 * max(2, len(data.cell_labels))


def draw_spike_check(figure: Figure | SubFigure, data: SpikeCheckData) -> None:
    """Draw the courses of some cells, best first, and the correlations of all."""
    if data.message:
        return draw_message(figure, "Inferred and recorded spikes", data.message)
    left, right = np.ravel(np.asarray(figure.subfigures(1, 2, width_ratios=[3, 1])))
    axes = left.subplots(len(data.cell_labels), 1, squeeze=False)[:, 0]
    for k, ax in enumerate(axes):
        _draw_course(ax, data, k, last=k == len(axes) - 1)
    _draw_all(right.subplots(), data)
    return None


def _draw_course(ax: Axes, data: SpikeCheckData, k: int, *, last: bool) -> None:
    scale = time_axis(ax, 0.0, float(data.time_s[-1]) + 1e-9, label=last)
    if not last:
        ax.tick_params(labelbottom=False)
    ax.plot(data.time_s / scale.seconds, data.recorded[k], color=_RECORDED, lw=0.8, label="recorded")
    second = ax if data.unit == "spikes/s" else ax.twinx()
    second.plot(data.time_s / scale.seconds, data.inferred[k], color=_INFERRED, lw=0.8, label="inferred")
    if second is not ax:
        second.set_ylabel(f"inferred\n({data.unit})", color=_INFERRED)
    top = ax.get_ylim()[1]
    ax.plot(
        data.spikes_s[k] / scale.seconds,
        np.full(len(data.spikes_s[k]), -0.08 * top),
        ls="none",
        marker="|",
        ms=4,
        mew=0.6,
        color=_RECORDED,
    )
    ax.set_ylabel("spikes/s")
    begin = f", from {data.start_s[k]:.0f} s" if data.start_s[k] else ""
    set_titles(ax, f"Cell {data.cell_labels[k]}{begin}", f"r = {data.correlation[k]:.2f}")
    if k == 0:
        lines = [*ax.get_lines()[:1], *second.get_lines()[-1 if second is not ax else 1 :][:1]]
        ax.legend(lines, ["recorded", "inferred"], loc="upper right", frameon=False, ncols=2)


def _draw_all(ax: Axes, data: SpikeCheckData) -> None:
    rng = np.random.default_rng(0)
    for place, values in enumerate(data.of_all):
        spread = rng.uniform(-0.15, 0.15, len(values))
        ax.plot(place + spread, values, ls="none", marker="o", ms=3, color=_INFERRED, alpha=0.6, mew=0)
        ax.plot([place - 0.3, place + 0.3], [np.median(values)] * 2, color=_RECORDED, lw=1.5)
    ax.set_xticks(range(len(data.smoothing_s)), [f"{1000 * s:g}" for s in data.smoothing_s])
    ax.set_xlim(-0.6, len(data.smoothing_s) - 0.4)
    ax.set_ylim(min(0.0, *(float(v.min()) for v in data.of_all)) - 0.02, 1.02)
    ax.set_xlabel("smoothing (ms)")
    ax.set_ylabel("correlation with recorded spikes")
    set_titles(ax, counted(len(data.of_all[0]), "cell"), "line: median")
