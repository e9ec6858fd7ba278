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
