"""The registered movie on the canvas over the raw one: one of them shows, and a key goes to and fro."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_calcium.recording import Recording
from napari_calcium.session import Session
from napari_calcium.widgets.tissue_layers import layer_role

__all__ = ["BLINK_KEY", "RegisteredFrames", "RegisteredLayer", "registered_layer_of"]

BLINK_KEY = "G"
_ROLE = "registered"


class RegisteredFrames:
    """A registered movie with all that napari asks of an array; frames are moved when they are looked at.

    Parameters
    ----------
    movie : MovieSource
        As :func:`napari_calcium.stages.pipeline_movie.registered_movie` makes it.
    """

    def __init__(self, movie: Any) -> None:
        self._movie = movie
        self.shape: tuple[int, int, int] = movie.shape
        self.dtype = np.dtype(np.float32)
        self.ndim = 3
        self.size = int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[np.float32]:
        try:
            return np.asarray(self._movie[key], np.float32)
        except (OSError, ValueError):
            # A file that is cut short or gone while the window shows it must not take the window with it.
            shape = np.empty(self.shape[1:], np.bool_)
            first, *rest = key if isinstance(key, tuple) else (key,)
            picture = np.full(shape[tuple(rest)].shape, np.nan, np.float32)
            frames = np.arange(self.shape[0])[first]
            return picture if frames.ndim == 0 else np.repeat(picture[None], len(frames), 0)


class RegisteredLayer:
    """Keeps a layer of the registered movie over that of the raw one.

    Parameters
    ----------
    viewer : ViewerModel
        Held weakly; its keymap keeps this object.
    session : Session

    Attributes
    ----------
    toggled : signal of bool
        Whether the registered movie shows now.
    """

    toggled = Signal(bool)

    def __init__(self, viewer: Any, session: Session) -> None:
        self._viewer = weakref.ref(viewer)
        self._recording: Recording | None = None
        self._layer: Any = None
        self._made_of: tuple[Any, Any] = (None, None)
        viewer.bind_key(BLINK_KEY, lambda _: self.toggle(), overwrite=True)
        viewer.layers.events.removed.connect(self._on_removed)
        session.link(self)
        _layers[viewer] = weakref.ref(self)

    @property
    def layer(self) -> Any | None:
        """The layer of the registered movie; None without one, or once it was deleted."""
        return self._layer

    @property
    def shows_registered(self) -> bool:
        """Whether the registered movie is what is seen."""
        return self._layer is not None and bool(self._layer.visible)

    def toggle(self) -> None:
        """Show the raw movie instead of the registered one, or the other way round."""
        self.show_registered(not self.shows_registered)

    def show_registered(self, registered: bool) -> None:
        """Show one of the two movies, and hide the other."""
        raw = self._raw()
        if self._layer is None or raw is None:
            return
        self._layer.visible, raw.visible = registered, not registered
        self.toggled.emit(registered)

    def show_recording(self, recording: Recording | None) -> None:
        """Make the layer for another registration; keep it where motion and movie are the same."""
        self._recording = recording
        made_of = (None, None) if recording is None else (recording.motion, recording.movie)
        same = made_of[0] is self._made_of[0] and made_of[1] is self._made_of[1]
        there = self._layer is not None and self._raw() is not None and self._below()
        if same and (there or self._layer is None):
            return
        visible = not same or self.shows_registered
        self._remove()
        self._made_of = made_of
        if recording is not None and recording.motion is not None and recording.movie is not None:
            self._add(recording, visible=visible)

    def _below(self) -> bool:
        """Whether the raw movie lies right below; the canvas may have made its layers anew."""
        viewer, raw = self._viewer(), self._raw()
        if viewer is None or raw is None or self._layer not in viewer.layers:
            return False
        return bool(viewer.layers.index(self._layer) == viewer.layers.index(raw) + 1)

    def _raw(self) -> Any | None:
        viewer = self._viewer()
        layers = viewer.layers if viewer is not None else ()
        return next((layer for layer in layers if layer_role(layer) == "movie"), None)

    def _add(self, recording: Recording, *, visible: bool) -> None:
        viewer, raw = self._viewer(), self._raw()
        if viewer is None or raw is None:
            return
        # Loads the code of the movie's stages, which few recordings need.
        from napari_calcium.stages.pipeline_movie import StageError, registered_movie

        try:
            movie = registered_movie(recording)
        except StageError:
            return  # another movie than the one that was registered
        active = viewer.layers.selection.active
        self._layer = viewer.add_image(
            RegisteredFrames(movie),
            name="Registered movie",
            contrast_limits=raw.contrast_limits,
            colormap=raw.colormap,
            visible=visible,
            metadata={"napari_calcium": {"recording": recording.name, "role": _ROLE}},
            rgb=False,
            multiscale=False,
            scale=raw.scale,
            translate=raw.translate,
            units=raw.units,
            axis_labels=raw.axis_labels,
        )
        if visible:
            raw.visible = False
        viewer.layers.move(viewer.layers.index(self._layer), viewer.layers.index(raw) + 1)
        viewer.layers.selection.active = active
        self.toggled.emit(visible)

    def _remove(self) -> None:
        viewer, layer, self._layer = self._viewer(), self._layer, None
        if viewer is not None and layer is not None and layer in viewer.layers:
            raw = self._raw()
            if raw is not None and layer.visible:
                raw.visible = True
            viewer.layers.remove(layer)

    def _on_removed(self, event: Any) -> None:
        if event.value is self._layer:
            raw = self._raw()
            if raw is not None and self._layer.visible:
                raw.visible = True
            self._layer = None


_layers: weakref.WeakKeyDictionary[Any, weakref.ref[RegisteredLayer]] = weakref.WeakKeyDictionary()


def registered_layer_of(viewer: Any) -> RegisteredLayer | None:
    """Return what keeps the registered movie on a viewer's canvas; None before the viewer has a session."""
    known = _layers.get(getattr(viewer, "__wrapped__", viewer))
    return known() if known is not None else None
