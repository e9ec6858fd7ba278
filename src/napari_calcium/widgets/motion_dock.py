"""The Motion dock: how the movie moved, and how well the registration undid it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QSize
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QVBoxLayout
from superqt import QFlowLayout

from napari_calcium.figures.bad_spans import BAD_COLOR
from napari_calcium.figures.decimate import outline
from napari_calcium.figures.export import FigureKind
from napari_calcium.figures.motion_figure import (
    SHIFT_COLORS,
    VISIBLE_PX,
    draw_motion,
    motion_height,
    motion_size,
    motion_words,
    prepare_motion,
)
from napari_calcium.recording import Recording
from napari_calcium.widgets.exporting import Export, ExportButton, table_writer
from napari_calcium.widgets.plots.frames_plot import FramesPlot
from napari_calcium.widgets.registered_layer import BLINK_KEY, registered_layer_of
from napari_calcium.widgets.theme import PlotColors, readable
from napari_calcium.widgets.view_dock import ViewDock

__all__ = ["MotionDock", "ResidualPlot"]

_FIGURE = FigureKind("motion", ("motion",), prepare_motion, motion_size, draw_motion, motion_height)
_CORRELATION_COLOR = "#6e6e6e"


class ResidualPlot(pg.PlotWidget):
    """How far the registered movie still moves along each of its principal components, as bars."""

    def __init__(self, colors: PlotColors) -> None:
        super().__init__()
        self._values: NDArray[np.float64] = np.empty(0)
        item = self.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.getViewBox().setMouseEnabled(x=False, y=False)
        item.setLabel("left", "Left-over (px)")
        item.setLabel("bottom", "Component")
        item.getAxis("left").enableAutoSIPrefix(False)
        item.getAxis("bottom").enableAutoSIPrefix(False)
        item.layout.setContentsMargins(2, 4, 6, 2)
        self._bars = pg.BarGraphItem(x=[], height=[], width=0.8)
        item.addItem(self._bars)
        self._limit = pg.InfiniteLine(VISIBLE_PX, angle=0)
        item.addItem(self._limit, ignoreBounds=True)
        self.setAccessibleName("Residual motion of the principal components")
        self.set_colors(colors)

    def sizeHint(self) -> QSize:
        """Ask for a narrow strip."""
        return QSize(190, 140)

    def minimumSizeHint(self) -> QSize:
        """Be content with little."""
        return QSize(120, 60)

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        self._colors = colors
        self.setBackground(colors.background)
        for name in ("left", "bottom"):
            axis = self.getPlotItem().getAxis(name)
            axis.setPen(colors.faint)
            axis.setTextPen(colors.text)
        self.show_residual(self._values)

    def show_residual(self, values: NDArray[np.float64]) -> None:
        """Show the shift of each component in pixels, the component of highest variance first."""
        self._values = values
        ground = self._colors.background
        calm, moving = (readable(color, ground) for color in (SHIFT_COLORS["y"], BAD_COLOR))
        self._bars.setOpts(
            x=np.arange(1, len(values) + 1),
            height=values,
            brushes=[moving if v >= VISIBLE_PX else calm for v in values.tolist()],
            pen=None,
        )
        self._limit.setPen(pg.mkPen(moving, width=1))
        top = max(2 * VISIBLE_PX, 1.1 * float(values.max())) if len(values) else 1.0
        self.getPlotItem().setYRange(0, top, padding=0)
        self.getPlotItem().setXRange(0.4, max(5, len(values)) + 0.6, padding=0)


class MotionDock(ViewDock):
    """Shifts and correlation of every frame with bad ones marked, sharpness, and what motion is left.

    Linked in time with the movie and all plots. A key and a tick go from the registered movie to the raw one.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    name = "Motion"
    wanted = (600, 260)

    time_picked = Signal(float)
    span_picked = Signal(object)

    def __init__(self, napari_viewer: Any) -> None:
        self._drawn: Recording | None = None
        super().__init__(napari_viewer)
        # Its kernel takes a second to load: better now than at the first look.
        outline(np.zeros((1, 8), np.float32), 1)
        layer = registered_layer_of(napari_viewer)
        if layer is not None:
            self.links.join(layer.toggled, self._follow_layer)

    def build(self, column: QVBoxLayout, colors: PlotColors) -> None:
        """Make the line of figures, the plots over time and the bars."""
        self.words = [QLabel() for _ in range(4)]
        for label in self.words:
            label.setToolTip(
                "How far frames moved from the template; how alike they are to it once registered; frames\n"
                "not to be trusted (torn, dark, moved too far: traces are interpolated over them); and the\n"
                "gradient of the mean image over its contrast, registered against raw: motion blurs."
            )
        self.legend = QLabel()
        self.registered = QCheckBox(f"Registered ({BLINK_KEY})")
        self.registered.setToolTip(
            f"Show the registered movie, or the raw one; {BLINK_KEY} on the image goes to and fro, so that "
            "you see what moved."
        )
        self.registered.clicked.connect(self._blink)
        self.export_button = ExportButton(self.export, self)
        bar = QFlowLayout()  # takes a second line where the first is too short for all
        bar.setContentsMargins(6, 2, 6, 0)
        bar.setHorizontalSpacing(14)
        bar.setVerticalSpacing(2)
        for widget in (*self.words, self.legend, self.registered, self.export_button):
            bar.addWidget(widget)
        self.shifts = FramesPlot(colors, "Shift (px)")
        self.correlation = FramesPlot(colors, "Corr. (r)")
        self.shifts.getPlotItem().showAxis("bottom", False)
        self.shifts.getPlotItem().layout.setContentsMargins(2, 4, 6, 8)  # room for the lowest number
        self.shifts.setAccessibleName("Shift of each frame in pixels")
        self.correlation.setAccessibleName("Correlation of each frame with the template")
        self.residual = ResidualPlot(colors)
        self.residual.setToolTip(
            "<qt>The frames that express a principal component most are aligned to those that express it "
            "least. Where a component is motion, they are shifted against each other: a good registration "
            f"leaves less than {VISIBLE_PX:g} px.</qt>"
        )
        self.residual_note = QLabel(
            "The motion that is left was not measured: the movie has too few frames, or an earlier version "
            "registered it. Run Registration again to see it."
        )
        self.residual_note.setWordWrap(True)
        over_time = QVBoxLayout()
        over_time.setSpacing(0)
        over_time.addWidget(self.shifts, 3)
        over_time.addWidget(self.correlation, 3)
        plots = QHBoxLayout()
        plots.setSpacing(4)
        plots.addLayout(over_time, 3)
        plots.addWidget(self.residual, 1)
        plots.addWidget(self.residual_note, 1)
        for aside in (self.residual, self.residual_note):
            aside.setMaximumWidth(190)
        column.addLayout(bar)
        column.addLayout(plots, 1)
        for plot in (self.shifts, self.correlation):
            plot.time_picked.connect(lambda seconds: self.time_picked.emit(seconds))
            plot.span_picked.connect(lambda span: self.span_picked.emit(span))

    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""
        for plot in (self.shifts, self.correlation, self.residual):
            plot.set_colors(colors)
        self._write_legend()

    def show_time(self, seconds: float) -> None:
        """Move the cursors."""
        for plot in (self.shifts, self.correlation):
            plot.show_time(seconds)

    def show_span(self, seconds: tuple[float, float] | None) -> None:
        """Show this span of time."""
        for plot in (self.shifts, self.correlation):
            plot.show_span(seconds)

    def hint_for(self, recording: Recording) -> str:
        """Return what to do first."""
        if recording.movie is None and recording.motion is None:
            return f"{recording.name} has no movie, so there is no motion to show."
        if recording.motion is None:
            return "The movie has not been registered yet: run Registration in the Calcium pipeline dock."
        return ""

    def draw(self, recording: Recording) -> None:
        """Show the motion of a recording."""
        motion = recording.motion
        if motion is None or (self._drawn is not None and motion is self._drawn.motion):
            return
        self._drawn = recording
        rate, known = recording.frame_rate or 1.0, recording.frame_rate is not None
        lines = {
            self.shifts: [(motion.shift_y_px, SHIFT_COLORS["y"]), (motion.shift_x_px, SHIFT_COLORS["x"])],
            self.correlation: [(motion.correlation, _CORRELATION_COLOR)],
        }
        for plot, values in lines.items():
            plot.set_duration(len(motion) / rate, in_frames=not known)
            plot.show_span(self.session.selection.span)
            plot.show_lines(rate, values)
        # Each plot would write it below.
        self.shifts.getPlotItem().showAxis("bottom", False)
        told = motion_words(recording).split(" · ")
        for place, label in enumerate(self.words):
            label.setText(told[place] if place < len(told) else "")
            label.setVisible(place < len(told))
        self._write_legend()
        layer = registered_layer_of(self._viewer)
        self.registered.setEnabled(layer is not None and layer.layer is not None)
        self.registered.setChecked(layer is not None and layer.shows_registered)
        self._show_residual(motion.residual_px)

    def export(self) -> Export | None:
        """Return what can be exported: the figure, and the table of frames."""
        recording = self.recording
        if recording is None or recording.motion is None:
            return None
        return Export(f"{recording.name}_motion", recording, _FIGURE, table_writer(recording.motion))

    def _show_residual(self, values: NDArray[np.float64]) -> None:
        self.residual_note.setVisible(not len(values))
        self.residual.setVisible(len(values) > 0)
        self.residual.show_residual(values)

    def _blink(self, on: bool) -> None:
        layer = registered_layer_of(self._viewer)
        if layer is not None:
            layer.show_registered(on)

    def _follow_layer(self, registered: bool) -> None:
        self.registered.setChecked(registered)
        self.registered.setEnabled(True)

    def _write_legend(self) -> None:
        ground = self.colors.background
        parts = [(SHIFT_COLORS["y"], "— y"), (SHIFT_COLORS["x"], "— x"), (BAD_COLOR, "▮ bad frames")]
        spans = (f"<span style='color:{readable(color, ground)}'>{text}</span>" for color, text in parts)
        self.legend.setText("&nbsp; ".join(spans))
