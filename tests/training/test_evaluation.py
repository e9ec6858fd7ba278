import numpy as np
import pytest

pytest.importorskip("torch")


@pytest.mark.parametrize("n", [6, 13, 27])
def test_every_dataset_is_held_out_once(n):
    from training.evaluation import folds_of

    names = [f"DS{k:02}" for k in range(n)]
    folds = folds_of(names)
    assert len(folds) == 6
    assert sorted(sum(folds, ())) == names
    assert max(map(len, folds)) - min(map(len, folds)) <= 1


def test_the_table_has_a_row_a_dataset_and_the_means():
    from training.evaluation import table

    def scores(r, error, bias):
        return {f"sigma_{s}ms": {"corr": r, "error": error, "bias": bias} for s in (25, 50, 200)}

    told = {"DS01-GCaMP6f-m-V1.npz": scores(0.5, 1.0, -0.4), "DS02-OGB1-m-V1.npz": scores(0.7, 2.0, 0.6)}
    text = table(told, told)
    assert "| DS01-GCaMP6f-m-V1 | .500/.500/.500 | 1.00 | -0.40 |" in text
    # The bias of the mean is the mean of absolute biases.
    assert "| mean of 2 excitatory, bias absolute | .600/.600/.600 | 1.50 | +0.50 |" in text
    assert "inhibitory" not in text


def test_the_fitted_error_is_the_one_that_is_there():
    from training.calibration import fit_error

    rng = np.random.default_rng(0)
    rate = rng.uniform(0, 20, 200)
    points = np.stack([rate, 0.5 + 2 * rate + 0.1 * rate**2], axis=1)
    assert fit_error(points) == pytest.approx([0.5, 2, 0.1], rel=1e-3)
    assert (fit_error(np.stack([rate, 5 - 0.2 * rate], axis=1)) >= 0).all()


@pytest.mark.parametrize(
    ("frame_rate", "name"), [(7.5, "low"), (15.0, "main"), (30.0, "main"), (60.0, "fast")]
)
def test_scores_at_a_rate_need_the_band_that_serves_it_alone(frame_rate, name):
    from training.__main__ import _band_for
    from training.settings import TrainingSettings

    assert [band.name for band in _band_for(TrainingSettings(), frame_rate).bands] == [name]
