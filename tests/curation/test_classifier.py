import json

import numpy as np
import pytest

from napari_calcium.curation.classifier import CellClassifier, train_classifier
from napari_calcium.settings import SettingsError


def candidates(n=300, seed=0):
    """Return quality columns, of which two tell cells from others, and which are cells."""
    rng = np.random.default_rng(seed)
    cells = rng.random(n) < 0.6
    return {
        "snr": rng.lognormal(1 + 1.2 * cells, 0.5),
        "compactness": rng.normal(0.5 + 0.2 * cells, 0.1),
        "area_px": rng.normal(100, 30, n),
    }, cells


def test_learns_what_the_user_decides_by():
    quality, cells = candidates()
    few = np.arange(300) < 60
    trained = train_classifier(quality, cells, few)
    probability = trained.probability(quality)
    assert ((probability > 0.5) == cells)[~few].mean() > 0.9
    assert trained.accuracy > 0.85
    assert trained.n_accepted + trained.n_rejected == 60
    weight = dict(zip(trained.columns, np.abs(trained.weight), strict=True))
    assert weight["area_px"] < min(weight["snr"], weight["compactness"])


def test_decisions_at_random_teach_nothing():
    quality, _ = candidates()
    accuracies = [
        train_classifier(quality, np.random.default_rng(100 + k).random(300) < 0.5).accuracy for k in range(5)
    ]
    assert abs(np.mean(accuracies) - 0.5) < 0.06


def test_units_do_not_matter():
    quality, cells = candidates()
    other = {name: 1000 * values + 5 for name, values in quality.items()}
    np.testing.assert_allclose(
        train_classifier(quality, cells).probability(quality),
        train_classifier(other, cells).probability(other),
        atol=1e-6,
    )


def test_what_is_missing_counts_as_average_and_odd_values_do_no_harm():
    quality, cells = candidates()
    quality["snr"] = quality["snr"].copy()
    quality["snr"][::7], quality["snr"][3] = np.nan, np.inf
    quality["never"] = np.full(300, np.nan)
    trained = train_classifier(quality, cells)
    assert "never" not in trained.columns
    assert np.isfinite(trained.probability(quality)).all()
    assert ((trained.probability(quality) > 0.5) == cells).mean() > 0.85


def test_saved_and_loaded_it_is_the_same(tmp_path):
    quality, cells = candidates()
    trained = train_classifier(quality, cells)
    trained.save(tmp_path / "mine.json")
    assert CellClassifier.load(tmp_path / "mine.json") == trained


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": "other"}', '{"format": "napari-calcium cell classifier"}']
)
def test_another_file_is_told_in_a_line(tmp_path, content):
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(SettingsError, match=r"^other\.json: not a cell classifier"):
        CellClassifier.load(path)


@pytest.mark.parametrize(
    "damage", [{"weight": [1.0]}, {"offset": float("nan")}, {"extra": 1}, {"middle": ["a"]}]
)
def test_a_damaged_file_is_told_in_a_line(tmp_path, damage):
    quality, cells = candidates()
    path = tmp_path / "mine.json"
    train_classifier(quality, cells).save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    with pytest.raises(SettingsError, match="not a cell classifier"):
        CellClassifier.load(path)


def test_too_few_decisions_are_refused():
    quality, cells = candidates(20)
    with pytest.raises(SettingsError, match="at least 5 accepted and 5 rejected"):
        train_classifier(quality, np.ones(20, bool))
    with pytest.raises(SettingsError, match="no quality numbers"):
        train_classifier({}, cells)
    with pytest.raises(SettingsError, match="which these cells have not"):
        train_classifier(*candidates()).probability({"snr": [1.0]})
