"""How spikes are inferred: the methods a user chooses among."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le
from pydantic import Field

from napari_calcium.settings import Choice, Seconds, Settings, TraceName
from napari_calcium.spikes.families import CellType, IndicatorName
from napari_calcium.spikes.nonnegative import DeconvolvedSpikes

__all__ = ["DeconvolvedSpikes", "NetworkSpikes", "SpikesSettings"]


class NetworkSpikes(Settings):
    """A network trained on simultaneous electrophysiology reads the rate of spikes from the trace."""

    method: Literal["network"] = "network"
    input: TraceName = Field(
        "dff",
        title="Read from",
        description="Trace to read: ΔF/F as it was recorded. A denoised trace misleads the network, which "
        "judges the noise itself.",
    )
    indicator: IndicatorName = Field(
        "unknown",
        title="Indicator",
        description="The calcium indicator, if it is known: the timing of spikes gets better, most of all "
        "for fast indicators.",
    )
    cell_type: Annotated[
        CellType,
        Choice((("unknown", "unknown"), ("excitatory", "excitatory"), ("inhibitory", "inhibitory"))),
    ] = Field(
        "unknown",
        title="Cell type",
        description="Inhibitory neurons fire several times more spikes for the same ΔF/F; choose it if all "
        "cells are of one type.",
    )
    single_spikes: bool = Field(
        False,
        title="Single spikes",
        description="Also places single spikes where enough are expected. The rate keeps what single spikes "
        "lose: use it wherever a rate will do.",
    )
    single_window: Annotated[Seconds, Gt(0), Le(10)] = Field(
        0.3,
        title="… within",
        description="Of single spikes: time over which the expected number is added up. About the "
        "uncertainty of a spike's time: longer for slow indicators and noisy traces.",
    )
    single_least: Annotated[float, Ge(0.05), Le(10)] = Field(
        0.5,
        title="… at least",
        description="Of single spikes: the number that must be expected within that time. Lower it to find "
        "spikes that are less certain, raise it against false ones.",
    )


SpikesSettings = Annotated[NetworkSpikes | DeconvolvedSpikes, Field(discriminator="method")]
"""Settings of the stage: which class it is decides the method."""
