"""How figures look on paper: one frozen settings class, and no hidden state of matplotlib's."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field

from napari_calcium.settings import Settings, Unit

__all__ = ["COLUMNS_MM", "PUBLICATION", "STANDARD", "STYLES", "FigureStyle", "Millimetres", "Points"]

Millimetres = Annotated[float, Unit("mm")]
Points = Annotated[float, Unit("pt")]

COLUMNS_MM = (85.0, 114.0, 174.0)
"""Widths of one, one and a half and two columns of a journal, in millimetres."""

_SHIPPED = "DejaVu Sans"
"""The font that comes with matplotlib: the same on every machine."""

_INCH_MM = 25.4


class FigureStyle(Settings):
    """White ground, thin axes, a sans-serif font of 7 to 9 points, text that stays text.

    Notes
    -----
    The same recording and style give the same bytes with the same version of matplotlib, in every format.
    With a `font` that only some machines have, that holds among those machines.
    """

    width: Millimetres = Field(
        174.0,
        ge=60,
        le=400,
        title="Width",
        description="Width of a figure across the page. Journals print 85 (one column), 114 or 174.",
    )
    font: str = Field(
        _SHIPPED,
        min_length=1,
        title="Font",
        description="Family of all text. DejaVu Sans is always there; Arial or Helvetica where installed.",
    )
    font_size: Points = Field(
        7.5,
        ge=7,
        le=9,
        title="Font size",
        description="Size of axis labels. Titles are half a point larger, ticks and notes half a point "
        "smaller, within 7 to 9 points.",
    )
    line_width: Points = Field(
        0.5,
        ge=0.25,
        le=2,
        title="Axis lines",
        description="Width of axes and ticks. Journals ask for 0.25 or more.",
    )
    resolution: int = Field(
        300,
        ge=50,
        le=1200,
        title="Resolution",
        description="Dots per inch of a PNG, and of the pixels inside an SVG or a PDF.",
    )

    @property
    def width_in(self) -> float:
        """Width in inches."""
        return self.width / _INCH_MM

    def rc(self) -> dict[str, Any]:
        """Return matplotlib's settings, to be laid over its defaults."""
        small, large = max(7.0, self.font_size - 0.5), min(9.0, self.font_size + 0.5)
        return {
            "font.family": [self.font] if self.font == _SHIPPED else [self.font, _SHIPPED],
            "font.size": self.font_size,
            "axes.titlesize": large,
            "axes.titlelocation": "left",
            "axes.labelsize": self.font_size,
            "axes.linewidth": self.line_width,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "xtick.labelsize": small,
            "ytick.labelsize": small,
            "xtick.major.size": 2.5,
            "ytick.major.size": 2.5,
            "xtick.major.width": self.line_width,
            "ytick.major.width": self.line_width,
            "legend.fontsize": small,
            "legend.frameon": False,
            "legend.borderaxespad": 0.0,
            "lines.linewidth": 0.7,
            "image.cmap": "viridis",
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            # Letters as letters, which every editor of drawings can change: not as outlines, not as bitmaps.
            "svg.fonttype": "none",
            "pdf.fonttype": 42,
            "pdf.use14corefonts": False,
            # Ids inside an SVG come from this and not from chance: the same figure is the same file.
            "svg.hashsalt": "napari-calcium",
        }


PUBLICATION = FigureStyle()
"""Two columns of a journal at 300 dots per inch."""

STANDARD = FigureStyle(width=182.88, line_width=0.6, resolution=200)
"""What the results folder holds: a little wider, for the screen."""

STYLES = MappingProxyType({"standard": STANDARD, "publication": PUBLICATION})
"""The styles by the names that the command line takes."""
