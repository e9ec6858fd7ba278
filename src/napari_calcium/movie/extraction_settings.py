"""Settings of the extraction of fluorescence."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le
from pydantic import Field

from napari_calcium.settings import Choice, Pixels, Seconds, Settings, Zero

__all__ = ["EstimatedNeuropil", "ExtractionSettings", "FixedNeuropil", "NeuropilSettings"]


class _Annulus(Settings):
    """Where the neuropil is measured."""

    gap: Annotated[Pixels, Ge(0), Le(200), Zero("automatic")] = Field(
        0.0,
        title="Gap",
        description="Pixels left free around each cell, which its blurred light reaches; 0 takes nearly one "
        "diameter of the cells.",
    )
    width: Annotated[Pixels, Ge(0), Le(500), Zero("automatic")] = Field(
        0.0,
        title="Ring width",
        description="Width in pixels of the ring beyond the gap, in which the neuropil around a cell is "
        "measured on pixels of no other cell; 0 takes about one diameter of the cells.",
    )
    smoothing: Annotated[Seconds, Ge(0), Le(60)] = Field(
        0.12,
        title="Smoothing",
        description="Standard deviation of a Gaussian that smooths the neuropil in time before it is "
        "subtracted, so that its noise is not added to the cell's.",
    )


class FixedNeuropil(_Annulus):
    """The same share of the neuropil is subtracted from every cell."""

    method: Literal["fixed"] = "fixed"
    coefficient: Annotated[float, Ge(0), Le(1.5)] = Field(
        0.7,
        title="Coefficient",
        description="Share of the neuropil's fluctuations that is subtracted; 0 subtracts nothing.",
    )


class EstimatedNeuropil(_Annulus):
    """The share is estimated for each cell from its quiet frames."""

    method: Literal["estimated"] = "estimated"
    typical: Annotated[float, Ge(0), Le(1.5)] = Field(
        0.7,
        title="Typical coefficient",
        description="What a cell's coefficient is taken to be before its trace is looked at.",
    )
    spread: Annotated[float, Gt(0), Le(1)] = Field(
        0.15,
        title="Spread",
        description="How far cells are taken to differ (standard deviation); small keeps all near the "
        "typical coefficient.",
    )


NeuropilSettings = Annotated[EstimatedNeuropil | FixedNeuropil, Field(discriminator="method")]


class ExtractionSettings(Settings):
    """From footprints to traces."""

    overlap: Annotated[
        Literal["demixed", "excluded", "shared"],
        Choice(
            (
                ("demixed", "told apart"),
                ("excluded", "left out"),
                ("shared", "counted for every cell"),
            )
        ),
    ] = Field(
        "demixed",
        title="Shared pixels",
        description="What becomes of pixels that belong to several cells: told apart by least squares, left "
        "out, or counted for every cell.",
    )
    neuropil: NeuropilSettings = Field(
        EstimatedNeuropil(), title="Neuropil", description="How the light around a cell is subtracted."
    )
    keep_level: bool = Field(
        True,
        title="Keep the level",
        description="Subtract only the neuropil's fluctuations about its median, so that ΔF/F never divides "
        "by a level near zero. Off subtracts its level too: ΔF/F becomes larger, and empty for the "
        "dimmest cells.",
    )
