"""Time and peak memory of baseline, background and denoise."""

import numpy as np

from napari_calcium.traces.background import HighPassBackground, LowerEnvelopeBackground, remove_background
from napari_calcium.traces.baseline import (
    MaximinBaseline,
    PercentileBaseline,
    SlidingPercentileBaseline,
    baseline,
    dff,
)
from napari_calcium.traces.denoise import SavitzkyGolayDenoise, TransientDenoise, WaveletDenoise, denoise
from napari_calcium.traces.trace_quality import drift, signal_to_noise

FRAME_RATE = 4.8
SHAPES = ((324, 15_000), (5_000, 20_000))


def recording(shape):
    """Noise, a slow wave and decaying transients around 500, cheap to make at any size."""
    n_frames = shape[1]
    rng = np.random.default_rng(0)
    traces = rng.standard_normal(shape, dtype=np.float32)
    traces *= 0.06
    traces += (0.15 * np.sin(np.arange(n_frames) / 300)).astype(np.float32)
    decay = (0.8 * np.exp(-np.arange(30) / 5)).astype(np.float32)
    for row in traces:
        for onset in rng.integers(0, n_frames - 30, n_frames // 320):
            row[onset : onset + 30] += decay
    traces += 1
    traces *= 500
    return traces


class _Stage:
    """Run one stage with each of its methods on both shapes."""

    param_names = ("shape", "method")
    timeout = 600

    def setup(self, shape, method):
        self.traces = recording(shape)
        # The kernels are compiled before the clock runs.
        self.run(self.traces[:2, :1000], method)

    def time_stage(self, shape, method):
        self.run(self.traces, method)

    def peakmem_stage(self, shape, method):
        self.run(self.traces, method)

    def peakmem_data_alone(self, shape, method):
        """What to subtract from the stage's peak: the input, its making and the imports."""

    def run(self, traces, method):
        raise NotImplementedError


BASELINES = {
    "percentile": PercentileBaseline(),
    "sliding_percentile": SlidingPercentileBaseline(),
    "maximin": MaximinBaseline(),
}
BACKGROUNDS = {"high_pass": HighPassBackground(), "lower_envelope": LowerEnvelopeBackground()}
DENOISERS = {
    "transients": TransientDenoise(),
    "wavelet": WaveletDenoise(),
    "wavelet_decimated": WaveletDenoise(shift_invariant=False),
    "savitzky_golay": SavitzkyGolayDenoise(),
}


class Baseline(_Stage):
    params = (SHAPES, tuple(BASELINES))

    def run(self, traces, method):
        baseline(traces, FRAME_RATE, BASELINES[method])


class DeltaF(_Stage):
    params = (SHAPES, ("dff",))

    def run(self, traces, method):
        dff(traces, traces)


class Background(_Stage):
    params = (SHAPES, tuple(BACKGROUNDS))

    def run(self, traces, method):
        remove_background(traces, FRAME_RATE, BACKGROUNDS[method])


class Denoise(_Stage):
    params = (SHAPES, tuple(DENOISERS))

    def run(self, traces, method):
        denoise(traces, FRAME_RATE, DENOISERS[method])


class Quality(_Stage):
    params = (SHAPES, ("signal_to_noise", "drift"))

    def run(self, traces, method):
        if method == "drift":
            drift(traces, FRAME_RATE)
        else:
            signal_to_noise(traces)
