"""Inferred beside recorded spikes of the same cells: scores, lanes to draw and a table. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from napari_calcium.pipeline import preview
from napari_calcium.progress import Progress, silent
from napari_calcium.recording import Recording
from napari_calcium.results.tables import SpikeTimes
from napari_calcium.spikes.ground_truth import SpikeScores, score_spike_rate, spikes_per_frame
from napari_calcium.spikes.spikes_settings import DeconvolvedSpikes, NetworkSpikes
from napari_calcium.widgets.plots.trace_lanes import Lane, TraceLanes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RECORDED", "Checked", "check_trace", "checked_lanes", "infer_both", "score_table"]

RECORDED = "raw"
"""Name of the line of recorded spikes: the one that is drawn in grey, behind all others."""

_ROOM = 1.15
"""The top of a lane belongs to the ticks of the recorded spikes."""


@dataclass(frozen=True, eq=False)
class Checked:
    """One trace judged by recorded spikes.

    Attributes
    ----------
    label : str
        What made it, in a word.
    recording : Recording
        Holds the trace, of the judged cells at least.
    trace : str
    scores : SpikeScores
    """

    label: str
    recording: Recording
    trace: str
    scores: SpikeScores

    @property
    def unit(self) -> str:
        """Unit of the trace; error and bias are known of spikes per second alone."""
        return self.recording.traces[self.trace].unit


def check_trace(recording: Recording, recorded: SpikeTimes, trace: str, label: str = "") -> Checked:
    """Judge a trace of a recording.

    Parameters
    ----------
    recording : Recording
        With a frame rate.
    recorded : SpikeTimes
        Of cells of the recording; those that it names are judged.
    trace : str
        ``"spikes"`` or any other; only correlation and lag mean anything where the unit is not spikes/s.
    label : str
        By default the name of the trace.
    """
    assert recording.frame_rate is not None
    rows = recording.rows(np.unique(recorded.roi_id))
    values = recording.traces[trace]
    scores = score_spike_rate(
        values.values[rows],
        recording.frame_rate,
        recording.roi_ids[rows],
        recorded,
        in_spikes=values.unit == "spikes/s",
    )
    return Checked(label or trace.replace("_", " "), recording, trace, scores)


def infer_both(
    recording: Recording,
    recorded: SpikeTimes,
    network: NetworkSpikes,
    deconvolution: DeconvolvedSpikes,
    on_progress: Progress = silent,
) -> tuple[Checked, ...]:
    """Infer the judged cells' spikes by the network and by deconvolution, and judge both.

    What deconvolution measures in all traces (decay and rise) is measured in the judged cells alone here.
    """
    cells = np.unique(recorded.roi_id)
    checked = []
    methods: tuple[tuple[str, NetworkSpikes | DeconvolvedSpikes], ...] = (
        ("network", network),
        ("deconvolution", deconvolution),
    )
    for k, (label, settings) in enumerate(methods):
        on_progress(2 * k, 4)
        few = preview(recording, "spikes", settings, cells)
        on_progress(2 * k + 1, 4)
        checked.append(check_trace(few, recorded, "spikes", label))
    on_progress(4, 4)
    return tuple(checked)


def checked_lanes(
    recording: Recording, checked: Sequence[Checked], recorded: SpikeTimes, cell: int, width_s: float
) -> TraceLanes:
    """Lay out a cell: its ΔF/F, and a lane for each judged trace, smoothed as for the scores.

    Parameters
    ----------
    recording : Recording
    checked : sequence of Checked
    recorded : SpikeTimes
        Their rate, smoothed alike, is drawn behind traces in spikes/s.
    cell : int
    width_s : float
        SD of the Gaussian in seconds.
    """
    rate, lanes = recording.frame_rate, []
    assert rate is not None
    if "dff" in recording.traces:
        values = recording.traces["dff"].values[recording.rows([cell])[0]]
        lanes.append(_lane(cell, "ΔF/F", recording.traces["dff"].unit, (("dff", values),)))
    counted = spikes_per_frame(recorded.time_s[recorded.roi_id == cell], recording.n_frames, rate) * rate
    truth = gaussian_filter1d(counted, width_s * rate).astype(np.float32)
    for one in checked:
        values = one.recording.traces[one.trace].values[one.recording.rows([cell])[0]]
        smooth = gaussian_filter1d(np.nan_to_num(values), width_s * rate)
        smooth[np.isnan(values)] = np.nan
        lines: tuple[tuple[str, NDArray[np.float32]], ...] = (("spikes", smooth),)
        if one.unit == "spikes/s":
            lines = ((RECORDED, truth), *lines)
        lanes.append(_lane(cell, f"{one.label}, {one.unit}", one.unit, lines, is_activity=True))
    return TraceLanes(tuple(lanes), rate, recording.n_frames)


def _lane(
    cell: int,
    label: str,
    unit: str,
    lines: tuple[tuple[str, NDArray[np.float32]], ...],
    *,
    is_activity: bool = False,
) -> Lane:
    known = np.concatenate([values[np.isfinite(values)] for _, values in lines])
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if is_activity:
        low, high = min(low, 0.0), _ROOM * high
    return Lane(cell, label, unit, lines, low, high if high > low else low + 1.0, is_activity)


def score_table(checked: Sequence[Checked]) -> pd.DataFrame:
    """Return the scores of all judged traces below each other, with the method and the cell's name."""
    import pandas as pd

    parts = []
    for one in checked:
        part = one.scores.to_dataframe()
        part.insert(0, "method", one.label)
        part.insert(2, "cell", [one.recording.cell_name(int(roi)) for roi in one.scores.roi_id])
        parts.append(part)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
