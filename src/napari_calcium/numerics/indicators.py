"""Rise and decay times of common calcium indicators, in one place."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from napari_calcium.settings import Choice

__all__ = ["INDICATORS", "Indicator", "Kinetics"]


class Kinetics(NamedTuple):
    """Time constants in seconds of one spike's transient, ``exp(−t / decay_s) − exp(−t / rise_s)``."""

    rise_s: float
    decay_s: float


INDICATORS: dict[str, Kinetics] = {
    "GCaMP5k": Kinetics(0.050, 0.50),
    "GCaMP6f": Kinetics(0.015, 0.20),
    "GCaMP6s": Kinetics(0.070, 0.70),
    "GCaMP7f": Kinetics(0.011, 0.28),
    "GCaMP8f": Kinetics(0.002, 0.15),
    "GCaMP8m": Kinetics(0.003, 0.20),
    "GCaMP8s": Kinetics(0.005, 0.32),
    "XCaMP-Gf": Kinetics(0.014, 0.19),
    "jRGECO1a": Kinetics(0.016, 0.49),
    "R-CaMP1.07": Kinetics(0.030, 0.49),
    "OGB-1": Kinetics(0.015, 0.65),
    "Cal-520": Kinetics(0.017, 0.54),
}
"""Kinetics by indicator, for somata in the awake or lightly anaesthetised mouse brain.

Fitted to the average transient of isolated spikes (or groups within 50 ms, nothing else from 1.5 s before
to 2 s after) in the simultaneous recordings collected by Rupprecht et al. (2021), Nature Neuroscience 24,
1324-1337, https://doi.org/10.1038/s41593-021-00895-5. They agree with the published single-spike values
where there are any: GCaMP6s and 6f, Chen et al. (2013), Nature 499, 295-300,
https://doi.org/10.1038/nature12354; GCaMP8, Zhang et al. (2023), Nature 615, 884-891,
https://doi.org/10.1038/s41586-023-05828-9. GCaMP8m is not in the collection and is put between its two
siblings; GCaMP5k has few isolated spikes there and is put between GCaMP6f and 6s. Bursts and strong
expression make transients last longer; cold-blooded animals' decay about twice as slowly.
"""

Indicator = Annotated[
    Literal[
        "estimate",
        "GCaMP5k",
        "GCaMP6f",
        "GCaMP6s",
        "GCaMP7f",
        "GCaMP8f",
        "GCaMP8m",
        "GCaMP8s",
        "XCaMP-Gf",
        "jRGECO1a",
        "R-CaMP1.07",
        "OGB-1",
        "Cal-520",
    ],
    Choice((("estimate", "measured in the traces"),)),
]
"""Name of an indicator of :data:`INDICATORS`, or ``"estimate"`` to measure the decay time in the traces."""
