"""Panning and zooming traces and raster in steps as a wheel makes them: frames a second, and what stutters.

Each step is painted before the next, beside a bare pyqtgraph plot of the same size with as many points, or an
image of as many pixels, that does the same. In milliseconds of the main thread's processor time, which other
work on the machine does not lengthen so much; a step stutters where it takes twice the median::

    tools/with-screen python benchmarks/bench_frames.py
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from bench_docks import RATE, SIZES, bare_pan, population, to_front

CELLS = 10
STEPS = 60


def spans(whole: float) -> Iterator[tuple[float, float]]:
    """Pan over the recording at a quarter of its length, then zoom in to ten seconds and out again."""
    for place in np.linspace(0, 0.75 * whole, STEPS // 2):
        yield float(place), float(place + 0.25 * whole)
    for half in np.geomspace(0.2 * whole, 5, STEPS // 2):
        yield 0.4 * whole - half, 0.4 * whole + half


def bare_traces(like: Any, window: Any, values: np.ndarray) -> Callable[[tuple[float, float]], None]:
    """Return what shows a span in a plain pyqtgraph plot with a curve a cell, reduced by it."""
    import pyqtgraph as pg

    plot = pg.PlotWidget()
    x = np.arange(values.shape[1]) / RATE
    for lane, trace in enumerate(values):
        curve = plot.plot(x, 0.1 * trace + lane)
        curve.setDownsampling(auto=True, method="peak")
        curve.setClipToView(True)
    window.add_dock_widget(plot, area="bottom", name="Bare traces")
    to_front(plot)

    def show(span: tuple[float, float]) -> None:
        plot.getPlotItem().getViewBox().setXRange(*span, padding=0)
        plot.viewport().grab()

    return show


def frames(whole: float, show: Callable[[tuple[float, float]], None]) -> np.ndarray:
    """Return how long each step takes, in milliseconds; those of a first round are passed over."""
    taken: list[float] = []
    for span in (*spans(whole), *spans(whole), *spans(whole)):
        started = time.thread_time()
        show(span)
        taken.append(1e3 * (time.thread_time() - started))
    # A step comes twice: work of ours stutters both times, that of others once.
    return np.reshape(taken, (3, -1))[1:].min(axis=0)


def told(name: str, taken: np.ndarray) -> str:
    """Say how long frames take."""
    middle = float(np.median(taken))
    late = int((taken > 2 * middle).sum())
    return (
        f"  {name:14} {middle:5.1f} ms a frame in the middle ({1e3 / middle:4.0f}/s), "
        f"{np.percentile(taken, 95):5.1f} at the 95th percentile, {late} of {len(taken)} stutter"
    )


def main() -> None:
    import napari
    from qtpy.QtWidgets import QApplication

    from napari_calcium.widgets.raster_dock import RasterDock
    from napari_calcium.widgets.traces import TracesDock
    from napari_calcium.widgets.viewer_session import session_of

    viewer = napari.Viewer()
    viewer.window.resize(1800, 1000)
    session = session_of(viewer)
    recording = population(*SIZES["1,000 x 15,000"])
    traces, raster = TracesDock(viewer), RasterDock(viewer)
    for dock in (traces, raster):
        viewer.window.add_dock_widget(dock, area="bottom")
    session.open(recording)
    session.selection.cells = range(CELLS)
    QApplication.processEvents()
    while raster._job.busy:
        QApplication.processEvents()
        time.sleep(0.01)
    whole = recording.duration_s

    def shown_by(plot: Any) -> Callable[[tuple[float, float]], None]:
        def show(span: tuple[float, float]) -> None:
            plot.box.setXRange(*span, padding=0)
            plot.viewport().grab()

        return show

    values = recording.traces["dff"].values[:CELLS]
    to_front(traces)
    print(told("traces", frames(whole, shown_by(traces.plot))))
    print(told("  bare", frames(whole, bare_traces(traces.plot, viewer.window, values))))
    to_front(raster)
    print(told("raster", frames(whole, shown_by(raster.plot))))
    print(told("  bare", frames(whole, bare_pan(raster.plot, viewer.window))))
    viewer.close()


if __name__ == "__main__":
    main()
