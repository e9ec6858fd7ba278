"""Take what a dock shows to a file: the figure for a paper, or the stored numbers behind it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from napari.utils.notifications import show_info, show_warning
from qtpy.QtWidgets import QFileDialog, QPushButton, QWidget

from napari_calcium.figures.export import FORMATS, FigureKind, figure_of, write_picture
from napari_calcium.io.export import export_traces
from napari_calcium.recording import Recording, Trace
from napari_calcium.results import Table

__all__ = ["Export", "ExportButton", "table_writer", "traces_writer"]

_PICTURES = tuple(f".{ending}" for ending in FORMATS)
_FILTER = "Picture (*.png);;Drawing (*.svg *.pdf);;Numbers (*.csv)"


@dataclass(frozen=True)
class Export:
    """What can be exported now.

    Attributes
    ----------
    name : str
        Proposed name of the file, without ending.
    recording : Recording
    figure : FigureKind or None
        Drawn with matplotlib, as by the command line; None where there are but numbers.
    write_table : callable
        Writes the numbers as CSV to a path: stored values, never plotted ones.
    """

    name: str
    recording: Recording
    figure: FigureKind | None
    write_table: Callable[[Path], None]

    def write(self, path: Path) -> Path:
        """Write a picture (``.png``, ``.svg``, ``.pdf``) or the numbers (``.csv``), whole or not at all.

        Returns
        -------
        Path
            Where it is: `path`, with ``.png`` where it has no ending.

        Raises
        ------
        ValueError
            If the ending is none of these.
        """
        path = path if path.suffix else path.with_suffix(".png" if self.figure is not None else ".csv")
        ending = path.suffix.lower()
        if ending not in (*_PICTURES, ".csv"):
            raise ValueError(f"{path.name}: end the name in .png, .svg, .pdf or .csv")
        if self.figure is None and ending != ".csv":
            raise ValueError(f"{path.name}: there are numbers only; end the name in .csv")
        if self.figure is not None and ending != ".csv":
            return write_picture(figure_of(self.figure, self.recording), path)
        # Writers of tables choose their format by the ending, so the part has it, too.
        beside = path.with_name(f".{path.stem}.{os.getpid()}.part{ending}")
        try:
            self.write_table(beside)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        return path


class ExportButton(QPushButton):
    """Asks where to, and writes.

    Parameters
    ----------
    what : callable
        Returns what can be exported now, or None.
    parent : QWidget
    """

    def __init__(self, what: Callable[[], Export | None], parent: QWidget) -> None:
        super().__init__("Export…", parent)
        self._what = what
        self.setToolTip("Save the figure (PNG, SVG, PDF) or the numbers behind it (CSV)")
        self.clicked.connect(self.ask)

    def ask(self) -> None:
        """Ask for a file, write it, and say where it is or what went wrong."""
        export = self._what()
        if export is None:
            show_warning("There is nothing to export yet.")
            return
        ending, kinds = ("png", _FILTER) if export.figure is not None else ("csv", "Numbers (*.csv)")
        chosen, _ = QFileDialog.getSaveFileName(self, "Export", f"{export.name}.{ending}", kinds)
        if not chosen:
            return
        try:
            path = export.write(Path(chosen))
        except (OSError, ValueError) as error:
            show_warning(f"Not exported: {error}")
        else:
            show_info(f"Exported to {path}")


def traces_writer(recording: Recording, cells: tuple[int, ...], stage: str) -> Callable[[Path], None]:
    """Return what writes one stage of some cells as CSV: time in seconds and a column a cell."""
    rows = recording.rows(cells)
    names, trace = recording.cell_names, recording.traces[stage]
    some = Recording(
        recording.name,
        recording.roi_ids[rows],
        recording.frame_rate,
        {stage: Trace(trace.values[rows], trace.unit)},
        cell_names=tuple(names[row] for row in rows) if names else (),
        log=recording.log,
    )
    return lambda path: export_traces(some, path, stage)


def table_writer(table: Table) -> Callable[[Path], None]:
    """Return what writes a table of results as CSV, with the columns of the results folder."""
    return lambda path: table.to_dataframe().to_csv(path, index=False)
