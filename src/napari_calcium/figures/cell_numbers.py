"""Everything that is known of each neuron as columns of a table, and which neurons fit a condition."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.cells.cell_measures import MEASURES, known_measures
from napari_calcium.figures.behaviour_numbers import behaviour_numbers
from napari_calcium.figures.population_numbers import population_numbers
from napari_calcium.numerics.last_result import last_result_kept
from napari_calcium.numerics.noise import noise_level
from napari_calcium.recording import Recording

__all__ = ["CellColumn", "cell_columns", "fitting_rows", "sorted_rows"]

_NOISE = "noise_level_percent_per_sqrt_hz"
_NOISE_SAMPLES, _LEAST_NOISE_FRAMES = 3_000_000, 500
"""As many as are measured while nobody waits: some 50 ms."""

# Key in the features: heading, factor for display, explanation.
_KNOWN: dict[str, tuple[str, float, str]] = {
    "n_events": ("Events", 1, "Number of events. An event is not a spike."),
    "event_rate_per_min": ("Events/min", 1, "Events per minute of recording, missing samples left out."),
    "amplitude_median": ("Amplitude", 1, "Median amplitude of the events, in the unit of the trace."),
    "rise_s_median": ("Rise (s)", 1, "Median time from onset to peak."),
    "decay_s_median": ("Decay (s)", 1, "Median time from the peak until 1/e of the amplitude is left."),
    "fwhm_s_median": ("Width (s)", 1, "Median full width at half of the amplitude."),
    "inter_event_interval_s_median": ("Interval (s)", 1, "Median time from one onset to the next."),
    "inter_event_interval_cv": ("Interval CV", 1, "Spread of the intervals: 1 is random, less is regular."),
    "burstiness": ("Burstiness", 1, "−1 regular, 0 random, 1 in bursts."),
    "snr": ("SNR", 1, "Median amplitude over the noise of single samples."),
    _NOISE: (
        "Noise (%/√Hz)",
        1,
        "Noise level ν of ΔF/F, comparable across frame rates: about 1 is clean, 8 noisy; spike inference "
        "was trained on 0.5 to 30.",
    ),
    "share_in_company": ("In company (%)", 100, "Share of the neuron's events that lie in ensemble events."),
    "share_in_company_above_chance": (
        "Above chance (%)",
        100,
        "The same, minus what a neuron would have that takes no notice of the others.",
    ),
    "lead_s": ("Lead (s)", 1, "Below 0 it leads the others in ensemble events, above 0 it follows."),
    "lead_q_value": ("Lead q", 1, "False-discovery rate at which the lead differs from 0."),
    "n_ensembles": ("Ensembles", 1, "How many ensembles it is a member of."),
}


@dataclass(frozen=True, eq=False)
class CellColumn:
    """One column of the table of cells.

    Attributes
    ----------
    key : str
        As in the results folder.
    title, about : str
        Heading with unit, and one sentence that explains it.
    values : (n_rois,) array
        Numbers (float64, NaN where not known) as displayed, or texts, in the order of the recording.
    """

    key: str
    title: str
    about: str
    values: NDArray[Any]

    @property
    def is_number(self) -> bool:
        """Whether the values can be compared and drawn in colours."""
        return self.values.dtype.kind == "f"

    def text(self, row: int) -> str:
        """Return what to write for the cell in a row of the recording; nothing for NaN."""
        value = self.values[row]
        if not self.is_number:
            return str(value)
        if value != value:
            return ""
        return f"{value:,.0f}" if self._whole and abs(value) < 1e15 else f"{value:.3g}"

    @cached_property
    def _whole(self) -> bool:
        known = self.values[np.isfinite(self.values)]
        return bool((known == np.round(known)).all())


def cell_columns(recording: Recording) -> tuple[CellColumn, ...]:
    """Return all that is known of each neuron: name, features, ensembles, position and quality of its ROI.

    The numbers of :func:`~napari_calcium.cells.cell_measures.measure_cells` are among them once they were
    computed: that takes too long for a window to wait for.
    """
    names = np.array(recording.cell_names) if recording.cell_names else recording.roi_ids
    columns = [CellColumn("cell", "Cell", "Name in the file, else the id.", names.astype(np.str_))]
    columns += _of_choice(recording)
    columns += _of_ensembles(recording)
    for key, values in (recording.features or {}).items():
        if key != "roi_id" and values.dtype.kind in "iufb":
            columns.append(_numbers(key, values))
    columns += _of_noise(recording, columns)
    columns += [CellColumn(*number) for number in population_numbers(recording)]
    columns += [CellColumn(*number) for number in behaviour_numbers(recording)]
    columns += _of_rois(recording)
    there = {column.key for column in columns}
    columns += [
        CellColumn(key, *MEASURES[key], values)
        for key, values in (known_measures(recording) or {}).items()
        if key not in there
    ]
    return tuple(columns)


def _numbers(key: str, values: NDArray[Any]) -> CellColumn:
    title, factor, about = _KNOWN.get(key, (key.replace("_", " "), 1.0, ""))
    return CellColumn(key, title, about or key, factor * values.astype(np.float64))


def _of_noise(recording: Recording, known: list[CellColumn]) -> list[CellColumn]:
    """Return the noise level of ΔF/F, from the first moment on; the stage Features measures it, too."""
    trace, rate = recording.traces.get("dff"), recording.frame_rate
    if trace is None or rate is None or trace.unit != "ΔF/F" or any(c.key == _NOISE for c in known):
        return []
    title, _, about = _KNOWN[_NOISE]
    n_rois, n_frames = trace.values.shape
    measured = max(_LEAST_NOISE_FRAMES, _NOISE_SAMPLES // max(1, n_rois))
    if n_frames > measured:
        about += f" Measured in the middle {measured:,} frames; Features measures all."
    return [CellColumn(_NOISE, title, about, _noise_in_the_middle(trace.values, measured, rate))]


@last_result_kept
def _noise_in_the_middle(
    traces: NDArray[np.float32], n_frames: int, frame_rate: float
) -> NDArray[np.float64]:
    start = max(0, (traces.shape[1] - n_frames) // 2)
    return noise_level(traces[:, start : start + n_frames], frame_rate)


def _of_choice(recording: Recording) -> list[CellColumn]:
    """Return which cells count, where some do not or somebody decided on them."""
    known = recording.candidates if recording.candidates is not None else recording.rois
    if known is None:
        return []
    choice = recording.cell_choice
    counts = known.accepted if recording.candidates is None else choice.accepts(known)
    of_cell = dict(zip(known.ids.tolist(), counts.tolist(), strict=True))
    values = np.array([of_cell.get(cell, True) for cell in recording.roi_ids.tolist()], bool)
    if values.all() and not choice.own:
        return []
    about = "Whether it counts as a cell: no where it was rejected, by hand, a threshold or the file."
    return [CellColumn("accepted", "Counts", about, np.where(values, "yes", "no"))]


def _of_ensembles(recording: Recording) -> list[CellColumn]:
    if recording.ensembles is None or not len(recording.ensembles):
        return []
    members = recording.ensembles.members
    members = members.take(np.isin(members.roi_id, recording.roi_ids))
    best = np.full(recording.n_rois, np.nan)
    rows = recording.rows(members.roi_id)
    np.fmax.at(best, rows, 100 * members.participation)
    # Most neurons of a large recording are in none: only those that are in one are looked at.
    of_row: dict[int, list[str]] = {}
    for row, ensemble in sorted(zip(rows.tolist(), members.ensemble_id.tolist(), strict=True)):
        of_row.setdefault(row, []).append(str(ensemble))
    words = [", ".join(ensembles) for ensembles in of_row.values()]
    texts = np.full(recording.n_rois, "", f"<U{max(map(len, words), default=1)}")
    texts[list(of_row)] = words
    return [
        CellColumn("ensembles", "In ensemble", "The ensembles it is a member of.", texts),
        CellColumn(
            "participation",
            "Active in (%)",
            "Share of its ensemble's activations in which it is active; the highest of several ensembles.",
            best,
        ),
    ]


def _of_rois(recording: Recording) -> list[CellColumn]:
    rois = recording.rois
    if rois is None:
        return []
    rows = recording.rows(rois.ids)

    def spread(values: NDArray[Any]) -> NDArray[np.float64]:
        column = np.full(recording.n_rois, np.nan)
        column[rows] = values
        return column

    size = recording.pixel_size_um
    unit, step = ("µm", size) if size else ("px", 1.0)
    known = [
        ("area", f"Area ({unit}²)", "Size of the ROI.", rois.areas * step**2),
        ("y", f"y ({unit})", "Centre of the ROI, from the top of the image.", rois.centroids[:, 0] * step),
        ("x", f"x ({unit})", "Centre of the ROI, from the left of the image.", rois.centroids[:, 1] * step),
    ]
    columns = [CellColumn(key, title, about, spread(values)) for key, title, about, values in known]
    return columns + [
        CellColumn(key, key.replace("_", " "), "Quality of the ROI.", spread(values))
        for key, values in rois.quality.items()
    ]


def sorted_rows(
    column: CellColumn, rows: NDArray[np.int64], *, descending: bool = False
) -> NDArray[np.int64]:
    """Return rows sorted by a column; what is equal keeps its order, and what is not known comes last.

    Names that are whole numbers sort as numbers, before other names.
    """
    values = column.values[rows]
    sign = -1 if descending else 1
    if column.is_number:
        return rows[np.argsort(sign * values, kind="stable")]
    number = np.array([float(text) if text.isdecimal() else np.inf for text in values.tolist()], np.float64)
    rank = np.unique(values, return_inverse=True)[1]
    return rows[np.lexsort((sign * rank, sign * number, values == ""))]


def fitting_rows(text: str, columns: tuple[CellColumn, ...]) -> NDArray[np.int64]:
    """Return the rows that fit conditions such as ``"snr > 5, events/min >= 2, in ensemble = 1"``.

    Parameters
    ----------
    text : str
        Conditions joined by commas; all must hold. A name of a column may be shortened as long as it is
        clear. ``=`` on the ensembles means "is a member of". What is not known fits no condition. Text
        without a sign (< <= = != >= >) is looked for in the names of the cells. Empty: all rows.
    columns : tuple of CellColumn

    Raises
    ------
    ValueError
        If a column is not known, or what it is compared with is no number; one line for the user.
    """
    n = len(columns[0].values) if columns else 0
    fits = np.ones(n, bool)
    for part in filter(None, (p.strip() for p in re.split(r",| and ", text))):
        found = re.fullmatch(r"(.+?)\s*(<=|>=|!=|=|<|>)\s*(.+)", part)
        if found is None:
            fits &= _named(columns[0], part) if columns else fits
        else:
            fits &= _holds(_column(found[1], columns), found[2], found[3])
    return np.flatnonzero(fits)


def _named(names: CellColumn, part: str) -> NDArray[np.bool_]:
    low = np.char.lower(names.values)
    exact: NDArray[np.bool_] = low == part.lower()
    return exact if exact.any() else np.char.find(low, part.lower()) >= 0


def _column(word: str, columns: tuple[CellColumn, ...]) -> CellColumn:
    wanted = word.strip().lower()
    names = [(column, {column.key.lower(), column.title.lower()}) for column in columns]
    for test in (
        lambda name: name == wanted,
        lambda name: name.startswith(wanted),
        lambda name: wanted in name,
    ):
        hits = [column for column, of_it in names if any(map(test, of_it))]
        if len(hits) == 1:
            return hits[0]
        if hits:
            raise ValueError(f"“{word}” could be {', '.join(c.title for c in hits)}")
    raise ValueError(f"there is no column “{word}”")


def _holds(column: CellColumn, sign: str, word: str) -> NDArray[np.bool_]:
    if not column.is_number:
        if sign not in ("=", "!="):
            raise ValueError(f"{column.title} holds no numbers: use = or !=")
        has = np.array([word in re.split(r",\s*", text) for text in column.values.tolist()], bool)
        return has if sign == "=" else ~has
    try:
        number = float(word.rstrip("%").replace("−", "-"))
    except ValueError:
        raise ValueError(f"“{word}” is not a number") from None
    values = column.values
    with np.errstate(invalid="ignore"):
        held = {
            "<": values < number,
            "<=": values <= number,
            "=": values == number,
            "!=": values != number,
            ">=": values >= number,
            ">": values > number,
        }[sign]
    return held & ~np.isnan(values)
