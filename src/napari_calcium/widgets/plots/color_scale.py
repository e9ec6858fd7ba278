"""A strip of colours to put between the two numbers it goes from and to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qtpy.QtGui import QImage, QPixmap

__all__ = ["scale_picture"]

_SIZE = (72, 10)


def scale_picture(colors: NDArray[np.uint8]) -> QPixmap:
    """Return a picture of colours, (n, 3) from low to high, 72 × 10 pixels."""
    row = np.ascontiguousarray(colors[None])
    image = QImage(row.data, row.shape[1], 1, 3 * row.shape[1], QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image).scaled(*_SIZE)
