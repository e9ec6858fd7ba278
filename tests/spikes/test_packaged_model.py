"""The networks that come with the program, on traces that were simulated for these tests."""

from importlib import resources

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from napari_calcium.numerics.noise import noise_level
from napari_calcium.spikes.ensemble import default_ensemble
from napari_calcium.spikes.inference import infer_spike_rate, spike_rate_error

EXCITATORY = {"indicator": "GCaMP6s", "cell_type": "excitatory"}


def correlations(rate, spikes, frame_rate, width_s):
    smooth = [gaussian_filter1d(x.astype(float), width_s * frame_rate, axis=1) for x in (rate, spikes)]
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(*smooth, strict=True)])


def test_the_weights_are_small():
    folder = resources.files("napari_calcium.spikes") / "weights"
    assert len((folder / "spike_network.npz").read_bytes()) < 2_000_000
    assert (folder / "README.md").read_text(encoding="utf-8").startswith("# Model card")


def test_every_frame_rate_is_served_by_networks():
    for rate in (0.5, 2.0, 14.99, 15.0, 62.0):
        assert default_ensemble()._serving(rate)


@pytest.mark.parametrize(
    ("frame_rate", "least"), [(5.0, 0.6), (15.0, 0.7), (30.0, 0.7), (60.0, 0.7), (120.0, 0.7)]
)
def test_spikes_of_a_simulated_cell_are_found(simulated, frame_rate, least):
    traces, spikes = simulated(n_rois=4, frame_rate=frame_rate, decay=0.7, noise_level=2.0)
    for told in ({}, EXCITATORY):
        rate = infer_spike_rate(traces, frame_rate, **told)
        assert np.median(correlations(rate, spikes, frame_rate, 0.2)) > least


@pytest.mark.parametrize("frame_rate", [7.5, 20.0, 30.0, 60.0, 120.0])
def test_a_spike_comes_out_on_its_own_frame(simulated, frame_rate):
    traces, spikes = simulated(n_rois=12, frame_rate=frame_rate, rate=0.3, decay=0.4, noise_level=1.0)
    rate = infer_spike_rate(traces, frame_rate, indicator="GCaMP6f")
    shifts = range(-6, 7)
    match = [np.sum(spikes[:, 10:-10] * np.roll(rate, -k, axis=1)[:, 10:-10]) for k in shifts]
    # Within a frame of the network: above 62 Hz it sees averages of groups.
    assert abs(shifts[int(np.argmax(match))]) <= max(1, round(frame_rate / 62))


def test_more_noise_means_a_worse_result_not_more_spikes(simulated):
    means, r = [], []
    for level in (1.0, 4.0, 16.0):
        traces, spikes = simulated(n_rois=6, noise_level=level, rate=0.3)
        rate = infer_spike_rate(traces, 30.0)
        means.append(rate.mean())
        r.append(np.median(correlations(rate, spikes, 30.0, 0.05)))
    assert r[0] > r[1] > r[2]
    assert means[2] < 2 * means[0]


@pytest.mark.parametrize(("level", "most"), [(2.0, 0.1), (8.0, 0.3), (20.0, 0.6)])
def test_noise_alone_gives_few_spikes(simulated, level, most):
    noise, _ = simulated(n_rois=10, rate=0.0, noise_level=level)
    for told in ({}, EXCITATORY):
        assert infer_spike_rate(noise, 30.0, **told).mean() < most


def test_the_ends_are_like_the_middle(simulated):
    traces, _ = simulated(n_rois=40, rate=0.5, noise_level=2.0, seconds=40)
    rate = infer_spike_rate(traces, 30.0)
    middle = rate[:, 300:900].mean()
    assert 0.3 < rate[:, 5:35].mean() / middle < 3
    assert 0.3 < rate[:, -35:-5].mean() / middle < 3


def test_an_interneuron_has_more_spikes_for_the_same_trace(simulated):
    traces, _ = simulated(n_rois=6, rate=2.0)
    excitatory, inhibitory = (
        infer_spike_rate(traces, 30.0, indicator="GCaMP6f", cell_type=kind)
        for kind in ("excitatory", "inhibitory")
    )
    assert inhibitory.mean() > 1.5 * excitatory.mean()
    assert np.corrcoef(excitatory[0], inhibitory[0])[0, 1] == pytest.approx(1, abs=1e-4)


def test_one_neuron_or_many_whole_or_in_rows(simulated):
    traces, _ = simulated(n_rois=5, frame_rate=60.0)
    together = infer_spike_rate(traces, 60.0, **EXCITATORY)
    for row in range(5):
        alone = infer_spike_rate(traces[row : row + 1], 60.0, **EXCITATORY)
        assert alone[0] == pytest.approx(together[row], abs=1e-5)


def test_the_error_grows_with_noise_and_with_the_rate(simulated):
    traces, _ = simulated(n_rois=1)
    level = noise_level(traces, 30.0)
    rates = np.repeat([[0.1], [2.0], [20.0]], 200, axis=1).astype(np.float32)
    errors = [spike_rate_error(rates, 30.0, np.full(3, noise))[:, 100] for noise in (level[0], 8.0)]
    assert (np.diff(errors, axis=1) > 0).all()
    assert (errors[1][1:] > errors[0][1:]).all()
