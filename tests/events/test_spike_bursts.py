import numpy as np
import pytest

from napari_calcium.events.event_detection import detect_events
from napari_calcium.events.spike_bursts import SpikeEvents, spike_onsets


def rate_of(times, fs=20.0, n=2000, probability=1.0):
    """Return the rate of spikes that are certain, or as likely as said, spread over three frames."""
    counts = np.bincount(np.rint(np.asarray(times) * fs).astype(int), minlength=n).astype(float)
    return (fs * probability * np.convolve(counts, [0.25, 0.5, 0.25], "same"))[None].astype(np.float32)


def test_an_event_begins_with_the_first_spike_of_a_burst():
    times = [5.0, 20.0, 20.1, 20.2, 50.0]
    row, onset = spike_onsets(rate_of(times), 20.0)
    np.testing.assert_allclose(onset, [5.0, 20.0, 50.0], atol=0.06)
    assert not row.any()


def test_what_is_hardly_expected_is_no_event():
    assert len(spike_onsets(rate_of([5.0, 20.0], probability=0.3), 20.0)[1]) == 0
    assert len(spike_onsets(rate_of([5.0, 20.0], probability=0.3), 20.0, SpikeEvents(least=0.2))[1]) == 2


def test_detection_gives_their_height_in_spikes_per_second():
    rate = np.vstack([rate_of([5.0, 30.0]), np.zeros((1, 2000)), rate_of([10.0])]).astype(np.float32)
    events = detect_events(rate, 20.0, SpikeEvents(), roi_ids=[3, 4, 9], unit="spikes/s")
    np.testing.assert_array_equal(events.roi_id, [3, 3, 9])
    assert (events.amplitude > 5).all() and np.ptp(events.amplitude) < 1e-5
    assert events.unit == "spikes/s"


@pytest.mark.parametrize("rate", [np.zeros((0, 50)), np.full((2, 50), np.nan), np.zeros((1, 5))])
def test_nothing_there_is_no_event(rate):
    assert len(detect_events(rate, 10.0, SpikeEvents())) == 0
