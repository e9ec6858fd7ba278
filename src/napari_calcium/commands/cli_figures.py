"""The figures command: all figures of a results folder or NWB file in a style."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from napari_calcium.commands.cli_running import Misuse
from napari_calcium.figures.export import FIGURES, FORMATS, save_figure
from napari_calcium.figures.figure_sheet import Paper, write_sheet
from napari_calcium.figures.figure_style import STYLES
from napari_calcium.io.opening import open_recording
from napari_calcium.progress import Progress
from napari_calcium.settings import SettingsError

__all__ = ["draw_figures"]

_SHEET = "sheet"


def draw_figures(
    results: Path,
    style: Literal["standard", "publication"],
    changes: Mapping[str, Any],
    formats: Sequence[str],
    only: Sequence[str],
    paper: Paper,
    output: Path | None,
    on_progress: Progress,
) -> Path:
    """Draw the figures of a results folder or NWB file, and the sheet; return the folder they are in.

    Parameters
    ----------
    results : Path
    style : {"standard", "publication"}
    changes : mapping
        Fields of the style that are to be different.
    formats : sequence of {"png", "svg", "pdf"}
    only : sequence of str
        Stems of figures, or ``"sheet"``; empty: all that there is data for.
    paper : {"a4", "letter"}
    output : Path or None
        By default a folder in the results, named after the style; beside a file, named after both.
    on_progress : Progress

    Raises
    ------
    SettingsError
        If `only` or `formats` name what there is not, or a figure that the results have no data for.
    Misuse
        If the font is not installed.
    """
    _check_font(changes.get("font"))
    _check_names("--only", only, [_SHEET, *(kind.stem for kind in FIGURES)])
    _check_names("--format", formats, FORMATS)
    recording = open_recording(results)
    kinds = [kind for kind in FIGURES if kind.fits(recording) and (not only or kind.stem in only)]
    missing = sorted(set(only) - {kind.stem for kind in kinds} - {_SHEET})
    if missing:
        raise SettingsError(f"--only {missing[0]}: the stage that it shows has not run")
    look = STYLES[style].replace(**changes)
    folder = output or _folder_of(results, style)
    folder.mkdir(parents=True, exist_ok=True)
    total = len(kinds) + 1
    for done, kind in enumerate(kinds):
        on_progress(done, total)
        save_figure(kind, recording, folder, style=look, formats=formats)
    on_progress(total - 1, total)
    for ending in formats if not only or _SHEET in only else ():
        write_sheet(recording, folder / f"{_SHEET}.{ending}", style=look, paper=paper)
    on_progress(total, total)
    return folder


def _folder_of(results: Path, style: str) -> Path:
    if results.is_dir():
        return results / f"figures_{style}"
    return results.with_name(f"{results.stem}_figures_{style}")


def _check_font(name: str | None) -> None:
    """Refuse a font that is not there: matplotlib would warn at every text and take another."""
    if name is None:
        return
    from matplotlib import font_manager

    try:
        font_manager.findfont(name, fallback_to_default=False)
    except ValueError:
        there = font_manager.get_font_names()
        close = difflib.get_close_matches(name, there, n=3) or sorted(there)[:3]
        raise Misuse(f"--font {name}: not installed here; there are {', '.join(close)} …") from None


def _check_names(option: str, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise SettingsError(f"{option} {name}: there is no such; there are {', '.join(known)}")
