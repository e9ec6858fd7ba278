"""The regular grid of nodes on which displacement fields live."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Grid", "grid_for"]

_MOST_NODES = 400


@dataclass(frozen=True)
class Grid:
    """Nodes ``(y0 + i * y_step, x0 + j * x_step)``, in pixels of an image of some scale.

    Attributes
    ----------
    ny, nx : int
        Number of nodes along each axis, at least 2: a field is linear between them and goes on linearly
        beyond the outermost.
    """

    ny: int
    nx: int
    y0: float
    y_step: float
    x0: float
    x_step: float

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return self.ny * self.nx

    @property
    def y(self) -> NDArray[np.float64]:
        """(ny,) rows of the nodes, in pixels."""
        return self.y0 + self.y_step * np.arange(self.ny, dtype=np.float64)

    @property
    def x(self) -> NDArray[np.float64]:
        """(nx,) columns of the nodes, in pixels."""
        return self.x0 + self.x_step * np.arange(self.nx, dtype=np.float64)

    @property
    def numbers(self) -> tuple[float, float, float, float]:
        """Origin and spacing as the kernels take them: y0, y_step, x0, x_step."""
        return self.y0, self.y_step, self.x0, self.x_step

    def binned(self, factor: int) -> Grid:
        """Return the same nodes in the pixels of an image binned by `factor`.

        Binned pixel k holds pixels ``factor * k`` to ``factor * (k + 1) - 1``, whose centre lies half of
        ``factor - 1`` pixels behind the first.
        """
        shift = (factor - 1) / 2
        return Grid(
            self.ny,
            self.nx,
            (self.y0 - shift) / factor,
            self.y_step / factor,
            (self.x0 - shift) / factor,
            self.x_step / factor,
        )

    def mean_weights(self) -> NDArray[np.float64]:
        """(ny * nx,) weights, of sum 1, that turn node values into the mean of the field over the frame."""
        return np.outer(_trapezoid(self.ny), _trapezoid(self.nx)).ravel()

    def hats(self, shape: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the weights of the nodes at each row (height, ny) and at each column (width, nx)."""
        return (
            _hats(shape[0], self.ny, self.y0, self.y_step),
            _hats(shape[1], self.nx, self.x0, self.x_step),
        )


def grid_for(shape: tuple[int, int], spacing: float) -> Grid:
    """Return nodes about `spacing` pixels apart, the outermost on the outermost pixels of the frame.

    They lie further apart where there would be more than 400, since the equations for all of them are solved
    together.
    """
    while True:
        ny, y_step = _axis(shape[0], spacing)
        nx, x_step = _axis(shape[1], spacing)
        if ny * nx <= _MOST_NODES:
            return Grid(ny, nx, 0.0, y_step, 0.0, x_step)
        spacing *= 1.1


def _axis(length: int, spacing: float) -> tuple[int, float]:
    cells = max(1, round((length - 1) / spacing))
    return cells + 1, max(1.0, (length - 1) / cells)


def _trapezoid(n: int) -> NDArray[np.float64]:
    weights = np.ones(n)
    weights[[0, -1]] = 0.5
    weights /= weights.sum()
    return weights


def _hats(length: int, n: int, start: float, step: float) -> NDArray[np.float32]:
    place = (np.arange(length) - start) / step
    cell = np.clip(np.floor(place).astype(int), 0, n - 2)
    along = place - cell
    hats = np.zeros((length, n), np.float32)
    rows = np.arange(length)
    hats[rows, cell] = 1 - along
    hats[rows, cell + 1] = along
    return hats
