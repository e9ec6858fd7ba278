"""Time and peak memory of event detection and features."""

import numpy as np

from napari_calcium.events.deconvolved import DeconvolvedEvents
from napari_calcium.events.event_detection import detect_events
from napari_calcium.events.ridge import RidgeEvents
from napari_calcium.events.statistics import neuron_features
from napari_calcium.events.template import TemplateEvents
from napari_calcium.events.threshold import ThresholdEvents
from napari_calcium.numerics.deconvolution import deconvolve
from napari_calcium.numerics.kinetics import estimate_kinetics

FRAME_RATE = 4.8
SHAPES = ((324, 15_000), (5_000, 20_000))
METHODS = {
    "deconvolved": DeconvolvedEvents(),
    "threshold": ThresholdEvents(),
    "template": TemplateEvents(),
    "ridge": RidgeEvents(),
}


def recording(shape):
    """Return ΔF/F: noise and about one decaying transient a minute, cheap to make at any size."""
    n_frames = shape[1]
    rng = np.random.default_rng(0)
    traces = rng.standard_normal(shape, dtype=np.float32)
    traces *= 0.06
    decay = (0.6 * np.exp(-np.arange(30) / 5.3)).astype(np.float32)
    for row in traces:
        for onset in rng.integers(0, n_frames - 30, n_frames // 290):
            row[onset : onset + 30] += decay
    return traces


class Events:
    """Each method on both shapes; compiled before the clock starts."""

    params = (SHAPES, tuple(METHODS))
    param_names = ("shape", "method")
    timeout = 600

    def setup(self, shape, method):
        self.traces = recording(shape)
        detect_events(self.traces[:2, :500], FRAME_RATE, METHODS[method])

    def time_detect(self, shape, method):
        detect_events(self.traces, FRAME_RATE, METHODS[method])

    def peakmem_detect(self, shape, method):
        detect_events(self.traces, FRAME_RATE, METHODS[method])


class Deconvolution:
    """The exact non-negative fit alone, and the estimate of the decay time."""

    params = (SHAPES,)
    param_names = ("shape",)
    timeout = 600

    def setup(self, shape):
        self.traces = recording(shape)
        deconvolve(self.traces[:2, :500], FRAME_RATE, 1.1)
        estimate_kinetics(self.traces[:2, :500], FRAME_RATE)

    def time_deconvolve(self, shape):
        deconvolve(self.traces, FRAME_RATE, 1.1)

    def peakmem_deconvolve(self, shape):
        deconvolve(self.traces, FRAME_RATE, 1.1)

    def time_kinetics(self, shape):
        estimate_kinetics(self.traces, FRAME_RATE)


class Features:
    """Features of all neurons."""

    params = (SHAPES,)
    param_names = ("shape",)
    timeout = 600

    def setup(self, shape):
        self.traces = recording(shape)
        self.events = detect_events(self.traces, FRAME_RATE)

    def time_features(self, shape):
        neuron_features(self.traces, FRAME_RATE, self.events, np.arange(shape[0]))

    def peakmem_features(self, shape):
        neuron_features(self.traces, FRAME_RATE, self.events, np.arange(shape[0]))
