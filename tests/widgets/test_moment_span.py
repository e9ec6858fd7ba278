"""Stepping to a moment shows it closely enough to be seen, and leaves a closer look alone."""

from hypothesis import given
from hypothesis import strategies as st

from napari_calcium.widgets.moment_span import closer_span


def test_the_whole_recording_is_too_much():
    assert closer_span(1000.0, None, 3125.0) == (990.0, 1010.0)
    assert closer_span(1000.0, (500.0, 1500.0), 3125.0) == (990.0, 1010.0)


def test_who_zoomed_in_keeps_the_zoom_and_short_recordings_are_shown_whole():
    assert closer_span(1000.0, (980.0, 1050.0), 3125.0) is None
    assert closer_span(10.0, None, 60.0) is None


@given(st.floats(0, 1), st.floats(81, 1e6))
def test_the_span_holds_the_moment_and_lies_in_the_recording(share, duration):
    moment = share * duration
    begin, end = closer_span(moment, None, duration)
    assert 0 <= begin <= moment <= end + 1e-9 * duration and end <= duration * (1 + 1e-12)
    assert abs(end - begin - 20) < 1e-6
