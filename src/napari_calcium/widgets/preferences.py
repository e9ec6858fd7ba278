"""What the user set on this plugin's page of napari's preferences."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from napari.settings import get_plugin_settings, get_settings

__all__ = ["Preferences", "keep_preference", "preferences", "storage_folder"]

_PLUGIN = "napari-calcium"


@dataclass(frozen=True)
class Preferences:
    """As in ``napari.yaml`` (contributions ▸ configurations ▸ window), with the same defaults.

    Attributes
    ----------
    open_explore : bool
        The Explore docks open by themselves with a recording.
    keep_arrangement : bool
        Which docks are open, and where, is kept until the next start.
    ask_to_save : bool
        Closing the window, or opening another recording, asks about results that were not saved.
    open_dropped : bool
        Files dropped on the window open without napari's question for a reader, where there is no doubt.
    autosave : bool
        Unsaved results are kept in a file, and offered again after a crash.
    cluster : str
        Address of the dask scheduler that runs use; empty for this machine.
    """

    open_explore: bool = True
    keep_arrangement: bool = True
    ask_to_save: bool = True
    open_dropped: bool = True
    autosave: bool = True
    cluster: str = ""


def preferences() -> Preferences:
    """Return what is set now; the defaults where napari does not know the plugin (it may be disabled)."""
    try:
        page: Any = get_plugin_settings(_PLUGIN).window
    except KeyError:
        return Preferences()
    chosen: dict[str, Any] = {field.name: getattr(page, field.name) for field in fields(Preferences)}
    return Preferences(**chosen)


def keep_preference(name: str, value: bool | str) -> None:
    """Set what the user chose elsewhere in the window, as if on the page of preferences."""
    with suppress(KeyError):
        setattr(get_plugin_settings(_PLUGIN).window, name, value)


def storage_folder() -> Path | None:
    """Return the folder of napari's settings; None where they are not kept (``NAPARI_CONFIG`` is empty)."""
    path = get_settings().config_path
    return Path(path).parent if isinstance(path, (str, Path)) else None
