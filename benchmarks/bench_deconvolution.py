"""Time and peak memory of deconvolution, AR1 and AR2, beside passes of a recursive filter over the data."""

import time

import numpy as np
from scipy.signal import lfilter
from threadpoolctl import threadpool_limits

from napari_calcium.numerics.noise import noise_sd
from napari_calcium.spikes.inference import infer_spike_rate
from napari_calcium.spikes.nonnegative import DeconvolvedSpikes, deconvolved_activity

RECORDINGS = {"course": ((324, 15_000), 4.8), "large": ((1_000, 20_000), 30.0)}
TRANSIENTS = {"AR1": "jump", "AR2": "rise"}
DECAY_S = 0.7


def recording(shape, frame_rate):
    """Transients of 20 % and noise, half a transient a minute and more."""
    rng = np.random.default_rng(0)
    spikes = rng.poisson(0.1 / frame_rate, shape).astype(np.float32)
    traces = lfilter([0.2], [1, -np.exp(-1 / (DECAY_S * frame_rate))], spikes, axis=1)
    return (traces + 0.05 * rng.standard_normal(shape)).astype(np.float32)


def one_filter_pass(traces, frame_rate):
    """Filter the traces once, as `scipy.signal` does: the least that a recursion over the data costs."""
    return lfilter([1.0], [1, -np.exp(-1 / (DECAY_S * frame_rate))], traces, axis=1)


class Deconvolution:
    """The whole stage: kinetics measured, level at rest, exact fit."""

    params = (tuple(RECORDINGS), tuple(TRANSIENTS))
    param_names = ("recording", "model")
    timeout = 900

    def setup(self, name, model):
        shape, self.frame_rate = RECORDINGS[name]
        self.traces = recording(shape, self.frame_rate)
        self.settings = DeconvolvedSpikes(transient=TRANSIENTS[model])
        # Kernels are compiled before the clock runs.
        deconvolved_activity(self.traces[:2, :500], self.frame_rate, self.settings)

    def time_deconvolve(self, name, model):
        deconvolved_activity(self.traces, self.frame_rate, self.settings)

    def peakmem_deconvolve(self, name, model):
        deconvolved_activity(self.traces, self.frame_rate, self.settings)

    def peakmem_data_alone(self, name, model):
        """What to subtract from the peak: the input, its making and the imports."""

    def track_filter_passes(self, name, model):
        return filter_passes(self.traces, self.frame_rate, self.settings)


def filter_passes(traces, frame_rate, settings):
    """Return processor time as a number of passes of `lfilter` over the same float32 traces."""
    with threadpool_limits(limits=1):
        start = time.process_time()
        deconvolved_activity(traces, frame_rate, settings)
        taken = time.process_time() - start
        start = time.process_time()
        for _ in range(3):
            one_filter_pass(traces, frame_rate)
        return taken / ((time.process_time() - start) / 3)


def false_activity(noise_level, frame_rate=30.0, n_rois=50, n_frames=9_000):
    """Return what each method makes of noise alone, per second and neuron.

    The network's is its mean rate in spikes/s. What is deconvolved has no spikes, so its onsets are counted:
    frames with activity after one without, all of them and those as high as a transient of 3 SD of the noise.
    """
    sd = noise_level * np.sqrt(frame_rate) / 100 / (0.6744897501960817 * np.sqrt(2))
    noise = (sd * np.random.default_rng(0).standard_normal((n_rois, n_frames))).astype(np.float32)
    seconds = noise.size / frame_rate
    found = {"network, spikes/s": float(infer_spike_rate(noise, frame_rate).mean())}
    for model, transient in TRANSIENTS.items():
        settings = DeconvolvedSpikes(indicator="GCaMP6f", transient=transient)
        activity = deconvolved_activity(noise, frame_rate, settings)
        active = activity > 0
        begins = active & ~np.roll(active, 1, axis=1)
        begins[:, 0] = False
        high = begins & (activity > 3 * noise_sd(noise)[:, None])
        found[f"{model}, onsets/s"] = begins.sum() / seconds
        found[f"{model}, above 3 SD"] = high.sum() / seconds
    return found


class FalseActivity:
    """What is found where there is nothing."""

    params = ((2.0, 8.0, 20.0), ("network, spikes/s", "AR1, onsets/s", "AR2, onsets/s"))
    param_names = ("noise_level", "what")
    unit = "1/s"

    def track_false(self, noise_level, what):
        return false_activity(noise_level)[what]


if __name__ == "__main__":
    for name, (shape, frame_rate) in RECORDINGS.items():
        traces = recording(shape, frame_rate)
        for model, transient in TRANSIENTS.items():
            settings = DeconvolvedSpikes(transient=transient)
            deconvolved_activity(traces[:2, :500], frame_rate, settings)
            start = time.perf_counter(), time.process_time()
            deconvolved_activity(traces, frame_rate, settings)
            wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
            passes = filter_passes(traces, frame_rate, settings)
            print(f"{name} {model}: {wall:.1f} s, {cpu:.1f} s of processor, {passes:.0f} passes of lfilter")
    for noise_level in (2.0, 8.0, 20.0):
        told = ", ".join(f"{what} {value:.4f}" for what, value in false_activity(noise_level).items())
        print(f"noise alone, ν {noise_level:g}: {told}")
