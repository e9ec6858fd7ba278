"""The frame rate from a column of times: exact for regular clocks, told where they are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.io.clock import read_clock


@pytest.mark.parametrize("rate", [0.5, 1, 4.8, 7.5, 15.49, 29.97, 30, 158.3])
@pytest.mark.parametrize("digits", [3, 4, 6, 12])
@pytest.mark.parametrize("start", [0.0, 12.5, 36_000.0])
def test_rounded_times_give_the_exact_rate(rate: float, digits: int, start: float):
    times = np.round(start + np.arange(15_000) / rate, digits)
    assert read_clock(times, "time (s)").frame_rate == pytest.approx(rate, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.2, 500), st.integers(2, 3000))
def test_any_rate_keeps_the_last_frame_in_place(rate: float, n_frames: int):
    found = read_clock(np.arange(n_frames) / rate, "s").frame_rate
    assert found is not None
    assert abs((n_frames - 1) / found - (n_frames - 1) / rate) < 0.03 / rate


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("Time (ms)", 1e3),
        ("time_ms", 1e3),
        ("msec", 1e3),
        ("t [min]", 1 / 60),
        ("Time(s)/Cell Status", 1),
        ("seconds", 1),
    ],
)
def test_units_in_the_name(name: str, scale: float):
    assert read_clock(np.arange(500) / 10 * scale, name).frame_rate == pytest.approx(10)


def test_units_by_size_are_told():
    clock = read_clock(np.arange(500) * 33.333)
    assert clock.frame_rate == pytest.approx(30, rel=1e-3) and "too slow in seconds" in clock.notes[0]
    assert "in seconds (taken so)" in read_clock(np.arange(500) * 0.033).notes[0]


def test_gaps_and_jitter_are_told_and_do_not_spoil_the_rate():
    times = np.arange(1000) / 20.0
    times[400:] += 0.05
    times[700:] += 3.0
    clock = read_clock(times, "s")
    assert clock.frame_rate == pytest.approx(20)
    assert "2 gaps, the longest of 3.05 s after frame 700" in " ".join(clock.notes)
    jittered = np.arange(1000) / 20.0 + np.random.default_rng(0).uniform(-0.01, 0.01, 1000)
    clock = read_clock(jittered, "s")
    assert clock.frame_rate == pytest.approx(20, rel=1e-3) and "irregular" in " ".join(clock.notes)


def test_a_clock_that_runs_back_is_told():
    times = np.arange(100) / 10.0
    times[50:] -= 5.0
    assert "runs back 1 times, first after frame 50" in " ".join(read_clock(times, "s").notes)


def test_missing_times_are_skipped():
    times = np.arange(100) / 10.0
    times[[0, 7, 8, 99]] = np.nan
    assert read_clock(times, "s").frame_rate == pytest.approx(10)


@pytest.mark.parametrize(
    "times",
    [[], [3.0], [np.nan] * 5, [1.0] * 5, [5.0, 4, 3, 2], [0, np.inf], [3.0, 0, 10], [0, 1e-320, 2e-320]],
)
def test_times_that_tell_nothing(times: list[float]):
    clock = read_clock(np.array(times, np.float64))
    assert clock.frame_rate is None and clock.notes
