"""What holds of every figure, whatever there is to show."""

from matplotlib.figure import Figure

_ROUNDING = 2.0
"""Pixels."""


def laid_out(figure: Figure) -> Figure:
    """Return a figure once it is laid out: it shows or says something, and nothing of it is off the page."""
    figure.draw_without_rendering()
    assert figure.axes or figure.texts
    page, used = figure.bbox, figure.get_tightbbox()
    x0, y0, x1, y1 = (side * figure.dpi for side in used.extents)
    assert min(x0, y0) >= -_ROUNDING, used
    assert x1 <= page.width + _ROUNDING and y1 <= page.height + _ROUNDING, (used, page)
    return figure
