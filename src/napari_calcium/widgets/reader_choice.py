"""Which plugin opens a file: what napari would ask, answered from the content where that leaves no doubt.

napari lists every reader whose patterns fit a name, itself among them, and asks; only the user's own choice
(Preferences ▸ Plugins) answers for good. Once this plugin is at work in a window it can tell by itself.
"""

from __future__ import annotations

from os import fspath
from pathlib import Path

from napari.plugins.utils import get_preferred_reader
from napari.settings import get_settings
from npe2 import PluginManager

__all__ = [
    "NAPARI",
    "PATTERNS",
    "PLUGIN",
    "is_first_choice",
    "make_first_choice",
    "opens_by_itself",
    "plugin_for",
]

PLUGIN = "napari-calcium"
NAPARI = "napari"
"""napari's own readers go by this name among plugins."""

PATTERNS = ("*.csv", "*.tsv", "*.tif", "*.tiff", "*/")
"""What both this plugin and napari read, as napari's preferences tell it; a folder ends in a slash."""


def opens_by_itself(path: str | Path) -> bool:
    """Whether a file can be opened without asking: nobody but this plugin and napari itself reads its kind.

    False also where the user has told napari to open such files with something else, which it then does.
    """
    return get_preferred_reader(path) in (None, PLUGIN) and {PLUGIN} <= _readers(path) <= {PLUGIN, NAPARI}


def plugin_for(path: str | Path) -> str:
    """Return which of the two opens a file: this plugin what fits it by its content, napari the rest."""
    manager = PluginManager.instance()
    claims = [
        reader.command
        for reader in manager.iter_compatible_readers(fspath(path))
        if reader.plugin_name == PLUGIN
    ]
    ours = any(manager.commands.execute(claim, kwargs={"path": fspath(path)}) is not None for claim in claims)
    return PLUGIN if ours or NAPARI not in _readers(path) else NAPARI


def is_first_choice() -> bool:
    """Whether napari opens tables, TIFFs and folders with this plugin without asking."""
    chosen = get_settings().plugins.extension2reader
    return all(chosen.get(pattern) == PLUGIN for pattern in PATTERNS)


def make_first_choice(first: bool) -> None:
    """Tell napari to open tables, TIFFs and folders with this plugin, or to ask again.

    It is what *Remember this choice* does in napari's own question, and stands in its Preferences ▸ Plugins.
    What the user has chosen for other patterns, or another reader for one of these, stays when it is undone.
    """
    settings = get_settings().plugins
    chosen = {
        pattern: reader
        for pattern, reader in settings.extension2reader.items()
        if pattern not in PATTERNS or reader != PLUGIN
    }
    settings.extension2reader = chosen | dict.fromkeys(PATTERNS, PLUGIN) if first else chosen


def _readers(path: str | Path) -> set[str]:
    return {reader.plugin_name for reader in PluginManager.instance().iter_compatible_readers(fspath(path))}
