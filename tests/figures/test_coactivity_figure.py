"""Coactivity: counts at the centres of their windows, the null beside them, events in their colour."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from napari_calcium.figures.coactivity_figure import coactivity_size, draw_coactivity, prepare_coactivity
from napari_calcium.figures.drawing import new_figure
from napari_calcium.figures.palette import UNASSIGNED_COLOR, ensemble_color
from napari_calcium.results.tables import Coactivity, EnsembleEvents


def drawn(data):
    figure = new_figure(*coactivity_size(data))
    draw_coactivity(figure, data)
    figure.canvas.draw()
    return figure


def test_counts_stand_at_the_centres_of_their_windows(recording):
    data = prepare_coactivity(recording, pixels=10_000)
    np.testing.assert_allclose(data.time_s, recording.coactivity.time_s + 0.25)
    np.testing.assert_array_equal(data.active_neurons, recording.coactivity.active_neurons)
    np.testing.assert_allclose(data.threshold, recording.coactivity.threshold, rtol=1e-6)


def test_expectation_keeps_its_mean(recording):
    n = len(recording.coactivity)
    slow = 3 + np.sin(np.arange(n) / 20)
    table = dataclasses.replace(recording.coactivity, expected=slow)
    data = prepare_coactivity(recording.replace(coactivity=table), pixels=60)
    assert len(data.expected) == 20
    assert data.expected.mean() == pytest.approx(slow.mean(), rel=0.02)
    np.testing.assert_allclose(
        data.expected_time_s.mean(), (table.time_s + table.window_s / 2).mean(), rtol=1e-3
    )


def test_the_highest_count_survives_decimation(recording):
    data = prepare_coactivity(recording, pixels=20)
    assert len(data.time_s) == 40
    assert data.active_neurons.max() == recording.coactivity.active_neurons.max()
    best = int(np.argmax(data.active_neurons))
    window = round((data.time_s[best] - 0.25) / 0.5)
    assert recording.coactivity.active_neurons[window] == data.active_neurons[best]


def test_every_ensemble_event_has_a_marker_in_its_color(recording):
    from matplotlib.colors import to_hex

    data = prepare_coactivity(recording)
    figure = drawn(data)
    shown = [
        (to_hex(color), round(float(x), 6), float(y))
        for marks in figure.axes[0].collections
        for color, (x, y) in zip(marks.get_facecolors(), marks.get_offsets(), strict=False)
        if not np.ma.is_masked(x)
    ]
    events = recording.ensemble_events
    expected = [
        (ensemble_color(int(k)), round(float(t), 6), float(n))
        for k, t, n in zip(events.ensemble_id, events.peak_s, events.n_neurons, strict=True)
    ]
    assert sorted(shown) == sorted(expected)
    assert UNASSIGNED_COLOR in {color for color, _, _ in expected}


def test_axis_states_the_width_really_used(recording):
    table = dataclasses.replace(recording.coactivity, window_s=2 / 4.8)
    figure = drawn(prepare_coactivity(recording.replace(coactivity=table)))
    assert "417 ms" in figure.axes[0].get_ylabel()


def test_title_counts_events_and_what_chance_would_give(recording):
    title = drawn(prepare_coactivity(recording)).axes[0].get_title()
    assert str(len(recording.ensemble_events)) in title
    assert "chance alone would give 0.4" in title


def test_zero_ensemble_events_are_a_result(recording):
    data = prepare_coactivity(recording.replace(ensemble_events=EnsembleEvents()))
    assert "no ensemble events" in drawn(data).axes[0].get_title()


def test_before_the_test_there_is_neither_null_nor_threshold(recording):
    n = len(recording.coactivity)
    table = dataclasses.replace(
        recording.coactivity, expected=np.full(n, np.nan), threshold=np.full(n, np.nan)
    )
    data = prepare_coactivity(recording.replace(coactivity=table, ensemble_events=None, ensembles=None))
    assert len(data.expected) == len(data.threshold) == len(data.event_time_s) == 0
    labels = [line.get_label() for line in drawn(data).axes[0].lines]
    assert labels == ["active neurons"]


@pytest.mark.parametrize(
    ("table", "message"), [(None, "not been counted"), (Coactivity(), "not one whole window")]
)
def test_nothing_to_show_is_said(recording, table, message):
    data = prepare_coactivity(recording.replace(coactivity=table))
    assert message in data.message
    drawn(data)


def test_silence_is_drawn(recording):
    n = 10
    table = Coactivity(
        np.arange(n) / 2, np.zeros(n, int), np.zeros(n), np.ones(n), np.ones(n), np.zeros(n, bool)
    )
    figure = drawn(prepare_coactivity(recording.replace(coactivity=table, ensemble_events=None)))
    assert figure.axes[0].get_ylim()[0] == 0
