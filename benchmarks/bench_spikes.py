"""Time and peak memory of spike inference; frames a second of one core."""

import time

import numpy as np
from threadpoolctl import threadpool_limits

from napari_calcium.spikes.inference import infer_spike_rate

SHAPES = ((30, 10_000), (1_000, 10_000))
TOLD = {"untold": {}, "told": {"indicator": "GCaMP6s", "cell_type": "excitatory"}}


def recording(shape):
    """Noise and decaying transients, cheap to make at any size."""
    rng = np.random.default_rng(0)
    traces = rng.standard_normal(shape, dtype=np.float32)
    traces *= 0.1
    decay = (0.4 * np.exp(-np.arange(60) / 15)).astype(np.float32)
    for row in traces:
        for onset in rng.integers(0, shape[1] - 60, shape[1] // 100):
            row[onset : onset + 60] += decay
    return traces


class Network:
    """The networks that come with the program."""

    params = (SHAPES, (7.5, 30.0, 120.0), tuple(TOLD))
    param_names = ("shape", "frame_rate", "told")
    timeout = 600

    def setup(self, shape, frame_rate, told):
        self.traces = recording(shape)
        # The weights are read before the clock runs.
        infer_spike_rate(self.traces[:1, :100], frame_rate)

    def time_infer(self, shape, frame_rate, told):
        infer_spike_rate(self.traces, frame_rate, **TOLD[told])

    def peakmem_infer(self, shape, frame_rate, told):
        infer_spike_rate(self.traces, frame_rate, **TOLD[told])

    def peakmem_data_alone(self, shape, frame_rate, told):
        """What to subtract from the peak: the input, its making and the imports."""


def frames_per_core_second(frame_rate=30.0, shape=(30, 10_000), **told):
    """Return frames in a second of processor time, all threads counted."""
    traces = recording(shape)
    with threadpool_limits(limits=1):
        infer_spike_rate(traces[:1, :100], frame_rate)
        start = time.process_time()
        infer_spike_rate(traces, frame_rate, **told)
        return traces.size / (time.process_time() - start)


class FramesPerCoreSecond:
    """What the model card states."""

    params = ((7.5, 30.0, 60.0, 120.0), tuple(TOLD))
    param_names = ("frame_rate", "told")
    unit = "frames/s"

    def track_throughput(self, frame_rate, told):
        return frames_per_core_second(frame_rate, **TOLD[told])


if __name__ == "__main__":
    for known, told in TOLD.items():
        for frame_rate in (7.5, 30.0, 60.0, 120.0):
            print(
                f"{known} {frame_rate:g} Hz: {frames_per_core_second(frame_rate, **told) / 1e6:.2f} million"
            )
