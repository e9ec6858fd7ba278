"""Time and peak memory of the stages of the behaviour."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from napari_calcium.behaviour.alignment import AutomaticAlignment, align_behaviour
from napari_calcium.behaviour.decoding import DecodingSettings, decode
from napari_calcium.behaviour.epochs import prefer
from napari_calcium.behaviour.relations import relate
from napari_calcium.behaviour.resampling import at_frames
from napari_calcium.behaviour.subjects import Subjects
from napari_calcium.behaviour.triggered import trigger
from napari_calcium.behaviour.tuning import TuningSettings, tune
from napari_calcium.results.behaviour_results import Behaviour, BehaviourFile, Epochs, Signal

FRAME_RATE = 10.0
SHAPES = ((324, 15_000), (10_000, 20_000))


def subjects(shape):
    rng = np.random.default_rng(0)
    values = rng.exponential(1.0, shape).astype(np.float32)
    return Subjects(("neuron",) * shape[0], np.arange(shape[0]), values, "events", "events/s")


def epochs(duration):
    start = np.arange(5.0, duration - 10, 20.0)
    return Epochs(np.array(["light", "tone"] * len(start), dtype=str)[: len(start)], start, start + 4)


def behaviour(n_frames):
    rng = np.random.default_rng(1)
    values = gaussian_filter1d(rng.standard_normal((3, n_frames)), 15, axis=1)
    return Behaviour(
        ("speed", "x", "y"), ("", "", ""), values, epochs(n_frames / FRAME_RATE), np.zeros((3, 0))
    )


class _Stage:
    params = (SHAPES,)
    param_names = ("shape",)
    timeout = 1200

    def setup(self, shape):
        self.subjects, self.behaviour = subjects(shape), behaviour(shape[1])


class Relations(_Stage):
    """Three signals, all circular shifts."""

    def time_relate(self, shape):
        relate(self.subjects, self.behaviour, FRAME_RATE)

    def peakmem_relate(self, shape):
        relate(self.subjects, self.behaviour, FRAME_RATE)


class Triggered(_Stage):
    """Two kinds of events, all circular shifts."""

    def time_trigger(self, shape):
        trigger(self.subjects, self.behaviour.epochs, FRAME_RATE)

    def peakmem_trigger(self, shape):
        trigger(self.subjects, self.behaviour.epochs, FRAME_RATE)


class _Course(_Stage):
    params = (SHAPES[:1],)


class Tuning(_Course):
    """Three curves and a place map, 1,000 shifts."""

    def time_tune(self, shape):
        tune(self.subjects, self.behaviour, FRAME_RATE, TuningSettings())

    def peakmem_tune(self, shape):
        tune(self.subjects, self.behaviour, FRAME_RATE, TuningSettings())


class Decoding(_Course):
    """Three signals and two kinds of epochs."""

    def time_decode(self, shape):
        decode(self.subjects, self.behaviour, FRAME_RATE, DecodingSettings())


class Preferences(_Stage):
    """A million events."""

    def setup(self, shape):
        super().setup(shape)
        rng = np.random.default_rng(2)
        self.rows = np.sort(rng.integers(0, shape[0], 1_000_000))
        self.times = rng.uniform(0, shape[1] / FRAME_RATE, 1_000_000)

    def time_prefer(self, shape):
        own = self.subjects
        prefer(own.kind, own.id, self.rows, self.times, self.behaviour.epochs, shape[1], FRAME_RATE)


class Alignment:
    """An hour of four signals at 1 kHz onto 15,000 frames, with 1,000 pulses, some of them missing."""

    def setup(self):
        rng = np.random.default_rng(3)
        time = np.arange(0, 3600, 1e-3)
        values = rng.standard_normal((4, len(time)))
        pulses = np.cumsum(rng.uniform(1, 6, 1000))
        self.time, self.values = time, values
        self.file = BehaviourFile(
            tuple(Signal(f"s{k}", "", time, row) for k, row in enumerate(values)),
            pulse_s=pulses[rng.random(1000) < 0.9],
            recording_pulse_s=1.0001 * pulses[rng.random(1000) < 0.9] + 7,
        )

    def time_align(self):
        align_behaviour(self.file, 15_000, 15_000 / 3600, AutomaticAlignment())

    def time_resample_one(self):
        at_frames(self.time, self.values[0], 15_000, 15_000 / 3600)
