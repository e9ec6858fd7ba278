"""The functional network over the image: a line between the somata of each linked pair."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.recording import Recording
from napari_calcium.results.population_results import Correlations
from napari_calcium.widgets.tissue_layers import KEY, layer_role

__all__ = ["NetworkLayer", "links_to_show"]

_WIDTH = 0.6


def links_to_show(found: Correlations, cells: tuple[int, ...], most: int) -> NDArray[np.int64]:
    """Return which pairs to draw: those of the selected cells, else all; the strongest first.

    Parameters
    ----------
    found : Correlations
    cells : tuple of int
        Selected cells. Where none of them has a link, no line is drawn.
    most : int
        No more lines than this.

    Returns
    -------
    (≤ most,) int64
        Rows of the table of pairs.
    """
    pairs = found.pairs
    rows = np.arange(len(pairs))
    if cells:
        rows = rows[np.isin(pairs.roi_id_a, cells) | np.isin(pairs.roi_id_b, cells)]
    order = np.argsort(-np.abs(pairs.correlation[rows]), kind="stable")
    return rows[order[:most]].astype(np.int64)


class NetworkLayer:
    """Lines in a Vectors layer, coloured by correlation; the user may hide, restyle or delete it.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._layer: Any = None

    @property
    def layer(self) -> Any | None:
        """The layer, None while there is none."""
        return self._layer if self._layer is not None and self._layer in self._viewer.layers else None

    def show(self, recording: Recording, found: Correlations, rows: NDArray[np.int64]) -> None:
        """Draw the pairs in these rows of the table.

        Parameters
        ----------
        recording : Recording
            With positions; pairs of a cell without one are left out.
        found : Correlations
        rows : (n,) int64
        """
        rois = recording.rois
        if rois is None:
            return self.clear()
        place = {cell: k for k, cell in enumerate(rois.ids.tolist())}
        pairs = found.pairs.take(rows)
        both = [
            (place[a], place[b], r)
            for a, b, r in zip(
                pairs.roi_id_a.tolist(), pairs.roi_id_b.tolist(), pairs.correlation.tolist(), strict=True
            )
            if a in place and b in place
        ]
        a, b = (np.array([pair[k] for pair in both], np.int64) for k in (0, 1))
        start, stop = rois.centroids[a], rois.centroids[b]
        lines = np.stack([start, stop - start], axis=1) if len(both) else np.empty((0, 2, 2))
        strength = np.array([pair[2] for pair in both])
        if self.layer is None:
            self._layer = self._add(recording)
        layer = self._layer
        layer.data = lines
        if len(both):
            layer.edge_color = _colors(strength)
        return None

    def clear(self) -> None:
        """Take the layer away."""
        layer, self._layer = self.layer, None
        if layer is not None:
            self._viewer.layers.remove(layer)

    def _add(self, recording: Recording) -> Any:
        layers = self._viewer.layers
        active = layers.selection.active
        pixel = recording.pixel_size_um
        layer = self._viewer.add_vectors(
            np.zeros((0, 2, 2)),
            ndim=2,
            name="Functional network",
            vector_style="line",
            edge_width=_WIDTH,
            opacity=0.8,
            metadata={KEY: {"recording": recording.name, "role": "network"}},
            scale=(pixel or 1.0,) * 2,
            units=("um" if pixel else "pixel",) * 2,
            axis_labels=("y", "x"),
        )
        # What is selected stays on top, and the layer that was active stays so.
        above = [k for k, other in enumerate(layers) if layer_role(other) == "selected"]
        if above:
            layers.move(layers.index(layer), above[0])
        layers.selection.active = active
        return layer


def _colors(strength: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a colour for each line: yellow to red with the correlation, blue below zero."""
    from matplotlib import colormaps

    top = max(float(np.abs(strength).max()), 1e-9)
    colors = np.asarray(colormaps["autumn_r"](np.clip(strength / top, 0, 1)), np.float64)
    colors[strength < 0] = (0.35, 0.67, 1.0, 1.0)
    return colors
