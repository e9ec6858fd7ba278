from dataclasses import asdict, replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.special import gammaln
from scipy.stats import poisson

from napari_calcium.spikes.ensemble import compress, condition_rows
from napari_calcium.spikes.inference import infer_spike_rate
from napari_calcium.spikes.trace_traits import measure_traits

torch = pytest.importorskip("torch")


@pytest.fixture
def datasets(ground_truth):
    from training.ground_truth import load_datasets

    return load_datasets(ground_truth)


def test_numpy_and_torch_give_the_same(small):
    from training.exporting import ensemble_of
    from training.settings import TrainingSettings
    from training.torch_network import SpikeNetwork

    torch.manual_seed(1)
    traces = np.random.default_rng(0).normal(0, 0.1, (3, 700)).astype(np.float32)
    for settings in (small, replace(TrainingSettings(), bands=small.bands)):
        network = SpikeNetwork(settings).eval()
        traits = measure_traits(traces, 20.0)
        known = condition_rows(traits, 20.0, 4, 1)
        inputs = np.stack([compress(t, s) for t, s in zip(traces, traits.noise_sd, strict=True)])
        with torch.no_grad():
            expected = network(*map(torch.from_numpy, (inputs, known, np.ones_like(traces)))).numpy()
        ensemble = ensemble_of([network], settings)
        modulation = ensemble.networks[0].modulate(known)
        for row in range(3):
            made = ensemble.networks[0].run(inputs[row], modulation[row])
            assert made == pytest.approx(expected[row], abs=1e-5)


def test_training_sees_the_inputs_and_conditions_of_inference(datasets, small):
    from training.augmentation import batches
    from training.fitting import network_inputs
    from training.torch_network import conditions

    told = replace(small, feature_noise=0.0, indicator_hidden=0.0, cell_type_hidden=0.0)
    batch = batches(datasets, told, np.random.default_rng(0))[0]
    known = conditions(batch, told, torch.Generator()).numpy()
    inputs = network_inputs(batch).numpy()
    for row in range(small.batch):
        from napari_calcium.spikes.trace_traits import TraceTraits

        traits = TraceTraits(*(a[row : row + 1] for a in (batch.noise_sd, batch.noise_level, batch.features)))
        rate, family, kind = batch.frame_rate[row], batch.family[row], batch.cell_type[row]
        assert known[row] == pytest.approx(condition_rows(traits, rate, family, kind)[0], abs=1e-5)
        assert inputs[row] == pytest.approx(compress(batch.traces[row], batch.noise_sd[row]), abs=1e-5)


def smoothed_products(one, other, batch, row):
    """Mean product of two courses, smoothed by 25, 50 and 200 ms at 30 Hz."""
    total = 0.0
    for width, share in ((0.75, 1), (1.5, 1), (6.0, 2)):
        smooth = [
            gaussian_filter1d(np.pad(x[row] * batch.counted[row], 200).astype(float), width, truncate=8)
            for x in (one, other)
        ]
        total += share * width * (smooth[0] * smooth[1]).sum()
    return total / max(batch.counted[row].sum(), 50)


@pytest.fixture
def at_30_hz(datasets, small):
    from training.augmentation import batches

    return batches(datasets, replace(small, main_share=1.0), np.random.default_rng(0))[0]


_TERMS = ("correlation", "course", "count", "likelihood")


def alone(small, **weights):
    """Settings with one term of the loss."""
    return replace(small, **(dict.fromkeys([f"{n}_weight" for n in _TERMS], 0.0) | weights))


def test_course_and_count_are_what_is_written(at_30_hz, small):
    from training.torch_network import spike_loss

    batch = at_30_hz
    predicted = np.random.default_rng(1).uniform(0, 0.3, batch.traces.shape).astype(np.float32)
    courses, counts = [], []
    for row in range(small.batch):
        difference = predicted - batch.counts
        courses.append(smoothed_products(difference, difference, batch, row) / (batch.variance[row] + 0.01))
        counted = batch.counted[row]
        ratio = ((predicted[row] * counted).sum() + 2) / ((batch.counts[row] * counted).sum() + 2)
        error = abs(np.log(ratio))
        counts.append(error**2 / 0.4 if error < 0.2 else error - 0.1)
    for settings, expected in (
        (alone(small, course_weight=2.0), 2 * np.mean(courses)),
        (alone(small, count_weight=3.0), 3 * np.mean(counts)),
    ):
        made = float(spike_loss(torch.from_numpy(predicted), batch, 0.01, settings))
        assert made == pytest.approx(expected, rel=0.02)


def test_the_correlation_is_that_of_all_segments_of_a_trace(at_30_hz, small):
    from training.torch_network import spike_loss

    batch = at_30_hz
    predicted = np.random.default_rng(2).uniform(0, 0.3, batch.traces.shape).astype(np.float32)
    pairs = ((predicted, batch.counts), (predicted, predicted), (batch.counts, batch.counts))
    found = []
    for rows in np.arange(small.batch).reshape(-1, small.together):
        both, own, true = (np.mean([smoothed_products(a, b, batch, r) for r in rows]) for a, b in pairs)
        found.append(1 - both / np.sqrt((own + 0.001) * (true + 0.001)))
    made = float(spike_loss(torch.from_numpy(predicted), batch, 0.01, alone(small, correlation_weight=1.0)))
    assert made == pytest.approx(np.mean(found), rel=0.02)


def test_the_likelihood_is_that_of_poisson_and_least_for_the_true_rate(at_30_hz, small):
    from training.torch_network import spike_loss

    batch, likelihood = at_30_hz, alone(small, likelihood_weight=2.0)
    rng = np.random.default_rng(3)
    predicted = rng.uniform(0.05, 0.3, batch.traces.shape).astype(np.float32)
    expected = []
    for row in range(small.batch):
        seen = batch.counted[row] > 0
        rate, spikes = predicted[row, seen].astype(float), batch.counts[row, seen]
        # The factorial does not depend on the prediction and is left out.
        losses = -(poisson.logpmf(spikes, rate) + gammaln(spikes + 1))
        expected.append(losses.sum() / max(seen.sum(), 50) / np.sqrt(batch.variance[row] + 0.01))
    made = float(spike_loss(torch.from_numpy(predicted), batch, 0.01, likelihood))
    assert made == pytest.approx(2 * np.mean(expected), rel=0.03)

    rate = np.full_like(predicted, batch.counts[batch.counted > 0].mean())
    true, lower, higher = (
        float(spike_loss(torch.from_numpy((k * rate).astype(np.float32)), batch, 1e6, likelihood))
        for k in (1.0, 0.5, 2.0)
    )
    assert true < min(lower, higher)


def test_how_much_one_spike_gives_does_not_count_for_the_course(at_30_hz, small):
    from training.torch_network import spike_loss

    course = alone(small, correlation_weight=1.0)
    perfect = torch.from_numpy(at_30_hz.counts)
    losses = [float(spike_loss(factor * perfect, at_30_hz, 1e-6, course)) for factor in (0.3, 1.0, 3.0)]
    assert losses == pytest.approx([0, 0, 0], abs=1e-3)
    assert float(spike_loss(perfect.roll(10, 1), at_30_hz, 1e-6, course)) > 0.1


def test_a_training_that_was_broken_off_ends_as_if_it_was_not(datasets, small, tmp_path):
    from training.fitting import fit

    class Killed(Exception):
        pass

    def kill(line):
        raise Killed

    whole = fit(datasets, small, 0, tmp_path / "whole.pt", lambda line: None)
    with pytest.raises(Killed):
        fit(datasets, replace(small, saved_every=2), 0, tmp_path / "part.pt", kill)
    resumed = fit(datasets, small, 0, tmp_path / "part.pt", lambda line: None)
    for one, two in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(one, two)


def test_each_band_has_its_networks_and_serves_its_rates(small):
    from training.exporting import ensemble_of
    from training.settings import TrainingSettings
    from training.torch_network import SpikeNetwork

    bands = TrainingSettings().bands
    settings = replace(small, networks=2, bands=bands)
    ensemble = ensemble_of([SpikeNetwork(small) for _ in range(2 * len(bands))], settings)
    assert ensemble.card["serves"] == [list(band.serves) for band in bands for _ in range(2)]
    for low, high in pairwise(bands):
        assert low.serves[1] == high.serves[0]
        # Trained beyond where they serve, on both sides.
        assert low.rates[1] > low.serves[1] > high.rates[0]
    assert settings.for_band(bands[0]).rates == bands[0].rates
    one = replace(bands[0], own=(("channels", 3), ("as_another", 0.25)))
    own = settings.for_band(one)
    assert (own.channels, own.as_another, own.hidden) == (3, 0.25, settings.hidden)
    assert SpikeNetwork(own).arrays()["out"].shape == (3,)


def test_members_of_an_ensemble_differ(datasets, small, tmp_path):
    from training.fitting import fit

    one, two = (fit(datasets, small, k, tmp_path / f"{k}.pt", lambda line: None) for k in range(2))
    assert not torch.equal(one.out.weight, two.out.weight)


def test_training_lowers_the_loss(datasets, small, tmp_path):
    from training.fitting import fit

    lines = []
    fit(datasets, replace(small, round=10, rounds=30, saved_every=15), 0, tmp_path / "c.pt", lines.append)
    losses = [float(line.rsplit(" ", 1)[1]) for line in lines]
    assert losses[-1] < losses[0]


def test_the_file_has_the_same_bytes_each_time_and_the_same_networks(small, tmp_path):
    from training.exporting import ensemble_of, write
    from training.torch_network import SpikeNetwork

    torch.manual_seed(0)
    network = SpikeNetwork(small)
    for name in ("a.npz", "b.npz"):
        write(tmp_path / name, [network], small, datasets=["DS01"])
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    from napari_calcium.spikes.ensemble import ensemble_from

    with np.load(tmp_path / "a.npz") as stored:
        read = ensemble_from(dict(stored))
    traces = np.random.default_rng(0).normal(0, 0.1, (2, 300)).astype(np.float32)
    expected = infer_spike_rate(traces, 30.0, ensemble=ensemble_of([network], small))
    assert np.array_equal(infer_spike_rate(traces, 30.0, ensemble=read), expected)
    assert read.card["datasets"] == ["DS01"]
    assert read.card["training"]["channels"] == asdict(small)["channels"]
