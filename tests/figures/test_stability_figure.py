"""The figure of stability."""

from dataclasses import replace

import numpy as np
import pytest

from napari_calcium.doubt.stability import Knob, StabilityPoint
from napari_calcium.figures.drawing import new_figure
from napari_calcium.figures.stability_figure import (
    METRICS,
    draw_stability,
    metric_range,
    prepare_stability,
    stability_size,
)
from napari_calcium.recording import Recording
from napari_calcium.settings import Settings

RECORDING = Recording("r", np.arange(3), 10.0)


@pytest.fixture
def points():
    knobs = [
        Knob("events", "n_sd", "Events: threshold", "SD", (2.0, 4.0, 8.0), 4.0, Settings()),
        Knob("ensembles", "seed", "Ensembles: seed", "", (0.0, 1.0), 0.0, Settings()),
    ]
    return [
        StabilityPoint(knob, value, int(100 / (1 + value)), 5, 2, 9, 0.8, 0.9, RECORDING)
        for knob in knobs
        for value in knob.values
    ]


def test_a_strip_a_setting_with_its_present_value(points):
    strips = prepare_stability(points)
    assert [s.title for s in strips] == ["Events: threshold (SD)", "Ensembles: seed"]
    assert strips[0].labels == ("2", "4", "8") and [s.current for s in strips] == [1, 0]
    np.testing.assert_array_equal(strips[0].lines["n_events"], [33, 20, 11])


def test_what_is_not_known_yet_is_left_open(points):
    strips = prepare_stability([points[1]])
    assert np.isnan(strips[0].lines["agreement"]).tolist() == [True, False, True]
    low, high = metric_range(strips, ["n_events"])
    assert low < 0 and high > 20


def test_a_row_has_one_scale(points):
    strips = prepare_stability(points)
    low, high = metric_range(strips, ["agreement", "members"])
    assert low < 0 and 1 < high < 1.5
    assert metric_range(strips, ["n_events"])[1] > 50
    none = [replace(p, n_events=0) for p in points]
    assert metric_range(prepare_stability(none), ["n_events"])[1] > 0


def test_every_number_of_every_setting_is_drawn(points):
    strips = prepare_stability(points)
    figure = new_figure(*stability_size(strips))
    draw_stability(figure, strips)
    assert len(figure.axes) == len(METRICS) * 2
    assert [ax.get_ylabel() for ax in figure.axes[::2]] == [label for label, _ in METRICS]


def test_without_points_it_says_so():
    figure = new_figure()
    draw_stability(figure, ())
    assert any("Nothing was tried" in text.get_text() for text in figure.axes[0].texts)
