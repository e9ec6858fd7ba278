"""Time and peak memory of coactivity, significance and ensembles."""

import numpy as np

from napari_calcium.ensembles.coactivity import CoactivitySettings, coactivity
from napari_calcium.ensembles.company import company_features
from napari_calcium.ensembles.ensemble_detection import CalibratedEnsembles, CourseEnsembles, find_ensembles
from napari_calcium.ensembles.significance import ConditionalNull, MaximumNull, PooledNull, significance
from napari_calcium.results.tables import Events

FRAME_RATE = 4.8
SHAPES = ((324, 15_000), (5_000, 20_000))
NULLS = {
    "conditional": ConditionalNull(),
    "exact": PooledNull(),
    "1000 shuffles": PooledNull(shuffles=1000),
    "maximum": MaximumNull(),
}
METHODS = {"calibrated": CalibratedEnsembles(), "course": CourseEnsembles(surrogates=0)}


def recording(shape):
    """Poisson trains of 0.015 Hz and ten ensembles of 4 % of the neurons, 30 activations each."""
    n_rois, n_frames = shape
    random = np.random.default_rng(0)
    rows = [np.repeat(np.arange(n_rois), random.poisson(0.015 * n_frames / FRAME_RATE, n_rois))]
    frames = [random.integers(0, n_frames, len(rows[0]))]
    for _ in range(10):
        members = random.choice(n_rois, n_rois // 25, replace=False)
        for start in random.integers(5, n_frames - 5, 30):
            who = members[random.random(len(members)) < 0.7]
            rows.append(who)
            frames.append(start + random.integers(0, 2, len(who)))
    key = np.unique(np.concatenate(rows) * n_frames + np.concatenate(frames))
    onset = (key % n_frames) / FRAME_RATE
    blank = np.ones(len(key))
    return Events(
        roi_id=key // n_frames, onset_s=onset, peak_s=onset, end_s=onset, amplitude=blank, fwhm_s=blank
    )


class _OnEvents:
    timeout = 600

    def prepare(self, shape, windows):
        self.n_rois, self.n_frames = shape
        self.ids = np.arange(self.n_rois)
        self.events = recording(shape)
        self.counts = coactivity(self.events, self.ids, self.n_frames, FRAME_RATE, windows)

    def test(self, null):
        return significance(self.events, self.ids, self.n_frames, FRAME_RATE, self.counts, null)


class Coactivity(_OnEvents):
    """Counting."""

    params = (SHAPES, (True, False))
    param_names = ("shape", "sliding")

    def setup(self, shape, sliding):
        self.windows = CoactivitySettings(sliding=sliding)
        self.prepare(shape, self.windows)

    def time_coactivity(self, shape, sliding):
        coactivity(self.events, self.ids, self.n_frames, FRAME_RATE, self.windows)

    def peakmem_coactivity(self, shape, sliding):
        coactivity(self.events, self.ids, self.n_frames, FRAME_RATE, self.windows)


class Significance(_OnEvents):
    """Every null, in bins as the course has them (sliding windows for the default)."""

    params = (SHAPES, tuple(NULLS))
    param_names = ("shape", "null")

    def setup(self, shape, null):
        self.prepare(shape, CoactivitySettings(sliding=null == "conditional"))
        self.test(NULLS[null])  # kernels are compiled before the clock runs

    def time_significance(self, shape, null):
        self.test(NULLS[null])

    def peakmem_significance(self, shape, null):
        self.test(NULLS[null])


class FindEnsembles(_OnEvents):
    """The two modes, surrogate check included for the calibrated one."""

    params = (SHAPES, tuple(METHODS))
    param_names = ("shape", "method")

    def setup(self, shape, method):
        self.prepare(shape, CoactivitySettings())
        self.tested, self.found = self.test(ConditionalNull())

    def run(self, method):
        return find_ensembles(
            self.events, self.ids, self.n_frames, FRAME_RATE, self.tested, self.found, METHODS[method]
        )

    def time_find_ensembles(self, shape, method):
        self.run(method)

    def peakmem_find_ensembles(self, shape, method):
        self.run(method)


class Company(_OnEvents):
    """Features that need the population."""

    params = (SHAPES,)
    param_names = ("shape",)

    def setup(self, shape):
        self.prepare(shape, CoactivitySettings())
        tested, found = self.test(ConditionalNull())
        course = CourseEnsembles(surrogates=0)
        self.ensembles, self.found = find_ensembles(
            self.events, self.ids, self.n_frames, FRAME_RATE, tested, found, course
        )

    def time_company(self, shape):
        company_features(self.events, self.ids, self.n_frames, FRAME_RATE, self.found, self.ensembles)
