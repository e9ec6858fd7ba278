"""Draw ROIs, and use what is drawn on a layer as cells."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtWidgets import QCheckBox, QGridLayout, QLabel, QPushButton, QWidget

from napari_calcium.cells.drawn_rois import use_drawing
from napari_calcium.io.errors import ReadError
from napari_calcium.movie.extraction_settings import ExtractionSettings
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.stages.pipeline_movie import read_new_cells
from napari_calcium.widgets.drawn_layers import drawing_of, drawn_layers, field_shape, new_drawing_layer
from napari_calcium.widgets.form import message_label
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.notices import show_info, show_warning
from napari_calcium.widgets.rows import ChoiceBox
from napari_calcium.widgets.tissue_layers import layer_role
from napari_calcium.widgets.workbench import BUSY, NO_RATE, NO_RECORDING, Successor, Workbench, workbench_of

__all__ = ["DrawingRow", "use_as_rois", "use_layer"]


class DrawingRow(QWidget):
    """A button that begins a drawing, the layers that hold one, and a button that makes cells of it.

    Parameters
    ----------
    viewer : napari.Viewer
    bench : Workbench
    """

    def __init__(self, viewer: Any, bench: Workbench) -> None:
        super().__init__()
        self._viewer, self._bench = viewer, bench
        self.draw = QPushButton("Draw ROIs")
        self.draw.setToolTip(
            "Add a layer to paint on, with the brush in hand: one label a cell, M takes the next label. "
            "Shapes and\nPoints layers can be used as well: a point is a disc of its size."
        )
        self.layers = ChoiceBox()
        self.layers.setAccessibleName("Layer with drawn ROIs")
        self.use = QPushButton("Use as ROIs")
        self.replace = QCheckBox("in place of all cells")
        self.replace.setToolTip("Otherwise they are added to the cells that are there. Undo takes it back.")
        self.note = message_label()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 6, 0, 0)
        grid.addWidget(QLabel("<b>By hand</b>"), 0, 0)
        grid.addWidget(self.draw, 0, 1)
        grid.addWidget(self.layers, 1, 0)
        grid.addWidget(self.use, 1, 1)
        grid.addWidget(self.replace, 2, 0, 1, 2)
        grid.addWidget(self.note, 3, 0, 1, 2)
        grid.setColumnStretch(0, 1)
        self.draw.clicked.connect(self._draw)
        self.use.clicked.connect(self._use)
        links = Links(self)
        for event in (viewer.layers.events.inserted, viewer.layers.events.removed):
            event.connect(self._list_layers)
            links.add(partial(event.disconnect, self._list_layers))
        self._list_layers()

    def show_recording(self, recording: Recording) -> None:
        """Offer what can be done with a recording."""
        from_movie = recording.movie is not None and recording.candidates is not None
        self.replace.setVisible(from_movie)
        self.use.setToolTip(
            "Each label, closed shape or point becomes a cell, and its fluorescence is read from the movie"
            if recording.movie is not None
            else "Each label, closed shape or point becomes the place of a cell: by its number, or by order"
        )

    def _list_layers(self, event: Any = None) -> None:
        chosen = self.layers.currentText()
        self.layers.clear()
        for layer in drawn_layers(self._viewer):
            self.layers.addItem(layer.name)
        place = self.layers.findText(chosen)
        self.layers.setCurrentIndex(place if place >= 0 and chosen else 0)
        there = self.layers.count() > 0
        self.use.setEnabled(there)
        self.layers.setEnabled(there)
        if not there:
            self.layers.addItem("nothing drawn yet")

    def _draw(self) -> None:
        recording = self._bench.session.recording
        self._say("")
        try:
            if recording is None:
                raise ReadError(NO_RECORDING)
            layer = new_drawing_layer(self._viewer, recording)
        except ReadError as error:
            self._say(f"⚠ {error}")
            return
        self.layers.setCurrentIndex(self.layers.findText(layer.name))

    def _use(self) -> None:
        layer = next((x for x in drawn_layers(self._viewer) if x.name == self.layers.currentText()), None)
        if layer is not None:
            replace = self.replace.isChecked() and not self.replace.isHidden()
            self._say(use_layer(self._viewer, layer, replace=replace))

    def _say(self, text: str) -> None:
        self.note.setText(text)
        self.note.setVisible(bool(text))


def use_layer(viewer: Any, layer: Any, *, replace: bool = False) -> str:
    """Make cells of what is drawn on a layer; their fluorescence is read beside the window.

    Parameters
    ----------
    viewer : napari.Viewer
    layer : Labels, Shapes or Points
        Hidden once it was used; the cells show in the recording's own layers.
    replace : bool
        In place of the cells that are there.

    Returns
    -------
    str
        What came of it or why it cannot be done, in one line.
    """
    bench = workbench_of(viewer)
    session, recording = bench.session, bench.session.recording
    if recording is None:
        return f"⚠ {NO_RECORDING}"
    if bench.runner.busy:
        return f"⚠ {BUSY}"
    try:
        drawing = drawing_of(layer, recording, field_shape(viewer, recording))
        drawn = use_drawing(recording, drawing, replace=replace)
    except ReadError as error:
        return f"⚠ {error}"
    notes = "; ".join(drawn.log[-1].notes)
    if "dff" in recording.traces and recording.movie is not None:
        notes += ". Run all makes the results of all cells anew"
    label = f"Use {layer.name}"
    if replace:
        # In the place of all others means that no others are wanted.
        bench.plan.set_enabled("segmentation", False)
        notes += ". Cells is switched off in the pipeline: tick it to add what it detects"
    if drawn.candidates is None or drawn.candidates is recording.candidates:
        session.apply(drawn, label)
        _put_away(viewer, layer)
        return notes
    if recording.frame_rate is None:
        return f"⚠ {NO_RATE}"
    settings = bench.plan.stage("extraction")
    assert isinstance(settings, ExtractionSettings)
    new = [int(k) for k in drawn.candidates.ids[-len(drawing) :]]

    def work(on_progress: Progress) -> Recording:
        return read_new_cells(drawn, settings, on_progress)

    def done(result: Recording) -> None:
        Successor(session, recording, label).take(result)
        _put_away(viewer, layer)
        session.selection.cells = new

    bench.runner.start(f"Fluorescence of {len(new)} drawn ROIs", work, done)
    return notes


def _put_away(viewer: Any, layer: Any) -> None:
    """Hide a layer that was used, and lay the brush down: a click on the image is for the cells again."""
    layer.visible = False
    layer.mode = "pan_zoom"
    somata = next((other for other in viewer.layers if layer_role(other) == "somata"), None)
    if somata is not None and viewer.layers.selection.active is layer:
        viewer.layers.selection.active = somata


def use_as_rois(viewer: Any) -> None:
    """Make cells of what is drawn on the active layer, for the menu of layers."""
    layer = viewer.layers.selection.active
    if layer is None or layer not in drawn_layers(viewer):
        show_warning("Choose the Labels, Shapes or Points layer on which the ROIs are drawn.")
        return
    told = use_layer(viewer, layer)
    (show_warning if told.startswith("⚠") else show_info)(told)
