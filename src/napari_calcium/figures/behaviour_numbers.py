"""What is known of each neuron's relation to the behaviour, as columns for the table of cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_calcium.recording import Recording

__all__ = ["behaviour_numbers"]

Number = tuple[str, str, str, NDArray[np.float64]]
"""Key, heading, explanation, and a value for each neuron."""


def behaviour_numbers(recording: Recording) -> list[Number]:
    """Return correlation, tuning, response and preference of each neuron, one column a signal or label.

    Parameters
    ----------
    recording : Recording

    Returns
    -------
    list of (key, heading, explanation, (n_rois,) float64)
        NaN where not known; empty before the stages ran.
    """
    return [
        *_of_relations(recording),
        *_of_tuning(recording),
        *_of_responses(recording),
        *_of_preferences(recording),
    ]


def _spread(
    recording: Recording, ids: NDArray[np.int64], values: NDArray[np.floating] | NDArray[np.int64]
) -> NDArray[np.float64]:
    column = np.full(recording.n_rois, np.nan)
    known = np.isin(ids, recording.roi_ids)
    column[recording.rows(ids[known])] = values[known]
    return column


def _of_relations(recording: Recording) -> list[Number]:
    table = recording.relations
    if table is None:
        return []
    numbers: list[Number] = []
    for signal in dict.fromkeys(table.signal.tolist()):
        own = table.take((table.signal == signal) & (table.kind == "neuron"))
        for key, title, about, values in (
            ("r", f"r {signal}", f"Correlation with {signal} without lag.", own.correlation),
            (
                "lag",
                f"Lag {signal} (s)",
                f"Above 0 the neuron follows {signal}, below 0 it leads.",
                own.lag_s,
            ),
            (
                "q",
                f"q {signal}",
                f"False-discovery rate at which it goes with {signal}, by circular shift.",
                own.q_value,
            ),
        ):
            numbers.append((f"{key}_{signal}", title, about, _spread(recording, own.id, values)))
    return numbers


def _of_tuning(recording: Recording) -> list[Number]:
    if recording.tuning is None:
        return []
    table = recording.tuning.tuned
    numbers: list[Number] = []
    for signal in dict.fromkeys(table.signal.tolist()):
        own = table.take((table.signal == signal) & (table.kind == "neuron"))
        gain = own.information_bits - own.information_by_chance_bits
        for key, title, about, values in (
            (
                "information",
                f"Bits {signal}",
                f"Information on {signal} above chance, in bits per unit of activity.",
                gain,
            ),
            (
                "preferred",
                f"Prefers {signal}",
                f"Value of {signal} at which it is most active.",
                own.preferred,
            ),
            (
                "tuning_q",
                f"Tuning q {signal}",
                f"False-discovery rate at which it is tuned to {signal}, by circular shift.",
                own.q_value,
            ),
        ):
            if key != "preferred" or not np.isfinite(own.preferred_y).any():
                numbers.append((f"{key}_{signal}", title, about, _spread(recording, own.id, values)))
    return numbers


def _of_responses(recording: Recording) -> list[Number]:
    if recording.triggered is None:
        return []
    table, unit = recording.triggered.responses, recording.triggered.unit
    factor, sign = (100.0, "%") if unit == "ΔF/F" else (1.0, unit)
    numbers: list[Number] = []
    for label in recording.triggered.labels:
        own = table.take((table.label == label) & (table.kind == "neuron"))
        about = f"Mean after {label} minus mean before it."
        title = f"After {label} ({sign})" if sign else f"After {label}"
        response = _spread(recording, own.id, factor * own.response)
        numbers.append((f"response_{label}", title, about, response))
        about = f"False-discovery rate at which it responds to {label}, by events moved in time."
        q = _spread(recording, own.id, own.q_value)
        numbers.append((f"response_q_{label}", f"After {label} q", about, q))
    return numbers


def _of_preferences(recording: Recording) -> list[Number]:
    table = recording.preferences
    if table is None:
        return []
    numbers: list[Number] = []
    for label in dict.fromkeys(table.label.tolist()):
        own = table.take((table.label == label) & (table.kind == "neuron"))
        about = f"Rate of events during {label} over that in the whole recording; 1 is no preference."
        column = _spread(recording, own.id, own.enrichment)
        numbers.append((f"enrichment_{label}", f"× in {label}", about, column))
    return numbers
