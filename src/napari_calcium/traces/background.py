"""Slow fluctuations of the traces (drift, bleaching, neuropil) taken away under the transients."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.numerics.blocks import apply_to_rows
from napari_calcium.progress import Progress, silent
from napari_calcium.settings import Percent, Seconds, Settings, TraceName

__all__ = ["BackgroundSettings", "HighPassBackground", "LowerEnvelopeBackground", "remove_background"]

_Source = Annotated[
    TraceName, Field(title="Read from", description="Trace that the background is taken from.")
]
# Working memory of the slowest step, in bytes a sample.
_BYTES = 40


class HighPassBackground(Settings):
    """Zero-phase high-pass that looks at quiet samples only, so that transients stay whole."""

    method: Literal["high_pass"] = "high_pass"
    input: _Source = "dff"
    cutoff: Annotated[Seconds, Ge(1), Le(3600)] = Field(
        20.0,
        title="Cutoff",
        description="Fluctuations with this period in seconds lose about nine tenths of their power, slower "
        "ones more. Raise it if neurons are active for longer than about half of it without a pause.",
    )


class LowerEnvelopeBackground(Settings):
    """Lower envelope: a low percentile of a sliding window, smoothed."""

    method: Literal["lower_envelope"] = "lower_envelope"
    input: _Source = "dff"
    window: Annotated[Seconds, Ge(1), Le(3600)] = Field(
        20.0,
        title="Window",
        description="Length in seconds of the sliding window. Longer than the longest stretch of activity; "
        "fluctuations of three windows and slower are removed.",
    )
    percentile: Annotated[Percent, Le(50)] = Field(
        25.0,
        title="Percentile",
        description="Which of the window's values is the envelope; 0 is the lowest one. Higher values are "
        "less noisy, lower ones keep away from transients.",
    )


BackgroundSettings = Annotated[HighPassBackground | LowerEnvelopeBackground, Field(discriminator="method")]


def remove_background(
    traces: ArrayLike,
    frame_rate: float,
    settings: BackgroundSettings = HighPassBackground(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> NDArray[np.float32]:
    """Subtract the slow background of every trace and keep its transients.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        ΔF/F, or fluorescence in any unit; NaN marks a missing sample.
    frame_rate : float
        In Hz.
    settings : BackgroundSettings
    on_progress : Progress
    executor : Executor, optional
        Where blocks of rows run; the result is the same to the byte for any.

    Returns
    -------
    (n_rois, n_frames) float32
        In the unit of `traces`, with the quiet level at 0. NaN where the trace is NaN; gaps do not disturb
        the samples around them.

    Notes
    -----
    A linear high-pass would lower transients and dig a trough after them. Here the slow part is drawn through
    the quiet samples alone (see :func:`napari_calcium.numerics.slow_level.quiet_level`) and continued under
    the transients. No samples beyond the ends are made up, so the ends show no artefact of a filter.

    It misleads where a neuron is active without a pause for longer than about half the cutoff: such a plateau
    cannot be told from drift, and is partly taken away. Steps (a jump of the image) remain as transients of
    a few seconds. A recording shorter than the cutoff only loses a straight line or little more.

    Time grows with the number of samples; the slower the cutoff in frames, the less work a sample needs.

    References
    ----------
    Baek et al. (2015), Analyst 140, 250-257, https://doi.org/10.1039/C4AN01061B
    """
    values = check_traces(traces)
    function = partial(_without_background, rate=check_frame_rate(frame_rate), settings=settings)
    return apply_to_rows(
        function, values, bytes_per_sample=_BYTES, on_progress=on_progress, executor=executor
    )


def _without_background(
    traces: NDArray[np.float32], rate: float, settings: BackgroundSettings
) -> NDArray[np.float32]:
    from napari_calcium.numerics.slow_level import lower_envelope, quiet_level

    if isinstance(settings, HighPassBackground):
        level = quiet_level(traces, settings.cutoff * rate)
    else:
        level = lower_envelope(traces, settings.window * rate, settings.percentile)
    return np.asarray(traces - level, dtype=np.float32)
