"""The check-spikes command: inferred against recorded spikes of the same cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_calcium.atomic import replacing
from napari_calcium.io.errors import ReadError
from napari_calcium.io.opening import open_recording
from napari_calcium.io.spike_times import read_spike_times
from napari_calcium.recording import Recording
from napari_calcium.results.tables import SpikeTimes
from napari_calcium.settings import SettingsError
from napari_calcium.spikes.ground_truth import SpikeScores, score_spike_rate

__all__ = ["check_spikes", "summary"]

_HOW_TO_INFER = (
    "to infer spikes, write 'spikes: {method: network}' into a YAML file and run with it "
    "(napari-calcium run FILE --pipeline YAML), or "
)


def check_spikes(
    results: Path, spikes: Path, trace: str, cell: int | None, output: Path | None
) -> tuple[Recording, SpikeScores]:
    """Score a trace of a results folder against recorded spikes, and write the table and a figure.

    Parameters
    ----------
    results : Path
        Results folder, or whatever ``run`` reads that holds the trace.
    spikes : Path
        See :func:`napari_calcium.io.spike_times.read_spike_times`.
    trace : str
        ``"spikes"``, or any other activity: then only correlation and timing mean anything.
    cell : int or None
        Whose spikes a single column holds.
    output : Path or None
        Folder for ``spike_scores.csv`` and ``spike_check.png``; None writes nothing.

    Raises
    ------
    SettingsError, ReadError
        If there is no such trace or no frame rate, or a file cannot be read.
    """
    if not spikes.exists():
        raise ReadError(f"{spikes}: no such file; check the name and the folder")
    recording = open_recording(results)
    if trace not in recording.traces:
        there = ", ".join(recording.traces) or "none"
        how = _HOW_TO_INFER if trace == "spikes" else ""
        raise SettingsError(f"there are no traces {trace!r}; {how}choose with --trace among {there}")
    if recording.frame_rate is None:
        raise ReadError(f"{results.name}: the frame rate is not known, so frames have no time")
    recorded = read_spike_times(spikes, recording.roi_ids, recording.cell_names, cell=cell)
    judged = recording.rows(np.unique(recorded.roi_id))
    values = recording.traces[trace]
    scores = score_spike_rate(
        values.values[judged],
        recording.frame_rate,
        recording.roi_ids[judged],
        recorded,
        in_spikes=values.unit == "spikes/s",
    )
    if output is not None:
        _write(recording, recorded, scores, trace, output)
    return recording, scores


def _write(recording: Recording, recorded: SpikeTimes, scores: SpikeScores, trace: str, output: Path) -> None:
    from napari_calcium.figures.drawing import new_figure
    from napari_calcium.figures.export import styled, write_picture
    from napari_calcium.figures.figure_style import STANDARD
    from napari_calcium.figures.spike_check_figure import (
        draw_spike_check,
        prepare_spike_check,
        spike_check_size,
    )

    output.mkdir(parents=True, exist_ok=True)
    with replacing(output / "spike_scores.csv") as partial:
        scores.to_dataframe().to_csv(partial, index=False, lineterminator="\n")
    data = prepare_spike_check(recording, recorded, scores, trace)
    with styled(STANDARD):
        figure = new_figure(*spike_check_size(data))
        draw_spike_check(figure, data)
    write_picture(figure, output / "spike_check.png")


def summary(recording: Recording, scores: SpikeScores) -> list[str]:
    """Return the scores as lines of a table, and the medians over cells."""
    lines = [f"{'cell':>8} {'σ (ms)':>7} {'spikes':>7} {'r':>6} {'error':>6} {'bias':>6} {'lag (ms)':>8}"]
    rows = list(zip(*scores.columns().values(), strict=True))
    for roi, width, n, r, error, bias, lag, _ in rows:
        name = recording.cell_name(int(roi))[:8]
        lines.append(_line(name, width, int(n), r, error, bias, lag))
    known = np.isfinite(scores.correlation)
    for width in dict.fromkeys(scores.smoothing_s.tolist()):
        these = known & (scores.smoothing_s == width)
        if these.any():
            middle = [
                float(np.median(column[these]))
                for column in (scores.correlation, scores.error, scores.bias, scores.lag_s)
            ]
            lines.append(_line("median", width, int(scores.n_spikes[these].sum()), *middle))
    return lines


def _line(name: str, width: float, n: int, r: float, error: float, bias: float, lag: float) -> str:
    def number(value: float, form: str, size: int) -> str:
        return f"{'–' if np.isnan(value) else format(value, form):>{size}}"

    parts = [
        number(r, ".3f", 6),
        number(error, ".2f", 6),
        number(bias, "+.2f", 6),
        number(1000 * lag, "+.0f", 8),
    ]
    return f"{name:>8} {1000 * width:>7g} {n:>7} {' '.join(parts)}"
