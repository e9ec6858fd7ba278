"""When frames are bad, as every plot over time marks it: spans, their colour, and the ground they shade."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BAD_COLOR", "bad_spans", "joined_spans", "no_spans", "shade_spans"]

BAD_COLOR = "#d55e00"
"""Of bad frames, on screen and on paper."""

_OPACITY = 0.35
_LEAST_SHARE = 1 / 1500
"""Of the width of the axes: a single frame of a long recording is seen."""


def no_spans() -> NDArray[np.float64]:
    """Return spans for a recording without any, (0, 2)."""
    return np.empty((0, 2))


def bad_spans(recording: Recording) -> NDArray[np.float64]:
    """Return when frames are bad, (n_spans, 2) seconds from the start of the first frame; empty for never.

    Neighbouring bad frames are one span. Seconds are frames where the frame rate is not known. O(n_frames).
    """
    motion = recording.motion
    if motion is None or not len(motion):
        return no_spans()
    steps = np.diff(np.concatenate([[0], motion.bad.astype(np.int8), [0]]))
    spans = np.column_stack([np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)])
    return spans / (recording.frame_rate or 1.0)


def joined_spans(spans: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Widen spans, (n, 2) ascending, to a least width and join those that then touch.

    So there are never more than the view is wide, in units of `least`.
    """
    if not len(spans):
        return spans
    start = spans[:, 0]
    stop = np.maximum.accumulate(np.maximum(spans[:, 1], start + least))
    first = np.concatenate([[True], start[1:] > stop[:-1]])
    last = np.concatenate([first[1:], [True]])
    return np.column_stack([start[first], stop[last]])


def shade_spans(ax: Axes, spans: NDArray[np.float64]) -> bool:
    """Shade spans, (n, 2) in the unit of the time axis, and return whether any is in view.

    They reach from the bottom of the axes to their top, over images and under lines. Spans outside the axes'
    limits are left out; limits stay as they are.
    """
    from matplotlib.collections import PolyCollection

    low, high = ax.get_xlim()
    seen = spans[(spans[:, 1] > low) & (spans[:, 0] < high)]
    if not len(seen):
        return False
    boxes = joined_spans(seen, (high - low) * _LEAST_SHARE)
    corners = [[(a, 0.0), (a, 1.0), (b, 1.0), (b, 0.0)] for a, b in boxes.tolist()]
    ground = PolyCollection(
        corners, facecolors=BAD_COLOR, alpha=_OPACITY, linewidths=0, transform=ax.get_xaxis_transform()
    )
    ground.set_zorder(0.5)
    ground.set_label("_bad frames")
    ax.add_collection(ground, autolim=False)
    return True
