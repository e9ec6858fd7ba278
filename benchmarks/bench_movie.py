"""Registration of a movie that exists nowhere: each pass and its peak memory at 512 x 512."""

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_calcium.movie.chunks import map_chunks
from napari_calcium.movie.registration import NonRigidRegistration, RigidRegistration, register
from napari_calcium.movie.registration_quality import registration_quality

RATE = 30.0


class Wandering:
    """Frames of a noisy texture that wanders by whole pixels, made when they are read."""

    dtype = np.dtype(np.uint16)

    def __init__(self, n_frames, side=512):
        rng = np.random.default_rng(0)
        self.shape = (n_frames, side, side)
        waves = [gaussian_filter(rng.standard_normal((side, side)), s, mode="wrap") for s in (1.5, 6, 20)]
        self.scene = (800 + 60 * sum(wave / wave.std() for wave in waves)).astype(np.int16)
        self.noise = rng.normal(0, 40, (17, side, side)).astype(np.int16)
        self.path = np.rint(4 * np.sin(np.arange(n_frames)[:, None] / [37.0, 23.0])).astype(int)

    def __getitem__(self, frames):
        numbers = range(*frames.indices(self.shape[0]))
        parts = [np.roll(self.scene, self.path[k], (0, 1)) + self.noise[k % 17] for k in numbers]
        return np.stack(parts).astype(np.uint16)


def nothing(chunk):
    return None


class Registration:
    """The whole stage; memory must not grow from 500 to 2,000 frames by more than the binned movie."""

    params = ((500, 2000), ("nonrigid", "rigid"))
    param_names = ("frames", "method")
    timeout = 600
    number = 1
    repeat = 2

    def setup(self, frames, method):
        self.movie = Wandering(frames)
        self.settings = NonRigidRegistration() if method == "nonrigid" else RigidRegistration()
        register(Wandering(4), RATE, self.settings)  # kernels are compiled once, not every run

    def time_register(self, frames, method):
        register(self.movie, RATE, self.settings)

    def peakmem_register(self, frames, method):
        register(self.movie, RATE, self.settings)


class Passes:
    """What a pass over 500 frames costs: reading alone, moving on reading, and judging the result."""

    timeout = 600
    number = 1

    def setup(self):
        self.movie = Wandering(500)
        self.found = register(self.movie, RATE)

    def time_stream(self):
        list(map_chunks(nothing, self.movie))

    def time_registered_view(self):
        list(map_chunks(nothing, self.found.apply(self.movie)))

    def time_quality(self):
        registration_quality(self.found)
