import numpy as np
import pytest

pytest.importorskip("torch")


@pytest.fixture
def ensemble(small):
    from training.exporting import ensemble_of
    from training.torch_network import SpikeNetwork

    return ensemble_of([SpikeNetwork(small)], small, datasets=["DS01-GCaMP6f-m-V1"])


def test_the_card_says_what_there_is_to_say(ensemble, small, tmp_path):
    from training.card import write_card

    write_card(tmp_path / "README.md", ensemble, small, "| a table |\n", "Held out by hand.")
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    network = ensemble.networks[0]
    arrays = [v for v in vars(network).values() if isinstance(v, np.ndarray)]
    n_weights = sum(a.size for a in (*arrays, *network.layers, *network.biases))
    for part in ("DS01-GCaMP6f-m-V1", "| a table |", "Held out by hand.", f"{n_weights:,} weights", "BSD-3"):
        assert part in text
    assert "| gain | (0.5, 2.0) |" in text
    assert "{" not in text


def test_false_spikes_are_the_mean_rate_in_noise(ensemble):
    from training.card import false_spikes

    made = false_spikes(ensemble)
    assert list(made) == [2.0, 8.0, 20.0]
    assert all(0 <= rate < 60 for rate in made.values())
