import numpy as np
import pytest
from tests.events.simulated_events import recording, score

from napari_calcium.events.onset_timing import rise_delay
from napari_calcium.events.row_blocks import merge_close
from napari_calcium.numerics.jumps import find_jumps


def delay_and_errors(rate, rise):
    """Return the delay, and the errors of the first jumps of each rise with half a frame and it taken off."""
    traces, row, onset = recording(rate, rise=rise, noise=0.03, seconds=200.0, apart=6.0)
    decay = np.ones(len(traces))
    jumps = find_jumps(traces, rate, decay)
    delay = rise_delay(traces, rate, jumps, decay)
    time = (jumps.frame - 0.5) / rate - delay
    first = merge_close(jumps.row, time, 0.3)
    return delay, score(jumps.row[first], time[first], row, onset)[2]


@pytest.mark.parametrize("rate", [10.0, 30.0, 60.0])
@pytest.mark.parametrize("rise", [0.005, 0.05, 0.15])
def test_onsets_neither_lead_nor_lag_whatever_the_rise(rate, rise):
    delay, error = delay_and_errors(rate, rise)
    assert abs(np.median(error)) < max(0.05, 0.2 / rate)
    assert -0.02 < delay < 0.2


def test_an_instant_rise_needs_no_correction():
    assert abs(delay_and_errors(30.0, 0.005)[0]) < 0.01


def test_too_few_clear_events_say_nothing():
    traces, _, _ = recording(10.0, seconds=30.0, n_rows=1)
    decay = np.ones(1)
    assert rise_delay(traces, 10.0, find_jumps(traces, 10.0, decay), decay) == 0.0
    none = find_jumps(np.zeros((1, 5)), 10.0, 1.0)
    assert rise_delay(np.zeros((1, 5), np.float32), 10.0, none, decay) == 0.0


def test_gaps_do_not_disturb():
    traces, _, _ = recording(10.0, rise=0.15, noise=0.03, seconds=300.0, apart=6.0)
    decay = np.ones(len(traces))
    whole = rise_delay(traces, 10.0, find_jumps(traces, 10.0, decay), decay)
    traces[:, 700:720] = np.nan
    assert rise_delay(traces, 10.0, find_jumps(traces, 10.0, decay), decay) == pytest.approx(whole, abs=0.02)
