import numpy as np
import pytest

from napari_calcium.figures.rate_band import RateBand, rate_source
from napari_calcium.numerics.noise import noise_level
from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.spikes.inference import spike_rate_error

RATE = 20.0
RNG = np.random.default_rng(0)
DFF = (0.1 * RNG.standard_normal((3, 600))).astype(np.float32)
SPIKES = np.abs(RNG.standard_normal((3, 600))).astype(np.float32)


def inferred(**settings) -> Recording:
    made = Recording("r", np.arange(3), RATE, {"dff": Trace(DFF, "ΔF/F")})
    entry = LogEntry("spikes", settings, ("traces/dff",), ("traces/spikes",))
    return made.with_step(entry, traces={"spikes": Trace(SPIKES, "spikes/s")})


def test_the_band_is_the_error_around_the_smoothed_rate():
    low, high = RateBand(SPIKES[1], DFF[1], RATE).between(0, 600)
    error = spike_rate_error(SPIKES, RATE, noise_level(DFF, RATE))[1]
    wide = low > 0
    assert np.allclose((high - low)[wide], 2 * error[wide], rtol=1e-5)
    assert low.min() >= 0 and (high > low).all()


@pytest.mark.parametrize(("start", "stop"), [(0, 50), (200, 260), (570, 600), (5, 5)])
def test_a_part_of_the_band_is_that_part_of_the_whole(start, stop):
    band = RateBand(SPIKES[0], DFF[0], RATE)
    for part, whole in zip(band.between(start, stop), band.between(0, 600), strict=True):
        assert np.allclose(part, whole[start:stop], atol=1e-5)


def test_where_the_rate_is_missing_so_is_the_band():
    rate = SPIKES[0].copy()
    rate[100:120] = np.nan
    for side in RateBand(rate, DFF[0], RATE).between(90, 130):
        assert np.isnan(side[10:30]).all() and np.isfinite(side[:10]).all() and np.isfinite(side[30:]).all()


def test_the_error_is_known_of_the_network_alone():
    assert np.array_equal(rate_source(inferred(method="network")), DFF)
    assert rate_source(inferred(method="deconvolution")) is None
    assert rate_source(inferred(method="network").replace(log=())) is None
    gone = inferred(method="network")
    assert rate_source(gone.replace(traces={"spikes": gone.traces["spikes"]})) is None
