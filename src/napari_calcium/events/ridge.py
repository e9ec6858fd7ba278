"""Events as ridges of the wavelet transform that run through many scales."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import Field, model_validator

from napari_calcium.events.row_blocks import Found, merge_close, onsets_in_blocks
from napari_calcium.progress import Progress, silent
from napari_calcium.settings import Seconds, Settings, StandardDeviations, TraceName

__all__ = ["RidgeEvents", "ricker_transform", "ridge_onsets"]

_SCALES_PER_OCTAVE = 2
# Of two ridges whose onsets are this close together only the first counts.
_SEPARATION_S = 0.3
# The rise to a peak is looked for in this many widths of the best-fitting wavelet.
_RISE_WIDTHS = 2.0


class RidgeEvents(Settings):
    """Events as ridges across the scales of a continuous wavelet transform."""

    method: Literal["ridge"] = "ridge"
    input: TraceName = Field(
        "dff",
        title="Read from",
        description="Trace to read. The wavelets average noise and ignore slow drift themselves.",
    )
    shortest: Annotated[Seconds, Gt(0), Le(60)] = Field(
        0.2,
        title="Shortest width",
        description="Width of the narrowest wavelet (its standard deviation); never less than one frame. "
        "About a third of the shortest event's duration.",
    )
    longest: Annotated[Seconds, Gt(0), Le(120)] = Field(
        2.0,
        title="Longest width",
        description="Width of the broadest wavelet. About a third of the longest event's duration.",
    )
    n_sd: Annotated[StandardDeviations, Ge(1), Le(50)] = Field(
        4.0,
        title="Threshold",
        description="Least height of a ridge's highest point, in standard deviations of the transform at "
        "rest.",
    )
    min_scales: Annotated[int, Ge(1), Le(50)] = Field(
        3,
        title="Shortest ridge",
        description="Number of neighbouring scales through which a ridge must run; noise ridges are short.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> RidgeEvents:
        if self.longest < self.shortest:
            raise ValueError(f"longest ({self.longest} s) must not be below shortest ({self.shortest} s)")
        return self


def ridge_onsets(
    traces: NDArray[np.float32],
    frame_rate: float,
    settings: RidgeEvents = RidgeEvents(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Found:
    """Find event onsets by walking along wavelet ridges.

    Parameters
    ----------
    traces : (n_rois, n_frames) float32
        ΔF/F; NaN marks a missing sample.
    frame_rate : float
        In Hz.
    settings : RidgeEvents

    Returns
    -------
    row : (n_events,) int64
        Row of each event, ascending.
    onset_s : (n_events,) float64
        Onset in seconds, ascending within a row.

    Notes
    -----
    The local maxima of a Ricker-wavelet transform are linked from the broadest scale to the narrowest: each
    ridge goes on to the nearest maximum within the wavelet's width, and ends where there is none on two
    scales running. A ridge that runs through enough scales and is high enough is an event; its foot at the
    narrow end tells the peak, and the onset is where the rise before it leaves the valley. Nothing is
    assumed about the shape of a transient, so it suits unknown indicators; for the same reason it needs
    more signal than deconvolution. Close events merge on broad scales. Time is n log n in the number of
    frames for each scale.

    References
    ----------
    Neugornet, O'Donovan & Ortinski (2021), Frontiers in Neuroscience 15, 620869,
    https://doi.org/10.3389/fnins.2021.620869 (wavelet ridge walking for calcium events); Du, Kibbe & Lin
    (2006), Bioinformatics 22, 2059-2065, https://doi.org/10.1093/bioinformatics/btl355
    """
    widths = _widths(frame_rate, settings)
    return onsets_in_blocks(
        traces,
        frame_rate,
        partial(_events_of_rows, frame_rate=frame_rate, widths=widths, settings=settings),
        bytes_per_sample=8 * (len(widths) + 6),
        on_progress=on_progress,
        executor=executor,
    )


def _widths(frame_rate: float, settings: RidgeEvents) -> NDArray[np.float64]:
    """Return the widths of the wavelets in frames, ascending."""
    low = max(settings.shortest * frame_rate, 1.0)
    high = max(settings.longest * frame_rate, low)
    n = max(1, round(_SCALES_PER_OCTAVE * np.log2(high / low)) + 1)
    return np.geomspace(low, high, n)


def ricker_transform(traces: NDArray[np.float64], widths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the continuous wavelet transform with the Ricker ("Mexican hat") wavelet.

    Parameters
    ----------
    traces : (n_rows, n_frames) float64
        Without missing samples; reflected at both ends.
    widths : (n_widths,) float64
        Standard deviations of the wavelet, in frames.

    Returns
    -------
    (n_widths, n_rows, n_frames) float64
        White noise of unit variance gives coefficients of unit variance at every width.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    n_frames = traces.shape[1]
    support = int(np.ceil(5 * widths.max()))
    reach = min(support, n_frames - 1)
    # Without its mean the trace has no step where the reflection ends.
    centred = traces - traces.mean(axis=1, keepdims=True)
    padded = np.pad(centred, ((0, 0), (reach, reach)), mode="reflect")
    n = next_fast_len(padded.shape[1] + support, real=True)
    spectrum = rfft(padded, n, axis=1)
    power = (2 * np.pi * np.arange(spectrum.shape[1]) / n) ** 2
    result = np.empty((len(widths), *traces.shape))
    for k, width in enumerate(widths):
        response = power * np.exp(-0.5 * power * width**2)
        # Parseval: the sum over all frequencies of the squared response is n times the filter's energy.
        energy = (2 * np.sum(response**2) - response[0] ** 2) / n
        result[k] = irfft(spectrum * (response / np.sqrt(energy)), n, axis=1)[:, reach : reach + n_frames]
    return result


def _events_of_rows(
    traces: NDArray[np.float64], frame_rate: float, widths: NDArray[np.float64], settings: RidgeEvents
) -> Found:
    """Return row and onset (in frames) of the events of a block."""
    from napari_calcium.events.peaks import onset_of_rise, quiet_level
    from napari_calcium.events.ridge_walking import walk_ridges
    from napari_calcium.events.shape import SMOOTH_S, running_mean

    height = ricker_transform(traces, widths)
    sd = np.stack([quiet_level(scale)[1] for scale in height])
    smooth, half = np.empty(traces.shape[1]), int(SMOOTH_S * frame_rate)
    rows: list[int] = []
    onsets: list[float] = []
    for row in np.flatnonzero((sd > 0).all(axis=0)):
        scaled = height[:, row] / sd[:, row, None]
        peaks, best = walk_ridges(scaled, widths, settings.n_sd, min(settings.min_scales, len(widths)))
        running_mean(traces[row], half, smooth)
        found = []
        for ridge_end, scale in zip(peaks, best, strict=True):
            peak = _highest(smooth, ridge_end, widths[0])
            onset = onset_of_rise(smooth, _valley(smooth, peak, _RISE_WIDTHS * widths[scale]), peak)
            # The mean over `half` samples to each side begins to rise that much early for a steep rise.
            found.append(min(onset + 0.5 * half, float(peak)))
        onsets.extend(sorted(found))
        rows.extend([int(row)] * len(found))
    row_of, onset_of = np.array(rows, np.int64), np.array(onsets, np.float64)
    first = merge_close(row_of, onset_of, _SEPARATION_S * frame_rate)
    return row_of[first], onset_of[first]


def _highest(trace: NDArray[np.float64], centre: int, reach: float) -> int:
    """Return the highest sample within `reach` frames of where a ridge ends."""
    first = max(0, centre - int(np.ceil(reach)))
    return int(first + np.argmax(trace[first : centre + int(np.ceil(reach)) + 1]))


def _valley(trace: NDArray[np.float64], peak: int, reach: float) -> int:
    """Return the lowest sample in the `reach` frames before a peak."""
    first = max(0, peak - max(2, int(np.ceil(reach))))
    return int(first + np.argmin(trace[first : peak + 1]))
