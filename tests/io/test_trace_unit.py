"""What the numbers are: told from level, noise and size, or from the heading."""

from __future__ import annotations

import numpy as np
import pytest

from napari_calcium.io.trace_notes import listed, value_notes
from napari_calcium.io.trace_unit import guess_unit


def dff(
    seed: int = 0, *, n_rois: int = 40, n_frames: int = 800, noise: float = 0.06, amplitude: float = 0.8
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    kernel = np.exp(-np.arange(60) / 8.0)
    calcium = np.array([np.convolve(rng.random(n_frames) < 0.01, kernel)[:n_frames] for _ in range(n_rois)])
    return (amplitude * calcium + noise * rng.standard_normal((n_rois, n_frames))).astype(np.float32)


def raw(seed: int = 0, **options) -> np.ndarray:
    f0 = np.random.default_rng(seed).uniform(200, 900, (40, 1)).astype(np.float32)
    return f0 * (1 + dff(seed, **options))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("noise", [0.01, 0.06, 0.2])
def test_raw_and_dff_in_every_scale(seed: int, noise: float):
    assert guess_unit(raw(seed, noise=noise))[0] == "raw"
    assert guess_unit(raw(seed, noise=noise) / 1000)[0] == "raw"
    assert guess_unit(raw(seed, noise=noise) + 32_768)[0] == "raw"
    assert guess_unit(dff(seed, noise=noise))[0] == "dff"
    assert guess_unit(100 * dff(seed, noise=noise))[0] == "percent_dff"


@pytest.mark.parametrize("percentile", [8, 20, 25, 50])
def test_dff_by_whatever_percentile(percentile: int):
    values = raw()
    f0 = np.percentile(values, percentile, axis=1, keepdims=True)
    assert guess_unit((values - f0) / f0)[0] == "dff"


def test_dff_over_a_drift_is_not_raw():
    values = dff() + np.linspace(-0.2, 0.5, 800, dtype=np.float32)
    assert guess_unit(values)[0] == "dff"


def test_other_scales():
    values = dff()
    scored = (values - values.mean(1, keepdims=True)) / values.std(1, keepdims=True)
    assert guess_unit(scored)[0] == "zscore"
    counts = np.random.default_rng(0).poisson(0.5, (20, 300)).astype(np.float32)
    assert guess_unit(counts)[0] == "raw"
    assert guess_unit(raw() - raw().mean(1, keepdims=True) + 4000 * dff(1))[0] == "raw"


@pytest.mark.parametrize(
    ("heading", "unit"),
    [
        ("ΔF/F", "dff"),
        ("dF/F0", "dff"),
        ("delta F / F (%)", "percent_dff"),
        ("DFF", "dff"),
        ("z-score", "zscore"),
    ],
)
def test_the_heading_decides(heading: str, unit: str):
    assert guess_unit(dff(noise=0.001, amplitude=0.1), heading)[0] == unit


def test_bad_traces_do_not_decide():
    values = dff()
    values[:15] = np.nan
    values[15:19] = 700
    assert guess_unit(values)[0] == "dff"


@pytest.mark.parametrize("shape", [(0, 5), (3, 1), (1, 2), (4, 3)])
@pytest.mark.parametrize("value", [0.0, -4.0, np.nan])
def test_hardly_anything_gives_an_answer(shape: tuple[int, int], value: float):
    unit, reason = guess_unit(np.full(shape, value, np.float32))
    assert unit == "raw" and reason


def test_gain_does_not_make_intensities_anything_else():
    for gain in (0.01, 0.1, 1, 10, 100):
        assert guess_unit(gain * raw())[0] == "raw"


# Notes on the values


def test_nothing_to_note():
    assert value_notes(raw(), [f"neuron {k}" for k in range(40)]) == []


def test_notes_count_what_a_naive_count_finds():
    values = np.random.default_rng(0).random((200, 30)).astype(np.float32)
    values[np.random.default_rng(1).random(values.shape) < 0.1] = np.nan
    values[7], values[150], values[:, 4] = np.nan, 3.0, np.nan
    called = [f"n{k}" for k in range(200)]
    notes = "\n".join(value_notes(values, called))
    missing = np.isnan(values)
    inside = missing[np.arange(200) != 7][:, np.arange(30) != 4].sum()
    assert "no values in n7;" in notes and "never varying: n150;" in notes and "no values in frame 5" in notes
    assert f"{inside} other values are missing" in notes


def test_notes_of_nothing_at_all():
    assert value_notes(np.empty((0, 5), np.float32), []) == []
    assert "no values in a" in value_notes(np.full((1, 5), np.nan, np.float32), ["a"])[0]
    assert value_notes(np.ones((2, 1), np.float32), ["a", "b"]) == []


def test_lists_for_reading():
    assert (
        listed(["a"]) == "a" and listed(["a", "b"]) == "a and b" and listed(["a", "b", "c"]) == "a, b and c"
    )
    assert listed([str(k) for k in range(9)]) == "0, 1, 2, 3, 4 and 4 more"
