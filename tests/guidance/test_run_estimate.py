"""What a run will take: it grows with the work, and memory does not grow with the length of a movie."""

import numpy as np
import pytest

from napari_calcium.guidance import run_estimate
from napari_calcium.guidance.run_estimate import Estimate, estimate_run
from napari_calcium.movie.registration_settings import NonRigidRegistration, RigidRegistration
from napari_calcium.pipeline import PipelineSettings
from napari_calcium.pipeline_settings import MOVIE_STAGES
from napari_calcium.recording import LogEntry, Movie, Recording, Trace

ALL = (*MOVIE_STAGES, "baseline", "denoise")
DEFAULT = PipelineSettings()


class Endless:
    """A movie of any size that takes no memory."""

    def __init__(self, n_frames, side=512):
        self.shape, self.dtype = (n_frames, side, side), np.dtype(np.uint16)


def movie(n_frames, side=512):
    return Recording("film", np.empty(0, np.int64), 30.0, movie=Movie(Endless(n_frames, side)))


def test_time_grows_with_the_movie_and_with_what_is_to_be_done():
    short, long = (estimate_run(movie(n), DEFAULT, ALL, cores=2) for n in (3_000, 30_000))
    assert long.seconds == pytest.approx(10 * short.seconds, rel=0.05)
    few = estimate_run(movie(3_000), DEFAULT, ("extraction",), cores=2)
    assert few.seconds < short.seconds / 3
    assert estimate_run(movie(3_000), DEFAULT, ALL, cores=8).seconds < short.seconds / 3
    rigid = DEFAULT.replace(registration=RigidRegistration())
    assert estimate_run(movie(3_000), rigid, ALL, cores=2).seconds < short.seconds


def test_memory_is_bounded_whatever_the_length_of_the_movie():
    needs = [estimate_run(movie(n), DEFAULT, MOVIE_STAGES, cores=2) for n in (3_000, 100_000, 1_000_000)]
    assert needs[1].scratch_mb > 1000 and needs[0].memory_mb < 1500
    assert estimate_run(movie(1_000), DEFAULT, MOVIE_STAGES, cores=2).scratch_mb == 0
    # What grows are the traces.
    traces = 3 * 4 * 900_000 * 512**2 / 900 / 2**20
    assert needs[2].memory_mb - needs[1].memory_mb == pytest.approx(traces, rel=0.05)


def test_a_table_needs_seconds_and_little_memory():
    raw = np.ones((300, 3000), np.float32)
    table = Recording("t", np.arange(300), 10.0, {"raw": Trace(raw, "a.u.")})
    needs = estimate_run(table, DEFAULT, ("baseline", "denoise"), cores=2)
    assert needs.seconds < 10 and needs.memory_mb < 600 and not needs.scratch_mb
    assert estimate_run(table, DEFAULT, (), cores=2).seconds == 0


def test_the_course_takes_seconds_and_not_a_minute():
    table = Recording("t", np.arange(324), 4.8, {"raw": Trace(np.ones((324, 15_000), np.float32), "a.u.")})
    stages = ("baseline", "background", "denoise", "events", "coactivity", "significance", "ensembles")
    assert 1 < estimate_run(table, DEFAULT, stages, cores=2).seconds < 10  # 4 s on two idle cores
    assert estimate_run(table, DEFAULT, ("spikes",), cores=2).seconds > 2


def test_a_stage_that_ran_is_taken_to_last_as_long_again():
    entry = LogEntry("registration", NonRigidRegistration().model_dump(), seconds=1234.0)
    ran = movie(3_000).replace(log=(entry,))
    assert estimate_run(ran, DEFAULT, ("registration",), cores=2).seconds == 1234.0


def test_it_is_said_in_words():
    assert Estimate(30, 1536).words == "about 30 s, 1.5 GB of memory"
    assert Estimate(600, 900, 5000).words == "about 10 min, 900 MB of memory, a temporary file of 4.9 GB"
    assert "2.0 h" in Estimate(7200).words


def test_a_shortage_is_told_before_the_run(monkeypatch):
    monkeypatch.setattr(run_estimate, "free_memory_mb", lambda: 1000.0)
    assert Estimate(1, 900).shortage() == ""
    assert "2.0 GB of memory, 1000 MB are free" in Estimate(1, 2048).shortage().replace(
        "1.0 GB are", "1000 MB are"
    )
    assert "TMPDIR" in Estimate(1, 900, 1e12).shortage()
    monkeypatch.setattr(run_estimate, "free_memory_mb", lambda: None)
    assert Estimate(1, 1e9).shortage() == ""


def test_free_memory_is_a_number_or_unknown():
    free = run_estimate.free_memory_mb()
    assert free is None or free > 0


@pytest.mark.parametrize("settings", [DEFAULT, DEFAULT.replace(registration=None)])
def test_the_smallest_movie_and_skipped_stages_have_an_estimate(settings):
    needs = estimate_run(movie(1, 8), settings, ALL, cores=1)
    assert 0 <= needs.seconds < 1
