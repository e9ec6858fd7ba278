"""Runs of the window on a cluster whose address is typed into the dock."""

from __future__ import annotations

import numpy as np
import pytest
from tests.test_cluster import SETTINGS, movie_file, results
from tests.widgets.settling import settle

from napari_calcium.io.opening import open_recording
from napari_calcium.pipeline import STAGES, run
from napari_calcium.recording import Recording, Trace
from napari_calcium.widgets.cluster_box import ClusterBox
from napari_calcium.widgets.workbench import workbench_of

MOVIE_ONLY = SETTINGS.replace(**dict.fromkeys(STAGES))


@pytest.fixture
def bench(viewer):
    return workbench_of(viewer)


@pytest.fixture
def kept(monkeypatch):
    """What the box keeps in the preferences."""
    values = {}
    monkeypatch.setattr("napari_calcium.widgets.cluster_box.keep_preference", values.__setitem__)
    return values


@pytest.fixture
def box(qtbot, bench, kept):
    made = ClusterBox(bench)
    qtbot.addWidget(made)
    return made


def type_in(box, text):
    box.setText(text)
    box.editingFinished.emit()


def end_of(bench, qtbot):
    """Wait until the run has ended; return why it failed."""
    with qtbot.waitSignal(bench.runner.finished, timeout=120_000) as ended:
        pass
    settle()
    return ended.args[1]


@pytest.fixture
def movie(bench, tmp_path):
    path = movie_file(tmp_path / "movie.tif")
    bench.session.open(open_recording(path, MOVIE_ONLY.read))
    bench.plan.load(MOVIE_ONLY)
    return path


def test_an_address_is_kept_and_used_from_the_next_run_on(box, bench, kept):
    type_in(box, "  tcp://10.0.0.1:8786 ")
    assert bench.cluster == kept["cluster"] == "tcp://10.0.0.1:8786"
    type_in(box, "")
    assert bench.cluster == kept["cluster"] == ""


def test_it_is_there_for_movies_and_wherever_an_address_is_set(box, bench, movie):
    assert not box.isHidden() and not box.label.isHidden()
    table = Recording("table", np.arange(1), 10.0, {"raw": Trace(np.ones((1, 9), np.float32), "a.u.")})
    bench.session.open(table)
    assert box.isHidden() and box.label.isHidden()
    type_in(box, "tcp://10.0.0.1:8786")
    bench.session.open(table.replace(name="other"))
    assert not box.isHidden()


def test_where_nobody_answers_the_run_says_so_and_changes_nothing(box, bench, movie, qtbot, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("napari_calcium.cluster._TIMEOUT_S", 0.3)
    type_in(box, "tcp://127.0.0.1:1")
    before = bench.session.recording
    assert bench.run_stage("registration") == ""
    assert end_of(bench, qtbot).message.startswith("no dask scheduler answers at tcp://127.0.0.1:1")
    assert bench.session.recording is before
    assert bench.run_all() == ""
    assert "dask scheduler" in end_of(bench, qtbot).message


def test_where_dask_is_not_installed_the_run_says_how_to_get_it(box, bench, movie, qtbot, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    type_in(box, "tcp://127.0.0.1:1")
    assert bench.run_all() == ""
    assert "pip install" in end_of(bench, qtbot).message


def test_run_all_on_a_real_cluster_gives_the_bytes_of_this_machine(box, bench, movie, qtbot):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        type_in(box, cluster.scheduler_address)
        assert bench.run_all() == ""
        assert end_of(bench, qtbot) is None
    here = run(open_recording(movie, MOVIE_ONLY.read), MOVIE_ONLY)
    assert here.n_rois >= 4 and results(bench.session.recording) == results(here)
