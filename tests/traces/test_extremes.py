"""What every trace stage must stand: huge and tiny units, very long recordings, workers far away."""

import pickle
from concurrent.futures import Executor, Future

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from napari_calcium.traces.background import HighPassBackground, LowerEnvelopeBackground, remove_background
from napari_calcium.traces.baseline import (
    MaximinBaseline,
    PercentileBaseline,
    SlidingPercentileBaseline,
    baseline,
)
from napari_calcium.traces.denoise import SavitzkyGolayDenoise, TransientDenoise, WaveletDenoise, denoise

STAGES = [
    (baseline, PercentileBaseline()),
    (baseline, SlidingPercentileBaseline()),
    (baseline, MaximinBaseline()),
    (remove_background, HighPassBackground()),
    (remove_background, LowerEnvelopeBackground()),
    (denoise, WaveletDenoise()),
    (denoise, WaveletDenoise(shift_invariant=False)),
    (denoise, SavitzkyGolayDenoise()),
    (denoise, TransientDenoise(indicator="GCaMP6s")),
]
stages = pytest.mark.parametrize(("stage", "method"), STAGES, ids=lambda x: getattr(x, "method", x))


class FarAway(Executor):
    """Runs what arrives after pickling, as a cluster or another process would."""

    def __init__(self):
        self.largest = 0

    def submit(self, fn, /, *args, **kwargs):
        message = pickle.dumps((fn, args, kwargs))
        self.largest = max(self.largest, len(message))
        fn, args, kwargs = pickle.loads(message)
        future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


# Transients are looked for in 16 rows at a time, more than there are here.
@pytest.mark.parametrize(("stage", "method"), STAGES[:-1], ids=lambda x: getattr(x, "method", x))
def test_work_can_be_sent_elsewhere_block_by_block(stage, method, monkeypatch):
    traces = np.random.default_rng(0).normal(1, 0.1, (6, 2000)).astype(np.float32)
    expected = stage(traces, 10, method)
    monkeypatch.setattr("napari_calcium.numerics.blocks._BLOCK_BYTES", 1)
    far_away = FarAway()
    assert_allclose(stage(traces, 10, method, executor=far_away), expected, atol=1e-6)
    assert far_away.largest < traces.nbytes / 4


@stages
@pytest.mark.parametrize("unit", [1e-30, 1e-6, 1e30])
def test_the_unit_may_be_huge_or_tiny(stage, method, unit):
    traces = np.random.default_rng(1).normal(1, 0.1, (2, 700))
    assert_allclose(stage(traces * unit, 10, method) / unit, stage(traces, 10, method), atol=0.02)


@stages
def test_a_million_frames(stage, method):
    rng = np.random.default_rng(2)
    traces = rng.standard_normal((1, 1_000_000), dtype=np.float32) + 10
    result = stage(traces, 30, method)
    assert result.shape == traces.shape
    assert np.isfinite(result).all()


@stages
def test_infinite_values_are_refused_by_name(stage, method):
    traces = np.ones((3, 50))
    traces[1, 7] = np.inf
    with pytest.raises(ValueError, match="row 1, frame 7"):
        stage(traces, 10, method)


@stages
def test_rows_do_not_see_each_other(stage, method):
    rng = np.random.default_rng(3)
    traces = rng.normal(1, 0.1, (3, 800)).astype(np.float32)
    alone = stage(traces[1:2], 10, method)
    traces[0] = 1e6
    traces[2] = np.nan
    assert_array_equal(stage(traces, 10, method)[1:2], alone)
