"""A decision on an event makes no view do again what has nothing to do with it."""

from __future__ import annotations

import numpy as np
import pytest
from tests.widgets.settling import settle

from napari_calcium.results.event_choices import ADDED, REJECTED
from napari_calcium.widgets.cells_dock import CellsDock
from napari_calcium.widgets.coactivity_dock import CoactivityDock
from napari_calcium.widgets.ensembles_dock import EnsemblesDock
from napari_calcium.widgets.pipeline_dock import PipelineDock
from napari_calcium.widgets.raster_dock import RasterDock
from napari_calcium.widgets.traces import TracesDock
from napari_calcium.widgets.workbench import workbench_of

COSTLY = {
    "napari_calcium.widgets.heatmap_layer.heatmap_image": "the heatmap of the canvas",
    "napari_calcium.widgets.raster_dock.prepare_view": "the raster",
    "napari_calcium.widgets.cells_dock.cell_columns": "the table of cells",
    "napari_calcium.widgets.traces.make_lanes": "the traces",
    "napari_calcium.widgets.plots.coactivity_plot.CoactivityPlot.show_coactivity": "the coactivity",
    "napari_calcium.widgets.plots.activations_plot.ActivationsPlot.show_ensembles": "the ensembles",
}


@pytest.fixture
def docks(qtbot, viewer, session, recording):
    workbench_of(viewer)
    made = [kind(viewer) for kind in (CoactivityDock, RasterDock, CellsDock, EnsemblesDock, TracesDock)]
    made.append(PipelineDock(viewer))
    for dock in made:
        qtbot.addWidget(dock)
        dock.resize(700, 400)
        dock.show()
        qtbot.waitExposed(dock)
    session.open(recording)
    session.selection.cells = np.unique(recording.events.roi_id)[:3].tolist()
    qtbot.waitUntil(lambda: not made[1]._job.busy and not made[2]._job.busy, timeout=30_000)
    settle()
    yield made
    workbench_of(viewer).let_go()


def test_a_decision_draws_its_mark_and_nothing_else_anew(docks, session, recording, monkeypatch, qtbot):
    traces = docks[4]
    traces.judge_button.setChecked(True)
    traces.judging.bar.follow.setChecked(False)
    settle()
    asked = []
    for path, what in COSTLY.items():
        monkeypatch.setattr(path, lambda *_, _what=what, **__: asked.append(_what))
    traces.judging.judge.choose(0)
    traces.judging.bar.decide("delete")
    cell = session.selection.cells[0]
    traces.judging.bar.add(cell, 5.0, 5.5)
    settle()
    assert asked == []
    status = traces.judging.judge.review.status
    assert (status == REJECTED).sum() == 1
    assert (status == ADDED).sum() <= 1
    session.undo()
    settle()
    assert asked == []


def test_what_has_changed_is_drawn(docks, session, recording, qtbot):
    """The other side: a result that was made anew reaches every view."""
    coactivity, raster, cells, ensembles, traces, _ = docks
    few = recording.events.take(recording.events.roi_id != recording.events.roi_id[0])
    session.apply(recording.replace(events=few, coactivity=None, ensembles=None, features=None), "other")
    settle()
    qtbot.waitUntil(lambda: not raster._job.busy, timeout=30_000)
    assert "not been counted" in coactivity.hint.text()
    assert ensembles.pages.currentIndex() == 0
    assert cells._drawn is session.recording
    assert traces._recording is session.recording
