"""Events where a trace looks like a template transient: matched filter with a rise and a decay."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from pydantic import Field

from napari_calcium.events.row_blocks import Found, onsets_in_blocks
from napari_calcium.numerics.indicators import INDICATORS, Indicator, Kinetics
from napari_calcium.progress import Progress, part, silent
from napari_calcium.settings import Settings, StandardDeviations, TraceName

__all__ = ["TemplateEvents", "template_onsets"]

# Length of the template before and after the onset, in decay times.
_BEFORE, _AFTER = 0.5, 2.0
# Rise time where only the decay is known: that of a slow GCaMP, or less for fast decays.
_RISE_S, _RISE_SHARE = 0.07, 0.2
# A second peak of the score counts if the score falls and rises by this share of the threshold in between.
_PROMINENCE = 0.6


class TemplateEvents(Settings):
    """Events as pieces of trace that look like one transient of the indicator."""

    method: Literal["template"] = "template"
    input: TraceName = Field(
        "dff",
        title="Read from",
        description="Trace to read. The template takes off the level before each event and averages noise "
        "itself.",
    )
    indicator: Indicator = Field(
        "estimate",
        title="Indicator",
        description="Rise and decay time of the template. 'estimate' measures the decay in the traces.",
    )
    n_sd: Annotated[StandardDeviations, Ge(1), Le(50)] = Field(
        3.5,
        title="Threshold",
        description="Least score of an event: height of the best-fitting template over the standard "
        "deviation that the same fit has at rest.",
    )


def template_onsets(
    traces: NDArray[np.float32],
    frame_rate: float,
    settings: TemplateEvents = TemplateEvents(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Found:
    """Find event onsets by template matching.

    Parameters
    ----------
    traces : (n_rois, n_frames) float32
        ΔF/F; NaN marks a missing sample.
    frame_rate : float
        In Hz.
    settings : TemplateEvents

    Returns
    -------
    row : (n_events,) int64
        Row of each event, ascending.
    onset_s : (n_events,) float64
        Onset in seconds, ascending within a row, to a fraction of a frame.

    Notes
    -----
    At each frame the template (a short rest, then rise and decay) and a free offset are fitted by least
    squares. The fitted height is divided by its own standard deviation at rest (lower half of its values),
    so the score counts the noise in the template's band, at any frame rate. Events are the score's peaks.
    Unlike deconvolution it sees one event at a time: an event on the decay of another one is scored too
    low. Two FFT convolutions: time is n log n in the number of frames.

    References
    ----------
    Clements & Bekkers (1997), Biophysical Journal 73, 220-229, https://doi.org/10.1016/S0006-3495(97)78062-7
    """
    from napari_calcium.numerics.kinetics import DEFAULT_DECAY_S, estimate_kinetics

    if settings.indicator == "estimate":
        decay = float(next(iter(estimate_kinetics(traces, frame_rate, executor=executor)), DEFAULT_DECAY_S))
        kinetics = Kinetics(min(_RISE_S, _RISE_SHARE * decay), decay)
    else:
        kinetics = INDICATORS[settings.indicator]
    return onsets_in_blocks(
        traces,
        frame_rate,
        partial(_events_of_rows, frame_rate=frame_rate, kinetics=kinetics, n_sd=settings.n_sd),
        bytes_per_sample=64,
        on_progress=part(on_progress, 0.3, 1.0),
        executor=executor,
    )


def _events_of_rows(traces: NDArray[np.float64], frame_rate: float, kinetics: Kinetics, n_sd: float) -> Found:
    """Return row and onset (in frames) of the score's peaks."""
    from napari_calcium.events.peaks import prominent_peaks, quiet_level

    height = _fitted_height(traces, frame_rate, kinetics)
    _, sd = quiet_level(height)
    rows: list[int] = []
    onsets: list[float] = []
    for row in np.flatnonzero(sd > 0):
        score = height[row] / sd[row]
        peaks, _ = prominent_peaks(score, n_sd, _PROMINENCE * n_sd)
        onsets.extend((_vertex(score, peaks) - 0.5).tolist())
        rows.extend([int(row)] * len(peaks))
    return np.array(rows, np.int64), np.array(onsets, np.float64)


def _fitted_height(traces: NDArray[np.float64], frame_rate: float, kinetics: Kinetics) -> NDArray[np.float64]:
    """Return the least-squares height of the template whose first risen sample is each frame.

    Samples beyond both ends repeat the outermost ones.
    """
    from scipy.signal import oaconvolve

    n_before = max(1, round(_BEFORE * kinetics.decay_s * frame_rate))
    n_after = max(2, round(_AFTER * kinetics.decay_s * frame_rate))
    # The onset lies half a frame before the first frame that sees it.
    time = (np.arange(n_after) + 0.5) / frame_rate
    shape = np.exp(-time / kinetics.decay_s) - np.exp(-time / kinetics.rise_s)
    template = np.concatenate([np.zeros(n_before), shape / shape.max()])
    template -= template.mean()
    padded = np.pad(traces, ((0, 0), (n_before, len(template) - 1 - n_before)), mode="edge")
    padded -= padded.mean(axis=1, keepdims=True)
    fitted = oaconvolve(padded, template[None, ::-1], mode="valid", axes=1)
    height: NDArray[np.float64] = np.divide(fitted, template @ template)
    return height


def _vertex(score: NDArray[np.float64], peaks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the peaks' places to a fraction of a frame, by a parabola through three samples."""
    k = np.clip(peaks, 1, max(len(score) - 2, 1))
    if len(score) < 3:
        return peaks.astype(np.float64)
    curvature = score[k - 1] - 2 * score[k] + score[k + 1]
    slope = 0.5 * (score[k + 1] - score[k - 1])
    shift = np.divide(-slope, curvature, out=np.zeros(len(k)), where=curvature < 0)
    return np.asarray(k + np.clip(shift, -0.5, 0.5), np.float64)
