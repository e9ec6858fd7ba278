"""Several planes that suite2p extracted as one recording: side by side, as its own window shows them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from napari_calcium.io.errors import ReadError
from napari_calcium.io.foreign import Parts
from napari_calcium.io.suite2p_plane import Plane

__all__ = ["joined"]

_MOST_FRAMES_APART = 0.01
"""Share of the frames by which planes may differ: the last volume of a recording is often not whole."""
_LARGEST_SIDE = 1 << 20


def joined(planes: Sequence[Plane], numbers: Sequence[int]) -> Parts:
    """Return the parts of several planes as those of one recording.

    Parameters
    ----------
    planes : sequence of Plane
        At least one.
    numbers : sequence of int
        Of each plane; the quality ``plane``.

    Returns
    -------
    Parts
        Ids go on from plane to plane. Each plane has its own part of the image: where suite2p says that its
        field of view lay, if it tells that of all and none lies on another, else on a grid that is about as
        high as wide. Frames that not all planes have are left out.

    Raises
    ------
    ReadError
        If the planes differ by more than 1 % of their frames, or in what traces they have.

    Notes
    -----
    Neighbours in the joined image that lie in different planes are no neighbours in the tissue: distances
    between cells of different planes mean nothing.
    """
    shapes = [plane.shape for plane in planes]
    corners = _corners(planes)
    shape = (
        max(y + height for (y, _), (height, _) in zip(corners, shapes, strict=True)),
        max(x + width for (_, x), (_, width) in zip(corners, shapes, strict=True)),
    )
    if max(shape) > _LARGEST_SIDE:
        raise ReadError(f"the planes lie {max(shape):,} pixels apart; ops.npy is damaged")
    notes = [f"{len(planes)} planes side by side; open the folder of one to have it alone"]
    traces = _traces(planes, numbers, notes)
    choices = [plane.accepted for plane in planes]
    return Parts(
        program="suite2p",
        name="",
        roi_ids=np.arange(sum(len(plane.roi_ids) for plane in planes), dtype=np.int64),
        frame_rate=_rate(planes, notes),
        traces=traces,
        footprints=_footprints(planes, corners, shape),
        shape=shape,
        accepted=None
        if all(c is None for c in choices)
        else np.concatenate(
            [np.ones(len(p.roi_ids), bool) if p.accepted is None else p.accepted for p in planes]
        ),
        quality=_quality(planes, numbers),
        images=_images(planes, corners, shape),
        notes=[*notes, *dict.fromkeys(note for plane in planes for note in plane.notes)],
    )


def _corners(planes: Sequence[Plane]) -> list[tuple[int, int]]:
    """Return where the upper left pixel of each plane goes."""
    places = [plane.place for plane in planes if plane.place is not None]
    if len(places) == len(planes):
        top, left = min(y for y, _ in places), min(x for _, x in places)
        corners = [(y - top, x - left) for y, x in places]
        if not _overlap(corners, [plane.shape for plane in planes]):
            return corners
    height, width = (max(plane.shape[axis] for plane in planes) for axis in (0, 1))
    per_row = int(np.ceil(np.sqrt(len(planes) * height / width)))
    return [(k // per_row * height, k % per_row * width) for k in range(len(planes))]


def _overlap(corners: Sequence[tuple[int, int]], shapes: Sequence[tuple[int, int]]) -> bool:
    """Whether any two planes share pixels."""
    boxes = [(y, x, y + h, x + w) for (y, x), (h, w) in zip(corners, shapes, strict=True)]
    return any(
        a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
        for k, a in enumerate(boxes)
        for b in boxes[k + 1 :]
    )


def _rate(planes: Sequence[Plane], notes: list[str]) -> float | None:
    rates = {plane.frame_rate for plane in planes if isinstance(plane.frame_rate, (int, float, np.number))}
    if len(rates) > 1:
        notes.append(
            f"the planes tell different frame rates ({', '.join(f'{r:g}' for r in sorted(rates))} Hz)"
        )
        return None
    return next(iter(rates), None)


def _traces(
    planes: Sequence[Plane], numbers: Sequence[int], notes: list[str]
) -> dict[str, tuple[NDArray[np.float32], str]]:
    n_frames = [plane.traces["raw"][0].shape[1] for plane in planes]
    least, most = min(n_frames), max(n_frames)
    if most - least > max(1, _MOST_FRAMES_APART * most):
        named = ", ".join(f"plane{k} {n:,}" for k, n in zip(numbers, n_frames, strict=True))
        raise ReadError(f"the planes are not of one recording: their numbers of frames differ ({named})")
    if most > least:
        gone = "frame is" if most - least == 1 else f"{most - least} frames are"
        notes.append(f"the last {gone} left out: not every plane has that many")
    names = [name for name in planes[0].traces if all(name in plane.traces for plane in planes)]
    return {
        name: (
            np.concatenate([np.asarray(plane.traces[name][0][:, :least], np.float32) for plane in planes]),
            planes[0].traces[name][1],
        )
        for name in names
    }


def _footprints(
    planes: Sequence[Plane], corners: Sequence[tuple[int, int]], shape: tuple[int, int]
) -> sparse.csr_array:
    parts = []
    for plane, (top, left) in zip(planes, corners, strict=True):
        assert plane.footprints is not None
        own = plane.footprints
        y, x = np.divmod(own.indices.astype(np.int64), plane.shape[1])
        size = (own.shape[0], shape[0] * shape[1])
        parts.append(sparse.csr_array((own.data, (y + top) * shape[1] + x + left, own.indptr), shape=size))
    return sparse.csr_array(sparse.vstack(parts, format="csr"))


def _quality(planes: Sequence[Plane], numbers: Sequence[int]) -> dict[str, NDArray[np.float64]]:
    names = dict.fromkeys(name for plane in planes for name in plane.quality)
    made = {
        name: np.concatenate(
            [np.asarray(p.quality.get(name, np.full(len(p.roi_ids), np.nan)), np.float64) for p in planes]
        )
        for name in names
    }
    lengths = [len(plane.roi_ids) for plane in planes]
    return made | {"plane": np.repeat(np.asarray(numbers, np.float64), lengths)}


def _images(
    planes: Sequence[Plane], corners: Sequence[tuple[int, int]], shape: tuple[int, int]
) -> dict[str, NDArray[np.float32]]:
    made = {}
    for name in dict.fromkeys(name for plane in planes for name in plane.images):
        whole = np.zeros(shape, np.float32)
        for plane, (top, left) in zip(planes, corners, strict=True):
            if name in plane.images:
                height, width = plane.shape
                whole[top : top + height, left : left + width] = plane.images[name]
        made[name] = whole
    return made
