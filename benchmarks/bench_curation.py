"""Time of what is done to cells by hand: a change until it is applied and read, their numbers, matching."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_calcium.cells.cell_editing import edit_cells, edited_unread, read_edited
from napari_calcium.cells.cell_measures import compactness, overlap_share
from napari_calcium.cells.drawn_rois import drawn_labels, use_drawing
from napari_calcium.curation.matching import match_cells
from napari_calcium.curation.shapes import ellipse_mask, wand_mask
from napari_calcium.movie.extraction_settings import ExtractionSettings
from napari_calcium.pipeline import run_stage
from napari_calcium.recording import Movie, Recording
from napari_calcium.roi_edits import MergeRois, SetFootprint, mask_runs
from napari_calcium.rois import Rois

SHAPE = (512, 512)


def cells(n: int, seed: int = 0) -> np.ndarray:
    """Return a label image of about n cells on a jittered grid."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(n)))
    step = SHAPE[0] / side
    image = np.zeros(SHAPE, np.int32)
    y, x = np.indices(SHAPE)
    for k in range(n):
        cy, cx = (np.array(divmod(k, side)) + 0.5) * step + rng.uniform(-1.5, 1.5, 2)
        top, left = (max(0, int(c) - 8) for c in (cy, cx))
        part = np.s_[top : top + 17, left : left + 17]
        image[part][np.hypot(y[part] - cy, x[part] - cx) <= rng.uniform(4, 6)] = k + 1
    return image


class Matching:
    """1,000 cells with 1,000 cells at 512 × 512 pixels, moved by 6 and −9 px."""

    timeout = 120

    def setup(self) -> None:
        """Make both fields."""
        rng = np.random.default_rng(1)
        labels = cells(1000)
        moved = np.roll(labels, (6, -9), (0, 1))
        self.rois = [Rois.from_labels(image) for image in (labels, moved)]
        self.images = [
            (ndimage.gaussian_filter((image % 3 + 1.0) * (image > 0), 1) + rng.normal(0, 0.2, SHAPE)).astype(
                np.float32
            )
            for image in (labels, moved)
        ]

    def time_match(self) -> None:
        """Match them."""
        found = match_cells(self.rois[0], self.images[0], self.rois[1], self.images[1])
        assert len(found.roi_id) > 800

    def time_shape_numbers(self) -> None:
        """Compute compactness and overlap of all cells."""
        compactness(self.rois[0])
        overlap_share(self.rois[0])


class Editing:
    """A change among 1,000 cells, and reading it from a movie of 1,000 frames in memory."""

    timeout = 300

    def setup(self) -> None:
        """Read 1,000 cells once."""
        frames = np.random.default_rng(0).poisson(20, (1000, *SHAPE)).astype(np.uint8)
        movie = Recording("film", np.empty(0, np.int64), 30.0, movie=Movie(frames))
        drawn = use_drawing(movie, drawn_labels(cells(1000)))
        self.read = run_stage(drawn, "extraction", ExtractionSettings())
        mask = ellipse_mask(SHAPE, (250.0, 250.0), (5.0, 5.0))
        self.new = SetFootprint(roi_id=1000, runs=mask_runs(mask))
        self.edited = edit_cells(self.read, [self.new])
        self.image = frames[:50].mean(axis=0)

    def time_apply(self) -> None:
        """Apply a change and see what is to be read: what the window waits for."""
        edited_unread(edit_cells(self.read, [self.new]))

    def time_merge(self) -> None:
        """Merge two cells."""
        edited_unread(edit_cells(self.read, [MergeRois(roi_ids=(500, 501), into=1000)]))

    def time_wand(self) -> None:
        """Grow a cell from a click."""
        wand_mask(self.image, (250.0, 250.0))

    def time_read(self) -> None:
        """Read the trace of the new cell."""
        read_edited(self.edited, ExtractionSettings())
