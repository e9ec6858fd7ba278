"""Memory of the passes over a movie depends on the frame, not on how many there are."""

import tracemalloc

import numpy as np
import pytest

from napari_calcium.movie.extraction import extract
from napari_calcium.movie.registration import NonRigidRegistration, register
from napari_calcium.rois import Rois

RATE = 30.0
SIDE = 256
LENGTHS = (300, 900)  # both fill all buffers of the reader


class Endless:
    """Frames of a texture that wanders, made while they are read."""

    dtype = np.dtype(np.uint16)

    def __init__(self, n_frames):
        self.shape = (n_frames, SIDE, SIDE)
        rng = np.random.default_rng(0)
        scene = np.kron(rng.uniform(200, 900, (SIDE // 8, SIDE // 8)), np.ones((8, 8)))
        self._scene = np.tile(scene, (2, 2)).astype(np.uint16)
        self._noise = rng.poisson(50, (17, SIDE, SIDE)).astype(np.uint16)

    def __getitem__(self, frames):
        moved = [
            self._scene[round(2 * np.sin(k / 9)) % SIDE :, k // 50 % 3 :][:SIDE, :SIDE] + self._noise[k % 17]
            for k in range(*frames.indices(self.shape[0]))
        ]
        return np.stack(moved)


def peak_of(work):
    tracemalloc.start()
    try:
        kept = work()
        return tracemalloc.get_traced_memory()[1], kept
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def runs():
    settings = NonRigidRegistration(binned_memory=1.0, template_frames=40)
    register(Endless(4), RATE, settings)  # what is compiled or imported once is not counted
    return [peak_of(lambda n=n: register(Endless(n), RATE, settings)) for n in LENGTHS]


def test_registration_needs_no_more_for_a_longer_movie(runs):
    fields = [found.fields.nbytes for _, found in runs]
    (short, _), (long, _) = runs
    # How many chunks are worked on at the same time is chance; the fields themselves are a result, and there
    # twice or thrice while they are put together.
    assert long - short < 6 * (fields[1] - fields[0]) + 0.5 * short


def test_extraction_needs_no_more_than_its_traces(runs):
    labels = np.zeros((SIDE, SIDE), int)
    labels[8:20, 8:20], labels[30:42, 30:42] = 1, 2
    rois = Rois.from_labels(labels)
    peaks, traces = [], []
    for n_frames, (_, found) in zip(LENGTHS, runs, strict=True):
        movie = found.apply(Endless(n_frames))
        peak, light = peak_of(lambda movie=movie: extract(movie, rois, RATE))
        peaks.append(peak)
        traces.append(light.raw.nbytes)
    assert peaks[1] - peaks[0] < 20 * (traces[1] - traces[0]) + 0.5 * peaks[0]
