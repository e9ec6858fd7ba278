"""The picture of highlighted somata: one byte a pixel, painted sparsely and in place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_calcium.rois import Rois

__all__ = ["CELL_EDGE", "CELL_FILL", "FIRST_MEMBER", "SomaHighlight"]

CELL_FILL, CELL_EDGE = 1, 2
"""Values of a selected soma and of its outline."""
FIRST_MEMBER = 3
"""Value of a member of the first ensemble; the second has the next, and so on."""

_MOST_OUTLINES = 200


class SomaHighlight:
    """Which pixels are highlighted, and as what.

    Attributes
    ----------
    image : (height, width) uint8
        0 where nothing is highlighted. It is always the same array, changed in place: only the pixels of
        the somata that light up or go out are written, so the cost does not depend on the size of the image.

    Parameters
    ----------
    rois : Rois
        Their footprints are painted whole, also where a neighbour overlaps them.
    """

    def __init__(self, rois: Rois) -> None:
        self._rois = rois
        self.image = np.zeros(rois.shape, np.uint8)
        self._painted: list[NDArray[np.int64]] = []
        self._edges: dict[int, NDArray[np.int64]] = {}

    def paint(
        self,
        selected: Sequence[int],
        members: Iterable[int] = (),
        *,
        member_value: int = FIRST_MEMBER,
        focus: int | None = None,
    ) -> None:
        """Paint these somata and nothing else.

        Parameters
        ----------
        selected : sequence of int
            Rows (not ids) of the selected cells: filled where they are no members, and outlined. Beyond 200
            cells there are no outlines.
        members : iterable of int
            Rows of the members of the chosen ensemble, filled with `member_value`.
        member_value : int
            From `FIRST_MEMBER` to 255.
        focus : int, optional
            Row of the cell in focus; its outline is twice as wide.
        """
        flat = self.image.reshape(-1)
        for pixels in self._painted:
            flat[pixels] = 0
        self._painted = []
        of_ensemble = set(members)
        self._fill(flat, [row for row in selected if row not in of_ensemble], CELL_FILL)
        self._fill(flat, sorted(of_ensemble), member_value)
        if len(selected) <= _MOST_OUTLINES:
            for row in selected:
                self._put(flat, self.edge(row), CELL_EDGE)
        if focus is not None:
            self._put(flat, self.edge(focus), CELL_EDGE)
            self._put(flat, self._around(focus), CELL_EDGE)

    def edge(self, row: int) -> NDArray[np.int64]:
        """Return the flat indices of the pixels of a soma that have a neighbour outside of it."""
        found = self._edges.get(row)
        if found is None:
            pixels = self._pixels(row)
            found = self._edges[row] = pixels[~self._inside(pixels)]
        return found

    def _pixels(self, row: int) -> NDArray[np.int64]:
        footprints = self._rois.footprints
        start, stop = footprints.indptr[row : row + 2]
        return np.asarray(footprints.indices[start:stop], np.int64)

    def _inside(self, pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
        height, width = self._rois.shape
        x, y = pixels % width, pixels // width
        within = (x > 0) & (x < width - 1) & (y > 0) & (y < height - 1)
        for step in (-1, 1, -width, width):
            within &= np.isin(pixels + step, pixels)
        return within

    def _around(self, row: int) -> NDArray[np.int64]:
        """Return the pixels just outside a soma."""
        height, width = self._rois.shape
        pixels = self._pixels(row)
        y, x = np.divmod(pixels, width)
        near = np.array([(-1, 0), (1, 0), (0, -1), (0, 1)])
        ys, xs = (y[:, None] + near[:, 0]).ravel(), (x[:, None] + near[:, 1]).ravel()
        seen = (ys >= 0) & (ys < height) & (xs >= 0) & (xs < width)
        return np.setdiff1d(ys[seen] * width + xs[seen], pixels)

    def _fill(self, flat: NDArray[np.uint8], rows: list[int], value: int) -> None:
        if rows:
            self._put(flat, np.concatenate([self._pixels(row) for row in rows]), value)

    def _put(self, flat: NDArray[np.uint8], pixels: NDArray[np.int64], value: int) -> None:
        flat[pixels] = value
        self._painted.append(pixels)
