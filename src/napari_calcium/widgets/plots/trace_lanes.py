"""What the traces plot shows: a lane for each cell and unit, reduced to what the screen can show. No Qt."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_calcium.events.validation import Review
from napari_calcium.figures.decimate import outline
from napari_calcium.figures.rate_band import RateBand, rate_source
from napari_calcium.recording import Recording
from napari_calcium.results.event_choices import REJECTED
from napari_calcium.results.tables import Events, SpikeTimes

__all__ = ["PREVIEW", "Lane", "TraceLanes", "make_lanes", "nice_length"]

PREVIEW = "preview"
"""Name of the lines that show a preview."""

_PAD = 0.06
_TICK = 0.10
_SPIKE_TICK = 0.16
_MOST_BAND_FRAMES = 20_000
"""Where more frames are in view no band is drawn: it would be as thin as the line."""

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Lane:
    """One strip of the plot.

    Attributes
    ----------
    cell : int
        Id of the cell.
    label : str
        What stands beside it.
    unit : str
        ``"ΔF/F"`` (fractions) or what the trace says.
    lines : tuple of (str, (n_frames,) float32)
        Stages of the trace drawn over each other; the last ones may be called ``"preview"``.
    low, high : float
        Values at the bottom and at the top of the lane.
    is_activity : bool
        Whether it shows inferred spikes, in whatever unit: they never share a lane with fluorescence.
    band : RateBand or None
        Uncertainty of the first line, where it is known.
    """

    cell: int
    label: str
    unit: str
    lines: tuple[tuple[str, NDArray[np.float32]], ...]
    low: float
    high: float
    is_activity: bool = False
    band: RateBand | None = None


@dataclass(frozen=True, eq=False)
class TraceLanes:
    """Lanes from top to bottom; lane k lies between y = k (top) and y = k + 1.

    Attributes
    ----------
    lanes : tuple of Lane
    frame_rate : float
        Hz; 1 where it is not known, so that time counts frames.
    n_frames : int
    """

    lanes: tuple[Lane, ...] = ()
    frame_rate: float = 1.0
    n_frames: int = 0

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_frames / self.frame_rate

    def height_of(self, lane: int, value: float) -> float:
        """Return the y of a value in a lane."""
        shown = self.lanes[lane]
        return lane + 1 - _PAD - (1 - 2 * _PAD) * (value - shown.low) / (shown.high - shown.low)

    def curves(
        self, start_s: float, stop_s: float, pixels: int, *, places: range | None = None
    ) -> dict[str, Curve]:
        """Return for each stage one line through all lanes, for a span of time and a width.

        Parameters
        ----------
        start_s, stop_s : float
        pixels : int
        places : range, optional
            Lanes to draw; by default all.

        Returns
        -------
        dict of str to (x, y)
            Seconds and heights; NaN between the lanes and in gaps. At most ``2 * pixels + 1`` points a lane.
        """
        first = math.floor(start_s * self.frame_rate) - 1
        last = math.ceil(stop_s * self.frame_rate) + 2
        start, stop = max(0, first), max(0, min(last, self.n_frames))
        xs: dict[str, list[NDArray[np.float64]]] = {}
        ys: dict[str, list[NDArray[np.float64]]] = {}
        for k in range(len(self.lanes)) if places is None else places:
            lane = self.lanes[k]
            scale = -(1 - 2 * _PAD) / (lane.high - lane.low)
            for name, values in lane.lines:
                points = outline(values[None], max(1, pixels), start=start, stop=stop)
                # A NaN at the end parts this lane from the next.
                x = np.append(points.frames[0], 0) / self.frame_rate
                y = np.append(points.values[0].astype(np.float64), np.nan)
                xs.setdefault(name, []).append(x)
                ys.setdefault(name, []).append(k + 1 - _PAD + scale * (y - lane.low))
        return {name: (np.concatenate(xs[name]), np.concatenate(ys[name])) for name in xs}

    def bands(self, start_s: float, stop_s: float, pixels: int, *, places: range | None = None) -> Curve:
        """Return the outlines of the uncertainty of the rates, for a span of time and a width.

        Parameters
        ----------
        start_s, stop_s : float
        pixels : int
        places : range, optional
            Lanes to draw; by default all.

        Returns
        -------
        x, y
            Along the upper border and back along the lower one, NaN after each. Nothing where more than
            20,000 frames are in view.
        """
        start = max(0, math.floor(start_s * self.frame_rate) - 1)
        stop = max(start, min(math.ceil(stop_s * self.frame_rate) + 2, self.n_frames))
        xs, ys = [np.empty(0)], [np.empty(0)]
        if stop - start > _MOST_BAND_FRAMES:
            return xs[0], ys[0]
        for k in range(len(self.lanes)) if places is None else places:
            band = self.lanes[k].band
            if band is None:
                continue
            low, high = band.between(start, stop)
            for first, last in _runs(~np.isnan(low + high)):
                edges = np.linspace(first, last, min(max(1, pixels), last - first) + 1).astype(int)[:-1]
                x = (start + edges) / self.frame_rate
                top = self._heights(k, np.maximum.reduceat(high[:last], edges))
                foot = self._heights(k, np.minimum.reduceat(low[:last], edges))
                xs += [x, x[::-1], np.array([np.nan])]
                ys += [top, foot[::-1], np.array([np.nan])]
        return np.concatenate(xs), np.concatenate(ys)

    def _heights(self, lane: int, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the y of values, none outside of the lane."""
        shown = self.lanes[lane]
        share = (values.astype(np.float64) - shown.low) / (shown.high - shown.low)
        return lane + 1 - _PAD - (1 - 2 * _PAD) * np.clip(share, 0.0, 1.0)

    def spike_ticks(self, spikes: SpikeTimes | None, *, row: int = 0) -> Curve:
        """Return vertical lines at the top of each lane of inferred spikes, at single spikes.

        Parameters
        ----------
        spikes : SpikeTimes or None
        row : int
            0 at the top; 1 below it, for what is compared with the first.
        """
        if spikes is None:
            return np.empty(0), np.empty(0)
        xs, ys = [np.empty(0)], [np.empty(0)]
        for k, lane in enumerate(self.lanes):
            if lane.is_activity:
                own = spikes.time_s[spikes.roi_id == lane.cell]
                top = k + 0.02 + row * 1.2 * _SPIKE_TICK
                xs.append(np.repeat(own, 2))
                ys.append(np.tile([top, top + _SPIKE_TICK], len(own)))
        return np.concatenate(xs), np.concatenate(ys)

    def event_ticks(self, events: Events | None, *, row: int = 0) -> Curve:
        """Return short vertical lines at the foot of each cell's lane, at the onsets: pairs of points.

        Parameters
        ----------
        events : Events or None
        row : int
            0 at the foot; 1 above it, for what is compared with the first.
        """
        if events is None:
            return np.empty(0), np.empty(0)
        x, place = self._onsets(events.roi_id, events.onset_s)
        foot = place + 1.0 - row * 1.2 * _TICK
        return np.repeat(x, 2), np.column_stack([foot, foot - _TICK]).ravel()

    def review_ticks(self, review: Review) -> Curve:
        """Return ticks of the events that stand: those that were rejected have none."""
        stands = review.status != REJECTED
        x, place = self._onsets(review.roi_id[stands], review.onset_s[stands])
        return np.repeat(x, 2), np.column_stack([place + 1.0, place + 1.0 - _TICK]).ravel()

    def review_marks(self, review: Review, status: int) -> Curve:
        """Return where the signs of the events of one status stand: over their ticks, or in their place."""
        own = review.status == status
        x, place = self._onsets(review.roi_id[own], review.onset_s[own])
        return x, place + 1.0 - (0.6 * _TICK if status == REJECTED else 1.5 * _TICK)

    def _onsets(
        self, roi_id: NDArray[np.int64], onset_s: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return onsets of the cells on screen, once for each of their lanes, with the lane's place."""
        xs, places = [np.empty(0)], [np.empty(0)]
        for k, lane in enumerate(self.lanes):
            own = onset_s[roi_id == lane.cell]
            xs.append(own)
            places.append(np.full(len(own), float(k)))
        return np.concatenate(xs), np.concatenate(places)

    def zero_lines(self) -> Curve:
        """Return a line at 0 of every lane that shows ΔF/F or spikes: pairs of points."""
        heights = [
            self.height_of(k, 0.0)
            for k, lane in enumerate(self.lanes)
            if (lane.unit == "ΔF/F" or lane.is_activity) and lane.low <= 0 <= lane.high
        ]
        return np.tile([0.0, self.duration_s], len(heights)), np.repeat(heights, 2).astype(np.float64)

    def lane_at(self, y: float) -> Lane | None:
        """Return the lane at a height, None outside of all."""
        return self.lanes[math.floor(y)] if 0 <= y < len(self.lanes) else None

    def lanes_of(self, cell: int) -> tuple[int, ...]:
        """Return the places of a cell's lanes."""
        return tuple(k for k, lane in enumerate(self.lanes) if lane.cell == cell)


def make_lanes(
    recording: Recording,
    cells: Sequence[int],
    stages: Collection[str],
    *,
    preview: Recording | None = None,
    same_scale: bool = True,
) -> TraceLanes:
    """Lay out the traces of some cells.

    Parameters
    ----------
    recording : Recording
    cells : sequence of int
        Ids, from top to bottom; ids that the recording does not have are left out.
    stages : collection of str
        Names of traces to show. Stages of one unit share a lane; each further unit is one more lane a cell,
        and so are inferred spikes, whatever their unit.
    preview : Recording, optional
        What a stage would make of some of the cells; the traces that its last step wrote are drawn over the
        recording's. A preview of F0 brings the raw trace with it.
    same_scale : bool
        Whether all lanes of a unit share one scale, so that amplitudes compare; else each fills its lane.
    """
    fresh = _written(preview)
    shown = [name for name in recording.traces if name in stages or (name == "raw" and "baseline" in fresh)]
    kinds: dict[_Kind, list[str]] = {}
    for name in shown:
        kinds.setdefault(_kind(recording, name), []).append(name)
    for name in fresh:
        if preview is not None:
            kinds.setdefault(_kind(preview, name), [])
    lanes = []
    for cell in cells:
        for row in recording.rows([cell]):
            for kind, names in kinds.items():
                lines = [(name, recording.traces[name].values[row]) for name in names]
                lines += _preview_lines(preview, fresh, cell, kind)
                if lines:
                    lane = _lane(recording.cell_name(cell), cell, kind, lines, several=len(kinds) > 1)
                    lanes.append(replace(lane, band=_band(recording, names, int(row))))
    if same_scale:
        lanes = _to_one_scale(lanes)
    return TraceLanes(tuple(lanes), recording.frame_rate or 1.0, recording.n_frames)


def nice_length(span: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20 … that fits into half of a span."""
    if not (math.isfinite(span) and span > 0):
        return 1.0
    power = 10.0 ** math.floor(math.log10(span / 2))
    return next(step * power for step in (5.0, 2.0, 1.0) if step * power <= span / 2 or step == 1.0)


def _written(preview: Recording | None) -> tuple[str, ...]:
    if preview is None or not preview.log:
        return ()
    names = (made.removeprefix("traces/") for made in preview.log[-1].writes if made.startswith("traces/"))
    return tuple(name for name in names if name in preview.traces)


_Kind = tuple[bool, str]
"""Whether a trace shows inferred spikes, and its unit."""


def _kind(recording: Recording, name: str) -> _Kind:
    return name == "spikes", recording.traces[name].unit


def _band(recording: Recording, names: Sequence[str], row: int) -> RateBand | None:
    source = rate_source(recording) if "spikes" in names else None
    if source is None or recording.frame_rate is None:
        return None
    return RateBand(recording.traces["spikes"].values[row], source[row], recording.frame_rate)


def _preview_lines(
    preview: Recording | None, names: tuple[str, ...], cell: int, kind: _Kind
) -> list[tuple[str, NDArray[np.float32]]]:
    if preview is None:
        return []
    rows = preview.rows([cell])
    of_kind = [name for name in names if _kind(preview, name) == kind]
    return [(PREVIEW, preview.traces[name].values[row]) for row in rows for name in of_kind]


def _runs(there: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return where each stretch of true begins and ends."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _lane(
    name: str, cell: int, kind: _Kind, lines: list[tuple[str, NDArray[np.float32]]], *, several: bool
) -> Lane:
    is_activity, unit = kind
    # fmin and fmax pass over NaN, and say nothing of a trace without any number.
    low = float(min(np.fmin.reduce(values) for _, values in lines))
    high = float(max(np.fmax.reduce(values) for _, values in lines))
    if not math.isfinite(low) or not math.isfinite(high):
        low, high = 0.0, 1.0
    if is_activity:
        low = min(low, 0.0)
        high += _SPIKE_TICK * (high - low)  # the top belongs to the ticks of single spikes
    if high <= low:
        low, high = low - 0.5, low + 0.5
    words = f"activity, {unit}" if is_activity and unit != "spikes/s" else "raw" if unit == "a.u." else unit
    return Lane(cell, f"{name}  {words}" if several else name, unit, tuple(lines), low, high, is_activity)


def _to_one_scale(lanes: list[Lane]) -> list[Lane]:
    spans: dict[_Kind, float] = {}
    for lane in lanes:
        kind = lane.is_activity, lane.unit
        spans[kind] = max(spans.get(kind, 0.0), lane.high - lane.low)
    return [replace(lane, high=lane.low + spans[lane.is_activity, lane.unit]) for lane in lanes]
