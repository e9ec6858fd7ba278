"""Take what a dock shows to a file: the figure for a paper, or the stored numbers behind it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qtpy.QtGui import QAction
from qtpy.QtWidgets import QFileDialog, QMenu, QPushButton, QWidget

from napari_calcium.figures.export import FORMATS, FigureKind, figure_of, write_picture
from napari_calcium.figures.figure_sheet import write_sheet
from napari_calcium.figures.figure_style import COLUMNS_MM, PUBLICATION, STANDARD, FigureStyle
from napari_calcium.io.export import export_traces
from napari_calcium.recording import Recording, Trace
from napari_calcium.results.tables import Table
from napari_calcium.widgets.notices import show_info, show_warning
from napari_calcium.widgets.panel_picture import write_panel
from napari_calcium.widgets.story_dialog import StoryDialog
from napari_calcium.widgets.worker import Failure, Runner

__all__ = ["Export", "ExportButton", "table_writer", "traces_writer"]

_PICTURES = tuple(f".{ending}" for ending in FORMATS)
_PICTURE_FILTER = "Picture (*.png);;Drawing (*.svg *.pdf)"
_SHEET_FILTER = "Sheet (*.pdf *.svg *.png)"
_TITLE = "Export…"
_FIGURE_TIP = (
    "For a paper: white ground, letters of 7 to 9 points that can be edited, colours for colour-blind eyes. "
    "The ending of the name says whether it is PNG, SVG or PDF."
)
_SHOWN_TIP = "What this dock shows now: its zoom, its selection and its theme. PNG, SVG or PDF."
_STORY_TIP = "The steps behind what this dock shows, with all settings, in plain words."
_SHEET_TIP = (
    "One page: field of view, traces, raster, coactivity, ensembles, and in words what was found, what "
    "chance alone would give, and the settings. PDF, SVG or PNG."
)


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
    results : tuple of str
        What is shown, as the log names it (``"traces/dff"``, ``"events"`` …); all steps are told without.
    """

    name: str
    recording: Recording
    figure: FigureKind | None
    write_table: Callable[[Path], None]
    results: tuple[str, ...] = ()

    def write(self, path: Path, style: FigureStyle = STANDARD) -> Path:
        """Write a picture (``.png``, ``.svg``, ``.pdf``) or the numbers (``.csv``), whole or not at all.

        Parameters
        ----------
        path : Path
        style : FigureStyle
            Of the picture.

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
            return write_picture(figure_of(self.figure, self.recording, style), path, style)
        # Writers of tables choose their format by the ending, so the part has it, too.
        beside = path.with_name(f".{path.stem}.{os.getpid()}.part{ending}")
        try:
            self.write_table(beside)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        return path


class ExportButton(QPushButton):
    """A menu of what can be saved: the figure in widths of journals, the panel as shown, numbers, the sheet.

    Parameters
    ----------
    what : callable
        Returns what can be exported now, or None.
    parent : QWidget
        The dock, which is what is shown.
    """

    def __init__(self, what: Callable[[], Export | None], parent: QWidget | None) -> None:
        super().__init__(_TITLE, parent)
        self._what = what
        self._runner = Runner(self)
        self._runner.finished.connect(self._end)
        self.setToolTip(
            "Save the figure (PNG, SVG, PDF), the numbers behind it (CSV) or a sheet of everything."
        )
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        widths = ("one column", "1½ columns", "two columns")
        self.figures = [
            self._add(
                menu, f"Figure, {width:g} mm wide ({name})…", partial(self._ask_figure, width), _FIGURE_TIP
            )
            for width, name in zip(COLUMNS_MM, widths, strict=True)
        ]
        self.shown = self._add(menu, "Picture as shown…", self._ask_shown, _SHOWN_TIP)
        self.numbers = self._add(
            menu, "Numbers (CSV)…", self._ask_numbers, "Stored values, never plotted ones."
        )
        menu.addSeparator()
        self.sheet = self._add(menu, "Sheet of the whole analysis…", self._ask_sheet, _SHEET_TIP)
        menu.addSeparator()
        self.story = self._add(menu, "What happened here…", self._tell, _STORY_TIP)
        menu.aboutToShow.connect(self.refresh)
        self.setMenu(menu)

    def _add(self, menu: QMenu, text: str, slot: Callable[[], None], tip: str) -> QAction:
        action = menu.addAction(text, lambda: slot())
        assert action is not None
        action.setToolTip(f"<qt>{tip}</qt>")
        return action

    @property
    def busy(self) -> bool:
        """Whether something is being written."""
        return self._runner.busy

    def refresh(self) -> None:
        """Offer what there is."""
        export = self._what()
        for action in self.figures:
            action.setEnabled(export is not None and export.figure is not None)
        for action in (self.shown, self.numbers, self.sheet, self.story):
            action.setEnabled(export is not None)

    def _ask_figure(self, width: float) -> None:
        export = self._what()
        if export is not None and export.figure is not None:
            style = PUBLICATION.replace(width=width)
            self._write(export.name, _PICTURE_FILTER, lambda path: export.write(path, style))

    def _ask_numbers(self) -> None:
        export = self._what()
        if export is not None:
            self._write(f"{export.name}.csv", "Numbers (*.csv)", export.write)

    def _tell(self) -> None:
        export = self._what()
        if export is not None:
            StoryDialog(export.recording, export.results, self.window()).show()

    def _ask_sheet(self) -> None:
        export = self._what()
        if export is not None:
            recording = export.recording
            name = f"{recording.name}_sheet.pdf"
            self._write(name, _SHEET_FILTER, lambda path: write_sheet(recording, _ended(path, ".pdf")))

    def _ask_shown(self) -> None:
        export, panel = self._what(), self.parentWidget()
        if export is None or panel is None:
            return
        path = self._ask(f"{export.name}_as_shown.png", _PICTURE_FILTER)
        if path is not None:
            try:  # Only the main thread can draw what is on screen; it takes a moment.
                self._say(write_panel(panel, _ended(path, ".png")))
            except (OSError, ValueError) as error:
                show_warning(f"Not exported: {error}")

    def _write(self, name: str, kinds: str, work: Callable[[Path], Path]) -> None:
        """Ask for a file and write it in a thread: the window stays alive meanwhile."""
        path = self._ask(name, kinds)
        if path is not None and self._runner.start("Export", lambda _: work(path), self._say):
            self.setText("Exporting…")
            self.setEnabled(False)

    def _ask(self, name: str, kinds: str) -> Path | None:
        chosen, _ = QFileDialog.getSaveFileName(self, "Export", name, kinds)
        return Path(chosen) if chosen else None

    def _say(self, path: Path) -> None:
        show_info(f"Exported to {path}")

    def _end(self, _: str, failure: Failure | None) -> None:
        self.setText(_TITLE)
        self.setEnabled(True)
        if failure is not None:
            show_warning(f"Not exported: {failure.message}")


def _ended(path: Path, ending: str) -> Path:
    return path if path.suffix else path.with_suffix(ending)


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
