"""The same cells in two recordings of one field, and where an ensemble of one lies in the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.atomic import replacing
from napari_calcium.curation.matching import CellMatches, MatchSettings, match_cells
from napari_calcium.progress import Progress, silent
from napari_calcium.recording import Recording
from napari_calcium.rois import Rois
from napari_calcium.settings import SettingsError

__all__ = ["cells_elsewhere", "match_recordings", "matches_columns", "members_elsewhere", "write_matches"]

_IMAGES = ("mean", "enhanced_mean", "local_correlation", "max_projection")


def match_recordings(
    recording: Recording,
    other: Recording,
    settings: MatchSettings = MatchSettings(),
    *,
    on_progress: Progress = silent,
) -> CellMatches:
    """Find the cells that two recordings of one field have in common.

    Parameters
    ----------
    recording, other : Recording
        With places of their cells. Fields are registered by the first kind of image that both have, by the
        pictures of their footprints where they have none in common.
    settings : MatchSettings
    on_progress : Progress

    Returns
    -------
    CellMatches
        The surest first.

    Raises
    ------
    SettingsError
        If one has no places, or their images are not of one size.
    """
    for one in (recording, other):
        if one.rois is None:
            raise SettingsError(f"{one.name}: its cells have no places to be matched by")
    assert recording.rois is not None and other.rois is not None
    if recording.rois.shape != other.rois.shape:
        raise SettingsError(
            f"{other.name} has an image of {_size(other.rois)}, {recording.name} of {_size(recording.rois)}; "
            "matching takes one size"
        )
    name = next((n for n in _IMAGES if n in recording.images and n in other.images), None)
    images = [
        _picture(one.rois) if name is None else one.images[name] for one in (recording, other) if one.rois
    ]
    return match_cells(recording.rois, images[0], other.rois, images[1], settings, on_progress=on_progress)


def cells_elsewhere(matches: CellMatches, cells: Any) -> NDArray[np.int64]:
    """Return the ids in the second recording of cells of the first, those that were found there."""
    wanted = np.asarray(tuple(cells), np.int64)
    return matches.other_roi_id[np.isin(matches.roi_id, wanted)]


def members_elsewhere(recording: Recording, matches: CellMatches) -> dict[int, NDArray[np.int64]]:
    """Return the members of each ensemble of the first recording as ids of the second, by ensemble."""
    found = recording.ensembles
    if found is None:
        return {}
    return {k: cells_elsewhere(matches, found.members_of(k).roi_id.tolist()) for k in found.ids}


def matches_columns(recording: Recording, other: Recording, matches: CellMatches) -> dict[str, NDArray[Any]]:
    """Return matches as columns of a table, a row a cell that is in both.

    Returns
    -------
    dict of str to (n,) array
        ``roi_id``, ``cell`` (its name), ``other_roi_id``, ``other_cell``, ``overlap``, ``distance_px``,
        ``confidence``, ``ensembles`` and ``other_ensembles`` (numbers, joined by spaces).
    """
    return {
        "roi_id": matches.roi_id,
        "cell": _names(recording, matches.roi_id),
        "other_roi_id": matches.other_roi_id,
        "other_cell": _names(other, matches.other_roi_id),
        "overlap": matches.overlap,
        "distance_px": matches.distance_px,
        "confidence": matches.confidence,
        "ensembles": _ensembles(recording, matches.roi_id),
        "other_ensembles": _ensembles(other, matches.other_roi_id),
    }


def write_matches(recording: Recording, other: Recording, matches: CellMatches, path: str | Path) -> None:
    """Write matches as CSV; the file is replaced whole or not at all."""
    import pandas as pd

    table = pd.DataFrame(matches_columns(recording, other, matches))
    with replacing(Path(path)) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def _names(recording: Recording, ids: NDArray[np.int64]) -> NDArray[Any]:
    return np.array([recording.cell_name(int(k)) for k in ids], np.str_)


def _ensembles(recording: Recording, ids: NDArray[np.int64]) -> NDArray[Any]:
    of_cell: dict[int, list[str]] = {}
    if recording.ensembles is not None:
        members = recording.ensembles.members
        for cell, ensemble in sorted(zip(members.roi_id.tolist(), members.ensemble_id.tolist(), strict=True)):
            of_cell.setdefault(cell, []).append(str(ensemble))
    return np.array([" ".join(of_cell.get(int(k), ())) for k in ids], np.str_)


def _picture(rois: Rois) -> NDArray[np.float32]:
    flat = np.asarray(rois.footprints.sum(axis=0), np.float32).ravel()
    return flat.reshape(rois.shape)


def _size(rois: Rois) -> str:
    return f"{rois.shape[0]} x {rois.shape[1]} pixels"
