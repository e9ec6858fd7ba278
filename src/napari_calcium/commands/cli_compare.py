"""The compare command: what differs between two results folders, as a table."""

from __future__ import annotations

from pathlib import Path

from napari_calcium.doubt.comparison import Comparison, compare
from napari_calcium.io.results_reading import read_results
from napari_calcium.recording import Recording

__all__ = ["compare_folders", "different_settings", "words"]


def compare_folders(a: Path, b: Path, tolerance_s: float, table: Path | None) -> str:
    """Compare two results folders; return what to print.

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
        If one of both is no results folder.
    """
    one, other = read_results(a), read_results(b)
    found = compare(one, other, tolerance_s=tolerance_s)
    if table is not None:
        found.to_dataframe().to_csv(table, index=False, lineterminator="\n")
    return words(found, different_settings(one, other))


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
    """Say which settings of the stages differ, from the logs."""
    first, second = (_flat(recording) for recording in (a, b))
    return tuple(
        f"{name}: {first.get(name, 'not run')} → {second.get(name, 'not run')}"
        for name in dict.fromkeys([*first, *second])
        if first.get(name, "not run") != second.get(name, "not run")
    )


def _flat(recording: Recording) -> dict[str, object]:
    return {
        f"{entry.stage}.{name}": value
        for entry in recording.log
        for name, value in entry.settings.items()
        if entry.stage not in ("read", "simulate")
    }
