"""A whole analysis on one page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_calcium.figures.analysis_words import AnalysisWords, analysis_words
from napari_calcium.figures.coactivity_figure import (
    CoactivityData,
    coactivity_on,
    draw_coactivity,
    prepare_coactivity,
)
from napari_calcium.figures.drawing import NOTE_COLOR, draw_message, note_size, width_of, wrapped
from napari_calcium.figures.ensembles_figure import EnsemblesData, activations_on, prepare_ensembles
from napari_calcium.figures.example_cells import busiest_span, example_cells
from napari_calcium.figures.export import styled, write_picture
from napari_calcium.figures.field_figure import FieldData, draw_field, prepare_field
from napari_calcium.figures.figure_style import PUBLICATION, FigureStyle
from napari_calcium.figures.heatmap_figure import HeatmapData, draw_heatmap, prepare_heatmap
from napari_calcium.figures.palette import ensemble_color
from napari_calcium.figures.raster_figure import RasterData, draw_raster, prepare_raster, raster_on
from napari_calcium.figures.similarity_figure import SimilarityData, draw_similarity, prepare_similarity
from napari_calcium.figures.traces_figure import TracesData, draw_traces, prepare_traces
from napari_calcium.progress import Progress, silent
from napari_calcium.recording import Recording

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

__all__ = ["PAPERS_MM", "Paper", "SheetData", "draw_sheet", "prepare_sheet", "sheet_of", "write_sheet"]

Paper = Literal["a4", "letter"]

PAPERS_MM = MappingProxyType({"a4": (210.0, 297.0), "letter": (215.9, 279.4)})
"""Width and height of the page, upright."""

_EDGE_MM = 10.0
_INCH_MM = 25.4
_CELLS, _SECONDS = 7, 120.0
_HEAD_MM, _MAP_MM, _SIMILARITY_MM = 12.0, 57.0, 50.0
_INDENT = 0.2
"""Inches from an ensemble's number to its members."""
_LEAST_TIME_MM, _MOST_WORDS_MM = 78.0, 90.0


@dataclass(frozen=True)
class _Line:
    """A line of text; `mark` is written before it, in a colour of its own."""

    text: str
    bold: bool = False
    mark: str = ""
    color: str = "black"


@dataclass(frozen=True)
class SheetData:
    """Everything on the sheet; each part says by itself why it has nothing to show.

    Attributes
    ----------
    words : AnalysisWords
    field : FieldData
    traces : TracesData
        A few cells for two minutes, those with most events.
    raster : RasterData or HeatmapData
        The traces where there are no events.
    coactivity : CoactivityData
    similarity : SimilarityData
    ensembles : EnsemblesData
    """

    words: AnalysisWords
    field: FieldData
    traces: TracesData
    raster: RasterData | HeatmapData
    coactivity: CoactivityData
    similarity: SimilarityData
    ensembles: EnsemblesData


def prepare_sheet(recording: Recording) -> SheetData:
    """Gather what the sheet of a recording shows, at any stage of its analysis."""
    cells = example_cells(recording, _CELLS)
    return SheetData(
        analysis_words(recording),
        prepare_field(recording),
        prepare_traces(recording, cells, span=busiest_span(recording, cells, _SECONDS), pixels=900),
        prepare_raster(recording) if recording.events else prepare_heatmap(recording),
        prepare_coactivity(recording),
        prepare_similarity(recording),
        prepare_ensembles(recording),
    )


def sheet_of(recording: Recording, style: FigureStyle = PUBLICATION, paper: Paper = "a4") -> Figure:
    """Return the sheet of a recording, drawn."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    data = prepare_sheet(recording)
    width, height = PAPERS_MM[paper]
    edge = _EDGE_MM / width, _EDGE_MM / height
    with styled(style):
        figure = Figure(figsize=(width / _INCH_MM, height / _INCH_MM), layout="constrained")
        FigureCanvasAgg(figure)
        engine = figure.get_layout_engine()
        assert engine is not None
        engine.set(rect=(edge[0], edge[1], 1 - 2 * edge[0], 1 - 2 * edge[1]))  # type: ignore[call-arg]
        draw_sheet(figure, data)
    return figure


def write_sheet(
    recording: Recording,
    path: str | Path,
    *,
    style: FigureStyle = PUBLICATION,
    paper: Paper = "a4",
    on_progress: Progress = silent,
) -> Path:
    """Write the sheet of a recording as ``.pdf``, ``.svg`` or ``.png``, as its ending says.

    Raises
    ------
    FileNotFoundError
        If the folder is not there.
    """
    on_progress(0, 2)
    figure = sheet_of(recording, style, paper)
    on_progress(1, 2)
    written = write_picture(figure, Path(path), style)
    on_progress(2, 2)
    return written


def draw_sheet(figure: Figure, data: SheetData) -> None:
    """Draw all parts on an empty page.

    The plots over time take what height the words leave.
    """
    width, height = (float(side) * _INCH_MM for side in figure.get_size_inches())
    inner_mm, column_mm = height - 2 * _EDGE_MM, (width - 2 * _EDGE_MM) / 2 - 3
    columns = _columns(data.words, column_mm / _INCH_MM)
    line_mm = 1.32 * note_size() / 72 * _INCH_MM
    most = min(_MOST_WORDS_MM, inner_mm - _HEAD_MM - _MAP_MM - _SIMILARITY_MM - _LEAST_TIME_MM)
    words_mm = min(max(len(column) for column in columns) * line_mm + 3, most)
    time_mm = inner_mm - _HEAD_MM - _MAP_MM - _SIMILARITY_MM - words_mm
    grid = figure.add_gridspec(
        5, 1, height_ratios=(_HEAD_MM, _MAP_MM, time_mm, _SIMILARITY_MM, words_mm), hspace=0,
        left=_EDGE_MM / width, right=1 - _EDGE_MM / width,
        bottom=_EDGE_MM / height, top=1 - _EDGE_MM / height,
    )  # fmt: skip
    head, first, second, third, last = (figure.add_subfigure(grid[k]) for k in range(5))
    _draw_head(head, data.words)
    left, right = _parts(first, 1, 2, width_ratios=(0.36, 0.64))
    draw_field(left, data.field)
    draw_traces(right, data.traces)
    _draw_time(second, data)
    left, right = _parts(third, 1, 2, width_ratios=(0.38, 0.62))
    draw_similarity(left, data.similarity)
    _draw_ensembles(right, data.ensembles)
    room = int((words_mm - 1) / line_mm)
    for place, column in zip((0.0, 0.5 + 3 / (width - 2 * _EDGE_MM)), columns, strict=True):
        _write(last, place, _cut(column, room), line_mm / words_mm)


def _parts(figure: SubFigure, rows: int, columns: int, **ratios: Any) -> list[SubFigure]:
    return list(np.ravel(np.asarray(figure.subfigures(rows, columns, **ratios))))


def _draw_head(figure: SubFigure, words: AnalysisWords) -> None:
    room = width_of(figure)
    title = wrapped(words.title, room, 9.0).split("\n")[0]
    figure.text(0, 0.95, title, fontsize=9, fontweight="bold", va="top")
    figure.text(0, 0.50, wrapped(words.about, room), va="top", color=NOTE_COLOR)


def _draw_time(figure: SubFigure, data: SheetData) -> None:
    """Draw raster above coactivity on one time axis, or what there is of them."""
    if isinstance(data.raster, RasterData) and not data.raster.message and not data.coactivity.message:
        above, below = figure.subplots(2, 1, height_ratios=(0.58, 0.42), sharex=True)
        raster_on(above, data.raster)
        coactivity_on(below, data.coactivity)
        above.set_xlabel("")
        return
    upper, lower = _parts(figure, 2, 1, height_ratios=(0.66, 0.34))
    if isinstance(data.raster, RasterData):
        draw_raster(upper, data.raster)
    else:
        draw_heatmap(upper, data.raster)
    draw_coactivity(lower, data.coactivity)


def _draw_ensembles(figure: SubFigure, data: EnsemblesData) -> None:
    if data.message:
        return draw_message(figure, "Ensembles", data.message)
    return activations_on(figure.subplots(), data, members=True)


def _columns(words: AnalysisWords, width: float) -> tuple[list[_Line], list[_Line]]:
    """Return what was found, how, and who belongs to which ensemble in two columns, the shortest."""
    found = [_Line("What was found", bold=True)]
    for sentence in words.findings:
        found += _broken(sentence, width)
    how = [_Line("How", bold=True)]
    for title, settings in words.steps:
        how += _broken(f"{title}: {settings}", width)
    if not words.steps:
        how.append(_Line("No stage has run."))
    members = _members(words, width) if words.members else []
    ways = ((found + how, members), (found + members, how))
    return min(ways, key=lambda columns: max(map(len, columns)))


def _members(words: AnalysisWords, width: float) -> list[_Line]:
    lines = [_Line("Members of the ensembles (in brackets: not core)", bold=True)]
    for ensemble, names in words.members:
        first, *rest = _broken(names, width - _INDENT)
        lines.append(_Line(first.text, mark=str(ensemble), color=ensemble_color(ensemble)))
        lines += [_Line(line.text.strip(), mark=" ") for line in rest]
    return lines


def _broken(text: str, width: float) -> list[_Line]:
    lines = wrapped(text, width - 0.1, note_size()).split("\n")
    return [_Line(line if k == 0 else f"  {line}") for k, line in enumerate(lines)]


def _cut(lines: list[_Line], room: int) -> list[_Line]:
    """Return the lines there is room for; the last says that there is more."""
    if len(lines) <= room:
        return lines
    return [*lines[: room - 1], _Line(f"… and {len(lines) - room + 1} more lines: see the results folder")]


def _write(figure: SubFigure, x: float, lines: list[_Line], step: float) -> None:
    indent = _INDENT / width_of(figure)
    for place, line in enumerate(lines):
        y = 1 - step * (place + 0.3)
        weight = "bold" if line.bold else "normal"
        start = x + indent if line.mark else x
        figure.text(start, y, line.text, fontsize=note_size(), fontweight=weight, va="top")
        if line.mark.strip():
            figure.text(x, y, line.mark, fontsize=note_size(), fontweight="bold", va="top", color=line.color)
