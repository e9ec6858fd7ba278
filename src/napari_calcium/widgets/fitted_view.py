"""The picture fills the canvas, also when docks take room from it, until the user looks closer."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

__all__ = ["FittedView"]

_ALIKE = 1e-6
"""Relative difference of two views that are the same."""


class FittedView:
    """Fits the view again whenever the canvas changes its size, unless somebody has moved or zoomed it.

    napari fits what it shows once. When the docks of the workspace open after that, they cut off the picture.
    What the user (or a click in another view, which centres its cell) has made of the view since is left as
    it is, until Home fits it again.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Held weakly.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = weakref.ref(viewer)
        self._fitted: tuple[float, ...] | None = None
        self._margin = 0.05
        viewer.events.reset_view.connect(self._remember)
        viewer.canvas.events.size.connect(self._on_size)

    @property
    def is_fitted(self) -> bool:
        """Whether the view is as it was fitted last."""
        viewer = self._viewer()
        if viewer is None or self._fitted is None or viewer.dims.ndisplay != 2:
            return False
        return bool(np.allclose(self._fitted, _view(viewer), rtol=_ALIKE))

    def fit(self, margin: float = 0.05) -> None:
        """Fit the view to what there is, with a margin as a share of the canvas."""
        viewer = self._viewer()
        if viewer is not None:
            self._margin = margin
            viewer.reset_view(margin=margin)

    def look_at(self, y: float, x: float) -> None:
        """Bring a place to the middle, or as near to it as leaves no empty ground beside the picture.

        Nothing moves along an axis on which the whole picture is in view.

        Parameters
        ----------
        y, x : float
            World coordinates.
        """
        viewer = self._viewer()
        if viewer is None or viewer.dims.ndisplay != 2 or not len(viewer.layers):
            return
        was_fitted, camera = self.is_fitted, viewer.scene.camera
        low, high = np.asarray(viewer.layers.extent.world)[:, -2:]
        half = np.asarray(viewer.canvas.size) / camera.zoom / 2
        room = np.maximum((high - low) / 2 - half, 0)
        centre = np.clip((y, x), (low + high) / 2 - room, (low + high) / 2 + room)
        camera.center = (0.0, *centre.tolist())
        if was_fitted:
            self._remember()

    def _remember(self, event: Any = None) -> None:
        viewer = self._viewer()
        if viewer is not None:
            self._fitted = _view(viewer)

    def _on_size(self, event: Any = None) -> None:
        viewer = self._viewer()
        if viewer is not None and self.is_fitted:
            viewer.fit_to_view(margin=self._margin)


def _view(viewer: Any) -> tuple[float, ...]:
    camera = viewer.scene.camera
    return (*camera.center[-2:], camera.zoom)
