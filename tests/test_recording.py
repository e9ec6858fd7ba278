"""Recording: immutable, shares what it did not change, and never keeps a result whose input is gone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from napari_calcium.recording import LogEntry, Movie, Recording, Source, Trace
from napari_calcium.results.tables import Coactivity, EnsembleEvents, Ensembles, Events
from napari_calcium.rois import Rois


def trace(seed: int = 0, shape: tuple[int, int] = (3, 40), unit: str = "a.u.") -> Trace:
    return Trace(np.random.default_rng(seed).random(shape, np.float32), unit)


def plain(**changes) -> Recording:
    return Recording(
        **(
            {"name": "r", "roi_ids": np.array([4, 7, 2]), "frame_rate": 10.0, "traces": {"raw": trace()}}
            | changes
        )
    )


# Traces


def test_a_trace_is_read_only_float32():
    values = np.ones((2, 5))
    made = Trace(values, "a.u.")
    assert made.values.dtype == np.float32 and made.values.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        made.values[0, 0] = 3
    values[0, 0] = 9


def test_traces_compare_by_value_where_nan_equals_nan():
    values = np.array([[1, np.nan]], np.float32)
    assert Trace(values, "a.u.") == Trace(values.copy(), "a.u.")
    assert Trace(values, "a.u.") != Trace(values, "ΔF/F") and Trace(values, "a.u.") != Trace(
        values + 1, "a.u."
    )
    assert Trace(values, "a.u.") != 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones(5), "pass traces"),
        (np.ones((2, 0)), "at least one frame"),
        (np.array([[np.inf]]), "finite or NaN"),
    ],
)
def test_what_is_no_trace(values: np.ndarray, message: str):
    with pytest.raises(ValueError, match=message):
        Trace(values, "a.u.")


# What a recording is


def test_sizes_and_duration():
    recording = plain()
    assert (recording.n_rois, recording.n_frames, recording.duration_s) == (3, 40, 4.0)
    assert plain(frame_rate=None).duration_s == 0 and not recording.has_positions
    assert plain(traces={}).n_frames == 0
    assert plain(traces={}, movie=Movie(np.zeros((6, 2, 2)))).n_frames == 6


def test_without_any_cell():
    recording = plain(roi_ids=np.empty(0, int), traces={"raw": Trace(np.empty((0, 9), np.float32), "a.u.")})
    assert recording.n_rois == 0 and recording.n_frames == 9
    assert_array_equal(recording.rows([1, 2]), [])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"roi_ids": np.array([1, 1, 2])}, "unique"),
        ({"roi_ids": np.array([[1, 2, 3]])}, "one-dimensional"),
        ({"roi_ids": np.array([1, 2])}, "2 rows"),
        ({"traces": {"raw": trace(), "dff": trace(shape=(3, 39))}}, "same frames"),
        ({"cell_names": ("a",)}, "3 names, got 1"),
        ({"frame_rate": 0.0}, "above 0 Hz"),
        ({"frame_rate": float("nan")}, "above 0 Hz"),
        ({"rois": Rois.from_labels(np.array([[1, 2]]), ids=[4, 99])}, "have no trace"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict, message: str):
    with pytest.raises(ValueError, match=message):
        plain(**changes)


def test_cells_without_a_place_are_fine():
    recording = plain(rois=Rois.from_labels(np.array([[1, 2]]), ids=[4, 2]))
    assert recording.has_positions


def test_names_of_cells():
    assert plain().cell_name(7) == "7"
    named = plain(cell_names=("a", "b", "c"))
    assert named.cell_name(7) == "b" and named.cell_name(99) == "99"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), unique=True, max_size=12), st.lists(st.integers(-5, 35), max_size=12))
def test_rows_agree_with_a_naive_search(ids: list[int], wanted: list[int]):
    recording = Recording("r", np.array(ids, np.int64), 1.0)
    naive = [ids.index(k) for k in wanted if k in ids]
    assert_array_equal(recording.rows(wanted), naive)
    assert_array_equal(recording.rows(np.array(wanted, np.int64)), naive)
    assert_array_equal(recording.rows(iter(wanted)), naive)


# Immutability and sharing


def test_a_change_shares_all_else():
    recording = plain()
    changed = recording.replace(name="other")
    assert changed.traces["raw"].values is recording.traces["raw"].values
    assert changed.name == "other" and recording.name == "r"


def test_nothing_can_be_changed_in_place():
    recording = plain(features={"rate": np.ones(3)})
    with pytest.raises(AttributeError):
        recording.name = "x"
    with pytest.raises(TypeError):
        recording.traces["dff"] = trace()
    with pytest.raises(ValueError, match="read-only"):
        recording.roi_ids[0] = 9
    assert recording.features is not None
    with pytest.raises(ValueError, match="read-only"):
        recording.features["rate"][0] = 9


def test_the_callers_dictionary_is_not_the_recordings():
    traces = {"raw": trace()}
    recording = plain(traces=traces)
    traces["dff"] = trace(1)
    assert set(recording.traces) == {"raw"}


# Steps


def entry(stage: str, reads: tuple[str, ...] = (), writes: tuple[str, ...] = ()) -> LogEntry:
    return LogEntry(stage, {}, reads, writes)


def analysed() -> Recording:
    """Raw → dff → events → coactivity → ensembles, and features beside."""
    recording = plain().replace(log=(entry("read", (), ("traces/raw",)),))
    recording = recording.with_step(
        entry("baseline", ("traces/raw",), ("traces/baseline", "traces/dff")),
        traces={"baseline": trace(1), "dff": trace(2, unit="ΔF/F")},
    )
    recording = recording.with_step(entry("events", ("traces/dff",), ("events",)), events=Events())
    recording = recording.with_step(
        entry("coactivity", ("events",), ("coactivity",)), coactivity=Coactivity()
    )
    recording = recording.with_step(
        entry("ensembles", ("coactivity",), ("ensemble_events", "ensembles")),
        ensemble_events=EnsembleEvents(),
        ensembles=Ensembles(),
    )
    return recording.with_step(
        entry("features", ("events",), ("features",)),
        features={"rate": np.ones(3)},
        recording_features={"x": 1.0},
    )


def stages(recording: Recording) -> list[str]:
    return [item.stage for item in recording.log]


def test_steps_add_up():
    recording = analysed()
    assert stages(recording) == ["read", "baseline", "events", "coactivity", "ensembles", "features"]
    assert set(recording.traces) == {"raw", "baseline", "dff"}


def test_a_step_again_drops_all_that_was_made_from_its_result():
    recording = analysed().with_step(
        entry("baseline", ("traces/raw",), ("traces/baseline", "traces/dff")),
        traces={"baseline": trace(3), "dff": trace(4)},
    )
    assert stages(recording) == ["read", "baseline"]
    assert recording.events is recording.coactivity is recording.ensembles is recording.features is None
    assert dict(recording.recording_features) == {}
    assert recording.traces["dff"] == trace(4) and recording.traces["raw"] == trace()


def test_a_step_again_keeps_what_does_not_depend_on_it():
    recording = analysed().with_step(
        entry("coactivity", ("events",), ("coactivity",)), coactivity=Coactivity()
    )
    assert stages(recording) == ["read", "baseline", "events", "features", "coactivity"]
    assert recording.features is not None and recording.ensembles is None and recording.events is not None


def test_a_stage_that_now_writes_less_leaves_nothing_old():
    recording = analysed().with_step(
        entry("baseline", ("traces/raw",), ("traces/dff",)), traces={"dff": trace(4)}
    )
    assert set(recording.traces) == {"raw", "dff"}


def test_a_step_leaves_the_recording_before_it_alone():
    before = analysed()
    before.with_step(entry("read", (), ("traces/raw",)), traces={"raw": trace(9)})
    assert before == analysed()


# Equality


def test_equality_is_by_value():
    assert analysed() == analysed() and analysed() is not analysed()
    assert plain() != plain(name="other") and plain() != plain(frame_rate=None) and plain() != 3
    assert plain(source=Source("a", 1, "ff")) == plain(source=Source("a", 1, "ff"))
    assert plain(images={"mean": np.ones((2, 2))}) != plain(images={"mean": np.zeros((2, 2))})
    assert plain(recording_features={"x": float("nan")}) == plain(recording_features={"x": float("nan")})


def test_time_and_memory_are_no_part_of_equality():
    one, other = LogEntry("s", {}, seconds=1.0), LogEntry("s", {}, seconds=2.0, peak_memory_mb=3.0)
    assert one == other and one != LogEntry("s", {"a": 1})


def test_movies_are_equal_if_they_are_the_same_file_or_array():
    data = np.zeros((4, 2, 2))
    assert plain(movie=Movie(data)) == plain(movie=Movie(data))
    assert plain(movie=Movie(data)) != plain(movie=Movie(data.copy()))
    assert plain(movie=Movie(data, "a.tif")) == plain(movie=Movie(data.copy(), "a.tif"))


def test_a_stage_that_makes_one_of_several_traces_of_a_file_keeps_the_others():
    read = entry("read", (), ("traces/raw", "traces/denoised"))
    recording = plain(traces={"raw": trace(), "denoised": trace(1)}, log=(read,))
    recording = recording.with_step(entry("events", ("traces/denoised",), ("events",)), events=Events())
    recording = recording.with_step(
        entry("denoise", ("traces/raw",), ("traces/denoised",)), traces={"denoised": trace(2)}
    )
    assert recording.traces["raw"] == trace() and recording.traces["denoised"] == trace(2)
    assert recording.events is None and stages(recording) == ["read", "denoise"]
    assert recording.log[0].writes == ("traces/raw",)


def test_a_trace_of_checked_values_equals_one_that_is_checked():
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    trace = Trace.of_checked(values.copy(), "ΔF/F")
    assert trace == Trace(values, "ΔF/F") and not trace.values.flags.writeable
