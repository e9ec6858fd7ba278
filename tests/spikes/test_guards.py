import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from napari_calcium.spikes.guards import find_doubts


@pytest.fixture
def traces(simulated):
    return simulated(n_rois=12, seconds=60)[0]


def the_only(doubts):
    assert len(doubts) == 1
    return doubts[0]


@pytest.mark.parametrize("frame_rate", [2.0, 7.5, 30.0, 120.0])
@pytest.mark.parametrize("noise_level", [0.8, 4.0, 25.0])
def test_ordinary_traces_raise_no_doubt(simulated, frame_rate, noise_level):
    made, _ = simulated(
        n_rois=8, seconds=2000 / frame_rate, frame_rate=frame_rate, rate=0.2, noise_level=noise_level
    )
    assert find_doubts(made, frame_rate) == ()


@pytest.mark.parametrize("decay", [0.15, 0.6, 1.5])
def test_slow_indicators_in_busy_cells_are_not_taken_for_smoothed(simulated, decay):
    made, _ = simulated(n_rois=8, seconds=60, decay=decay, rate=3.0, noise_level=1.0)
    assert find_doubts(made, 30.0) == ()


@pytest.mark.parametrize("rate", [1.0, 0.2])
def test_too_slow_a_recording(simulated, rate):
    made, _ = simulated(seconds=500 / rate, frame_rate=rate, decay=1.0, rate=0.05 * rate)
    assert "read the result as slow changes" in the_only(find_doubts(made, rate))


def test_too_fast_a_recording(simulated):
    made, _ = simulated(seconds=10, frame_rate=500.0)
    assert "average frames" in the_only(find_doubts(made, 500.0))


def test_denoised_traces_are_known_from_the_provenance(traces):
    assert "have been denoised" in the_only(find_doubts(traces, 30.0, stages=("baseline", "denoise")))
    assert find_doubts(traces, 30.0, stages=("baseline", "background")) == ()


@pytest.mark.parametrize("sd", [1.0, 2.0, 5.0])
def test_smoothed_traces_are_known_from_their_steps(traces, sd):
    assert "look denoised, smoothed" in the_only(find_doubts(gaussian_filter1d(traces, sd, axis=1), 30.0))


def test_interpolated_traces_are_known_from_their_steps(traces):
    at = np.arange(0, traces.shape[1] - 1, 0.25)
    finer = np.array([np.interp(at, np.arange(traces.shape[1]), row) for row in traces])
    assert "interpolated" in the_only(find_doubts(finer, 120.0))


def test_deconvolved_traces_are_known_from_their_zeros_and_from_their_unit(simulated):
    spikes = simulated(n_rois=5)[1]
    assert "deconvolved already" in the_only(find_doubts(spikes, 30.0))
    assert "deconvolved already" in the_only(find_doubts(spikes + 0.1, 30.0, unit="spikes/s"))


def test_raw_fluorescence_is_known_from_its_level_and_from_its_unit(traces):
    assert "raw fluorescence" in the_only(find_doubts(500 * (1 + traces), 30.0))
    assert "raw fluorescence" in the_only(find_doubts(traces, 30.0, unit="a.u."))


def test_noise_beyond_what_was_trained(simulated):
    noisy, _ = simulated(n_rois=10, noise_level=60.0)
    assert "10 of 10 traces are noisier" in the_only(find_doubts(noisy, 30.0))
    clean, _ = simulated(n_rois=10, noise_level=0.1, rate=0.1)
    assert "10 of 10 traces have less noise" in the_only(find_doubts(clean, 30.0))


def test_a_few_noisy_neurons_are_no_reason_for_a_warning(simulated):
    made = np.concatenate([simulated(n_rois=18)[0], simulated(n_rois=2, noise_level=60.0)[0]])
    assert find_doubts(made, 30.0) == ()


def test_per_cent_in_place_of_fractions(simulated):
    made = 100 * simulated(n_rois=8, rate=0.2)[0]
    assert any("per cent" in doubt for doubt in find_doubts(made, 30.0))


@pytest.mark.parametrize(
    "made",
    [
        np.zeros((0, 50)),
        np.zeros((3, 1)),
        np.zeros((3, 50)),
        np.full((2, 50), np.nan),
        np.full((1, 1), np.nan),
        np.full((2, 500), 1e30),
    ],
)
def test_extreme_recordings_are_looked_at_without_complaint(made):
    assert isinstance(find_doubts(made, 30.0), tuple)


def test_gaps_do_not_count(traces):
    traces[:, ::7] = np.nan
    traces[3] = np.nan
    assert find_doubts(traces, 30.0) == ()
