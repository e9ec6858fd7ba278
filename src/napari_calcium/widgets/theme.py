"""Colours of napari's theme for the plots, and the palette's colours made readable on them."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from functools import cache
from typing import Any

from napari.utils.theme import Theme, get_system_theme, get_theme

from napari_calcium.figures.palette import ensemble_color, rgb

__all__ = ["PlotColors", "ensemble_mark", "link_color", "plot_colors", "readable"]

_CONTRAST = 4.5
"""What the Web Content Accessibility Guidelines ask of writing; thin lines need no less."""
_MARK_CONTRAST = 3.0
"""What they ask of shapes. More would push the dark colours of the palette into its light ones."""


_system_themes: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
"""What the system's theme was when a viewer took it."""


@dataclass(frozen=True)
class PlotColors:
    """Colours of a plot's ground, writing, faint lines and cursor, as ``#rrggbb``."""

    background: str
    text: str
    faint: str
    cursor: str

    @property
    def is_dark(self) -> bool:
        """Whether the ground is dark."""
        return sum(rgb(self.background)) < 384


def plot_colors(viewer: Any) -> PlotColors:
    """Return the colours that fit the viewer's theme."""
    theme = _theme_of(viewer)
    ground = theme.background.as_hex("long")[:7]
    return PlotColors(
        background=ground,
        text=theme.text.as_hex("long")[:7],
        faint=theme.secondary.as_hex("long")[:7],
        cursor=readable("#e03030", ground),
    )


def _theme_of(viewer: Any) -> Theme:
    """Return the theme that a viewer shows.

    napari asks what the theme of the system is once, when it is chosen; it does not follow where that
    changes at dusk, and plots that did would be dark in a light window.
    """
    viewer = getattr(viewer, "__wrapped__", viewer)
    if viewer.theme != "system":
        _system_themes.pop(viewer, None)
        return get_theme(viewer.theme)
    if viewer not in _system_themes:
        _system_themes[viewer] = get_system_theme()
    return get_theme(_system_themes[viewer])


def link_color(viewer: Any) -> str:
    """Return a blue for links that can be read on the viewer's theme, as ``#rrggbb``: Qt's own cannot."""
    return readable("#3a7bd5", _theme_of(viewer).background.as_hex("long")[:7])


@cache
def ensemble_mark(ensemble_id: int, background: str) -> str:
    """Return the colour of an ensemble's marks on a ground: one colour in every view of a theme.

    Parameters
    ----------
    ensemble_id : int
    background : str
        ``#rrggbb``.

    Returns
    -------
    str
        Of the palette's hue, with a contrast of at least 3 to the ground.
    """
    return _standing_out(ensemble_color(ensemble_id), background, _MARK_CONTRAST)


@cache
def readable(color: str, background: str) -> str:
    """Return a colour of the palette, lighter or darker by as little as makes it stand out from the ground.

    Parameters
    ----------
    color, background : str
        ``#rrggbb``.

    Returns
    -------
    str
        Of the same hue, so that it still means the same; with a contrast of at least 4.5 to the ground.
    """
    return _standing_out(color, background, _CONTRAST)


def _standing_out(color: str, background: str, contrast: float) -> str:
    ground = _luminance(rgb(background))
    end = 255 if ground < 0.18 else 0
    red, green, blue = rgb(color)
    for step in range(21):
        share = step / 20
        mixed = tuple(round(c + share * (end - c)) for c in (red, green, blue))
        light, dark = sorted((_luminance(mixed), ground), reverse=True)
        if (light + 0.05) / (dark + 0.05) >= contrast:
            break
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def _luminance(color: tuple[int, ...]) -> float:
    """Return the relative luminance of sRGB, 0 to 1 (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
