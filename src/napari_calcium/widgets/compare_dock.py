"""The Compare dock: a stage with two settings side by side, on the selected cells and on everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from napari_calcium.doubt.comparison import Comparison, compare
from napari_calcium.doubt.same_cells import with_ids_of
from napari_calcium.doubt.variants import stages_made, variant
from napari_calcium.pipeline import PipelineSettings, settings_of
from napari_calcium.pipeline_settings import TITLES
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.settings import Settings, SettingsError
from napari_calcium.widgets.cell_pager import CellPager
from napari_calcium.widgets.compared_traces import PER_CELL, compared_lanes, events_of_cells, few_with
from napari_calcium.widgets.exporting import Export, ExportButton
from napari_calcium.widgets.latest_job import LatestJob
from napari_calcium.widgets.plots.changes_table import ChangesTable
from napari_calcium.widgets.plots.traces_plot import TracesPlot
from napari_calcium.widgets.progress_line import ProgressLine
from napari_calcium.widgets.rows import ChoiceBox
from napari_calcium.widgets.stage_widget import scrolling
from napari_calcium.widgets.theme import PlotColors
from napari_calcium.widgets.union_form import Form, form_for
from napari_calcium.widgets.view_dock import ViewDock
from napari_calcium.widgets.workbench import workbench_of
from napari_calcium.widgets.worker import Runner

__all__ = ["CompareDock"]

_PAGE, _LEAST_PAGE = 12, 3
"""So many cells are tried and drawn at once, as there is room for; the others are a page away."""
_COMPARED = tuple(stage for stage in TITLES if stage != "validation")
"""All stages with settings: decisions on events are no settings."""
_NOT_RUN = (
    "There is no result yet to compare with. Run the analysis in the dock "
    "Plugins › napari-calcium › Calcium pipeline."
)
_SELECT = "Select cells to see their traces with both settings."


@dataclass(frozen=True, eq=False)
class _Whole:
    """Result B on all cells, what differs, and whether cells of one id are the same ones."""

    result: Recording
    changes: Comparison
    same_cells: bool


class CompareDock(ViewDock):
    """Result A is the current one; B has other settings of one stage, and can take its place.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    name = "Compare"
    area = "right"
    wanted = (380, 640)

    cells_picked = Signal(tuple)
    time_picked = Signal(float)
    span_picked = Signal(object)

    def __init__(self, napari_viewer: Any) -> None:
        self._bench = workbench_of(napari_viewer)
        self._made: PipelineSettings | None = None
        self._drawn: Recording | None = None
        self._few: Recording | None = None
        self._whole: _Whole | None = None
        self._asked: tuple[str, Settings] | None = None
        self._again = False
        self.form: Form | None = None
        super().__init__(napari_viewer)
        self._job = LatestJob(self)
        self.links.add(self._job.abandon)
        self.links.add(self.runner.abandon)

    def build(self, column: QVBoxLayout, colors: PlotColors) -> None:
        """Make the form of B, the traces and the table, side by side."""
        self.runner = Runner(self)
        self.runner.finished.connect(self._after)
        self.progress = ProgressLine(self.runner)
        self.plot = TracesPlot(colors)
        self.plot.setToolTip("In colour: A. In the colour of writing, ticks above: B.")
        self.table = ChangesTable()
        self.says = QLabel()
        self.says.setWordWrap(True)
        self.says.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        split = QSplitter(Qt.Orientation.Vertical)
        for part in (self._settings(), self._traces(), self._changes()):
            split.addWidget(part)
            split.setCollapsible(split.count() - 1, False)
        split.setSizes([230, 170, 240])
        column.addWidget(split, 1)
        self.plot.box.sigResized.connect(self.later)
        self.plot.time_picked.connect(self.time_picked.emit)
        self.plot.span_picked.connect(self.span_picked.emit)
        self.plot.cell_clicked.connect(lambda _, seconds: self.time_picked.emit(seconds))
        self.table.ensemble_picked.connect(self._pick_ensemble)

    def _settings(self) -> QWidget:
        self.stage = ChoiceBox()
        self.stage.setToolTip("Which stage is to have other settings in B.")
        self.stage.setAccessibleName("Stage")
        self.stage.currentIndexChanged.connect(self._on_stage)
        self.run = QPushButton("Run B on all cells")
        self.run.setToolTip("Runs the stage with B and all that is made of it, beside the window.")
        self.run.clicked.connect(self.run_whole)
        self.adopt = QPushButton("Adopt B")
        self.adopt.setToolTip("B becomes the result; Undo brings A back.")
        self.adopt.clicked.connect(self._adopt)
        self.reset = QPushButton("As A")
        self.reset.setToolTip("Give B the settings of A again.")
        self.reset.clicked.connect(self._reset)
        row = QFormLayout()
        row.addRow("Stage", self.stage)
        inside = QWidget()
        self._form_place = QVBoxLayout(inside)
        self._form_place.setContentsMargins(0, 0, 4, 0)
        self._form_place.addStretch(1)
        buttons = QHBoxLayout()
        for button, share in ((self.run, 1), (self.reset, 0), (self.adopt, 0)):
            buttons.addWidget(button, share)
        part = QWidget()
        column = QVBoxLayout(part)
        column.setContentsMargins(6, 4, 6, 0)
        column.addLayout(row)
        column.addWidget(scrolling(inside), 1)
        column.addLayout(buttons)
        column.addWidget(self.progress)
        return part

    def _traces(self) -> QWidget:
        """Return the traces of both settings, a page of cells at a time."""
        self.pager = CellPager(_PAGE)
        self.pager.turned.connect(self._turned)
        part = QWidget()
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.plot, 1)
        column.addWidget(self.pager)
        return part

    def _changes(self) -> QWidget:
        self.export_button = ExportButton(self.export, self)
        top = QHBoxLayout()
        top.addWidget(self.says, 1)
        top.addWidget(self.export_button, 0, Qt.AlignmentFlag.AlignTop)
        part = QWidget()
        column = QVBoxLayout(part)
        column.setContentsMargins(6, 0, 6, 4)
        column.addLayout(top)
        column.addWidget(self.table, 1)
        return part

    # --- views of the session

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self.plot.set_colors(colors)

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Show the traces of these cells with both settings."""
        self._few = None
        self.pager.show_cells(ids)
        self.later()

    def show_time(self, seconds: float) -> None:
        """Move the cursor."""
        self.plot.show_time(seconds)

    def show_span(self, seconds: tuple[float, float] | None) -> None:
        """Show this span of time."""
        self.plot.show_span(seconds)

    def hint_for(self, recording: Recording) -> str:
        """Return what to do first."""
        if not set(_COMPARED).intersection(stages_made(recording)) or recording.frame_rate is None:
            return _NOT_RUN
        try:
            settings_of(recording)
        except SettingsError as error:
            return f"These results were made with settings this version does not know: {error}"
        return ""

    def draw(self, recording: Recording) -> None:
        """Show A, and what of B is known."""
        if recording is not self._drawn:
            self._drawn, self._few, self._whole = recording, None, None
            self._made = settings_of(recording)
            self._fill_stages(recording)
            self.plot.set_duration(recording.duration_s)
            self.plot.show_span(self.session.selection.span)
            self._show_form()
        if self.pager.fit(min(_PAGE, max(_LEAST_PAGE, self.plot.room))):
            self._few = None
        self._ask_few()
        self._show()

    # --- what B is

    @property
    def chosen(self) -> str:
        """The stage that differs."""
        return str(self.stage.currentData() or "")

    @property
    def settings_b(self) -> Settings | None:
        """Settings of B, or None while the form cannot be used."""
        return None if self.form is None or self.form.error else self.form.settings

    @property
    def whole(self) -> Recording | None:
        """Result B on all cells, if it is known."""
        return self._whole.result if self._whole is not None else None

    def _fill_stages(self, recording: Recording) -> None:
        made = stages_made(recording)
        now = self.chosen or "events"
        blocked = self.stage.blockSignals(True)
        self.stage.clear()
        for stage in _COMPARED:
            settings = getattr(self._made, stage)
            if stage in made and settings is not None and type(settings).model_fields:
                self.stage.addItem(TITLES[stage], stage)
        self.stage.setCurrentIndex(max(0, self.stage.findData(now)))
        self.stage.blockSignals(blocked)

    def _show_form(self) -> None:
        """Show the form of the chosen stage with the settings of A, unless B is of this stage already."""
        assert self._made is not None
        settings = getattr(self._made, self.chosen)
        before = self._asked
        keep = before is not None and before[0] == self.chosen and type(before[1]) is type(settings)
        if self.form is not None:
            self._form_place.removeWidget(self.form)
            self.form.deleteLater()
        annotation = PipelineSettings.model_fields[self.chosen].annotation
        self.form = form_for(annotation, before[1] if keep and before is not None else settings)
        self._form_place.insertWidget(0, self.form)
        self.form.changed.connect(self._edited)

    def _on_stage(self, *_: object) -> None:
        self._asked = self._few = self._whole = None
        self._show_form()
        self.later()

    def _edited(self) -> None:
        settings = self.settings_b
        if settings is not None:
            self._asked = (self.chosen, settings)
        self._few = self._whole = None
        if self.runner.busy:
            self.runner.supersede()
        self.later()

    def _reset(self) -> None:
        self._asked = self._few = self._whole = None
        self._show_form()
        self.later()

    # --- what B makes

    def _turned(self) -> None:
        self._few = None
        self.later()

    def _differs(self) -> bool:
        return self.settings_b is not None and self.settings_b != getattr(self._made, self.chosen)

    def _ask_few(self) -> None:
        """Have B made for the selected cells, where the stage works cell by cell."""
        recording, settings, cells, stage = self._drawn, self.settings_b, self.pager.page, self.chosen
        if recording is None or settings is None or self._few is not None or self._whole is not None:
            return
        if not cells or stage not in PER_CELL or not self._differs():
            return
        self._job.ask(
            "Compare",
            lambda on_progress: few_with(recording, stage, settings, cells, on_progress),
            self._take_few,
        )

    def _take_few(self, few: Recording) -> None:
        self._few = few
        self._show()

    def run_whole(self) -> None:
        """Make B on all cells; a run with older settings is stopped."""
        recording, settings, stage = self._drawn, self.settings_b, self.chosen
        if recording is None or settings is None:
            return
        if self.runner.busy:
            self._again = True
            self.runner.supersede()
            return

        def work(on_progress: Progress) -> _Whole:
            result = variant(recording, {stage: settings}, on_progress=on_progress)
            return _Whole(result, compare(recording, result), with_ids_of(recording, result) is result)

        def done(result: _Whole) -> None:
            if self._drawn is recording and self.settings_b == settings:
                self._whole = result
                self._show()

        self.runner.start(f"B: {TITLES[stage]}", work, done)
        self._show()

    def _after(self, *_: object) -> None:
        if self._again:
            self._again = False
            self.run_whole()
        else:
            self._show()

    def _adopt(self) -> None:
        if self._whole is None or self._bench.runner.busy or self.session.recording is not self._drawn:
            return
        result = self._whole.result
        label = f"{TITLES[self.chosen]}: adopt B"
        self._asked = None
        self.session.apply(result, label)

    def _pick_ensemble(self, ensemble: int) -> None:
        self.session.choose_ensemble(ensemble)

    # --- what is shown

    def _show(self) -> None:
        recording = self._drawn
        if recording is None or self._made is None:
            return
        # Where cells were found anew, those of one id are not the same cells: A is drawn alone.
        b = self._few if self._whole is None else self._whole.result if self._whole.same_cells else None
        cells = self.pager.page
        self.plot.show_lanes(*compared_lanes(recording, b, self.chosen, cells))
        self.says.setText(self._words(recording))
        if self._whole is not None:
            self.table.show_comparison(self._whole.changes)
        elif self._few is not None:
            own = events_of_cells(recording, self._few.roi_ids)
            self.table.show_comparison(compare(own, events_of_cells(self._few, self._few.roi_ids)))
        else:
            self.table.show_comparison(None)
        free = not self.runner.busy
        self.run.setEnabled(self._differs())
        self.adopt.setEnabled(self._whole is not None and free and self.whole is not recording)
        self.reset.setEnabled(self._differs())

    def _words(self, recording: Recording) -> str:
        if self.form is not None and self.form.error:
            return "B cannot be used as it is."
        if not self._differs():
            return f"Change a setting of {TITLES[self.chosen]} in the form: that is B."
        if self._whole is not None:
            found = self._whole.changes
            if found.is_same:
                return "All cells: nothing differs."
            alike = f"; ensembles agree to {found.agreement:.2f} (0 to 1)" if found.ensembles else ""
            drawn = "" if self._whole.same_cells else " Cells are matched by overlap; of traces A is drawn."
            return f"All cells: A and B{alike}.{drawn}"
        if self.chosen not in PER_CELL:
            return "This stage is about all cells: run B on all cells."
        if not self.pager.page:
            return _SELECT
        n, every = len(self.pager.page), len(self.session.selection.cells)
        which = (
            f"The {n} selected cell{'s' if n > 1 else ''}" if n == every else f"These {n} of {every} cells"
        )
        return f"{which}; run B on all cells to see what follows."

    def export(self) -> Export | None:
        """Return what can be exported: the numbers of the comparison."""
        if self._whole is None or self.recording is None:
            return None
        frame = self._whole.changes.to_dataframe()
        name = f"{self.recording.name}_compare_{self.chosen}"
        return Export(name, self.recording, None, lambda path: frame.to_csv(path, index=False))
