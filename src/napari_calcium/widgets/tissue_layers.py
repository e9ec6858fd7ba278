"""The layers of a recording with positions: images, movie or activity, somata and their highlights."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pandas as pd
from napari.utils.colormaps import CyclicLabelColormap
from numpy.typing import NDArray

from napari_calcium.numerics.polygon import inside
from napari_calcium.recording import Recording, Trace
from napari_calcium.widgets.activity_movie import ActivityMovie, activity_trace
from napari_calcium.widgets.soma_highlight import FIRST_MEMBER, SomaHighlight

__all__ = ["KEY", "TissueLayers", "layer_role"]

KEY = "napari_calcium"
"""Of what our layers carry in their metadata."""
_SOMA = (0.8, 0.85, 0.85, 1.0)
_SELECTED_FILL, _SELECTED_EDGE = (1.0, 1.0, 1.0, 0.5), (1.0, 1.0, 1.0, 1.0)
_MEMBER_ALPHA = 0.8
_OVER_PICTURE, _ALONE = 0.2, 0.5
"""Opacities of somata over a picture of the tissue, and on the black of a canvas without one."""
_MOST_COLOURS = 250
_MOST_ACTIVITY_PIXELS = 2048**2

Role = Literal["image", "movie", "activity", "somata", "selected", "heatmap", "times", "marks", "cursor"]


def layer_role(layer: Any) -> str | None:
    """Return what a layer of ours is for, or None for a layer of somebody else's."""
    return layer.metadata.get(KEY, {}).get("role")


def tag(recording: Recording, role: Role) -> dict[str, Any]:
    """Return the metadata that a layer of a recording carries."""
    steps = [{"stage": entry.stage, "settings": dict(entry.settings)} for entry in recording.log]
    return {KEY: {"recording": recording.name, "role": role, "steps": steps}}


class TissueLayers:
    """Layers in one geometry: y and x in µm (pixels where their size is not known), time in seconds.

    A layer that the user deletes is let go and does not come back; a renamed one stays ours.

    Parameters
    ----------
    viewer : ViewerModel
        The layers are added to it.
    recording : Recording
        With ROIs, images or a movie.
    """

    def __init__(self, viewer: Any, recording: Recording) -> None:
        self._viewer = viewer
        self._recording = recording
        self._rois = recording.rois
        pixel = recording.pixel_size_um
        self._place = {"scale": (pixel or 1.0,) * 2, "units": ("um" if pixel else "pixel",) * 2}
        rate = recording.frame_rate
        self._rate = rate or 1.0
        self._in_time: dict[str, Any] = {
            "scale": (1 / self._rate, *self._place["scale"]),
            "units": ("s" if rate else "pixel", *self._place["units"]),
            "axis_labels": ("time", "y", "x"),
        }
        self.highlight = SomaHighlight(self._rois) if self._rois is not None else None
        self._labels = self._rois.label_image() if self._rois is not None else None
        pixels = self._labels.size if self._labels is not None else 0
        # A frame of activity is computed at every step of the slider.
        self._every = max(1, math.ceil(math.sqrt(pixels / _MOST_ACTIVITY_PIXELS)))
        self._layers: dict[str, Any] = {}
        self._deleted: set[str] = set()
        self._trace: Trace | None = None
        self._told: object = None
        self._colours: tuple[tuple[float, float, float], ...] = ()
        self._add_images()
        self._add_movie()
        self._add_somata()
        self.update(recording)

    @property
    def layers(self) -> tuple[Any, ...]:
        """Our layers that are still there."""
        return tuple(self._layers.values())

    @property
    def somata(self) -> Any | None:
        """The Labels layer of the somata; None without ROIs, or once it was deleted."""
        return self._layers.get("somata")

    def can_become(self, recording: Recording) -> bool:
        """Whether these layers can show another recording: one of the same movie, in the same place."""
        now = self._recording
        return (
            recording.movie is not None
            and recording.movie is now.movie
            and (recording.pixel_size_um, recording.frame_rate) == (now.pixel_size_um, now.frame_rate)
            and bool(self._layers)
        )

    def become(self, recording: Recording) -> None:
        """Show another recording of the same movie; see :meth:`can_become`."""
        self._recording = recording
        active = self._viewer.layers.selection.active
        self._change_images()
        if recording.rois is not self._rois:
            self._change_rois()
        self.update(recording)
        # napari makes a layer that is added the active one, be it hidden.
        if self._viewer.layers.selection.active is not active:
            known = active if active in self._viewer.layers else None
            self._viewer.layers.selection.active = self.somata or known

    @property
    def visibility(self) -> dict[str, bool]:
        """Which of our layers are visible, by what they are."""
        return {name: bool(layer.visible) for name, layer in self._layers.items()}

    def set_visibility(self, shown: dict[str, bool]) -> None:
        """Show and hide layers as others of the same kinds were."""
        for name, visible in shown.items():
            if name in self._layers:
                self._layers[name].visible = visible

    def lies_like(self, other: TissueLayers) -> bool:
        """Whether other layers show the same field of view in the same place."""
        return self._field == other._field and self._place == other._place

    @property
    def _field(self) -> tuple[int, ...] | None:
        recording = self._recording
        if recording.movie is not None:
            return tuple(recording.movie.data.shape[-2:])
        shapes = [image.shape for image in recording.images.values()]
        shapes += [recording.rois.shape] if recording.rois is not None else []
        return tuple(shapes[0]) if shapes else None

    def update(self, recording: Recording) -> None:
        """Follow a recording with the same images, ROIs and movie: its activity and the names of cells."""
        self._recording = recording
        told = (recording.ensembles, recording.cell_names)
        if self.somata is not None and told != self._told:
            self.somata.features = self._features()
        self._told = told
        found = activity_trace(recording)
        layer = self._layers.get("activity")
        if layer is not None and found is not None and found[1] is not self._trace:
            layer.data = self._activity(found[1])
        self._trace = found[1] if found is not None else None

    def forget(self, layer: Any) -> None:
        """Take note that a layer was deleted."""
        self._deleted |= {name for name, kept in self._layers.items() if kept is layer}
        self._layers = {name: kept for name, kept in self._layers.items() if kept is not layer}

    def remove(self) -> None:
        """Take all our layers away."""
        layers, self._layers = self._layers, {}
        for layer in layers.values():
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    def set_colours(self, colours: tuple[tuple[float, float, float], ...]) -> None:
        """Say in which colours ensembles may light up; `show` names them by their place."""
        colours = colours[:_MOST_COLOURS]
        layer = self._layers.get("selected")
        if layer is not None and colours != self._colours:
            layer.colormap = _highlight_colours(colours)
        self._colours = colours

    def show(
        self,
        cells: tuple[int, ...],
        members: NDArray[np.int64],
        colour: int = 0,
        focus: int | None = None,
    ) -> None:
        """Light up the selected cells and the members (ids) of an ensemble, these in one of the colours."""
        layer = self._layers.get("selected")
        if layer is None or self.highlight is None:
            return
        focused = self._rows_of((focus,)) if focus is not None else []
        self.highlight.paint(
            self._rows_of(cells),
            self._rows_of(members),
            member_value=FIRST_MEMBER + colour % _MOST_COLOURS,
            focus=focused[0] if focused else None,
        )
        # Nothing but the texture changed: extent and thumbnail cost more than the rest.
        layer.refresh(extent=False, thumbnail=False)

    def cell_at(self, event: Any) -> int | None:
        """Return the id of the cell under the mouse, or None; a hidden somata layer can be clicked too."""
        layer = self.somata
        if layer is None or self._rois is None or self._labels is None:
            return None
        if len(event.dims_displayed) == 3:
            value = layer.get_value(
                event.position,
                view_direction=event.view_direction,
                dims_displayed=list(event.dims_displayed),
                world=True,
            )
        else:
            y, x = np.round(layer.world_to_data(event.position)[-2:]).astype(int)
            height, width = self._labels.shape
            value = self._labels[y, x] if 0 <= y < height and 0 <= x < width else None
        return int(self._rois.ids[int(value) - 1]) if value else None

    def centre_of(self, cell: int) -> tuple[float, float] | None:
        """Return the centre (y, x) of a cell in world coordinates; None where it has no place."""
        rows = self._rows_of((cell,))
        if not rows or self._rois is None:
            return None
        centre = self._rois.centroids[rows[0]]
        if np.isnan(centre).any():
            return None
        layer = self.somata
        world = layer.data_to_world(centre) if layer is not None else centre * self._place["scale"]
        return float(world[-2]), float(world[-1])

    def cells_in(self, outline: NDArray[np.float64]) -> tuple[int, ...]:
        """Return the ids of the cells whose centres lie within a polygon of world coordinates (y, x)."""
        if self._rois is None:
            return ()
        centres = self._rois.centroids
        layer = self.somata
        # A layer may have been moved by hand: what is seen counts.
        scale = layer.scale[-2:] if layer is not None else np.asarray(self._place["scale"])
        shift = layer.translate[-2:] if layer is not None else 0.0
        return tuple(self._rois.ids[inside(centres * scale + shift, outline)].tolist())

    def _rows_of(self, cells: Any) -> list[int]:
        """Return the rows in the ROIs of those cells that have a place."""
        if self._rois is None or not len(cells):
            return []
        order = np.argsort(self._rois.ids, kind="stable")
        wanted = np.asarray(cells, np.int64)
        if not len(order):
            return []
        place = order[np.minimum(np.searchsorted(self._rois.ids, wanted, sorter=order), len(order) - 1)]
        return place[self._rois.ids[place] == wanted].tolist()

    def _add(self, name: str, layer: Any) -> None:
        self._layers[name] = layer

    def _add_images(self) -> None:
        # One picture is shown, the mean where there is one; the others are a click away.
        for name in sorted(self._recording.images, key=_mean_first):
            self._add_image(name, visible=not self._layers)

    def _add_image(self, name: str, *, visible: bool) -> Any:
        image = self._recording.images[name]
        words = name.replace("_", " ").capitalize()
        layer = self._viewer.add_image(
            image,
            name=f"{words} image",
            contrast_limits=_contrast(image),
            visible=visible,
            metadata=tag(self._recording, "image"),
            axis_labels=("y", "x"),
            **self._place,
        )
        self._add(f"image {name}", layer)
        return layer

    def _change_images(self) -> None:
        """Bring the pictures up to date; new ones lie below all our layers, where pictures belong."""
        for name in [name for name in self._layers if name.startswith("image ")]:
            image = self._recording.images.get(name.removeprefix("image "))
            layer = self._layers[name]
            if image is None:
                del self._layers[name]
                self._viewer.layers.remove(layer)
            elif layer.data is not image:
                layer.data, layer.contrast_limits = image, _contrast(image)
        # What the user deletes does not come back.
        there = self._deleted.union(self._layers)
        new = [n for n in self._recording.images if f"image {n}" not in there]
        layers = self._viewer.layers
        for place, name in enumerate(sorted(new, key=_mean_first)):
            lowest = min((layers.index(layer) for layer in self._layers.values()), default=0)
            layer = self._add_image(name, visible=name == "mean")
            layers.move(layers.index(layer), lowest + place)

    def _change_rois(self) -> None:
        """Paint other somata on the layers that are there: napari takes long to remove and add one."""
        rois = self._rois = self._recording.rois
        self.highlight = SomaHighlight(rois) if rois is not None else None
        self._labels = rois.label_image() if rois is not None else None
        self._told = None
        somata, selected = self._layers.get("somata"), self._layers.get("selected")
        if somata is None or selected is None or self.highlight is None:
            for name in ("somata", "selected"):
                layer = self._layers.pop(name, None)
                if layer is not None:
                    self._viewer.layers.remove(layer)
            self._add_somata()
        else:
            somata.data, selected.data = self._labels, self.highlight.image

    def _add_movie(self) -> None:
        movie = self._recording.movie
        found = activity_trace(self._recording)
        # A movie that a saved recording links to may have been moved.
        if movie is not None and getattr(movie.data, "available", True):
            last = movie.n_frames - 1
            frames = np.stack([np.asarray(movie.data[k]) for k in sorted({0, last // 2, last})])
            layer = self._viewer.add_image(
                movie.data,
                name="Movie",
                contrast_limits=_contrast(frames),
                metadata=tag(self._recording, "movie"),
                rgb=False,
                multiscale=False,
                **self._in_time,
            )
            self._add("movie", layer)
        elif found is not None and self._rois is not None and len(self._rois):
            layer = self._viewer.add_image(
                self._activity(found[1]),
                name="Activity (from traces)",
                contrast_limits=(0, 1),
                colormap="green",
                blending="additive" if self._layers else "translucent_no_depth",
                opacity=0.75,
                metadata=tag(self._recording, "activity"),
                rgb=False,
                multiscale=False,
                **self._coarse(),
            )
            self._trace = found[1]
            self._add("activity", layer)

    @property
    def _veil(self) -> float:
        pictured = bool(self._recording.images) or self._recording.movie is not None
        return _OVER_PICTURE if pictured else _ALONE

    def _add_somata(self) -> None:
        if self._labels is None or self.highlight is None:
            return
        somata = self._viewer.add_labels(
            self._labels,
            name="Somata",
            colormap=CyclicLabelColormap(colors=[(0, 0, 0, 0), _SOMA]),
            opacity=self._veil,
            metadata=tag(self._recording, "somata"),
            axis_labels=("y", "x"),
            **self._place,
        )
        # A picture of the ROIs: painting on it would change nothing, so painting is off.
        somata.editable = False
        selected = self._viewer.add_labels(
            self.highlight.image,
            name="Selected cells",
            colormap=_highlight_colours(()),
            opacity=1.0,
            metadata=tag(self._recording, "selected"),
            axis_labels=("y", "x"),
            **self._place,
        )
        selected.editable = False
        self._add("somata", somata)
        self._add("selected", selected)
        # The status bar tells about the active layer.
        self._viewer.layers.selection.active = somata

    def _activity(self, trace: Trace) -> ActivityMovie:
        assert self._labels is not None and self._rois is not None
        labels = np.ascontiguousarray(self._labels[:: self._every, :: self._every])
        return ActivityMovie(labels, self._recording.rows(self._rois.ids), trace)

    def _coarse(self) -> dict[str, Any]:
        """Return where the activity lies, whose pixels may be larger than those of the field of view."""
        every, (time, y, x) = self._every, self._in_time["scale"]
        shift = (every - 1) / 2
        place = {"scale": (time, every * y, every * x), "translate": (0.0, shift * y, shift * x)}
        return self._in_time | place

    def _features(self) -> pd.DataFrame:
        assert self._rois is not None
        ids, names = self._rois.ids.tolist(), self._recording.cell_names
        words = [str(cell) for cell in ids]
        columns: dict[str, Any] = {
            "index": np.arange(1, len(ids) + 1),
            "cell": [names[row] for row in self._recording.rows(self._rois.ids)] if names else words,
        }
        if self._recording.ensembles is not None and len(self._recording.ensembles):
            members = self._recording.ensembles.members
            of_cell: dict[int, list[str]] = {}
            for cell, ensemble in zip(members.roi_id.tolist(), members.ensemble_id.tolist(), strict=True):
                of_cell.setdefault(cell, []).append(str(ensemble))
            columns["ensembles"] = [", ".join(of_cell.get(k, ["none"])) for k in ids]
        return pd.DataFrame(columns)


def _mean_first(name: str) -> tuple[bool, str]:
    return name != "mean", name


def _highlight_colours(colours: tuple[tuple[float, float, float], ...]) -> CyclicLabelColormap:
    members = [(*rgb, _MEMBER_ALPHA) for rgb in colours]
    return CyclicLabelColormap(colors=[(0, 0, 0, 0), _SELECTED_FILL, _SELECTED_EDGE, *members])


def _contrast(image: NDArray[Any]) -> tuple[float, float]:
    """Return limits that spare the darkest and the brightest few pixels."""
    sample = image.reshape(-1)[:: max(1, image.size // 200_000)]
    finite = sample[np.isfinite(sample)]
    if not len(finite):
        return 0.0, 1.0
    low, high = np.percentile(finite, [0.5, 99.8])
    return (float(low), float(high)) if high > low else (float(low), float(low) + 1.0)
