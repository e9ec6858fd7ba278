"""Draw every figure a recording has data for, in any style, as PNG, SVG or PDF."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_calcium.atomic import replacing
from napari_calcium.figures.activity_figure import activity_size, draw_activity, prepare_activity
from napari_calcium.figures.behaviour_figure import behaviour_size, draw_behaviour, prepare_behaviour
from napari_calcium.figures.coactivity_figure import (
    coactivity_height,
    coactivity_size,
    draw_coactivity,
    prepare_coactivity,
)
from napari_calcium.figures.correlation_figure import (
    correlation_height,
    correlation_size,
    draw_correlation,
    prepare_correlation,
)
from napari_calcium.figures.coupling_figure import coupling_size, draw_coupling, prepare_coupling
from napari_calcium.figures.dimensionality_figure import (
    dimensionality_height,
    dimensionality_size,
    draw_dimensionality,
    prepare_dimensionality,
)
from napari_calcium.figures.drawing import WIDTH, new_figure
from napari_calcium.figures.ensembles_figure import (
    draw_ensembles,
    ensembles_height,
    ensembles_size,
    prepare_ensembles,
)
from napari_calcium.figures.field_figure import draw_field, field_size, prepare_field
from napari_calcium.figures.figure_style import STANDARD, FigureStyle
from napari_calcium.figures.heatmap_figure import draw_heatmap, heatmap_size, prepare_heatmap
from napari_calcium.figures.motion_figure import draw_motion, motion_height, motion_size, prepare_motion
from napari_calcium.figures.preferences_figure import draw_preferences, preferences_size, prepare_preferences
from napari_calcium.figures.raster_figure import draw_raster, prepare_raster, raster_size
from napari_calcium.figures.relations_figure import draw_relations, prepare_relations, relations_size
from napari_calcium.figures.similarity_figure import draw_similarity, prepare_similarity, similarity_size
from napari_calcium.figures.steps_figure import draw_steps, prepare_steps, steps_size
from napari_calcium.figures.traces_figure import draw_traces, prepare_traces, traces_size
from napari_calcium.figures.tuning_figure import draw_tuning, prepare_tuning, tuning_size
from napari_calcium.progress import Progress, silent
from napari_calcium.recording import Recording

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "FIGURES",
    "FORMATS",
    "FigureKind",
    "draw_all",
    "figure_of",
    "save_figure",
    "styled",
    "write_picture",
]

FORMATS = ("png", "svg", "pdf")
"""Endings of the pictures that can be written."""

_PLACES = 6
"""Decimals of a place within a figure: a millionth of its side is below what any printer can do."""

_STYLE_LOCK = Lock()
"""Matplotlib's style is global: two threads that draw take turns."""


@dataclass(frozen=True)
class FigureKind:
    """One kind of figure.

    Attributes
    ----------
    stem : str
        File name without ending.
    needs : tuple of str
        Fields of the recording that must be there for the figure to make sense; ``"population.coupling"`` is
        a field of a field.
    prepare, size, draw : callables
        ``draw(figure, data)`` with ``data = prepare(recording)`` on a figure of ``size(data)`` inches (width,
        height). Drawing must do with less width, down to 85 mm.
    height_at : callable, optional
        ``height_at(data, width)`` where the height depends on the width.
    """

    stem: str
    needs: tuple[str, ...]
    prepare: Callable[[Recording], Any]
    size: Callable[[Any], tuple[float, float]]
    draw: Callable[[Figure, Any], None]
    height_at: Callable[[Any, float], float] | None = None

    def fits(self, recording: Recording) -> bool:
        """Whether the stages this figure shows have run; a result of nothing is a result."""
        for name in self.needs:
            value: Any = recording
            for part in name.split("."):
                value = getattr(value, part, None)
            if value is None or (name == "traces" and not value):
                return False
        return True

    def size_in(self, data: Any, style: FigureStyle) -> tuple[float, float]:
        """Return width and height in inches in a style: never wider, and narrow figures keep their shape."""
        width, height = self.size(data)
        if width >= WIDTH:
            return style.width_in, self.height_at(data, style.width_in) if self.height_at else height
        share = min(1.0, style.width_in / width)
        return width * share, height * share


FIGURES: tuple[FigureKind, ...] = (
    FigureKind("motion", ("motion",), prepare_motion, motion_size, draw_motion, motion_height),
    FigureKind("processing_steps", ("traces", "frame_rate"), prepare_steps, steps_size, draw_steps),
    FigureKind("traces_with_events", ("traces", "frame_rate"), prepare_traces, traces_size, draw_traces),
    FigureKind("heatmap", ("traces", "frame_rate"), prepare_heatmap, heatmap_size, draw_heatmap),
    FigureKind("raster", ("events",), prepare_raster, raster_size, draw_raster),
    FigureKind(
        "coactivity",
        ("coactivity",),
        prepare_coactivity,
        coactivity_size,
        draw_coactivity,
        coactivity_height,
    ),
    FigureKind("field", ("rois",), prepare_field, field_size, draw_field),
    FigureKind("similarity", ("ensembles",), prepare_similarity, similarity_size, draw_similarity),
    FigureKind(
        "ensembles", ("ensembles",), prepare_ensembles, ensembles_size, draw_ensembles, ensembles_height
    ),
    FigureKind("activity", ("population.activity",), prepare_activity, activity_size, draw_activity),
    FigureKind(
        "correlation",
        ("population.correlation",),
        prepare_correlation,
        correlation_size,
        draw_correlation,
        correlation_height,
    ),
    FigureKind("coupling", ("population.coupling",), prepare_coupling, coupling_size, draw_coupling),
    FigureKind(
        "dimensionality",
        ("population.dimensionality",),
        prepare_dimensionality,
        dimensionality_size,
        draw_dimensionality,
        dimensionality_height,
    ),
    FigureKind("behaviour", ("behaviour",), prepare_behaviour, behaviour_size, draw_behaviour),
    FigureKind("relations", ("relations",), prepare_relations, relations_size, draw_relations),
    FigureKind("tuning", ("tuning",), prepare_tuning, tuning_size, draw_tuning),
    FigureKind("preferences", ("preferences",), prepare_preferences, preferences_size, draw_preferences),
)
"""All figures, in the order of the analysis."""


def draw_all(
    recording: Recording,
    folder: str | Path,
    *,
    style: FigureStyle = STANDARD,
    formats: Sequence[str] = ("png", "svg"),
    on_progress: Progress = silent,
) -> list[Path]:
    """Write every figure the recording has data for; return the files.

    Parameters
    ----------
    recording : Recording
        Stages that did not run have no figure; stages that found nothing have one that says so.
    folder : path
        Made if it is not there; files of the same names are replaced.
    style : FigureStyle
    formats : sequence of {"png", "svg", "pdf"}
    on_progress : callable
        Called after each figure.

    Notes
    -----
    The same recording gives the same bytes with the same version of matplotlib.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    kinds = [kind for kind in FIGURES if kind.fits(recording)]
    written: list[Path] = []
    on_progress(0, len(kinds))
    for done, kind in enumerate(kinds, 1):
        written += save_figure(kind, recording, target, style=style, formats=formats)
        on_progress(done, len(kinds))
    return written


@contextmanager
def styled(style: FigureStyle) -> Iterator[None]:
    """Lay a style over matplotlib's defaults, whatever the user has set; other threads wait."""
    from matplotlib import style as looks

    with _STYLE_LOCK, looks.context(["default", style.rc()]):
        yield


def figure_of(kind: FigureKind, recording: Recording, style: FigureStyle = STANDARD) -> Figure:
    """Return one figure, drawn."""
    data = kind.prepare(recording)
    with styled(style):
        # Inside, since heights depend on how wide text is.
        figure = new_figure(*kind.size_in(data, style))
        kind.draw(figure, data)
    return figure


def save_figure(
    kind: FigureKind,
    recording: Recording,
    folder: Path,
    *,
    style: FigureStyle = STANDARD,
    formats: Sequence[str] = ("png", "svg"),
) -> list[Path]:
    """Write one figure in some formats, each at once whole or not at all."""
    figure = figure_of(kind, recording, style)
    return [write_picture(figure, folder / f"{kind.stem}.{ending}", style) for ending in formats]


def write_picture(figure: Figure, path: Path, style: FigureStyle = STANDARD) -> Path:
    """Write a figure as its file's ending says, at once whole or not at all.

    Nothing of the day or the machine goes into the file. The figure is laid out the first time it is written,
    so all files of one figure are the same picture.
    """
    ending, title = path.suffix.lower(), path.stem.replace("_", " ")
    about: dict[str, dict[str, Any]] = {
        ".png": {"Software": "napari-calcium"},
        ".svg": {"Date": None, "Creator": "napari-calcium", "Title": title},
        ".pdf": {
            "CreationDate": None,
            "Creator": "napari-calcium",
            "Producer": "napari-calcium",
            "Title": title,
        },
    }
    if ending not in about:
        raise ValueError(f"{path.name}: end the name in .png, .svg or .pdf")
    with replacing(path) as beside, styled(style):
        _lay_out(figure)
        figure.savefig(beside, format=ending[1:], dpi=style.resolution, metadata=about[ending])
    return path


def _lay_out(figure: Figure) -> None:
    """Give every part of a figure its place, once and for all.

    The solver's last digits differ from run to run, and so would the bytes of a PDF: they are rounded away.
    """
    engine = figure.get_layout_engine()
    if engine is None:
        return
    engine.execute(figure)
    figure.set_layout_engine("none")
    parts: list[Any] = list(figure.subfigs)
    for part in parts:
        part.bbox_relative.set_points(np.round(part.bbox_relative.get_points(), _PLACES))
        parts += part.subfigs
    for ax in figure.axes:
        for which in ("original", "active"):
            place = ax.get_position(original=which == "original")
            ax.set_position(np.round(place.bounds, _PLACES).tolist(), which=which)
