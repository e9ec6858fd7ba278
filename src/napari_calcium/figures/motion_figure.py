"""How the movie moved and how well that was undone: shifts, correlation with the template, sharpness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.decimate import outline
from napari_calcium.figures.drawing import WIDTH, draw_message, time_axis
from napari_calcium.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = [
    "BAD_COLOR",
    "SHIFT_COLORS",
    "MotionData",
    "bad_spans",
    "draw_motion",
    "motion_size",
    "motion_words",
    "prepare_motion",
    "sharpness",
]

SHIFT_COLORS = {"y": "#0072b2", "x": "#e69f00"}
BAD_COLOR = "#d55e00"
_CORRELATION_COLOR = "#6e6e6e"


@dataclass(frozen=True)
class MotionData:
    """What the figure of motion shows; lines keep the extremes of each pixel.

    Attributes
    ----------
    shift_y, shift_x, correlation : (time_s, values)
        Seconds, and displacement of the frames from the template in pixels or their correlation with it.
    bad_s : (n_spans, 2) float64
        Start and end of the spans of bad frames.
    duration_s : float
    words : str
        The figures that judge the registration, in a line.
    message : str
        Why there is nothing to show; empty otherwise.
    """

    shift_y: tuple[NDArray[np.float64], NDArray[np.float32]]
    shift_x: tuple[NDArray[np.float64], NDArray[np.float32]]
    correlation: tuple[NDArray[np.float64], NDArray[np.float32]]
    bad_s: NDArray[np.float64]
    duration_s: float
    words: str
    message: str = ""


def bad_spans(recording: Recording) -> NDArray[np.float64]:
    """Return when frames are bad, (n_spans, 2) seconds from the start of the first frame; empty for never.

    Neighbouring bad frames are one span. Seconds are frames where the frame rate is not known.
    """
    motion = recording.motion
    if motion is None or not len(motion):
        return np.empty((0, 2))
    steps = np.diff(np.concatenate([[0], motion.bad.astype(np.int8), [0]]))
    spans = np.column_stack([np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)])
    return spans / (recording.frame_rate or 1.0)


def sharpness(recording: Recording) -> tuple[float, float] | None:
    """Return the crispness of the mean image before and after registration; None where it is not known.

    See :func:`napari_calcium.movie.registration_quality.crispness`; only pixels that every frame saw count.
    """
    from napari_calcium.movie.registration_quality import crispness

    images = recording.images
    if not {"raw_mean", "mean", "coverage"} <= images.keys():
        return None
    seen = images["coverage"] >= 1
    before, after = (
        crispness(np.where(seen, images[name], np.nan).astype(np.float32)) for name in ("raw_mean", "mean")
    )
    return (before, after) if before > 0 else None


def motion_words(recording: Recording) -> str:
    """Return the figures that judge a registration, in a line; empty where there is none."""
    motion = recording.motion
    if motion is None or not len(motion):
        return ""
    largest = float(np.hypot(motion.shift_y_px, motion.shift_x_px).max())
    parts = [f"shifts up to {largest:.1f} px"]
    known = motion.correlation[np.isfinite(motion.correlation)]
    if len(known):
        parts.append(f"median correlation {np.median(known):.2f}")
    bad = int(motion.bad.sum())
    parts.append(counted(bad, "bad frame"))
    crisp = sharpness(recording)
    if crisp is not None:
        change = 100 * (crisp[1] / crisp[0] - 1)
        parts.append(f"mean {abs(change):.0f} % {'sharper' if change >= 0 else 'less sharp'} than raw")
    return " · ".join(parts)


def prepare_motion(recording: Recording, *, pixels: int = 1500) -> MotionData:
    """Gather shifts, correlation and bad frames."""
    motion = recording.motion
    rate = recording.frame_rate or 1.0
    if motion is None or not len(motion):
        none = (np.empty(0), np.empty(0, np.float32))
        return MotionData(none, none, none, np.empty((0, 2)), 0.0, "", "The movie has not been registered.")

    def line(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        found = outline(values.astype(np.float32)[None], pixels)
        return found.frames[0] / rate, found.values[0]

    shifts = line(motion.shift_y_px), line(motion.shift_x_px)
    seconds = len(motion) / rate
    return MotionData(
        *shifts, line(motion.correlation), bad_spans(recording), seconds, motion_words(recording)
    )


def motion_size(data: MotionData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    return WIDTH, 3.2


def draw_motion(figure: Figure | SubFigure, data: MotionData) -> None:
    """Draw the shifts above the correlation, bad frames shaded through both."""
    if data.message:
        return draw_message(figure, "Motion", data.message)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    scale = time_axis(upper, 0, data.duration_s, label=False)
    for name, (at, values) in (("y", data.shift_y), ("x", data.shift_x)):
        upper.plot(at / scale.seconds, values, color=SHIFT_COLORS[name], lw=0.6, label=name)
    upper.set_ylabel("Shift (px)")
    upper.legend(loc="upper right", ncols=2, handlelength=1.2)
    upper.set_title(data.words, wrap=True)
    at, values = data.correlation
    lower.plot(at / scale.seconds, values, color=_CORRELATION_COLOR, lw=0.6)
    lower.set_ylabel("Correlation\nwith template")
    time_axis(lower, 0, data.duration_s)
    for ax in (upper, lower):
        _shade(ax, data.bad_s / scale.seconds)
    return None


def _shade(ax: Axes, spans: NDArray[np.float64]) -> None:
    for start, stop in spans.tolist():
        ax.axvspan(start, stop, color=BAD_COLOR, alpha=0.35, lw=0.4)
