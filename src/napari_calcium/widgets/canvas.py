"""The recording on the napari canvas, and the canvas as one more view of the selection."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_calcium.figures.palette import rgb
from napari_calcium.recording import Recording
from napari_calcium.session import Session
from napari_calcium.widgets.canvas_drag import pressed
from napari_calcium.widgets.escape_key import bind_escape
from napari_calcium.widgets.fitted_view import FittedView
from napari_calcium.widgets.heatmap_layer import HeatmapLayer
from napari_calcium.widgets.selection_tool import SelectionTool
from napari_calcium.widgets.theme import ensemble_mark, plot_colors
from napari_calcium.widgets.tissue_layers import TissueLayers, layer_role

__all__ = ["Canvas"]


class Canvas:
    """Puts the session's recording on the canvas of a viewer and keeps both in step.

    With positions or images the canvas shows the tissue (`TissueLayers`), otherwise the traces as a heatmap
    (`HeatmapLayer`), which goes as soon as there is an image of any kind: never two geometries in one canvas.
    A click selects the cell under it, with Shift it adds or takes out, beside all cells it does nothing;
    Escape clears. The time slider and the session's time follow each other.

    Parameters
    ----------
    viewer : ViewerModel
        Held weakly: the viewer keeps its canvas, not the other way round.
    session : Session
    """

    cells_picked = Signal(tuple)
    time_picked = Signal(float)

    def __init__(self, viewer: Any, session: Session) -> None:
        self._viewer = weakref.ref(viewer)
        self._session = session
        self._content: TissueLayers | HeatmapLayer | None = None
        self._recording: Recording | None = None
        self._busy = False
        self._view = FittedView(viewer)
        viewer.mouse_drag_callbacks.append(self._on_press)
        bind_escape(viewer, self._on_escape)
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.dims.events.point.connect(self._on_slider)
        viewer.events.theme.connect(self._on_theme)
        self._unlink = session.link(self)
        self._tool = SelectionTool(viewer, session.selection, self._cells_in, self._pick_many)
        session.selection.focus_changed.connect(self._on_focus)
        session.selection.ensemble_changed.connect(self._highlight)
        session.selection.marked_changed.connect(self._on_marked)

    @property
    def tissue(self) -> TissueLayers | None:
        """The layers of the tissue, if that is what the canvas shows."""
        return self._content if isinstance(self._content, TissueLayers) else None

    @property
    def heatmap(self) -> HeatmapLayer | None:
        """The heatmap, if that is what the canvas shows."""
        return self._content if isinstance(self._content, HeatmapLayer) else None

    def show_recording(self, recording: Recording | None) -> None:
        """Show a recording; layers are made anew only where images, ROIs, movie or their scale changed."""
        viewer = self._viewer()
        if viewer is None:
            return
        before, self._recording = self._recording, recording
        with self._own_doing():
            if recording is not None and before is not None and _same_picture(before, recording):
                if self._content is not None:
                    self._content.update(recording)
            elif recording is not None and self.tissue is not None and self.tissue.can_become(recording):
                self.tissue.become(recording)
            else:
                self._replace_content(viewer, recording)
            self._show_colours(recording)
        self._highlight()
        self._on_marked(self._session.selection.marked)
        self.show_time(self._session.selection.time)

    def show_cells(self, ids: tuple[int, ...]) -> None:
        """Light up the selected cells."""
        self._highlight()

    def show_time(self, seconds: float) -> None:
        """Move the time slider, or the cursor on the heatmap."""
        viewer = self._viewer()
        if viewer is None:
            return
        if self.heatmap is not None:
            self.heatmap.show_time(seconds)
        axis = self._time_axis(viewer)
        if axis is not None and self._frame(viewer.dims.point[axis]) != self._frame(seconds, start=True):
            with self._own_doing():
                viewer.dims.set_point(axis, self._frame(seconds, start=True) / self._rate)

    def _replace_content(self, viewer: Any, recording: Recording | None) -> None:
        had_content = self._content is not None
        before = self.tissue
        shown = before.visibility if before is not None else {}
        camera = viewer.scene.camera
        view = {name: getattr(camera, name) for name in ("center", "zoom", "angles")}
        if self._content is not None:
            self._content.remove()
        self._content = None
        # A scale bar that stays on while layers come in other units makes napari warn of each of them.
        viewer.canvas.overlays.scale_bar.visible = False
        if recording is None:
            return
        if recording.has_positions or recording.images or recording.movie is not None:
            self._content = TissueLayers(viewer, recording)
        elif recording.traces and not any(_is_picture(layer) for layer in viewer.layers):
            self._content = HeatmapLayer(viewer, recording)
        if self._content is not None:
            # A heatmap has no length: neurons one way, seconds the other.
            known = self.tissue is not None and recording.pixel_size_um is not None
            viewer.canvas.overlays.scale_bar.visible = known
        if self.tissue is not None and before is not None and before.lies_like(self.tissue):
            # Other cells of the same field: what is looked at stays, though napari fits a first layer.
            self.tissue.set_visibility(shown)
            camera.update(view)
        elif self._content is not None and (had_content or len(viewer.layers) == len(self._content.layers)):
            # Room for the marks beside the heatmap.
            self._view.fit(margin=0.05 if self.tissue is not None else 0.12)

    def _show_colours(self, recording: Recording | None) -> None:
        viewer = self._viewer()
        if (
            viewer is not None
            and self.tissue is not None
            and recording is not None
            and recording.ensembles is not None
        ):
            ground = plot_colors(viewer).background
            self.tissue.set_colours(tuple(_rgb(k, ground) for k in recording.ensembles.ids))

    def _on_theme(self, event: Any = None) -> None:
        with self._own_doing():
            self._show_colours(self._recording)
        self._highlight()

    def _highlight(self, *_: object) -> None:
        selection, recording = self._session.selection, self._recording
        viewer = self._viewer()
        if viewer is None or recording is None:
            return
        chosen = selection.ensemble
        if self.tissue is not None:
            members: NDArray[np.int64] = np.empty(0, np.int64)
            place = 0
            if chosen is not None and recording.ensembles is not None:
                members = recording.ensembles.members_of(chosen).roi_id
                place = recording.ensembles.ids.index(chosen)
            self.tissue.show(selection.cells, members, place, selection.focus)
        elif self.heatmap is not None:
            ground = plot_colors(viewer).background
            colour = None if chosen is None else ensemble_mark(chosen, ground)
            self.heatmap.show(selection.cells, colour)

    def _on_marked(self, seconds: tuple[float, float] | None) -> None:
        """Shade a marked stretch over the heatmap, beside epochs and bad frames."""
        if self.heatmap is not None:
            with self._own_doing():
                self.heatmap.show_marked(seconds)

    def _on_focus(self, cell: int | None) -> None:
        """Outline the cell in focus, and centre it unless it was pointed at on the canvas itself."""
        viewer = self._viewer()
        self._highlight()
        if viewer is None or cell is None or self.tissue is None or self._busy:
            return
        centre = self.tissue.centre_of(cell)
        if centre is not None:
            self._view.look_at(*centre)

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None]:
        """Tell a click from a drag; on a click, pick."""
        if event.button != 1 or not self._may_pick(viewer):
            return
        if not (yield from pressed(event)):
            self._pick(event, add="Shift" in event.modifiers)

    def _on_escape(self) -> None:
        """Put the tool away; without one, select nothing."""
        if self._session.selection.tool != "click":
            self._session.selection.tool = "click"
        else:
            self._session.selection.clear()

    def _cells_in(self, outline: NDArray[np.float64]) -> tuple[int, ...]:
        return self._content.cells_in(outline) if self._content is not None else ()

    def _pick_many(self, cells: tuple[int, ...], add: bool) -> None:
        before = self._session.selection.cells if add else ()
        with self._own_doing():
            self.cells_picked.emit((*before, *(cell for cell in cells if cell not in set(before))))

    def _may_pick(self, viewer: Any) -> bool:
        """Whether a click is ours: not while the user paints, draws or moves a layer."""
        if self._session.selection.tool != "click":
            return False
        active = viewer.layers.selection.active
        return active is None or str(getattr(active, "mode", "pan_zoom")) == "pan_zoom"

    def _pick(self, event: Any, *, add: bool) -> None:
        seconds = None
        if self.tissue is not None:
            cell = self.tissue.cell_at(event)
        elif self.heatmap is not None:
            cell, seconds = self.heatmap.place_at(event)
        else:
            return
        if cell is None:
            return
        cells = self._session.selection.cells
        with self._own_doing():
            if not add:
                self.cells_picked.emit((cell,))
            elif cell in cells:
                self.cells_picked.emit(tuple(c for c in cells if c != cell))
            else:
                self.cells_picked.emit((*cells, cell))
            if seconds is not None:
                self.time_picked.emit(seconds)

    def _on_removed(self, event: Any) -> None:
        if self._content is not None:
            self._content.forget(event.value)
            if not self._content.layers:
                self._content = None

    def _on_inserted(self, event: Any) -> None:
        """Give the canvas to the tissue when somebody adds an image to it."""
        viewer = self._viewer()
        if viewer is None or self._busy or self.heatmap is None or not _is_picture(event.value):
            return
        self.heatmap.remove()
        self._content = None
        self._view.fit()

    def _on_slider(self, event: Any = None) -> None:
        viewer = self._viewer()
        if viewer is None or self._busy:
            return
        axis = self._time_axis(viewer)
        if axis is None:
            return
        frame = self._frame(viewer.dims.point[axis])
        if frame != self._frame(self._session.selection.time, start=True):
            self.time_picked.emit(frame / self._rate)

    @property
    def _rate(self) -> float:
        return (self._recording.frame_rate if self._recording is not None else None) or 1.0

    def _frame(self, seconds: float, *, start: bool = False) -> int:
        """Return the frame of a slider position, or (`start`) the frame during which a moment falls."""
        frames = seconds * self._rate
        return int(np.floor(frames + 1e-6)) if start else round(frames)

    def _time_axis(self, viewer: Any) -> int | None:
        """Return the axis of the time slider, that of any layer with seconds; None without one."""
        for layer in viewer.layers:
            if layer.ndim >= 3 and (
                layer_role(layer) in ("movie", "activity") or str(layer.units[0]) == "second"
            ):
                axis = int(viewer.dims.ndim - layer.ndim)
                return axis if axis in viewer.dims.not_displayed else None
        return None

    @contextmanager
    def _own_doing(self) -> Iterator[None]:
        """Mark changes of the viewer as ours, so that they are not taken for the user's."""
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before


def _is_picture(layer: Any) -> bool:
    """Whether a layer shows tissue: an image or labels that are not our heatmap."""
    return layer_role(layer) not in ("heatmap", "times", "marks", "cursor") and type(layer).__name__ in (
        "Image",
        "Labels",
    )


def _same_picture(a: Recording, b: Recording) -> bool:
    """Whether two recordings look the same on the canvas but for what lights up."""
    return (
        a.rois is b.rois
        and a.movie is b.movie
        and a.images.keys() == b.images.keys()
        and all(a.images[name] is b.images[name] for name in a.images)
        and (a.pixel_size_um, a.frame_rate, a.n_frames) == (b.pixel_size_um, b.frame_rate, b.n_frames)
        and np.array_equal(a.roi_ids, b.roi_ids)
        and bool(a.traces) == bool(b.traces)
    )


def _rgb(ensemble_id: int, ground: str) -> tuple[float, float, float]:
    """Return the colour that the list and the plots have for an ensemble, 0 to 1."""
    red, green, blue = rgb(ensemble_mark(ensemble_id, ground))
    return red / 255, green / 255, blue / 255
