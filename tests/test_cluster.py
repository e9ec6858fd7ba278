"""The same bytes from other processes: a pool, and a dask cluster that loses a worker."""

import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import tifffile
from tests.movie.planted_cells import flashes, soma

from napari_calcium.cluster import ClusterError, cluster_executor, where_to_run
from napari_calcium.io.opening import open_recording
from napari_calcium.movie.chunks import frames_per_chunk
from napari_calcium.pipeline import PipelineSettings, run

RATE = 8.0
SHAPE = (64, 72)
SETTINGS = PipelineSettings.validated(
    {
        "read": {"frame_rate": RATE},
        "registration": {"method": "nonrigid", "node_spacing": 32, "template_frames": 40},
        "segmentation": {"method": "functional", "diameter": 12},
    }
)


def movie_file(path, **options):
    """A movie of five somata on a texture that wanders by whole pixels."""
    rng = np.random.default_rng(0)
    n_frames = 240
    scene = np.kron(rng.uniform(60, 140, (16, 18)), np.ones((4, 4)))
    centres = [(16, 16), (16, 50), (40, 30), (48, 56), (50, 12)]
    images = np.array([soma(centre, 6.0, SHAPE) for centre in centres])
    traces = np.array([flashes(n_frames, rng, rate=0.3) for _ in centres])
    frames = scene + np.tensordot(traces.T, 60 * images, 1) + rng.normal(0, 6, (n_frames, *SHAPE))
    steps = np.rint(1.5 * np.sin(np.arange(n_frames) / 9)).astype(int)
    moved = np.stack([np.roll(frame, (k, -k), (0, 1)) for frame, k in zip(frames, steps, strict=True)])
    tifffile.imwrite(path, np.clip(np.rint(moved), 0, None).astype(np.uint16), **options)
    return path


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setitem(frames_per_chunk.__kwdefaults__, "chunk_mb", 0.2)


def results(recording):
    """All that a run made, as bytes."""
    assert recording.rois is not None and recording.motion is not None
    parts = [recording.motion.fields, recording.rois.footprints.data, recording.rois.footprints.indices]
    parts += [trace.values for trace in recording.traces.values()]
    parts += list(recording.images.values())
    return [np.ascontiguousarray(part).tobytes() for part in parts]


def run_on(path, executor, on_progress=lambda done, total: None):
    return run(open_recording(path, SETTINGS.read), SETTINGS, executor=executor, on_progress=on_progress)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}], ids=["mapped", "compressed"])
def test_processes_give_the_bytes_of_threads(tmp_path, options):
    path = movie_file(tmp_path / "movie.tif", **options)
    here = run_on(path, None)
    assert here.n_rois >= 4
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert results(run_on(path, pool)) == results(here)


def test_a_cluster_that_loses_a_worker_gives_the_bytes_of_threads(tmp_path):
    distributed = pytest.importorskip("distributed")
    path = movie_file(tmp_path / "movie.tif")
    here = run_on(path, None)
    with distributed.LocalCluster(
        n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        victim = next(iter(cluster.workers.values())).pid
        killed = threading.Event()

        def kill_one(done, total):
            if done / total > 0.1 and not killed.is_set():
                killed.set()
                os.kill(victim, signal.SIGKILL)

        with cluster_executor(cluster.scheduler_address) as executor:
            assert executor.n_workers == 3
            there = run_on(path, executor, kill_one)
        assert killed.is_set()
    assert results(there) == results(here)


def test_a_cluster_that_is_not_there_is_told_in_one_line(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("napari_calcium.cluster._TIMEOUT_S", 0.3)
    with pytest.raises(ClusterError, match="no dask scheduler answers at tcp://127"):  # noqa: SIM117
        with cluster_executor("tcp://127.0.0.1:1"):
            pass


def test_without_dask_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(ClusterError, match=r"napari-calcium\[cluster\]"):  # noqa: SIM117
        with cluster_executor("tcp://127.0.0.1:1"):
            pass


@pytest.mark.parametrize("address", [None, ""])
def test_no_address_is_this_machine(address):
    with where_to_run(address) as executor:
        assert executor is None
