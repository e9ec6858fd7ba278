"""Draw every figure a recording has data for, as PNG and SVG."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from napari_calcium.figures.coactivity_figure import coactivity_size, draw_coactivity, prepare_coactivity
from napari_calcium.figures.drawing import STYLE, new_figure
from napari_calcium.figures.ensembles_figure import draw_ensembles, ensembles_size, prepare_ensembles
from napari_calcium.figures.heatmap_figure import draw_heatmap, heatmap_size, prepare_heatmap
from napari_calcium.figures.raster_figure import draw_raster, prepare_raster, raster_size
from napari_calcium.figures.similarity_figure import draw_similarity, prepare_similarity, similarity_size
from napari_calcium.figures.steps_figure import draw_steps, prepare_steps, steps_size
from napari_calcium.figures.traces_figure import draw_traces, prepare_traces, traces_size
from napari_calcium.progress import Progress, silent
from napari_calcium.recording import Recording

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "FigureKind", "draw_all", "figure_of", "save_figure"]

_RESOLUTION = 200
"""Dots per inch of a PNG, and of the pixels inside an SVG."""

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
        Fields of the recording that must be there for the figure to make sense.
    prepare, size, draw : callables
        ``draw(figure, data)`` with ``data = prepare(recording)`` on a figure of ``size(data)`` inches.
    """

    stem: str
    needs: tuple[str, ...]
    prepare: Callable[[Recording], Any]
    size: Callable[[Any], tuple[float, float]]
    draw: Callable[[Figure, Any], None]

    def fits(self, recording: Recording) -> bool:
        """Whether the stages this figure shows have run; a result of nothing is a result."""
        for name in self.needs:
            value = getattr(recording, name)
            if value is None or (name == "traces" and not value):
                return False
        return True


FIGURES: tuple[FigureKind, ...] = (
    FigureKind("processing_steps", ("traces", "frame_rate"), prepare_steps, steps_size, draw_steps),
    FigureKind("traces_with_events", ("traces", "frame_rate"), prepare_traces, traces_size, draw_traces),
    FigureKind("heatmap", ("traces", "frame_rate"), prepare_heatmap, heatmap_size, draw_heatmap),
    FigureKind("raster", ("events",), prepare_raster, raster_size, draw_raster),
    FigureKind("coactivity", ("coactivity",), prepare_coactivity, coactivity_size, draw_coactivity),
    FigureKind("similarity", ("ensembles",), prepare_similarity, similarity_size, draw_similarity),
    FigureKind("ensembles", ("ensembles",), prepare_ensembles, ensembles_size, draw_ensembles),
)
"""All figures, in the order of the analysis."""


def draw_all(recording: Recording, folder: str | Path, *, on_progress: Progress = silent) -> list[Path]:
    """Write every figure the recording has data for as PNG and SVG; return the files.

    Parameters
    ----------
    recording : Recording
        Stages that did not run have no figure; stages that found nothing have one that says so.
    folder : path
        Made if it is not there; files of the same names are replaced.
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
        written += save_figure(kind, recording, target)
        on_progress(done, len(kinds))
    return written


def figure_of(kind: FigureKind, recording: Recording) -> Figure:
    """Return one figure, drawn."""
    from matplotlib import style

    data = kind.prepare(recording)
    with _STYLE_LOCK, style.context(["default", STYLE]):
        figure = new_figure(*kind.size(data))
        kind.draw(figure, data)
    return figure


def save_figure(kind: FigureKind, recording: Recording, folder: Path) -> list[Path]:
    """Write one figure as PNG and SVG, each at once whole or not at all."""
    from matplotlib import style

    figure = figure_of(kind, recording)
    # Nothing of the day or the machine goes into the files.
    metadata: dict[str, dict[str, Any]] = {
        "png": {"Software": "napari-calcium"},
        "svg": {"Date": None, "Creator": "napari-calcium", "Title": kind.stem.replace("_", " ")},
    }
    written = []
    with _STYLE_LOCK, style.context(["default", STYLE]):
        for ending, about in metadata.items():
            path = folder / f"{kind.stem}.{ending}"
            beside = folder / f".{kind.stem}.{os.getpid()}.part.{ending}"
            try:
                figure.savefig(beside, dpi=_RESOLUTION, metadata=about)
                # Laid out once: the second file is the same picture.
                figure.set_layout_engine("none")
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)
            written.append(path)
    return written
