"""The field of view with every ensemble in its colour: where they lie, all at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_calcium.figures.axis_labels import counted
from napari_calcium.figures.drawing import draw_message, note_size, set_titles, width_of
from napari_calcium.figures.ensembles_figure import GUEST, paint_cells, scale_bar, tissue_image
from napari_calcium.figures.palette import ensemble_color
from napari_calcium.figures.row_order import display_order
from napari_calcium.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["FieldData", "draw_field", "field_on", "field_size", "prepare_field"]

_OTHERS = "#7f7f7f"
"""Cells of no ensemble, where there is no image of the tissue that would show them."""

_DIM = np.float32(0.6)
"""The tissue recedes, so that dim guests still stand before it."""


@dataclass(frozen=True)
class FieldData:
    """What the map of the field shows.

    Attributes
    ----------
    image : (height, width, 3) float32, or None
        The tissue in grey, 0 to 1, with members of ensembles in colour; None without positions.
    ensembles : tuple of int
        Ids of the ensembles that are seen on it.
    n_placed, n_rois : int
        Cells with a position, and all.
    pixel_size_um : float or None
    message : str
        Why there is nothing to show; empty otherwise.
    """

    image: NDArray[np.float32] | None
    ensembles: tuple[int, ...]
    n_placed: int
    n_rois: int
    pixel_size_um: float | None = None
    message: str = ""


def prepare_field(recording: Recording) -> FieldData:
    """Paint the members of every ensemble on the mean image.

    A cell of several ensembles has the colour of the one in which it takes part most, as in the raster;
    members that are not core are dimmer. Without a mean image all other cells are grey on black.
    """
    tissue = tissue_image(recording)
    if tissue is None or recording.rois is None:
        why = (
            "The cells have no positions:\nopen a label image with them." if recording.n_rois else "No cells."
        )
        return FieldData(None, (), 0, recording.n_rois, message=why)
    order, home = display_order(recording)
    image: NDArray[np.float32] = np.repeat((_DIM * tissue)[..., None], 3, axis=2)
    if not tissue.any():
        image = _over(image, paint_cells(recording, recording.rois.ids, _OTHERS, 0.7))
    core = _core_cells(recording)
    shown = []
    for ensemble in np.unique(home[home >= 0]).tolist():
        ids = recording.roi_ids[order[home == ensemble]]
        ids = ids[np.isin(ids, recording.rois.ids)]
        if len(ids):
            shown.append(ensemble)
        for chosen, opacity in ((ids[~np.isin(ids, core)], GUEST + 0.15), (ids[np.isin(ids, core)], 1.0)):
            image = _over(image, paint_cells(recording, chosen, ensemble_color(ensemble), opacity))
    return FieldData(image, tuple(shown), len(recording.rois), recording.n_rois, recording.pixel_size_um)


def _core_cells(recording: Recording) -> NDArray[np.int64]:
    if recording.ensembles is None:
        return np.empty(0, np.int64)
    members = recording.ensembles.members
    return members.roi_id[members.core]


def _over(image: NDArray[np.float32], layer: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Lay an RGBA picture over an RGB image."""
    share = layer[..., 3:].astype(np.float32) / 255
    return (image * (1 - share) + layer[..., :3].astype(np.float32) / 255 * share).astype(np.float32)


def field_size(data: FieldData) -> tuple[float, float]:
    """Return width and height of the figure in inches."""
    if data.image is None:
        return 3.4, 1.2
    height, width = data.image.shape[:2]
    return 3.4, float(np.clip(3.4 * height / width, 1.0, 6.0)) + 0.45


def draw_field(figure: Figure | SubFigure, data: FieldData) -> None:
    """Draw the map with a bar for scale and the ensembles' numbers in their colours."""
    if data.image is None:
        return draw_message(figure, "Field of view", data.message)
    return field_on(figure.subplots(), data)


def field_on(ax: Axes, data: FieldData) -> None:
    """Draw a map that there is on given axes."""
    assert data.image is not None
    ax.imshow(data.image, interpolation="nearest")
    ax.set_axis_off()
    scale_bar(ax, data.image.shape, data.pixel_size_um)
    cells = counted(data.n_placed, "cell")
    if data.n_placed < data.n_rois:
        cells = f"{data.n_placed:,} of {data.n_rois:,} cells"
    found = f", {counted(len(data.ensembles), 'ensemble')}" if data.ensembles else ""
    lines = _number_lines(ax, data.ensembles)
    set_titles(ax, f"{cells}{found}", pad=4 + 1.35 * note_size() * lines)


def _number_lines(ax: Axes, ensembles: tuple[int, ...]) -> int:
    """Write the ensembles' numbers above the map, as many a line as there is room for; return the lines."""
    room = max(1, int((width_of(ax.figure) - 0.3) / (3.2 * 0.6 * note_size() / 72)))
    lines = -(-len(ensembles) // room)
    for place, ensemble in enumerate(ensembles):
        line, column = divmod(place, room)
        ax.annotate(
            str(ensemble), (0, 1), xycoords="axes fraction",
            xytext=(3.2 * 0.6 * note_size() * column, 3 + 1.35 * note_size() * (lines - 1 - line)),
            textcoords="offset points", color=ensemble_color(ensemble), fontsize=note_size(),
            fontweight="bold", va="bottom", annotation_clip=False,
        )  # fmt: skip
    return lines
