"""A dock's plots exactly as they stand on screen, as a picture or a drawing."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QMarginsF, QPoint, QRect, QSize, QSizeF
from qtpy.QtGui import QImage, QPageSize, QPaintDevice, QPainter, QPdfWriter, QRegion
from qtpy.QtSvg import QSvgGenerator
from qtpy.QtWidgets import QAbstractScrollArea, QGraphicsView, QTableView, QWidget

from napari_calcium.atomic import replacing

__all__ = ["plots_of", "write_panel"]

_SCALE = 2
"""Pixels of a PNG for each on screen."""

_SCREEN_DPI = 96


def write_panel(widget: QWidget, path: Path) -> Path:
    """Write what a widget shows now: its zoom, selection, order and theme.

    Parameters
    ----------
    widget : QWidget
        Its plots and tables are drawn, its buttons are not; all of it where it has neither.
    path : Path
        ``.png`` (twice as fine as the screen), ``.svg`` or ``.pdf`` (lines and letters stay what they are).

    Raises
    ------
    ValueError
        If the ending is another.

    Notes
    -----
    To be called in the main thread. A PDF holds the time it was made, so its bytes differ each time.
    """
    ending = path.suffix.lower()
    if ending not in (".png", ".svg", ".pdf"):
        raise ValueError(f"{path.name}: end the name in .png, .svg or .pdf")
    part = plots_of(widget)
    with replacing(path) as beside:
        if ending == ".png":
            _png(widget, part, beside)
        elif ending == ".svg":
            _paint(widget, part, _svg(part.size(), beside, path.stem))
        else:
            _paint(widget, part, _pdf(part.size(), beside, path.stem))
    return path


def plots_of(widget: QWidget) -> QRect:
    """Return the part of a widget that its visible plots and tables take."""
    part = QRect()
    for kind in (QGraphicsView, QTableView):
        found: list[QAbstractScrollArea] = widget.findChildren(kind)
        for plot in found:
            if plot.isVisibleTo(widget) and plot.width() > 1 and plot.height() > 1:
                part = part.united(QRect(plot.mapTo(widget, QPoint(0, 0)), plot.size()))
    return part if part.isValid() else widget.rect()


def _png(widget: QWidget, part: QRect, path: Path) -> None:
    image = QImage(part.size() * _SCALE, QImage.Format.Format_ARGB32)
    image.setDevicePixelRatio(_SCALE)
    image.fill(widget.palette().window().color())
    _paint(widget, part, image)
    if not image.save(str(path), "PNG"):
        raise OSError(f"{path.parent}: the picture could not be written")


def _svg(size: QSize, path: Path, title: str) -> QSvgGenerator:
    device = QSvgGenerator()
    device.setFileName(str(path))
    device.setSize(size)
    device.setViewBox(QRect(QPoint(0, 0), size))
    device.setResolution(_SCREEN_DPI)
    device.setTitle(title)
    return device


def _pdf(size: QSize, path: Path, title: str) -> QPdfWriter:
    device = QPdfWriter(str(path))
    page = QSizeF(size.width() * 72 / _SCREEN_DPI, size.height() * 72 / _SCREEN_DPI)
    device.setPageSize(QPageSize(page, QPageSize.Unit.Point))
    device.setPageMargins(QMarginsF(0, 0, 0, 0))
    device.setResolution(_SCREEN_DPI)
    device.setTitle(title)
    return device


def _paint(widget: QWidget, part: QRect, device: QPaintDevice) -> None:
    painter = QPainter(device)
    try:
        painter.fillRect(QRect(QPoint(0, 0), part.size()), widget.palette().window())
        widget.render(painter, QPoint(0, 0), QRegion(part))
    finally:
        painter.end()
