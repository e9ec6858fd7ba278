"""Pulses of two clocks are matched whatever is missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.behaviour.pulses import fit_clocks, match_pulses


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    offset=st.floats(-500, 2e9),
    drift=st.floats(-5e-4, 5e-4),
    lost=st.floats(0, 0.3),
)
def test_offset_and_drift_come_back_from_irregular_pulses(seed, offset, drift, lost):
    rng = np.random.default_rng(seed)
    true = np.cumsum(rng.uniform(0.5, 6.0, 150))
    behaviour = offset + (1 + drift) * true + 1e-4 * rng.standard_normal(150)
    kept_a, kept_b = rng.random(150) >= lost, rng.random(150) >= lost
    kept_b[:20] = False  # the microscope began later
    match = match_pulses(behaviour[kept_a], true[kept_b])
    there = np.flatnonzero(kept_a)[match.first], np.flatnonzero(kept_b)[match.second]
    np.testing.assert_array_equal(*there)
    assert len(match.first) >= 0.95 * (kept_a & kept_b).sum()
    np.testing.assert_allclose(match.fit(behaviour), true, atol=5e-4)
    assert not match.ambiguous


def test_equal_intervals_are_told_to_be_ambiguous():
    pulses = np.arange(50.0)
    match = match_pulses(pulses + 3.2, pulses[:40])
    assert match.ambiguous
    assert len(match.first) == 40
    assert not match_pulses(pulses + 3.2, pulses).ambiguous


def test_one_pulse_gives_an_offset_only():
    match = match_pulses(np.array([5.0]), np.array([2.0]))
    assert match.fit.offset_s == -3.0
    assert match.fit.drift == 0
    assert np.isnan(match.fit.residual_s)


def test_a_clock_that_jumps_once_does_not_bend_the_line(rng):
    true = np.sort(rng.uniform(0, 600, 100))
    seen = 1.0001 * true + 4
    seen[37] += 8.0
    fit = fit_clocks(seen, true)
    np.testing.assert_allclose(1e6 * fit.drift, -100, atol=0.5)
    assert fit.residual_s < 1e-6


def test_no_pulse_is_a_clear_error():
    with pytest.raises(ValueError, match="pulses on both clocks"):
        match_pulses(np.empty(0), np.array([1.0]))
    with pytest.raises(ValueError, match="pairs of times"):
        fit_clocks(np.empty(0), np.empty(0))
