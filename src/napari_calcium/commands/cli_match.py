"""The match command: the same cells in two recordings of one field, as a table."""

from __future__ import annotations

from pathlib import Path

from napari_calcium.cells.session_matching import match_recordings, members_elsewhere, write_matches
from napari_calcium.curation.matching import MatchSettings
from napari_calcium.io.opening import open_recording
from napari_calcium.plurals import count_of
from napari_calcium.progress import Progress, silent

__all__ = ["match_files"]


def match_files(
    a: Path, b: Path, out: Path, settings: MatchSettings, on_progress: Progress = silent
) -> list[str]:
    """Match the cells of two recordings, write the table, and return what to print.

    Parameters
    ----------
    a, b : Path
        Results folders, NWB, or whatever else holds cells with places.
    out : Path
        CSV to write.
    settings : MatchSettings
    on_progress : Progress
    """
    one, other = open_recording(a), open_recording(b)
    matches = match_recordings(one, other, settings, on_progress=on_progress)
    write_matches(one, other, matches, out)
    n, m = (len(r.rois) if r.rois is not None else 0 for r in (one, other))
    lines = [
        f"{count_of(len(matches.roi_id), 'cell is', 'cells are')} in both, of {n:,} and {m:,}; "
        f"the field moved by {matches.shift_y_px:+.0f} px down and {matches.shift_x_px:+.0f} px right"
    ]
    for ensemble, cells in members_elsewhere(one, matches).items():
        assert one.ensembles is not None
        size = len(one.ensembles.members_of(ensemble).roi_id)
        lines.append(f"ensemble {ensemble}: {len(cells)} of {size} members found again")
    return [*lines, f"the table is in {out}"]
