"""Settings of the detection of cells, by activity, by anatomy, or both."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le
from pydantic import Field

from napari_calcium.settings import Choice, Pixels, Seconds, Settings, StandardDeviations, Unit, Zero

__all__ = [
    "AnatomicalCells",
    "CellposeCells",
    "CombinedCells",
    "FunctionalCells",
    "SegmentationSettings",
]

_Megabytes = Annotated[float, Unit("MB")]


class _Somata(Settings):
    """What all methods share."""

    diameter: Annotated[Pixels, Ge(0), Le(200), Zero("automatic")] = Field(
        0.0,
        title="Soma diameter",
        description="Diameter of a typical soma in pixels; 0 estimates it from the recording. A quarter more "
        "or less does little harm.",
    )


class _Functional(_Somata):
    """What the search for activity needs."""

    decay: Annotated[Seconds, Ge(0), Le(10)] = Field(
        0.3,
        title="Decay",
        description="How long a transient lasts: activity is looked for with an exponential of this time "
        "constant. About the decay of the indicator; shorter finds brief transients, longer faint ones.",
    )
    least_activity: Annotated[StandardDeviations, Ge(4), Le(1000)] = Field(
        7.0,
        title="Least activity",
        description="The search ends when no place is more active than this: the root of the summed squares "
        "of all peaks beyond 4.5 standard deviations of noise. Higher is faster and finds fewer faint cells.",
    )
    focus: Annotated[StandardDeviations, Ge(-100), Le(1000)] = Field(
        6.0,
        title="Focus",
        description="How much better, in standard deviations, a disc must fit than a blur for the cell to be "
        "accepted. Higher rejects more out-of-focus cells, and some faint ones.",
    )
    focus_share: Annotated[float, Ge(-1), Le(1)] = Field(
        0.02,
        title="Focus share",
        description="The same difference as a share of the energy of the cell's image, which does not "
        "grow with the length of the recording.",
    )
    disc_share: Annotated[float, Ge(0), Le(1)] = Field(
        0.4,
        title="Shape",
        description="Share of the cell's image that a disc must explain.",
    )
    skewness: Annotated[float, Ge(-10), Le(100)] = Field(
        0.3,
        title="Skewness",
        description="Least skewness of the trace of an accepted cell: transients rise, noise does not.",
    )
    area: Annotated[float, Ge(0), Le(10)] = Field(
        0.5,
        title="Least area",
        description="Area of the smallest accepted cell, as a share of a disc of the soma diameter.",
    )
    refinement: Annotated[Literal["nmf"] | None, Choice((("nmf", "constrained factorisation"),))] = Field(
        None,
        title="Refinement",
        description="Fit all cells once more, each without the others, and search on in what is left. Pays "
        "where cells overlap or crowd; elsewhere it adds false cells.",
    )
    refinement_rounds: Annotated[int, Ge(1), Le(20)] = Field(
        2,
        title="Rounds of refinement",
        description="How often all cells are fitted again. After the first round the search goes on.",
    )
    refinement_background: Annotated[int, Ge(0), Le(20)] = Field(
        0,
        title="Rank of the background",
        description="In each round of refinement, products of an image and a course that are subtracted: "
        "light that many places share. The movie is high-passed in space and time already, so more than 0 "
        "helps only where such light flickers on the scale of a soma.",
    )
    memory: Annotated[_Megabytes, Gt(0), Le(1_000_000)] = Field(
        500.0,
        title="Memory",
        description="Longer recordings are searched in stretches that fit in this, and the cells of all "
        "stretches are merged.",
    )


class _Anatomical(_Somata):
    """What the search for shapes needs."""

    contrast: Annotated[StandardDeviations, Ge(0), Le(100)] = Field(
        1.0,
        title="Contrast",
        description="How much brighter than its surround a soma must be in the enhanced mean image, in local "
        "standard deviations.",
    )


class _Cellpose(_Somata):
    """What Cellpose needs."""

    flow_threshold: Annotated[float, Ge(0), Le(10)] = Field(
        0.4,
        title="Flow threshold",
        description="Cellpose: how far the flows inside a cell may differ from those of its shape; higher "
        "accepts more.",
    )
    probability: Annotated[float, Ge(-10), Le(10)] = Field(
        0.0,
        title="Cell probability",
        description="Cellpose: pixels above this log-odds belong to cells; lower gives more and larger "
        "cells.",
    )


class FunctionalCells(_Functional):
    """Somata that flash, found in the binned movie; silent ones are not found."""

    method: Literal["functional"] = "functional"


class AnatomicalCells(_Anatomical):
    """Bright somata in the mean image, active or not."""

    method: Literal["anatomical"] = "anatomical"


class CellposeCells(_Cellpose):
    """Somata that Cellpose sees in the mean image, active or not; the package is installed separately."""

    method: Literal["cellpose"] = "cellpose"


class CombinedCells(_Functional, _Anatomical, _Cellpose):
    """Somata that flash, and of those seen in the mean image the ones that do not touch them."""

    method: Literal["combined"] = "combined"
    by_shape: Annotated[
        Literal["anatomical", "cellpose"],
        Choice((("anatomical", "rings and discs"), ("cellpose", "Cellpose"))),
    ] = Field(
        "anatomical",
        title="By shape",
        description="How silent somata are found in the mean image: as bright rings and discs, or by "
        "Cellpose, which is installed separately.",
    )


SegmentationSettings = Annotated[
    FunctionalCells | AnatomicalCells | CellposeCells | CombinedCells, Field(discriminator="method")
]
"""Settings of :func:`napari_calcium.movie.segmentation.find_cells`."""
