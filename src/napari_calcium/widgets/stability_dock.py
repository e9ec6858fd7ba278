"""The Stability dock: how the result moves with each setting that matters."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout

from napari_calcium.doubt.stability import StabilityPoint, knobs_of, stability, stability_table
from napari_calcium.doubt.variants import complete, stages_made
from napari_calcium.figures.export import FigureKind
from napari_calcium.figures.stability_figure import draw_stability, prepare_stability, stability_size
from napari_calcium.pipeline import settings_of
from napari_calcium.plurals import count_of
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.widgets.exporting import Export, ExportButton
from napari_calcium.widgets.plots.stability_plot import StabilityPlot
from napari_calcium.widgets.progress_line import ProgressLine
from napari_calcium.widgets.theme import PlotColors
from napari_calcium.widgets.view_dock import ViewDock
from napari_calcium.widgets.workbench import workbench_of
from napari_calcium.widgets.worker import Job, Runner

__all__ = ["StabilityDock"]

_NOT_RUN = (
    "There are no ensembles yet whose stability could be tried. Run the stages up to Ensembles in the dock "
    "Plugins › napari-calcium › Calcium pipeline."
)
_FIRST = (
    "Does the result hold when the settings that matter move, one at a time? ◆ is the present value. "
    "Click a point to see its result in numbers, and to adopt it."
)


class StabilityDock(ViewDock):
    """Small plots of what was found at each value of each setting; a point can become the result.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    name = "Stability"
    wanted = (900, 330)

    def __init__(self, napari_viewer: Any) -> None:
        self._bench = workbench_of(napari_viewer)
        self._points: dict[tuple[str, str, float], StabilityPoint] = {}
        self._of: Recording | None = None
        self._chosen: StabilityPoint | None = None
        super().__init__(napari_viewer)
        self.links.add(self.runner.abandon)

    def build(self, column: QVBoxLayout, colors: PlotColors) -> None:
        """Make the buttons, the plots and the line about the chosen point."""
        self.runner = Runner(self)
        self.runner.finished.connect(self._show)
        self.plot = StabilityPlot(colors)
        self.plot.setToolTip(
            "◆ the present value. Similarity: solid ensembles, dashed members, 1 is the same."
        )
        self.plot.picked.connect(self._pick)
        self.run = QPushButton("Try settings")
        self.run.setToolTip("Runs the stages from events to ensembles with other values, beside the window.")
        self.run.clicked.connect(self.try_settings)
        self.adopt = QPushButton("Adopt")
        self.adopt.setToolTip("The chosen point becomes the result; Undo takes it back.")
        self.adopt.clicked.connect(self._adopt)
        self.says = QLabel(_FIRST)
        self.says.setWordWrap(True)
        self.says.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.export_button = ExportButton(self.export, self)
        self.progress = ProgressLine(self.runner)
        bar = QHBoxLayout()
        bar.setContentsMargins(6, 2, 6, 0)
        bar.addWidget(self.run)
        bar.addWidget(self.adopt)
        bar.addStretch(1)
        bar.addWidget(self.export_button)
        self.says.setContentsMargins(6, 0, 6, 0)
        # Room for two lines at any time, so that the plots keep their height from point to point.
        self.says.setMinimumHeight(2 * self.says.fontMetrics().lineSpacing() + 4)
        column.addLayout(bar)
        column.addWidget(self.says)
        column.addWidget(self.progress)
        # Where the dock is low or narrow it scrolls: plots in less room could not be read.
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidget(self.plot)
        column.addWidget(self._scroll, 1)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self.plot.set_colors(colors)

    def hint_for(self, recording: Recording) -> str:
        """Return what to do first."""
        known = recording.ensembles is not None and recording.frame_rate is not None
        return "" if known and knobs_of(recording) else _NOT_RUN

    def show_recording(self, recording: Recording | None) -> None:
        """Keep what was tried as long as it is about this result."""
        if recording is None or not self._is_of(recording):
            self._points, self._chosen, self._of = {}, None, recording
            self.runner.supersede()
        super().show_recording(recording)

    def draw(self, recording: Recording) -> None:
        """Show what was tried."""
        self._show()

    @property
    def points(self) -> tuple[StabilityPoint, ...]:
        """What is known so far, by setting and value."""
        if self._of is None:
            return ()
        order = [(k.stage, k.field, value) for k in knobs_of(self._of) for value in k.values]
        return tuple(self._points[place] for place in order if place in self._points)

    def try_settings(self) -> None:
        """Begin, or begin anew."""
        recording = self._of
        if recording is None or self.runner.busy:
            return
        self._points, self._chosen = {}, None

        def work(job: Job) -> object:
            # Handed over one by one, so that the plots fill as they come.
            return stability(recording, on_progress=job, on_point=job.hand_over)

        self.runner.start("Stability", work, lambda _: self._show(), self._take)
        self._show()

    def _take(self, point: StabilityPoint) -> None:
        if self._of is None or point.knob not in knobs_of(self._of):
            return  # of a run that was stopped
        self._points[point.knob.stage, point.knob.field, point.value] = point
        self._show()

    def _pick(self, strip: int, place: int) -> None:
        if self._of is None:
            return
        knob = knobs_of(self._of)[strip]
        self._chosen = self._points.get((knob.stage, knob.field, knob.values[place]))
        self._show()

    def _adopt(self) -> None:
        point, before = self._chosen, self._of
        if point is None or before is None or self.runner.busy or self._bench.runner.busy:
            return
        settings = settings_of(before).replace(**{point.knob.stage: point.knob.at(point.value)})

        def work(on_progress: Progress) -> Recording:
            return complete(point.recording, settings, stages_made(before), on_progress=on_progress)

        def done(result: Recording) -> None:
            if self.session.recording is before:
                unit = f" {point.knob.unit}" if point.knob.unit else ""
                self.session.apply(result, f"{point.knob.title} {point.value:g}{unit}")

        self.runner.start("Adopt", work, done)

    def _is_of(self, recording: Recording) -> bool:
        """Whether what was tried is about this result: who looks at cells or saves changes nothing of it."""
        before = self._of
        same = ("events", "coactivity", "ensemble_events", "ensembles", "log")
        return before is not None and all(getattr(before, name) is getattr(recording, name) for name in same)

    def _show(self, *_: object) -> None:
        points, chosen = self.points, self._chosen
        strips = prepare_stability(points)
        place = None
        if chosen is not None and self._of is not None:
            titles = [(k.stage, k.field) for k in knobs_of(self._of)]
            strip = titles.index((chosen.knob.stage, chosen.knob.field))
            place = (strip, chosen.knob.values.index(chosen.value))
        self.plot.show_strips(strips, place)
        self.plot.setVisible(bool(points))
        self._scroll.setVisible(bool(points))
        self.run.setEnabled(not self.runner.busy)
        self.run.setText("Try again" if points else "Try settings")
        self.adopt.setEnabled(chosen is not None and not chosen.is_current and not self.runner.busy)
        self.says.setText(_FIRST if chosen is None else _words(chosen))

    def export(self) -> Export | None:
        """Return what can be exported: the figure, and a row a value."""
        points, recording = self.points, self.recording
        if not points or recording is None:
            return None
        figure = FigureKind(
            "stability", ("ensembles",), lambda _: prepare_stability(points), stability_size, draw_stability
        )
        table = stability_table(points)
        return Export(
            f"{recording.name}_stability", recording, figure, lambda path: table.to_csv(path, index=False)
        )


def _words(point: StabilityPoint) -> str:
    unit = f" {point.knob.unit}" if point.knob.unit else ""
    now = " (now)" if point.is_current else ""
    found = (
        (point.n_events, "event"),
        (point.n_ensemble_events, "ensemble event"),
        (point.n_ensembles, "ensemble"),
    )
    counts = ", ".join(count_of(number, word) for number, word in found)
    return (
        f"<b>{point.knob.title} {point.value:g}{unit}</b>{now}: {counts} with "
        f"{count_of(point.n_members, 'cell')}; similarity to now: ensembles {point.agreement:.2f}, members "
        f"{point.members:.2f}"
    )
