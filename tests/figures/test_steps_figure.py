"""The processing steps: every step there is, in its unit, of the cells asked for."""

from __future__ import annotations

import numpy as np
import pytest

from napari_calcium.figures.drawing import new_figure
from napari_calcium.figures.steps_figure import draw_steps, prepare_steps, steps_size
from napari_calcium.recording import Recording


def test_every_step_there_is_in_order(recording):
    data = prepare_steps(recording)
    assert [step.name for step in data.steps] == ["raw", "dff", "background_corrected", "denoised"]
    assert [step.label for step in data.steps] == ["F (a.u.)", "ΔF/F (%)", "ΔF/F (%)", "ΔF/F (%)"]
    assert data.message == ""
    assert data.note == "F₀: 20th percentile"
    assert len(data.roi_ids) == 3


def test_lines_are_the_traces_in_percent(recording):
    cell = int(recording.roi_ids[4])
    data = prepare_steps(recording, [cell], (10.0, 20.0))
    step = data.steps[1]
    stored = recording.traces["dff"].values[4, 100:200]
    np.testing.assert_allclose(step.values[0], 100 * stored, rtol=1e-6)
    np.testing.assert_allclose(step.time_s[0], np.arange(100, 200) / 10.0)


def test_f0_goes_with_the_raw_trace_alone(recording):
    data = prepare_steps(recording, [0])
    raw, *others = data.steps
    assert raw.baseline[0].shape == raw.baseline_time_s[0].shape
    assert len(raw.baseline[0]) > 0
    assert all(step.baseline == () for step in others)


def test_cells_stand_in_the_order_asked_for_and_unknown_ids_are_left_out(recording):
    data = prepare_steps(recording, [7, 9999, 2])
    assert data.roi_ids == (7, 2)
    assert data.cell_labels == ("Neuron 7", "Neuron 2")


def test_names_of_the_file_are_shown(recording):
    named = recording.replace(cell_names=tuple(f"C{k:02d}" for k in range(recording.n_rois)))
    assert prepare_steps(named, [3]).cell_labels == ("Neuron C03",)


def test_events_are_those_of_the_span(recording):
    data = prepare_steps(recording, recording.roi_ids[:5].tolist(), (20.0, 80.0))
    for row, cell in enumerate(data.roi_ids):
        own = recording.events.onset_s[recording.events.roi_id == cell]
        np.testing.assert_array_equal(data.onset_s[row], own[(own >= 20) & (own <= 80)])


def test_onsets_are_marked_on_the_last_row(recording):
    data = prepare_steps(recording)
    figure = new_figure(*steps_size(data))
    draw_steps(figure, data)
    panels = np.array(figure.axes).reshape(4, 3)
    for column in range(3):
        marks = [line for line in panels[-1, column].lines if line.get_label() == "event onset"]
        np.testing.assert_array_equal(marks[0].get_xdata(), data.onset_s[column])
        assert not [line for line in panels[0, column].lines if line.get_label() == "event onset"]


def test_without_events_nothing_is_marked(recording):
    data = prepare_steps(recording.replace(events=None))
    assert all(len(onsets) == 0 for onsets in data.onset_s)
    figure = new_figure()
    draw_steps(figure, data)
    figure.draw_without_rendering()


def test_default_span_is_two_minutes_at_most(recording):
    start, stop = prepare_steps(recording).span
    assert stop - start == pytest.approx(120)


def test_figure_has_a_panel_for_each_cell_and_step(recording):
    data = prepare_steps(recording)
    figure = new_figure(*steps_size(data))
    draw_steps(figure, data)
    assert len(figure.axes) == 4 * 3
    labels = [ax.get_ylabel() for ax in figure.axes]
    assert [label for label in labels if label] == [
        "Raw\nF (a.u.)",
        "ΔF/F (%)",
        "Background removed\nΔF/F (%)",
        "Denoised\nΔF/F (%)",
    ]
    assert figure.axes[-1].get_xlabel() == "Time (s)"


def test_panels_of_one_unit_share_their_scale(recording):
    data = prepare_steps(recording)
    figure = new_figure()
    draw_steps(figure, data)
    panels = np.array(figure.axes).reshape(4, 3)
    for column in range(3):
        assert len({ax.get_ylim() for ax in panels[1:, column]}) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [({"traces": {}}, "no traces"), ({"frame_rate": None}, "frame rate")],
)
def test_nothing_to_show_is_said(recording, change, message):
    data = prepare_steps(recording.replace(**change))
    assert message in data.message
    figure = new_figure(*steps_size(data))
    draw_steps(figure, data)
    assert data.message in [text.get_text() for ax in figure.axes for text in ax.texts]


def test_no_neurons():
    data = prepare_steps(Recording("r", np.empty(0, np.int64), 10.0))
    assert "no neurons" in data.message
