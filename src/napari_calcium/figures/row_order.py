"""In which order neurons stand below each other: the same in the raster, the heatmap and the plots."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_calcium.recording import Recording

__all__ = ["display_order"]


def display_order(recording: Recording) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows in the order of display, and for each the ensemble in whose block it stands.

    Members stand together, by ensemble and participation; a cell of several ensembles stands where it takes
    part most. Cells of none follow in the order of the file.
    """
    home = np.full(recording.n_rois, -1)
    best = np.zeros(recording.n_rois)
    if recording.ensembles is not None:
        members = recording.ensembles.members
        members = members.take(np.isin(members.roi_id, recording.roi_ids))
        # In ascending order of participation, so that the highest is written last.
        members = members.take(np.lexsort((-members.ensemble_id, members.participation)))
        rows = recording.rows(members.roi_id)
        home[rows], best[rows] = members.ensemble_id, members.participation
    block = np.where(home < 0, np.iinfo(np.int64).max, home)
    order = np.lexsort((np.arange(recording.n_rois), -best, block))
    return order.astype(np.int64), home[order]
