"""Activity in bins: what every stage of the population reads, be it fluorescence, events or spikes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.numerics.binning import frames_in
from napari_calcium.settings import Choice, Seconds, Settings

__all__ = ["Activity", "ActivityInput", "BinStatistic", "PopulationInput", "bin_events", "bin_traces"]

ActivityInput = Annotated[
    Literal["raw", "dff", "background_corrected", "denoised", "events", "spikes"],
    Choice(
        (
            ("raw", "Raw fluorescence"),
            ("dff", "ΔF/F"),
            ("background_corrected", "Background-corrected"),
            ("denoised", "Denoised"),
            ("events", "Events (rate of onsets)"),
            ("spikes", "Spikes (inferred)"),
        )
    ),
]
"""What a stage of the population can read."""

BinStatistic = Annotated[Literal["mean", "sum"], Choice((("mean", "Mean"), ("sum", "Sum")))]


class PopulationInput(Settings):
    """What is read, and in which bins: the part that all stages of the population share."""

    input: ActivityInput = Field(
        "denoised",
        title="Read",
        description="Which activity is analysed. Events and spikes leave the indicator's slow decay out and "
        "tell better who is active together; traces also hold what no event was found for.",
    )
    bin: Annotated[Seconds, Ge(0), Le(60)] = Field(
        0.5,
        title="Bin",
        description="Activity is averaged in bins of this length (a whole number of frames); 0 is frame by "
        "frame. Wider bins forgive jitter and take noise away, but blur what is faster.",
    )


@dataclass(frozen=True, eq=False)
class Activity:
    """Activity of all cells in bins.

    Attributes
    ----------
    values : (n_rois, n_bins) float32
        NaN where nothing is known of a cell in a bin.
    bin_s : float
        Width of a bin in seconds; bin k covers ``k · bin_s`` to ``(k + 1) · bin_s``.
    name : str
        ``"denoised"``, ``"events"`` …
    unit : str
        ``"ΔF/F"``, ``"events/s"``, ``"spikes/s"`` or ``"a.u."``.
    """

    values: NDArray[np.float32]
    bin_s: float
    name: str = "dff"
    unit: str = "ΔF/F"

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return int(self.values.shape[1])

    @property
    def time_s(self) -> NDArray[np.float64]:
        """Centre of each bin, in seconds from the start of the first frame."""
        return np.asarray((np.arange(self.n_bins) + 0.5) * self.bin_s, np.float64)

    def frames(self, seconds: float, *, at_least: int = 1) -> int:
        """Return how many bins make up a duration."""
        return frames_in(seconds, 1.0 / self.bin_s, at_least=at_least)


def bin_traces(
    traces: ArrayLike, frame_rate: float, bin_s: float, how: BinStatistic = "mean"
) -> tuple[NDArray[np.float32], float]:
    """Average (or sum) traces in bins side by side; no frame is left out inside a bin.

    Parameters
    ----------
    traces : (n_rois, n_frames)
    frame_rate : float
        Hz.
    bin_s : float
        Wanted width in seconds; it becomes a whole number of frames, at least one and at most the recording.
    how : {"mean", "sum"}
        Over the samples of a bin that are there. A sum in which samples are missing is scaled up to the full
        bin, so that gaps do not look like silence.

    Returns
    -------
    values : (n_rois, n_bins) float32
        NaN where all samples of a bin are missing. A last bin that is not full is left out.
    width_s : float
        The width really used.

    Notes
    -----
    Sums run in float64. One pass; where a bin is one frame and nothing is summed the traces themselves are
    returned, not a copy.
    """
    x, rate = check_traces(traces), check_frame_rate(frame_rate)
    n_rois, n_frames = x.shape
    width = min(frames_in(bin_s, rate), n_frames)
    if width == 1:
        return x, 1.0 / rate
    n_bins = n_frames // width
    parts = x[:, : n_bins * width].reshape(n_rois, n_bins, width)
    values = parts.mean(axis=2, dtype=np.float64) if n_rois else np.empty((0, n_bins))
    gaps = np.isnan(values)
    if gaps.any():
        there = ~np.isnan(parts[gaps])
        count = there.sum(axis=1)
        total = np.where(there, parts[gaps], 0).sum(axis=1, dtype=np.float64)
        values[gaps] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    if how == "sum":
        values *= width
    return values.astype(np.float32), width / rate


def bin_events(
    rows: NDArray[np.int64],
    frames: NDArray[np.int64],
    n_rois: int,
    n_frames: int,
    frame_rate: float,
    bin_s: float,
) -> tuple[NDArray[np.float32], float]:
    """Return the rate of event onsets of every cell in bins, in events per second.

    Parameters
    ----------
    rows, frames : (n_events,) int64
        Cell (row) and frame of every onset.
    n_rois, n_frames : int
    frame_rate : float
        Hz.
    bin_s : float
        As for :func:`bin_traces`.

    Returns
    -------
    values : (n_rois, n_bins) float32
        Onsets in the bin divided by its width. Events in a last bin that is not full are left out.
    width_s : float
    """
    rate = check_frame_rate(frame_rate)
    width = min(frames_in(bin_s, rate), max(1, n_frames))
    n_bins = n_frames // width
    column = frames // width
    inside = column < n_bins
    flat = rows[inside] * n_bins + column[inside]
    counts = np.bincount(flat, minlength=n_rois * n_bins).reshape(n_rois, n_bins)
    return (counts * (rate / width)).astype(np.float32), width / rate
