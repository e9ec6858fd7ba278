from dataclasses import replace

import numpy as np
import pytest

from napari_calcium.numerics.noise import noise_level

pytest.importorskip("torch")


@pytest.fixture
def trial(ground_truth):
    from training.ground_truth import load_datasets

    return load_datasets(ground_truth)[0].trials[0]


@pytest.fixture
def plain(small):
    """Nothing changes but the frame rate."""
    return replace(small, stretch=1.0, gain=(1.0, 1.0), drifting=0.0, noisiest=0.001, longest_s=1e9)


@pytest.mark.parametrize("factor", [0.25, 0.5, 1.7, 4.0])
def test_resampling_keeps_slow_courses_where_they_are(factor):
    from training.augmentation import resample_trace

    time = np.arange(900) / 30
    made = resample_trace(np.sin(time).astype(np.float32), factor)
    at = np.arange(made.size) * (900 / made.size) / 30
    assert made[5:-5] == pytest.approx(np.sin(at)[5:-5], abs=0.02)


@pytest.mark.parametrize("rate", [7.5, 15.0, 30.0, 45.0])
def test_spikes_stay_on_their_frames_at_any_rate(trial, plain, rate):
    from training.augmentation import augment

    trace, counts = augment(trial, rate, plain, np.random.default_rng(0))
    expected = np.round(trial.spikes * rate).astype(int)
    assert counts.sum() == len(trial.spikes)
    assert np.array_equal(np.flatnonzero(counts), np.unique(expected))
    # Fluorescence rises on the frame of its spike or the next.
    rise = np.diff(trace)
    after = [rise[frame - 1 : frame + 2].max() for frame in expected if 2 < frame < trace.size - 3]
    assert np.median(after) > 0.1


def test_noise_is_added_to_a_level_within_the_range(trial, plain):
    from training.augmentation import augment

    rng = np.random.default_rng(1)
    noisy = replace(plain, noisiest=16.0)
    levels = [noise_level(augment(trial, 30.0, noisy, rng)[0][None], 30.0)[0] for _ in range(40)]
    there = noise_level(trial.dff[None], 30.0)[0]
    assert min(levels) > 0.9 * there
    assert 8 < max(levels) < 18


def transient(decay_s, frame_rate, n_frames=400):
    time = (np.arange(n_frames) - 50) / frame_rate
    return np.where(time >= 0, np.exp(-np.maximum(time, 0) / decay_s), 0).astype(np.float32)


@pytest.mark.parametrize("frame_rate", [7.5, 30.0, 60.0])
def test_another_decay_keeps_the_onset_and_lasts_as_long_as_it_should(small, frame_rate):
    from training.augmentation import _as_another

    # A range of one value: this transient has that decay, and comes out with one within the factor.
    one = replace(small, decays_s=(0.5, 0.5), other_decay=2.0, other_curvature=1.0)
    rng, found = np.random.default_rng(0), []
    for _ in range(40):
        made = _as_another(transient(0.5, frame_rate), frame_rate, one, rng)
        assert made.argmax() == 50
        assert made[50] == pytest.approx(1.0, abs=1e-5)
        assert made[:50] == pytest.approx(np.zeros(50), abs=1e-6)
        found.append(-1 / (frame_rate * np.log(made[51])))
        assert made == pytest.approx(transient(found[-1], frame_rate), abs=1e-4)
    assert 0.25 <= min(found) < 0.3
    assert 0.8 < max(found) <= 1.0


def test_another_curvature_bends_what_is_high_and_nothing_else(small):
    from training.augmentation import _as_another

    one = replace(small, decays_s=(0.5, 0.5), other_decay=1.0, other_curvature=1.5)
    trace = np.linspace(-0.2, 3.0, 500).astype(np.float32)
    rng, ends = np.random.default_rng(1), []
    for _ in range(40):
        made = _as_another(trace, 30.0, one, rng)
        assert (np.diff(made) > 0).all()
        low = np.abs(trace) < 0.02
        assert made[low] == pytest.approx(trace[low], abs=1e-3)
        assert made[trace < 0] == pytest.approx(trace[trace < 0], abs=1e-5)
        ends.append(made[-1])
    assert min(ends) < 2.4
    assert max(ends) > 4.2


def test_a_cell_shown_as_another_keeps_its_spikes(trial, plain):
    from training.augmentation import augment

    other = replace(plain, other_decay=2.0, other_curvature=1.5)
    for seed in range(5):
        trace, counts = augment(trial, 30.0, other, np.random.default_rng(seed), as_another=True)
        plainly, same = augment(trial, 30.0, other, np.random.default_rng(seed))
        assert np.array_equal(counts, same)
        assert not np.allclose(trace, plainly, atol=0.01)
        follows = np.correlate(np.diff(trace), counts[1:] - counts.mean(), "full")
        assert abs(int(follows.argmax()) - (counts.size - 2)) <= 1


def test_what_was_changed_is_not_told_as_the_indicator_it_was(ground_truth, small):
    from training.augmentation import batches
    from training.ground_truth import load_datasets

    datasets = load_datasets(ground_truth)
    for share in (0.0, 1.0):
        made = batches(datasets, replace(small, as_another=share), np.random.default_rng(0))
        unknown = np.concatenate([batch.family for batch in made]) == 0
        assert unknown.all() if share else not unknown.any()


def test_stretching_moves_spikes_with_the_trace(trial, plain):
    from training.augmentation import augment

    slower = replace(plain, stretch=1.3)
    lengths = set()
    for seed in range(5):
        trace, counts = augment(trial, 30.0, slower, np.random.default_rng(seed))
        lengths.add(trace.size)
        assert counts.sum() == len(trial.spikes)
        follows = np.correlate(np.diff(trace), counts[1:] - counts.mean(), "full")
        assert abs(int(follows.argmax()) - (counts.size - 2)) <= 1
    assert len(lengths) > 1


def test_too_much_upsampling_is_refused(trial, plain):
    from training.augmentation import augment

    assert augment(trial, 400.0, plain, np.random.default_rng(0)) is None


def test_a_round_is_decided_by_its_seed(ground_truth, small):
    from training.augmentation import batches
    from training.ground_truth import load_datasets

    datasets = load_datasets(ground_truth)
    first, again, other = (batches(datasets, small, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert len(first) == small.round
    for one, two in zip(first, again, strict=True):
        assert np.array_equal(one.traces, two.traces)
        assert one.traces.shape == (small.batch, small.segment)
        assert (one.counted <= one.valid).all()
    assert not np.array_equal(first[0].traces, other[0].traces)


def test_datasets_are_read_with_what_their_names_tell(ground_truth):
    from training.ground_truth import load_datasets

    first, second = load_datasets(ground_truth)
    assert (first.indicator, first.cell_type) == ("GCaMP6f", "excitatory")
    assert (second.indicator, second.cell_type) == ("OGB1", "inhibitory")
    assert second.trials[0].frame_rate == pytest.approx(15.0)
    assert [d.name for d in load_datasets(ground_truth, without=("DS01",))] == [second.name]
    with pytest.raises(FileNotFoundError, match="give the folder of the ground truth"):
        load_datasets(ground_truth / "nowhere")


def test_segments_of_a_trace_stand_together(ground_truth, small):
    from training.augmentation import batches
    from training.ground_truth import load_datasets

    made = batches(load_datasets(ground_truth), small, np.random.default_rng(5))
    for batch in made:
        for name in ("features", "noise_level", "frame_rate", "variance", "family"):
            values = getattr(batch, name).reshape(small.batch // small.together, small.together, -1)
            assert (values == values[:, :1]).all()
    assert max(len(np.unique(batch.noise_level)) for batch in made) == small.batch // small.together
