"""ROIs that the user drew become cells of a recording: places of its traces, or new cells of its movie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from napari_calcium import __version__
from napari_calcium.io.errors import ReadError
from napari_calcium.io.labels import link_labels
from napari_calcium.io.outlines import pixels_inside
from napari_calcium.recording import LogEntry, Recording
from napari_calcium.roi_edits import SetFootprint, footprint_runs
from napari_calcium.rois import Rois
from napari_calcium.stages.pipeline_movie import has_drawn_rois

__all__ = ["Drawing", "drawn_discs", "drawn_labels", "drawn_outlines", "use_drawing"]


@dataclass(frozen=True, eq=False)
class Drawing:
    """What was drawn, in pixels of the movie.

    Attributes
    ----------
    footprints : (n, height * width) csr_array of float32
        1 inside; in the order in which the ROIs are numbered.
    shape : (height, width)
    labels : (n,) int64
        The numbers they were drawn with; 1 … n where they had none.
    notes : tuple of str
        What was left out, and why.
    """

    footprints: sparse.csr_array
    shape: tuple[int, int]
    labels: NDArray[np.int64]
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.labels)

    def label_image(self) -> NDArray[np.int64]:
        """Return a picture of the ROIs with their own numbers; of those that overlap the last is on top."""
        image = np.zeros(self.shape[0] * self.shape[1], np.int64)
        for row, label in enumerate(self.labels.tolist()):
            image[self.footprints.indices[self.footprints.indptr[row] : self.footprints.indptr[row + 1]]] = (
                label
            )
        return image.reshape(self.shape)


def drawn_labels(image: ArrayLike) -> Drawing:
    """Return the ROIs of a painted label image (height, width): every number but 0 is one."""
    rois = Rois.from_labels(image)
    return Drawing(rois.footprints, rois.shape, rois.labels)


def drawn_outlines(paths: Sequence[NDArray[np.float64]], shape: tuple[int, int]) -> Drawing:
    """Return the ROIs inside closed outlines.

    Parameters
    ----------
    paths : sequence of (n_points, 2) float
        Points (y, x) in pixels, where the centre of the first pixel is (0, 0). They may cross each other.
    shape : (height, width)
        Of the movie. An outline beyond it is cut; one without a pixel in it is left out.
    """
    inside = [pixels_inside([np.asarray(path, np.float64)[:, ::-1] + 0.5], shape) for path in paths]
    return _drawing(inside, shape)


def drawn_discs(centres: ArrayLike, diameters: ArrayLike, shape: tuple[int, int]) -> Drawing:
    """Return a disc around each point.

    Parameters
    ----------
    centres : (n, 2) float
        Points (y, x) in pixels.
    diameters : (n,) float
        In pixels; a disc has one pixel at least.
    shape : (height, width)
    """
    pixels = []
    for (y, x), diameter in zip(np.reshape(centres, (-1, 2)), np.ravel(diameters), strict=True):
        radius = max(float(diameter) / 2, 0.75)
        spans = [
            np.arange(max(0, int(np.floor(c - radius))), min(n, int(np.ceil(c + radius)) + 1))
            for c, n in zip((y, x), shape, strict=True)
        ]
        rows, columns = np.meshgrid(*spans, indexing="ij")
        near = np.hypot(rows - y, columns - x) <= radius
        pixels.append((rows[near] * shape[1] + columns[near]).astype(np.int64))
    return _drawing(pixels, shape)


def _drawing(pixels: Sequence[NDArray[np.int64]], shape: tuple[int, int]) -> Drawing:
    there = [p for p in pixels if len(p)]
    ends = np.concatenate([[0], np.cumsum([len(p) for p in there])]).astype(np.int64)
    columns = np.concatenate([np.empty(0, np.int64), *there])
    size = (len(there), shape[0] * shape[1])
    footprints = sparse.csr_array((np.ones(len(columns), np.float32), columns, ends), shape=size)
    lost = len(pixels) - len(there)
    notes = (f"{lost} drawn outside of the image left out",) if lost else ()
    return Drawing(footprints, shape, np.arange(1, len(there) + 1), notes)


def use_drawing(recording: Recording, drawing: Drawing, *, replace: bool = False) -> Recording:
    """Give a recording the ROIs that were drawn.

    Parameters
    ----------
    recording : Recording
        Of traces from a file, whose cells get places, or of a movie, which gets cells. The fluorescence of
        new cells is read by the stage ``"extraction"``, which reads no more than them.
    drawing : Drawing
    replace : bool
        Of a movie: whether they take the place of all cells that are there, or are added to them.

    Returns
    -------
    Recording
        Its log says how many ROIs there are and how they were linked.

    Raises
    ------
    ReadError
        If nothing was drawn, the image has another size, or drawn ROIs and traces do not go together.
    """
    if not len(drawing):
        raise ReadError("nothing is drawn there; paint a label, draw a shape or set a point on each cell")
    for shape in _shapes(recording):
        if shape != drawing.shape:
            raise ReadError(f"drawn on {drawing.shape} pixels, but the recording's images have {shape}")
    from_file = recording.traces and not any(entry.stage == "extraction" for entry in recording.log)
    if from_file:
        return _linked(recording, drawing)
    if recording.movie is None:
        raise ReadError("there are no traces to give places to, and no movie to read some from; open either")
    return _as_cells(recording, drawing, replace or recording.candidates is None)


def _shapes(recording: Recording) -> set[tuple[int, ...]]:
    shapes = {tuple(image.shape) for image in recording.images.values()}
    return shapes | ({tuple(recording.movie.data.shape[-2:])} if recording.movie is not None else set())


def _linked(recording: Recording, drawing: Drawing) -> Recording:
    """Give the cells of a table their places, by number or by order."""
    return link_labels(recording, drawing.label_image())


def _as_cells(recording: Recording, drawing: Drawing, alone: bool) -> Recording:
    known = None if alone else recording.candidates
    first = 0 if known is None or not len(known) else int(known.ids.max()) + 1
    ids = np.arange(first, first + len(drawing))
    new = Rois(ids, drawing.footprints, drawing.shape)
    n = len(new)
    plural = "s" if n != 1 else ""
    if known is None:
        notes = (f"{n:,} ROI{plural} drawn by hand", *drawing.notes)
        entry = LogEntry("rois", {"by": "drawn", "number": n}, (), ("rois",), notes, __version__)
        choice = recording.cell_choice.without_ids().replace(edits=_edits(new))
        return recording.with_step(entry, rois=new, candidates=new, roi_ids=new.ids, cell_choice=choice)
    notes = (f"{n:,} ROI{plural} drawn by hand and added", *drawing.notes)
    way = "drawn" if has_drawn_rois(recording) else "added"
    # It makes no result out of date but by the cells' choice, which the fluorescence follows.
    entry = LogEntry("rois", {"by": way, "number": n}, ("rois",), (), notes, __version__)
    both = _both(known, new)
    choice = recording.cell_choice.after_edits(_edits(new), both)
    return recording.replace(candidates=both, cell_choice=choice, log=(*recording.log, entry))


def _edits(rois: Rois) -> tuple[SetFootprint, ...]:
    """Return the drawing as changes by hand, which settings hold and a run makes again."""
    return tuple(
        SetFootprint(roi_id=cell, runs=footprint_runs(rois, row))
        for row, cell in enumerate(rois.ids.tolist())
    )


def _both(known: Rois, new: Rois) -> Rois:
    unknown = np.full(len(new), np.nan)
    labels = known.labels.max(initial=0) + np.arange(1, len(new) + 1)
    return Rois(
        np.concatenate([known.ids, new.ids]),
        sparse.csr_array(sparse.vstack([known.footprints, new.footprints], format="csr")),
        known.shape,
        np.concatenate([known.labels, labels]),
        np.concatenate([known.accepted, new.accepted]),
        {name: np.concatenate([values, unknown]) for name, values in known.quality.items()},
    )
