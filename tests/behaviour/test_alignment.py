"""Behaviour is put on the clock and the frames of the recording."""

from __future__ import annotations

import numpy as np
import pytest
from tests.behaviour.made_behaviour import epochs_of

from napari_calcium.behaviour.alignment import (
    AutomaticAlignment,
    FrameAlignment,
    OffsetAlignment,
    PulseAlignment,
    align_behaviour,
)
from napari_calcium.results.behaviour_results import BehaviourFile, Signal

RATE, N_FRAMES = 10.0, 3000


def course(t):
    return np.sin(2 * np.pi * t / 23) + 0.5 * np.sin(2 * np.pi * t / 7.1)


def on_clock(of_behaviour, *, rate=60.0, **more):
    """Return a file whose clock says ``of_behaviour(true time)``, from 5 s before to 5 s after."""
    true = np.arange(-5, 305, 1 / rate)
    return BehaviourFile((Signal("speed", "cm/s", of_behaviour(true), course(true)),), **more)


def middle(n=N_FRAMES):
    return (np.arange(n) + 0.5) / RATE


def test_offset_as_given():
    file = on_clock(lambda t: t - 12.5, epochs=epochs_of(run=[(-12.4, -10.0), (20, 30)]))
    found, notes = align_behaviour(file, N_FRAMES, RATE, OffsetAlignment(offset=12.5))
    np.testing.assert_allclose(found.values[0], course(middle()), atol=0.01)
    np.testing.assert_allclose(found.epochs.start_s, [0.1, 32.5])
    assert found.covered == 1
    assert any("100 %" in note for note in notes)


def test_drift_as_given():
    file = on_clock(lambda t: t / (1 + 2e-3))
    found, _ = align_behaviour(file, N_FRAMES, RATE, OffsetAlignment(drift=2000))
    np.testing.assert_allclose(found.values[0], course(middle()), atol=0.01)


@pytest.mark.parametrize("settings", [AutomaticAlignment(), PulseAlignment()])
def test_offset_and_drift_from_pulses(rng, settings):
    true = np.sort(rng.uniform(0, 300, 80))
    clock = lambda t: 1e6 + 1.0003 * t  # noqa: E731
    file = on_clock(clock, pulse_s=clock(true)[3:], recording_pulse_s=true[:-5])
    found, notes = align_behaviour(file, N_FRAMES, RATE, settings)
    np.testing.assert_allclose(found.values[0], course(middle()), atol=0.01)
    np.testing.assert_allclose(found.drift_ppm, -300, atol=1)
    assert found.residual_s < 1e-6
    assert "72 of 77 and 75 pulses" in notes[0]


@pytest.mark.parametrize("settings", [AutomaticAlignment(), FrameAlignment()])
def test_frame_times_follow_a_clock_that_is_not_even(rng, settings):
    """A microscope that waits between trials: a line could not bring these together."""
    wait = np.where(np.arange(N_FRAMES) >= 1500, 40.0, 0.0)
    seen = 77 + np.arange(N_FRAMES) / RATE + wait
    true = np.arange(0, 300, 1 / 60)
    values = course(true)
    clock = 77 + true + np.where(true >= 150, 40.0, 0.0)
    file = BehaviourFile((Signal("speed", "", clock, values),), frame_s=seen)
    found, _ = align_behaviour(file, N_FRAMES, RATE, settings)
    inner = np.r_[5:1490, 1510:2990]
    np.testing.assert_allclose(found.values[0][inner], course(middle())[inner], atol=0.02)


def test_too_few_frame_times_are_told():
    file = on_clock(lambda t: t + 3, frame_s=3 + np.arange(2900) / RATE)
    found, notes = align_behaviour(file, N_FRAMES, RATE)
    assert any("2,900 frame times for 3,000 frames" in note for note in notes)
    np.testing.assert_allclose(found.values[0], course(middle()), atol=0.01)


def test_frame_times_of_another_rate_are_told():
    file = on_clock(lambda t: t, frame_s=np.arange(3000) / 12.0)
    _, notes = align_behaviour(file, N_FRAMES, RATE)
    assert any("12 Hz" in note and "not at 10 Hz" in note for note in notes)


def test_a_clock_of_the_day_starts_with_the_recording():
    file = on_clock(lambda t: 1.7e9 + t + 5)
    found, notes = align_behaviour(file, N_FRAMES, RATE)
    np.testing.assert_allclose(found.values[0][:-50], course(middle() - 5)[:-50], atol=0.01)
    assert "set the offset" in notes[0]


def test_no_overlap_is_an_error_that_says_so():
    file = on_clock(lambda t: t)
    with pytest.raises(ValueError, match=r"do not overlap; set the offset"):
        align_behaviour(file, N_FRAMES, RATE, OffsetAlignment(offset=1e4))


def test_partial_overlap_is_told_and_the_rest_is_unknown():
    found, notes = align_behaviour(on_clock(lambda t: t), N_FRAMES, RATE, OffsetAlignment(offset=155))
    assert abs(found.covered - 0.5) < 0.01
    assert np.isnan(found.values[0, :1495]).all()
    assert any("50 %" in note for note in notes)


def test_epochs_are_cut_to_the_recording_and_sorted():
    file = BehaviourFile(epochs=epochs_of(a=[(-3, 4), (290, 310), (400, 401)], b=[(100, 100)]))
    found, notes = align_behaviour(file, N_FRAMES, RATE)
    assert found.epochs == epochs_of(a=[(0, 4), (290, 300)], b=[(100, 100)])
    assert any("1 epochs lie outside" in note for note in notes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [(PulseAlignment(), "no pulses on the behaviour's clock"), (FrameAlignment(), "no frame times")],
)
def test_what_there_is_to_align_by_must_be_there(settings, message):
    with pytest.raises(ValueError, match=message):
        align_behaviour(on_clock(lambda t: t), N_FRAMES, RATE, settings)


def test_an_empty_file_is_no_behaviour():
    found, _ = align_behaviour(BehaviourFile(), N_FRAMES, RATE)
    assert found.values.shape == (0, N_FRAMES)
    assert found.covered == 0
