"""Stacked traces: real values, in their unit, apart from each other, events where they happened."""

from __future__ import annotations

import numpy as np
import pytest

from napari_calcium.figures.drawing import new_figure
from napari_calcium.figures.traces_figure import draw_traces, prepare_traces, traces_size
from napari_calcium.recording import LogEntry, Recording, Trace


def test_values_are_samples_in_percent(recording):
    data = prepare_traces(recording, [5, 3])
    assert data.roi_ids == (5, 3)
    assert (data.quantity, data.unit) == ("ΔF/F", "%")
    assert data.name == "background_corrected"
    frames = np.rint(data.time_s * 10).astype(int)
    for row, cell in enumerate((5, 3)):
        stored = recording.traces["background_corrected"].values[cell, frames[row]]
        np.testing.assert_allclose(data.values[row], 100 * stored, rtol=1e-6)


def test_the_trace_the_events_were_found_on_is_shown(recording):
    for name in ("dff", "denoised"):
        entry = LogEntry("events", {"method": "threshold", "input": name})
        assert prepare_traces(recording.replace(log=(*recording.log, entry))).name == name
    gone = LogEntry("events", {"input": "somewhere"})
    assert prepare_traces(recording.replace(log=(gone,))).name == "background_corrected"


def test_another_trace_can_be_chosen(recording):
    data = prepare_traces(recording, [0], "raw")
    assert (data.quantity, data.unit) == ("F", "a.u.")


def test_events_belong_to_their_line(recording):
    data = prepare_traces(recording, [8, 1, 4])
    for row, cell in enumerate((8, 1, 4)):
        own = recording.events.onset_s[recording.events.roi_id == cell]
        np.testing.assert_array_equal(data.onset_s[data.event_row == row], own)


def test_lines_stand_from_top_to_bottom_at_equal_distance(recording):
    data = prepare_traces(recording)
    np.testing.assert_allclose(np.diff(data.levels), -data.step)
    middle = np.median(data.values + data.offsets[:, None], axis=1)
    np.testing.assert_allclose(middle, data.levels, atol=0.02 * data.step)


def test_nine_of_ten_lines_do_not_reach_over_the_one_above(recording):
    data = prepare_traces(recording)
    heights = np.ptp(data.values, axis=1)
    assert (heights <= data.step * (1 + 1e-6)).mean() >= 0.85


@pytest.mark.parametrize("scale", [0.003, 1.0, 7.7, 4000.0])
def test_scale_bar_is_a_round_number_not_above_the_distance(recording, scale):
    scaled = recording.replace(traces={"raw": Trace(recording.traces["raw"].values * scale, "a.u.")})
    data = prepare_traces(scaled)
    assert data.step / 2.5 - 1e-9 <= data.bar <= data.step * (1 + 1e-6)
    mantissa = data.bar / 10 ** np.floor(np.log10(data.bar) + 1e-9)
    assert min(abs(mantissa - k) for k in (1, 2, 5)) < 1e-6


def test_gaps_and_constant_traces_are_drawn():
    values = np.zeros((3, 50), np.float32)
    values[1] = np.nan
    values[2, 10:20] = np.nan
    recording = Recording("r", np.arange(3), 5.0, traces={"dff": Trace(values, "ΔF/F")})
    data = prepare_traces(recording, [0, 1, 2])
    assert np.isfinite(data.offsets).all()
    figure = new_figure(*traces_size(data))
    draw_traces(figure, data)
    figure.canvas.draw()


def test_one_frame_one_neuron():
    recording = Recording("r", np.array([9]), 5.0, traces={"raw": Trace(np.ones((1, 1), np.float32), "a.u.")})
    data = prepare_traces(recording)
    assert data.cell_labels == ("9",)
    figure = new_figure(*traces_size(data))
    draw_traces(figure, data)
    figure.canvas.draw()


def test_figure_names_neurons_unit_and_baseline(recording):
    data = prepare_traces(recording, [2, 6])
    figure = new_figure()
    draw_traces(figure, data)
    ax = figure.axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["2", "6"]
    assert f"{data.bar:g} %" in [text.get_text() for text in ax.texts]
    assert "F₀: 20th percentile" in ax.get_title(loc="right")
    assert ax.get_xlabel() == "Time (s)"


def test_no_neurons_is_said():
    data = prepare_traces(Recording("r", np.empty(0, np.int64), 10.0))
    assert "no neurons" in data.message
    figure = new_figure()
    draw_traces(figure, data)
    figure.canvas.draw()


def test_no_traces_is_said(recording):
    assert "no traces" in prepare_traces(recording.replace(traces={})).message


def test_what_is_drawn_over_it_is_of_the_same_unit(recording):
    unit = recording.traces["dff"].unit
    same = [name for name, trace in recording.traces.items() if trace.unit == unit and name != "dff"]
    data = prepare_traces(recording, [0, 1], "dff", over=list(recording.traces))
    assert [name for name, _, _ in data.over] == same
    assert data.name == "dff"
    plain = prepare_traces(recording, [0, 1], "dff")
    assert plain.over == () and np.array_equal(plain.levels, data.levels)
    for _, times, values in data.over:
        assert times.shape == values.shape and len(values) == 2
