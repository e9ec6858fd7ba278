"""How the movie moved and how well that was undone: shifts, correlation with the template, sharpness."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.bad_spans import BAD_COLOR, bad_spans, no_spans
from napari_calcium.figures.decimate import outline
from napari_calcium.figures.drawing import WIDTH, draw_message, note_size, time_axis, width_of, wrapped
from napari_calcium.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = [
    "SHIFT_COLORS",
    "VISIBLE_PX",
    "MotionData",
    "draw_motion",
    "motion_height",
    "motion_size",
    "motion_words",
    "prepare_motion",
    "sharpness",
]

SHIFT_COLORS = {"y": "#0072b2", "x": "#e69f00"}
VISIBLE_PX = 0.3
"""A component that moves by this much can be seen by eye."""

_CORRELATION_COLOR = "#6e6e6e"
_NONE = "The movie has not been registered."
_SIDE_BY_SIDE = 5.0
"""Inches; in a narrower figure the motion that is left stands below."""


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
    residual_px : (n_components,) float64
        How far the registered movie still moves along its principal components; empty where not measured.
    message : str
        Why there is nothing to show; empty otherwise.
    """

    shift_y: tuple[NDArray[np.float64], NDArray[np.float32]]
    shift_x: tuple[NDArray[np.float64], NDArray[np.float32]]
    correlation: tuple[NDArray[np.float64], NDArray[np.float32]]
    bad_s: NDArray[np.float64]
    duration_s: float
    words: str
    residual_px: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    message: str = ""


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
        return MotionData(none, none, none, no_spans(), 0.0, "", message=_NONE)

    def line(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        found = outline(values.astype(np.float32)[None], pixels)
        return found.frames[0] / rate, found.values[0]

    shifts = line(motion.shift_y_px), line(motion.shift_x_px)
    seconds = len(motion) / rate
    return MotionData(
        *shifts,
        line(motion.correlation),
        bad_spans(recording),
        seconds,
        motion_words(recording),
        motion.residual_px,
    )


def motion_size(data: MotionData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    return WIDTH, motion_height(data, WIDTH)


def motion_height(data: MotionData, width: float) -> float:
    """Return the height in inches at a width: in a narrow figure the motion that is left stands below."""
    return 3.2 if width >= _SIDE_BY_SIDE or not len(data.residual_px) else 4.4


def draw_motion(figure: Figure | SubFigure, data: MotionData) -> None:
    """Draw the shifts above the correlation, bad frames shaded through both, and what motion is left."""
    if data.message:
        return draw_message(figure, "Motion", data.message)
    upper, lower, aside = _panels(figure, data)
    scale = time_axis(upper, 0, data.duration_s, label=False, bad_s=data.bad_s)
    for name, (at, values) in (("y", data.shift_y), ("x", data.shift_x)):
        upper.plot(at / scale.seconds, values, color=SHIFT_COLORS[name], lw=0.6, label=name)
    upper.set_ylabel("Shift (px)")
    upper.legend(loc="upper right", ncols=2, handlelength=1.2)
    at, values = data.correlation
    lower.plot(at / scale.seconds, values, color=_CORRELATION_COLOR, lw=0.6)
    lower.set_ylabel("Correlation\nwith template")
    time_axis(lower, 0, data.duration_s, bad_s=data.bad_s)
    upper.tick_params(labelbottom=False)
    if aside is not None:
        _draw_residual(aside, data.residual_px)
    figure.suptitle(wrapped(data.words, width_of(figure) - 0.3, note_size()), fontsize=note_size())
    return None


def _panels(figure: Figure | SubFigure, data: MotionData) -> tuple[Axes, Axes, Axes | None]:
    """Return the axes of shifts, of the correlation, and of what motion is left where it is known."""
    if not len(data.residual_px):
        grid = figure.add_gridspec(2, 1, height_ratios=(3, 2))
        aside = None
    elif width_of(figure) >= _SIDE_BY_SIDE:
        grid = figure.add_gridspec(2, 2, height_ratios=(3, 2), width_ratios=(4, 1))
        aside = figure.add_subplot(grid[:, 1])
    else:
        grid = figure.add_gridspec(3, 1, height_ratios=(3, 2, 2))
        aside = figure.add_subplot(grid[2, 0])
    upper = figure.add_subplot(grid[0, 0])
    return upper, figure.add_subplot(grid[1, 0], sharex=upper), aside


def _draw_residual(ax: Axes, values: NDArray[np.float64]) -> None:
    """Draw a bar a component; those that can be seen by eye stand out."""
    colors = np.where(values >= VISIBLE_PX, BAD_COLOR, SHIFT_COLORS["y"])
    ax.bar(np.arange(1, len(values) + 1), values, color=colors.tolist(), width=0.8)
    ax.axhline(VISIBLE_PX, color=BAD_COLOR, lw=0.6)
    ax.set_ylim(0, max(2 * VISIBLE_PX, 1.1 * float(values.max())))
    ax.set_xlabel("Principal component")
    ax.set_ylabel("Motion left (px)")
