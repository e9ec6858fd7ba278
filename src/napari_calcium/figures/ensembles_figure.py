"""The ensembles in space, as coloured somata on the mean image, and in time, as activations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.bad_spans import bad_spans, no_spans
from napari_calcium.figures.drawing import (
    NOTE_COLOR,
    WIDTH,
    draw_message,
    note_size,
    set_titles,
    time_axis,
    width_of,
)
from napari_calcium.figures.palette import ensemble_color, rgb
from napari_calcium.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = [
    "GUEST",
    "EnsembleView",
    "EnsemblesData",
    "activations_on",
    "draw_ensembles",
    "ensembles_height",
    "ensembles_size",
    "paint_cells",
    "prepare_ensembles",
    "scale_bar",
    "tissue_image",
]

_MAP_WIDTH, _MOST_MAPS = 1.4, 15
GUEST = 0.5
"""Opacity of members that are not core, beside which core members stand out."""

_SMALLEST = 0.028
"""Somata smaller than this share of the field are painted larger, or nobody would see them in a small map."""


@dataclass(frozen=True)
class EnsembleView:
    """One ensemble.

    Attributes
    ----------
    ensemble_id : int
    color : str
    core, guests : (n,) int64
        Ids of the members: those that belong to its core, and the others.
    activation_s : (n_activations,) float64
    overlay : (height, width, 4) uint8, or None
        Its somata in its colour, to lay over the mean image; None without positions.
    """

    ensemble_id: int
    color: str
    core: NDArray[np.int64]
    guests: NDArray[np.int64]
    activation_s: NDArray[np.float64]
    overlay: NDArray[np.uint8] | None


@dataclass(frozen=True)
class EnsemblesData:
    """What the figure of the ensembles shows.

    Attributes
    ----------
    background : (height, width) float32, or None
        Mean image from 0 (black) to 1 (white), dark where there is none; None without positions.
    views : tuple of EnsembleView
    duration_s : float
    pixel_size_um : float or None
    note : str
        What chance alone would give.
    message : str
        Why there is nothing to show; empty otherwise.
    bad_s : (n_spans, 2) float64
        Seconds in which frames are bad.
    """

    background: NDArray[np.float32] | None
    views: tuple[EnsembleView, ...]
    duration_s: float
    pixel_size_um: float | None = None
    note: str = ""
    message: str = ""
    bad_s: NDArray[np.float64] = field(default_factory=no_spans)


def prepare_ensembles(recording: Recording) -> EnsemblesData:
    """Gather members and activations, and paint the somata where their place is known."""
    found = recording.ensembles
    background = tissue_image(recording)
    if found is None or not len(found):
        why = "Ensembles have not been looked for yet." if found is None else "No ensembles were found."
        return EnsemblesData(background, (), recording.duration_s, recording.pixel_size_um, message=why)
    note = ""
    if np.isfinite(found.expected_by_chance):
        note = f"{found.expected_by_chance:.2g} on average in copies shifted in time"
    return EnsemblesData(
        background,
        tuple(_view(recording, k) for k in found.ids),
        recording.duration_s,
        recording.pixel_size_um,
        note,
        bad_s=bad_spans(recording),
    )


def _view(recording: Recording, ensemble: int) -> EnsembleView:
    assert recording.ensembles is not None
    members = recording.ensembles.members_of(ensemble)
    core, guests = members.roi_id[members.core], members.roi_id[~members.core]
    color = ensemble_color(ensemble)
    overlay = None
    if recording.has_positions:
        overlay = np.maximum(
            paint_cells(recording, core, color), paint_cells(recording, guests, color, GUEST)
        )
    return EnsembleView(
        ensemble, color, core, guests, recording.ensembles.activations_of(ensemble).time_s, overlay
    )


def paint_cells(
    recording: Recording, ids: NDArray[np.int64], color: str, opacity: float = 1.0
) -> NDArray[np.uint8]:
    """Return an RGBA picture, (height, width, 4), of the footprints of some cells that have positions."""
    assert recording.rois is not None
    rows = np.flatnonzero(np.isin(recording.rois.ids, ids))
    covered = np.zeros(recording.rois.shape, bool)
    covered.ravel()[recording.rois.footprints[rows].indices] = True
    diameter = float(np.sqrt(np.median(recording.rois.areas)))
    grown = round((_SMALLEST * max(covered.shape) - diameter) / 2)
    if grown > 0 and len(rows):
        covered = ndimage.binary_dilation(covered, iterations=grown)
    image = np.zeros((*covered.shape, 4), np.uint8)
    image[covered] = (*rgb(color), round(255 * opacity))
    return image


def tissue_image(recording: Recording) -> NDArray[np.float32] | None:
    """Return the mean image stretched to 0 … 1, black where there is no image of the right shape."""
    if recording.rois is None or not recording.has_positions:
        return None
    image = recording.images.get("mean")
    if image is None or image.shape != recording.rois.shape or not np.isfinite(image).any():
        return np.zeros(recording.rois.shape, np.float32)
    low, high = np.nanpercentile(image, (1.0, 99.7))
    if high <= low:
        return np.zeros(recording.rois.shape, np.float32)
    stretched = np.clip((np.nan_to_num(image, nan=low) - low) / (high - low), 0, 1)
    shown: NDArray[np.float32] = stretched.astype(np.float32) ** np.float32(0.8)
    return shown


def ensembles_size(data: EnsemblesData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    return WIDTH, ensembles_height(data, WIDTH)


def ensembles_height(data: EnsemblesData, width: float) -> float:
    """Return the height in inches at a width: the narrower, the more rows of maps."""
    rows = -(-_n_maps(data) // _columns(width))
    ratio = 1.0
    if data.background is not None:
        ratio = min(data.background.shape[0] / data.background.shape[1], 2.0)
    return (
        rows * (width / _columns(width) * 0.986 * ratio + 0.2) + _time_height(data) + (0.12 if rows else 0.3)
    )


def _columns(width: float) -> int:
    return max(2, round(width / _MAP_WIDTH))


def _n_maps(data: EnsemblesData) -> int:
    return 0 if data.background is None or data.message else min(len(data.views), _MOST_MAPS)


def _time_height(data: EnsemblesData) -> float:
    return float(np.clip(0.55 + 0.14 * len(data.views), 0.9, 6.0))


def draw_ensembles(figure: Figure | SubFigure, data: EnsemblesData) -> None:
    """Draw a map for each ensemble and below them when each was active; time alone without positions."""
    if data.message:
        return draw_message(figure, "Ensembles", data.message)
    number = _n_maps(data)
    if not number:
        return activations_on(figure.subplots(), data)
    low, columns = _time_height(data), _columns(width_of(figure))
    high = ensembles_height(data, width_of(figure)) - low
    maps, below = np.ravel(np.asarray(figure.subfigures(2, 1, height_ratios=(high, low))))
    panels = np.ravel(maps.subplots(-(-number // columns), columns, squeeze=False))
    for ax in panels:
        ax.set_axis_off()
    for ax, view in zip(panels, data.views[:number], strict=False):
        _draw_map(ax, data, view)
    if data.background is not None:
        scale_bar(panels[0], data.background.shape, data.pixel_size_um)
    return activations_on(below.subplots(), data)


def _draw_map(ax: Axes, data: EnsemblesData, view: EnsembleView) -> None:
    assert data.background is not None
    assert view.overlay is not None
    # The tissue recedes, so that dim guests still stand before it.
    opacity = view.overlay[..., 3:] / np.float32(255)
    tissue = np.float32(0.55) * data.background[..., None]
    ax.imshow(tissue * (1 - opacity) + view.overlay[..., :3] / np.float32(255) * opacity)
    ax.set_title(
        f"{view.ensemble_id}: {counted(len(view.core) + len(view.guests), 'neuron')}",
        color=view.color, fontsize=note_size(), pad=2, fontweight="bold",
    )  # fmt: skip


def scale_bar(ax: Axes, shape: tuple[int, ...], pixel_size_um: float | None) -> None:
    """Draw a bar of a round length into a map of `shape` (height, width); nothing without a pixel size."""
    if not pixel_size_um:
        return
    height, width = shape[:2]
    room = 0.35 * width * pixel_size_um
    power = 10.0 ** np.floor(np.log10(room))
    length = max(k * power for k in (1, 2, 5) if k * power <= room)
    x, y = 0.05 * width, 0.94 * height
    ax.plot([x, x + length / pixel_size_um], [y, y], color="white", lw=1.6, solid_capstyle="butt")
    ax.text(x, y - 0.03 * height, f"{length:g} µm", color="white", fontsize=note_size(), va="bottom")


def activations_on(ax: Axes, data: EnsemblesData, *, members: bool = False) -> None:
    """Draw a tick for each activation, a row an ensemble, on given axes; at its end how many there are."""
    scale = time_axis(ax, 0, data.duration_s, bad_s=data.bad_s)
    for row, view in enumerate(data.views):
        ax.vlines(view.activation_s / scale.seconds, row - 0.38, row + 0.38, color=view.color, lw=1.0)
    ax.set_ylim(len(data.views) - 0.5, -0.5)
    step = max(1, len(data.views) // 40)
    ax.set_yticks(range(0, len(data.views), step), [str(v.ensemble_id) for v in data.views[::step]])
    for label, view in zip(ax.get_yticklabels(), data.views[::step], strict=True):
        label.set_color(view.color)
    ax.tick_params(axis="y", length=0)
    ax.set_ylabel("Ensemble")
    for row, view in enumerate(data.views[::step]):
        text = f"{len(view.activation_s)}×"
        if members:
            text += f", {counted(len(view.core) + len(view.guests), 'cell')}"
        ax.text(
            1.008, step * row, text, transform=ax.get_yaxis_transform(), va="center", fontsize=note_size(),
            color=NOTE_COLOR,
        )  # fmt: skip
    beside = 1.7 if members else 0.9
    set_titles(ax, f"Activations of {counted(len(data.views), 'ensemble')}", data.note, beside=beside)
