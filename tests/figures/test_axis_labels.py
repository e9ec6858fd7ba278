"""Labels carry the unit, and how F0 was taken."""

from __future__ import annotations

import numpy as np
import pytest

from napari_calcium.figures.axis_labels import (
    baseline_note,
    counted,
    latest_trace,
    time_scale,
    trace_label,
    unit_scale,
)
from napari_calcium.recording import LogEntry, Recording, Trace


def recording_with(*names: str, unit: str = "ΔF/F", log: tuple[LogEntry, ...] = ()) -> Recording:
    traces = {name: Trace(np.zeros((1, 4), np.float32), unit) for name in names}
    return Recording("r", np.array([0]), 10.0, traces=traces, log=log)


@pytest.mark.parametrize(
    ("duration", "label"),
    [(1, "Time (s)"), (300, "Time (s)"), (301, "Time (min)"), (14_400, "Time (min)"), (20_000, "Time (h)")],
)
def test_time_axis_has_a_unit_that_suits_its_length(duration, label):
    assert time_scale(duration).label == label


def test_seconds_divided_by_the_scale_are_in_its_unit():
    assert 7200 / time_scale(7200).seconds == 120
    assert 36_000 / time_scale(36_000).seconds == 10


def test_dff_is_shown_in_percent():
    assert unit_scale("ΔF/F") == (100.0, "%")
    assert unit_scale("a.u.") == (1.0, "a.u.")


@pytest.mark.parametrize(
    ("name", "unit", "label"),
    [
        ("raw", "a.u.", "F (a.u.)"),
        ("baseline", "a.u.", "F₀ (a.u.)"),
        ("dff", "ΔF/F", "ΔF/F (%)"),
        ("raw", "ΔF/F", "ΔF/F (%)"),
        ("spike_rate", "spikes/s", "spike rate (spikes/s)"),
    ],
)
def test_trace_label(name, unit, label):
    assert trace_label(recording_with(name, unit=unit), name) == label


def test_latest_trace_is_the_most_processed():
    assert latest_trace(recording_with("raw", "dff", "denoised")) == "denoised"
    assert latest_trace(recording_with("raw", "dff", "denoised"), before="denoised") == "dff"
    assert latest_trace(recording_with("baseline")) is None


@pytest.mark.parametrize(
    ("settings", "note"),
    [
        ({"method": "percentile", "percentile": 25.0}, "F₀: 25th percentile"),
        (
            {"method": "sliding_percentile", "percentile": 8.0, "window": 60.0},
            "F₀: sliding 8th percentile (60 s window)",
        ),
        ({"method": "maximin", "smoothing": 1.0, "window": 30.0}, "F₀: maximin (30 s window)"),
        ({"method": "percentile", "percentile": 1.0}, "F₀: 1st percentile"),
        ({"method": "percentile", "percentile": 12.0}, "F₀: 12th percentile"),
        ({"method": "percentile", "percentile": 2.5}, "F₀: 2.5th percentile"),
    ],
)
def test_baseline_note_says_how_f0_was_taken(settings, note):
    assert baseline_note(recording_with("dff", log=(LogEntry("baseline", settings),))) == note


def test_dff_of_the_file_is_called_so():
    assert baseline_note(recording_with("dff")) == "ΔF/F as in the file"


def test_no_dff_no_note():
    assert baseline_note(recording_with("raw", unit="a.u.")) == ""


def test_counted():
    assert [counted(n, "event") for n in (0, 1, 2, 1234)] == [
        "no events",
        "1 event",
        "2 events",
        "1,234 events",
    ]
