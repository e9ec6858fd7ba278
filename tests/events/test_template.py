import numpy as np
import pytest

from napari_calcium.events.template import TemplateEvents, _fitted_height, template_onsets
from napari_calcium.numerics.indicators import Kinetics


def test_height_agrees_with_least_squares_at_every_frame():
    rng = np.random.default_rng(0)
    rate, kinetics = 10.0, Kinetics(0.05, 0.6)
    trace = rng.normal(size=80)
    found = _fitted_height(trace[None], rate, kinetics)[0]
    n_before, n_after = 3, 12
    time = (np.arange(n_after) + 0.5) / rate
    shape = np.exp(-time / 0.6) - np.exp(-time / 0.05)
    template = np.concatenate([np.zeros(n_before), shape / shape.max()])
    design = np.column_stack([template, np.ones_like(template)])
    padded = np.pad(trace, len(template), mode="edge")
    for frame in range(80):
        piece = padded[len(template) + frame - n_before :][: len(template)]
        expected = np.linalg.lstsq(design, piece, rcond=None)[0][0]
        assert found[frame] == pytest.approx(expected, abs=1e-9)


def test_height_of_the_template_itself_is_its_height():
    rate, kinetics = 20.0, Kinetics(0.05, 0.5)
    time = (np.arange(200) - 80 + 0.5) / rate
    shape = np.where(time > 0, np.exp(-time / 0.5) - np.exp(-np.maximum(time, 0) / 0.05), 0)
    found = _fitted_height(3.0 + 2.0 * shape[None] / shape.max(), rate, kinetics)[0]
    assert np.argmax(found) == 80
    assert found[80] == pytest.approx(2.0)


def test_score_ignores_gain_and_offset():
    traces = np.random.default_rng(1).normal(size=(2, 3000)).astype(np.float32)
    traces[:, 500::300] += 8 * np.exp(0)
    method = TemplateEvents(indicator="GCaMP6f")
    plain = template_onsets(traces, 10.0, method)
    other = template_onsets(5 * traces + 50, 10.0, method)
    np.testing.assert_array_equal(plain[0], other[0])
    np.testing.assert_allclose(plain[1], other[1], atol=1e-3)
