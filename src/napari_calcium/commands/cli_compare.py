"""The compare command: what differs between two results, as a table."""

from __future__ import annotations

from pathlib import Path

from napari_calcium.doubt.comparison import Comparison, compare
from napari_calcium.io.opening import open_recording
from napari_calcium.pipeline_settings import TITLES
from napari_calcium.plurals import count_of
from napari_calcium.recording import Recording

__all__ = ["compare_folders", "different_recordings", "different_settings", "words"]


def compare_folders(a: Path, b: Path, tolerance_s: float, table: Path | None) -> tuple[str, bool]:
    """Compare two results folders or NWB files; return what to print, and whether they can be compared.

    Parameters
    ----------
    a, b : Path
    tolerance_s : float
        See :func:`napari_calcium.doubt.comparison.compare`.
    table : Path or None
        CSV to write.

    Raises
    ------
    ReadError
        If one of both cannot be read.
    """
    one, other = open_recording(a), open_recording(b)
    found = compare(one, other, tolerance_s=tolerance_s)
    if table is not None:
        found.to_dataframe().to_csv(table, index=False, lineterminator="\n")
    others = different_recordings(one, other)
    text = words(found, different_settings(one, other))
    return f"{others}\n{text}" if others else text, not others


def different_recordings(a: Recording, b: Recording) -> str:
    """Say in one line that two results cannot be of one recording; empty where they can.

    They cannot where their lengths differ, or their numbers of cells do though no stage found the cells. Two
    recordings of one size are not told apart by it.
    """
    found = any(entry.stage == "segmentation" for one in (a, b) for entry in one.log)
    if a.n_frames == b.n_frames and (found or a.n_rois == b.n_rois):
        return ""
    return (
        f"different recordings: A ({a.name}) is {_size(a)}, B ({b.name}) {_size(b)}; "
        "what follows matches cells and times of the one with those of the other all the same"
    )


def _size(recording: Recording) -> str:
    return f"{count_of(recording.n_rois, 'cell')}, {count_of(recording.n_frames, 'frame')}"


def words(found: Comparison, settings: tuple[str, ...] = ()) -> str:
    """Return a comparison as lines of text, with the settings that differ."""
    lines = [f"  {line}" for line in settings]
    if lines:
        lines.insert(0, "settings (A → B):")
    frame = found.to_dataframe()
    if not len(frame):
        return "\n".join([*lines, "there is nothing that both have"])
    titles = {"what": "", "a": "A", "b": "B", "only_a": "only A", "only_b": "only B", "jaccard": "similarity"}
    frame = frame.rename(columns=titles)
    body = frame.to_string(index=False, na_rep="", float_format=lambda x: f"{x:.2f}")
    same = "nothing differs" if found.is_same else f"ensembles agree to {found.agreement:.2f} (0 to 1)"
    return "\n".join([*lines, body, same])


def different_settings(a: Recording, b: Recording) -> tuple[str, ...]:
    """Say which settings differ, from the logs; of a stage that only one has run, that it has."""
    first, second = (_settings(recording) for recording in (a, b))
    lines = []
    for stage in dict.fromkeys([*first, *second]):
        one, other = first.get(stage), second.get(stage)
        if stage in TITLES and (one is None or other is None):
            lines.append(f"{stage}: {'run → not run' if other is None else 'not run → run'}")
            continue
        one, other = one or {}, other or {}
        lines += [
            f"{stage}.{name}: {_word(one.get(name))} → {_word(other.get(name))}"
            for name in dict.fromkeys([*one, *other])
            if one.get(name) != other.get(name)
        ]
    return tuple(lines)


def _word(value: object) -> object:
    return "none" if value is None else value


def _settings(recording: Recording) -> dict[str, dict[str, object]]:
    return {e.stage: dict(e.settings) for e in recording.log if e.stage not in ("read", "simulate")}
