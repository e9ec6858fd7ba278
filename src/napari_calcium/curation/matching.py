"""The same cells in two recordings of one field of view."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage, sparse
from scipy.optimize import linear_sum_assignment

from napari_calcium.progress import Progress, silent
from napari_calcium.results.tables import Table
from napari_calcium.rois import Rois
from napari_calcium.settings import Pixels, Settings

__all__ = ["CellMatches", "MatchSettings", "match_cells"]

# Places to which the second recording's cells are displaced to see how well cells match by accident.
_ACCIDENTS = 24
_NEAREST_ACCIDENT_CELLS = 3.0
_LEAST_OVERLAP = 1e-3


class MatchSettings(Settings):
    """How cells of two recordings are matched."""

    max_shift: Annotated[Pixels, Ge(0), Le(1000)] = Field(
        60.0, title="Largest shift", description="How far the field may have moved between the recordings."
    )
    warp_scale: Annotated[Pixels, Ge(0), Le(1000)] = Field(
        40.0,
        title="Warp scale",
        description="Distance over which the tissue may have been stretched, beside the shift of the whole "
        "field. Smaller follows finer warps; 0 shifts only.",
    )
    max_distance: Annotated[Pixels, Gt(0), Le(100)] = Field(
        8.0, title="Largest distance", description="Between the centres of one cell after the registration."
    )
    confidence: Annotated[float, Ge(0), Le(1)] = Field(
        0.95,
        title="Least confidence",
        description="Of a match: one minus the share of matches at least as good that are accidents.",
    )


@dataclass(frozen=True, eq=False)
class CellMatches(Table):
    """Cells that are in both recordings, the surest first.

    Attributes
    ----------
    roi_id, other_roi_id : (n,) int64
        The cell in the first and in the second recording; each at most once.
    overlap : (n,) float64
        Cosine of the two footprints after registration, 0 to 1.
    distance_px : (n,) float64
        Between their centres after registration.
    confidence : (n,) float64
        One minus the share of matches of at least this overlap that are expected by accident.
    shift_y_px, shift_x_px : float
        What to add to a coordinate of the first recording to find it in the second, before the warp.
    """

    roi_id: NDArray[np.int64]
    other_roi_id: NDArray[np.int64]
    overlap: NDArray[np.float64]
    distance_px: NDArray[np.float64]
    confidence: NDArray[np.float64]
    shift_y_px: float = field(default=0.0)
    shift_x_px: float = field(default=0.0)


def match_cells(
    rois: Rois,
    image: NDArray[np.float32],
    other: Rois,
    other_image: NDArray[np.float32],
    settings: MatchSettings = MatchSettings(),
    *,
    on_progress: Progress = silent,
) -> CellMatches:
    """Find the cells that two recordings of one field have in common.

    Parameters
    ----------
    rois, image : Rois, (height, width)
        Cells and mean image of the first recording; NaN counts as the image's median.
    other, other_image : Rois, (height, width)
        Of the second, of the same size.
    settings : MatchSettings

    Returns
    -------
    CellMatches
        Only matches of at least the least confidence. Nothing where one recording has no cells.

    Raises
    ------
    ValueError
        If images and cells are not all of one size.

    Notes
    -----
    The images are registered by cross-correlation of their high-passed forms of even contrast, then by smooth
    optical flow; footprints of the second recording are carried back. Cells are paired so that the sum of
    overlaps is largest (Hungarian method). The same is done with the second recording's
    cells displaced to 24 places some cell sizes away, where every match is an accident; the confidence of a
    match is one minus the number of accidents over the number of matches, both of at least its overlap. It
    misleads where another plane is imaged: a neighbour's footprint may then match well. Time is linear in the
    pixels and the cells: the assignment is solved in each connected group of overlapping cells.

    References
    ----------
    The idea of judging matches by their distribution: Sheintuch et al. (2017), Cell Reports 21, 1102-1115,
    https://doi.org/10.1016/j.celrep.2017.10.013
    """
    if not rois.shape == other.shape == np.shape(image) == np.shape(other_image):
        raise ValueError(
            "both recordings must have one size: "
            f"cells {rois.shape} and {other.shape}, images {np.shape(image)} and {np.shape(other_image)}"
        )
    if not len(rois) or not len(other):
        none, nothing = np.empty(0, np.int64), np.empty(0)
        return CellMatches(none, none, nothing, nothing, nothing)
    shift, flow = _register(_plain(image), _plain(other_image), settings)
    on_progress(1, 3)
    carried = _carried(other, shift, flow)
    row, column, overlap, distance = _pairs(rois, carried, settings.max_distance)
    on_progress(2, 3)
    accidents = _accidents(rois, carried, settings.max_distance)
    # Tail counts; a match cannot be surer than one of lower overlap is unsure.
    expected = np.array([(accidents >= value).sum() / _ACCIDENTS for value in overlap])
    found = np.array([(overlap >= value).sum() for value in overlap])
    confidence = 1.0 - np.minimum(1.0, expected / np.maximum(found, 1))
    order = np.argsort(-overlap, kind="stable")
    confidence[order] = np.minimum.accumulate(confidence[order])
    order = order[confidence[order] >= settings.confidence]
    on_progress(3, 3)
    return CellMatches(
        rois.ids[row[order]],
        other.ids[column[order]],
        overlap[order],
        distance[order],
        confidence[order],
        float(shift[0]),
        float(shift[1]),
    )


def _plain(image: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return an image without gaps, slow shading and scale, so that brightness and gain do not count."""
    values = np.asarray(image, np.float64)
    seen = np.isfinite(values)
    values = np.where(seen, values, np.median(values[seen]) if seen.any() else 0.0)
    scale = max(4.0, min(values.shape) / 12)
    values = values - ndimage.gaussian_filter(values, scale)
    spread = np.sqrt(ndimage.gaussian_filter(values**2, scale))
    return np.asarray(values / (spread + 1e-3 * spread.max() + 1e-12))


def _register(
    image: NDArray[np.float64], other: NDArray[np.float64], settings: MatchSettings
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the shift of the whole field and the flow beside it, (2, height, width), both y and x."""
    from skimage.registration import optical_flow_ilk

    shift = _shift(image, other, settings.max_shift)
    still = np.zeros((2, *image.shape))
    if settings.warp_scale == 0 or min(image.shape) < 16:
        return shift, still
    moved = ndimage.shift(other, -shift, order=1, mode="nearest")
    radius = int(max(3, min(settings.warp_scale, min(image.shape) // 4)))
    flow = optical_flow_ilk(image, moved, radius=radius, gaussian=True)
    # Where tissue came into view or left, the flow has nothing to hold on to.
    return shift, np.clip(flow, -radius, radius).astype(np.float64)


def _shift(image: NDArray[np.float64], other: NDArray[np.float64], max_shift: float) -> NDArray[np.float64]:
    """Return the whole-pixel shift of highest correlation, both images padded so that edges do not wrap."""
    import scipy.fft

    size = tuple(scipy.fft.next_fast_len(n + int(max_shift) + 1) for n in image.shape)
    spectrum = np.conj(scipy.fft.rfft2(image, size)) * scipy.fft.rfft2(other, size)
    correlation = scipy.fft.irfft2(spectrum, size)
    reach = [int(min(max_shift, n - 1)) for n in image.shape]
    steps = [np.arange(-r, r + 1) for r in reach]
    near = correlation[np.ix_(steps[0] % size[0], steps[1] % size[1])]
    # The more the images overlap the higher the sum is by itself.
    shared = np.outer(*(n - np.abs(s) for n, s in zip(image.shape, steps, strict=True)))
    near = near / np.sqrt(shared)
    if np.ptp(near) == 0:
        return np.zeros(2)  # An image without contrast says nothing.
    best = np.unravel_index(np.argmax(near), near.shape)
    return np.array([steps[0][best[0]], steps[1][best[1]]], np.float64)


def _carried(rois: Rois, shift: NDArray[np.float64], flow: NDArray[np.float64]) -> Rois:
    """Return footprints in the coordinates of the first recording, each moved by the flow at its place."""
    height, width = rois.shape
    centres = np.nan_to_num(rois.centroids - shift)
    y, x = (np.clip(np.rint(c), 0, n - 1).astype(int) for c, n in zip(centres.T, rois.shape, strict=True))
    move = -(shift[:, None] + flow[:, y, x])
    entries = rois.footprints.tocoo()
    at = (
        np.stack(np.divmod(entries.col.astype(np.int64), width))
        + np.rint(move).astype(np.int64)[:, entries.row]
    )
    inside = (at[0] >= 0) & (at[0] < height) & (at[1] >= 0) & (at[1] < width)
    pixel = (at[0] * width + at[1])[inside]
    footprints = sparse.csr_array(
        (entries.data[inside], (entries.row[inside], pixel)), shape=rois.footprints.shape
    )
    return Rois(rois.ids, footprints, rois.shape)


def _pairs(
    rois: Rois, other: Rois, max_distance: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return rows, columns, overlaps and distances of the pairing with the largest sum of overlaps."""
    cosine = sparse.coo_array(_unit(rois.footprints) @ _unit(other.footprints).T)
    row, column, overlap = cosine.row, cosine.col, cosine.data.astype(np.float64)
    distance = np.hypot(*(rois.centroids[row] - other.centroids[column]).T)
    near = (distance <= max_distance) & (overlap >= _LEAST_OVERLAP)
    kept = _assign(row[near], column[near], overlap[near], len(rois), len(other))
    chosen = np.flatnonzero(near)[kept]
    return (
        row[chosen].astype(np.int64),
        column[chosen].astype(np.int64),
        np.minimum(overlap[chosen], 1.0),
        distance[chosen],
    )


def _assign(
    row: NDArray[np.int32],
    column: NDArray[np.int32],
    overlap: NDArray[np.float64],
    n_rows: int,
    n_columns: int,
) -> NDArray[np.int64]:
    """Return which of the candidate pairs to take, each row and column at most once."""
    graph = sparse.coo_array((overlap, (row, column + n_rows)), shape=(n_rows + n_columns,) * 2)
    _, group = sparse.csgraph.connected_components(graph, directed=False)
    group_of = group[row]
    taken = []
    for members in np.split(
        np.argsort(group_of, kind="stable"), np.flatnonzero(np.diff(np.sort(group_of))) + 1
    ):
        rows, r = np.unique(row[members], return_inverse=True)
        columns, c = np.unique(column[members], return_inverse=True)
        gain = np.zeros((len(rows), len(columns)))
        gain[r, c] = overlap[members]
        which = np.zeros(gain.shape, np.int64)
        which[r, c] = members
        for a, b in zip(*linear_sum_assignment(gain, maximize=True), strict=True):
            if gain[a, b] > 0:
                taken.append(which[a, b])
    return np.sort(np.array(taken, np.int64))


def _unit(footprints: sparse.csr_array) -> sparse.csr_array:
    norm = np.sqrt(np.asarray(footprints.power(2).sum(axis=1)).ravel())
    return sparse.csr_array(
        sparse.diags_array(np.where(norm > 0, 1 / np.where(norm > 0, norm, 1), 0)) @ footprints
    )


def _accidents(rois: Rois, other: Rois, max_distance: float) -> NDArray[np.float64]:
    """Return the overlaps with which cells match when one recording is displaced, all places together."""
    size = np.sqrt(np.median(np.maximum(other.areas, 1)) * 4 / np.pi)
    rng = np.random.default_rng(0)
    height, width = rois.shape
    entries = other.footprints.tocoo()
    y, x = np.divmod(entries.col.astype(np.int64), width)
    found = []
    for _ in range(_ACCIDENTS):
        angle, far = rng.uniform(0, 2 * np.pi), size * rng.uniform(_NEAREST_ACCIDENT_CELLS, 8.0)
        dy, dx = (round(far * float(f(angle))) for f in (np.sin, np.cos))
        # Around the edge, so that as many cells are there as in truth.
        pixel = (y + dy) % height * width + (x + dx) % width
        moved = sparse.csr_array((entries.data, (entries.row, pixel)), shape=other.footprints.shape)
        found.append(_pairs(rois, Rois(other.ids, moved, other.shape), max_distance)[2])
    return np.concatenate(found)
