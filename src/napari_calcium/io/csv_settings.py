"""Settings of the CSV reader: every guess it makes can be overruled."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le
from pydantic import BeforeValidator, Field

from napari_calcium.settings import Choice, Hertz, Settings

__all__ = ["MOVIE_FIELDS", "ColumnChoice", "CsvSettings"]

MOVIE_FIELDS = ("plane", "channel", "registration_channel", "interleaved_planes", "interleaved_channels")
"""Fields that are about movies, which no table asks for."""

_SIGNS = {",": "comma", ";": "semicolon", "\t": "tab", "\\t": "tab", " ": "space", "|": "bar", ".": "point"}


def _word(value: Any) -> Any:
    return _SIGNS.get(value, value) if isinstance(value, str) else value


ColumnChoice = Literal["auto", "none", "first", "second", "last"]


class CsvSettings(Settings):
    """How to read a table of fluorescence; whatever is left to be guessed is guessed and said."""

    layout: Annotated[
        Literal["auto", "plain", "imagej", "inscopix", "cascade"],
        Choice(
            (
                ("auto", "find out"),
                ("plain", "plain table"),
                ("imagej", "ImageJ Multi Measure"),
                ("inscopix", "Inscopix"),
                ("cascade", "CASCADE predictions"),
            )
        ),
    ] = Field(
        "auto",
        title="Layout",
        description="Program that wrote the table. Of ImageJ's columns only Mean is read.",
    )
    orientation: Annotated[
        Literal["auto", "neurons_in_rows", "neurons_in_columns"],
        Choice(
            (
                ("auto", "find out"),
                ("neurons_in_rows", "a row is a neuron"),
                ("neurons_in_columns", "a column is a neuron"),
            )
        ),
    ] = Field(
        "auto",
        title="Orientation",
        description="Whether a row holds all frames of one neuron, or one frame of all neurons.",
    )
    unit: Annotated[
        Literal["auto", "raw", "dff", "percent_dff", "zscore", "spikes"],
        Choice(
            (
                ("auto", "find out"),
                ("raw", "raw intensity"),
                ("dff", "ΔF/F as a fraction"),
                ("percent_dff", "ΔF/F in percent"),
                ("zscore", "z-scores"),
                ("spikes", "inferred spikes per frame"),
            )
        ),
    ] = Field(
        "auto",
        title="Values",
        description="What the numbers are. ΔF/F and z-scores need no baseline: that stage is skipped.",
    )
    frame_rate: Annotated[Hertz, Gt(0), Le(100_000)] | None = Field(
        None,
        title="Frame rate",
        description="Frames per second. Leave empty to take it from the column of times, if there is one.",
    )
    header_rows: Annotated[int, Ge(0), Le(1000)] | None = Field(
        None,
        title="Lines above the numbers",
        description="Lines before the first row of numbers: titles, names, remarks. Empty: find out.",
    )
    index_column: ColumnChoice = Field(
        "auto",
        title="Column of names",
        description="Column that numbers or names the rows and is no measurement.",
    )
    time_column: ColumnChoice = Field(
        "auto",
        title="Column of times",
        description="Column with the time of each frame, from which the frame rate is read.",
    )
    separator: Annotated[
        Literal["auto", "comma", "semicolon", "tab", "space", "bar"],
        BeforeValidator(_word),
        Choice(
            (
                ("auto", "find out"),
                ("comma", ","),
                ("semicolon", ";"),
                ("tab", "tab"),
                ("space", "spaces"),
                ("bar", "|"),
            )
        ),
    ] = Field("auto", title="Separator", description="What stands between two numbers.")
    decimal: Annotated[
        Literal["auto", "point", "comma"],
        BeforeValidator(_word),
        Choice((("auto", "find out"), ("point", "1.5"), ("comma", "1,5"))),
    ] = Field("auto", title="Decimal sign", description="Whether one and a half is written 1.5 or 1,5.")
    variable: str | None = Field(
        None,
        title="Variable",
        description="Of a MATLAB file: which variable holds the traces, such as F or session.dff. "
        "Leave empty where only one can.",
    )
    rejected_cells: Annotated[
        Literal["auto", "keep", "leave_out"],
        Choice((("auto", "as usual"), ("keep", "keep"), ("leave_out", "leave out"))),
    ] = Field(
        "auto",
        title="Rejected cells",
        description="What to do with cells that were marked as rejected where they were extracted. As usual: "
        "a table keeps them; ROIs that suite2p, CaImAn or NWB call no cells are left out.",
    )
    plane: Annotated[int, Ge(1), Le(10_000)] = Field(
        1, title="Plane", description="Of a movie of several planes: which one is analysed, counted from 1."
    )
    channel: Annotated[int, Ge(1), Le(100)] = Field(
        1,
        title="Channel",
        description="Of a movie of several channels: which one is analysed, counted from 1.",
    )
    registration_channel: Annotated[int, Ge(0), Le(100)] = Field(
        0,
        title="Channel of the motion",
        description="Channel in which the motion is found, such as a red one that does not flash; its shifts "
        "are applied to the channel that is analysed. 0: the same.",
    )
    interleaved_planes: Annotated[int, Ge(1), Le(10_000)] = Field(
        1,
        title="Interleaved planes",
        description="Planes that follow one another in a movie whose file does not say so.",
    )
    interleaved_channels: Annotated[int, Ge(1), Le(100)] = Field(
        1,
        title="Interleaved channels",
        description="Channels that follow one another, within each plane, in a movie whose file does not say "
        "so.",
    )
