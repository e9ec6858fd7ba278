import numpy as np
import pytest

from napari_calcium.spikes import network as module
from napari_calcium.spikes.ensemble import compress, condition_rows
from napari_calcium.spikes.trace_traits import measure_traits


def naive(network, inputs, modulation):
    """Every sum written out: frame by frame, tap by tap, zeros beyond the ends."""
    n_frames = inputs.shape[1]
    channels = len(network.first_bias)

    def convolved(values, weight, dilation):
        taps = len(weight) // len(values)
        made = np.zeros((weight.shape[1], n_frames))
        for frame in range(n_frames):
            for k in range(taps):
                seen = frame + (k - taps // 2) * dilation
                if 0 <= seen < n_frames:
                    made[:, frame] += values[:, seen] @ weight[k * len(values) : (k + 1) * len(values)]
        return made

    def modulated(values, bias, pair):
        return np.maximum((values + bias[:, None]) * (1 + pair[0][:, None]) + pair[1][:, None], 0)

    state = modulated(convolved(inputs, network.first, 1), network.first_bias, modulation[0])
    for k, (weight, bias) in enumerate(zip(network.layers, network.biases, strict=True), start=1):
        state = state + modulated(convolved(state, weight, network.dilations[k - 1]), bias, modulation[k])
    assert state.shape == (channels, n_frames)
    return np.log1p(np.exp(network.out @ state + network.out_bias))


@pytest.fixture
def case(ensemble, simulated):
    traces, _ = simulated(n_rois=2, seconds=4)
    traits = measure_traits(traces, 30.0)
    network = ensemble.networks[0]
    modulation = network.modulate(condition_rows(traits, 30.0, 2, 1))
    return network, compress(traces[0], traits.noise_sd[0]), modulation[0]


def test_the_network_is_what_its_formula_says(case):
    network, inputs, modulation = case
    assert network.run(inputs, modulation) == pytest.approx(naive(network, inputs, modulation), abs=1e-5)


@pytest.mark.parametrize("block", [17, 64, 119, 120])
def test_blocks_of_any_length_give_the_same(case, block, monkeypatch):
    network, inputs, modulation = case
    whole = network.run(inputs, modulation)
    monkeypatch.setattr(module, "_BLOCK", block)
    assert network.run(inputs, modulation) == pytest.approx(whole, abs=1e-6)


def test_a_frame_depends_on_frames_within_reach_and_on_no_others(case):
    network, inputs, modulation = case
    assert network.reach == 7 + 2 * (1 + 2 + 4)
    changed = inputs.copy()
    changed[:, 60] += 1
    differs = np.flatnonzero(network.run(inputs, modulation) != network.run(changed, modulation))
    assert differs.min() >= 60 - network.reach
    assert differs.max() <= 60 + network.reach


@pytest.mark.parametrize("n_frames", [1, 2, 5, 16])
def test_traces_shorter_than_the_reach_have_a_result(case, n_frames):
    network, inputs, modulation = case
    short = np.ascontiguousarray(inputs[:, :n_frames])
    assert network.run(short, modulation) == pytest.approx(naive(network, short, modulation), abs=1e-5)


def test_a_trace_delayed_by_a_frame_gives_the_result_a_frame_later(case):
    network, inputs, modulation = case
    later = np.ascontiguousarray(np.roll(inputs, 1, axis=1))
    inner = slice(network.reach + 1, -network.reach - 1)
    moved = np.roll(network.run(inputs, modulation), 1)
    assert network.run(later, modulation)[inner] == pytest.approx(moved[inner], abs=1e-6)


def test_inputs_and_weights_are_left_as_they_are(case):
    network, inputs, modulation = case
    for array in (inputs, modulation, network.first, *network.layers):
        array.flags.writeable = False  # an error where it is written to
    before = inputs.copy()
    network.run(inputs, modulation)
    np.testing.assert_array_equal(inputs, before)
