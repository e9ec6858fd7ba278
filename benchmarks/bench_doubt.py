"""Time of judging events, of comparing two results, and of trying other settings."""

import numpy as np

from napari_calcium.doubt.comparison import match_events
from napari_calcium.doubt.stability import knobs_of
from napari_calcium.doubt.variants import variant
from napari_calcium.events.validation import review, validate_events
from napari_calcium.pipeline import run
from napari_calcium.results.event_choices import EventChoice
from napari_calcium.results.tables import Events
from napari_calcium.simulate import SimulationSettings, simulate

RATE = 10.0
N_FRAMES = 15_000


def some_events(n_rois, each, seed=0):
    """Return `each` events of every cell at random moments."""
    rng = np.random.default_rng(seed)
    onset = np.sort(rng.uniform(0, N_FRAMES / RATE, (n_rois, each)), axis=1).ravel()
    cell = np.repeat(np.arange(n_rois), each)
    n = len(onset)
    return Events(cell, onset, onset + 0.2, onset + 1, np.ones(n), np.full(n, 0.5))


class Judging:
    """A review of all events after a decision, which happens with every key; and applying all decisions."""

    params = ((1_000, 20_000), (10, 2_000))
    param_names = ("cells", "decisions")

    def setup(self, n_rois, n_choices):
        self.events = some_events(n_rois, 50)
        rng = np.random.default_rng(1)
        rows = rng.choice(len(self.events), n_choices, replace=False)
        self.ids = np.arange(n_rois)
        self.choices = tuple(
            EventChoice(int(self.events.roi_id[k]), float(self.events.onset_s[k]), "reject") for k in rows
        )
        self.traces = rng.standard_normal((n_rois, 2_000), dtype=np.float32)
        self.reviewed = review(self.events, self.choices, self.ids, RATE, N_FRAMES)
        validate_events(self.events, self.reviewed, self.traces, RATE, self.ids)

    def time_review(self, n_rois, n_choices):
        review(self.events, self.choices, self.ids, RATE, N_FRAMES)

    def time_apply(self, n_rois, n_choices):
        validate_events(self.events, self.reviewed, self.traces, RATE, self.ids)


class Comparing:
    """Matching of two tables of events."""

    params = (1_000, 20_000)
    param_names = ("cells",)

    def setup(self, n_rois):
        self.a, self.b = some_events(n_rois, 50), some_events(n_rois, 50, seed=1)

    def time_match(self, n_rois):
        match_events(self.a, self.b)


class Trying:
    """One value of each setting, as the Stability dock tries them: what is before the stage is kept."""

    params = ("events", "coactivity", "significance", "ensembles")
    param_names = ("stage",)
    timeout = 300

    def setup(self, stage):
        made = simulate(
            SimulationSettings(n_rois=120, n_frames=3_000, frame_rate=RATE, n_ensembles=5, seed=3)
        )
        self.recording = run(made.to_recording().replace(movie=None))
        knob = next(k for k in knobs_of(self.recording) if k.stage == stage)
        self.change = {stage: knob.at(knob.values[-1])}

    def time_variant(self, stage):
        variant(self.recording, self.change)
