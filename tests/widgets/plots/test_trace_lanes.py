from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.event_choices import ACCEPTED, ADDED, REJECTED, UNREVIEWED
from napari_calcium.events.validation import Review
from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.results import Events
from napari_calcium.widgets.plots.trace_lanes import PREVIEW, make_lanes, nice_length

RATE = 5.0


def made(n_frames: int = 200) -> Recording:
    rng = np.random.default_rng(0)
    raw = rng.random((3, n_frames)).astype(np.float32) * [[1], [10], [100]] + 50
    return Recording(
        "a",
        np.array([7, 8, 9]),
        RATE,
        {
            "raw": Trace(raw, "a.u."),
            "baseline": Trace(np.full_like(raw, 50), "a.u."),
            "dff": Trace(raw / 50 - 1, "ΔF/F"),
        },
        cell_names=("x", "y", "z"),
    )


def test_a_lane_for_each_cell_from_top_to_bottom():
    lanes = make_lanes(made(), (9, 7), ["dff"])
    assert [lane.cell for lane in lanes.lanes] == [9, 7]
    assert [lane.label for lane in lanes.lanes] == ["z", "x"]
    assert lanes.duration_s == 40.0


def test_stages_of_one_unit_share_a_lane_and_others_get_their_own():
    lanes = make_lanes(made(), (7, 8), ["raw", "baseline", "dff"]).lanes
    assert [[name for name, _ in lane.lines] for lane in lanes] == 2 * [["raw", "baseline"], ["dff"]]
    assert [lane.label for lane in lanes] == ["x  raw", "x  ΔF/F", "y  raw", "y  ΔF/F"]


def test_cells_that_are_not_there_are_left_out():
    assert [lane.cell for lane in make_lanes(made(), (1, 8), ["dff"]).lanes] == [8]
    assert make_lanes(made(), (), ["dff"]).lanes == ()
    assert make_lanes(made(), (7,), []).lanes == ()


def test_every_value_lies_in_its_lane():
    lanes = make_lanes(made(), (7, 8, 9), ["raw", "dff"])
    for name, (_, y) in lanes.curves(0, 40, 300).items():
        parts = np.split(y, np.flatnonzero(np.isnan(y)))[:-1]
        places = [k for k, lane in enumerate(lanes.lanes) if name in dict(lane.lines)]
        for place, part in zip(places, parts, strict=True):
            part = part[~np.isnan(part)]
            assert part.min() >= place
            assert part.max() <= place + 1


def test_one_scale_keeps_proportions_between_cells_own_scale_fills_lanes():
    def heights(same_scale: bool) -> list[float]:
        lanes = make_lanes(made(), (7, 8, 9), ["raw"], same_scale=same_scale)
        _, y = lanes.curves(0, 40, 500)["raw"]
        parts = np.split(y, np.flatnonzero(np.isnan(y)))[:-1]
        return [float(np.nanmax(p) - np.nanmin(p)) for p in parts]

    same = heights(True)
    assert same[2] / same[1] == pytest.approx(10, rel=0.1)
    assert heights(False) == pytest.approx([same[2]] * 3)


def test_heights_and_values_agree():
    lanes = make_lanes(made(), (7, 8), ["dff"])
    x, y = lanes.curves(0, 40, 1000)["dff"]
    frame = 60
    at = np.flatnonzero(np.isclose(x, frame / RATE))
    values = made().traces["dff"].values[:2, frame]
    found = [y[k] for k in at if not np.isnan(y[k])]
    assert found == pytest.approx([lanes.height_of(k, float(v)) for k, v in enumerate(values)], abs=1e-6)


def test_larger_values_are_higher_on_the_screen():
    lanes = make_lanes(made(), (7,), ["dff"])
    assert lanes.height_of(0, 0.01) < lanes.height_of(0, 0.0)


# The first call loads numba, which takes longer than hypothesis allows a test.
@settings(deadline=None)
@given(st.integers(1, 400), st.floats(0, 30), st.floats(0.1, 10))
def test_no_more_points_than_the_screen_can_show(pixels, start, width):
    lanes = make_lanes(made(), (7, 8, 9), ["dff"])
    x, y = lanes.curves(start, start + width, pixels)["dff"]
    assert len(x) == len(y) <= 3 * (2 * pixels + 1)
    drawn = x[~np.isnan(y)]
    assert (drawn >= start - 2 / RATE).all()
    assert (drawn <= start + width + 2 / RATE).all()


def test_a_peak_of_one_frame_survives():
    values = np.zeros((1, 100_000), np.float32)
    values[0, 77_777] = 1
    made = Recording("a", np.arange(1), 10.0, {"dff": Trace(values, "ΔF/F")})
    lanes = make_lanes(made, (0,), ["dff"])
    x, y = lanes.curves(0, 10_000, 200)["dff"]
    assert x[np.nanargmin(y)] == pytest.approx(7777.7)


def test_only_the_lanes_in_view_are_drawn():
    lanes = make_lanes(made(), (7, 8, 9), ["dff"])
    _, y = lanes.curves(0, 40, 300, places=range(1, 2))["dff"]
    assert 1 <= np.nanmin(y) <= np.nanmax(y) <= 2


def test_gaps_stay_gaps():
    values = np.arange(20, dtype=np.float32)[None].copy()
    values[0, 5:9] = np.nan
    made = Recording("a", np.arange(1), 1.0, {"raw": Trace(values, "a.u.")})
    x, y = make_lanes(made, (0,), ["raw"]).curves(0, 20, 100)["raw"]
    np.testing.assert_array_equal(x[:-1][np.isnan(y[:-1])], [5, 6, 7, 8])


@pytest.mark.parametrize("values", [np.full((1, 9), np.nan), np.full((1, 9), 3.0), np.zeros((1, 1))])
def test_traces_without_any_range_are_drawn_without_a_warning(values):
    made = Recording("a", np.arange(1), 1.0, {"raw": Trace(values, "a.u.")})
    lanes = make_lanes(made, (0,), ["raw"])
    _, y = lanes.curves(0, 9, 50)["raw"]
    assert np.isnan(y).all() or (0 <= np.nanmin(y) <= 1)
    assert np.isfinite([lanes.lanes[0].low, lanes.lanes[0].high]).all()


def preview_of(recording: Recording, writes: tuple[str, ...], **traces: Trace) -> Recording:
    some = recording.replace(
        roi_ids=recording.roi_ids[1:2],
        cell_names=recording.cell_names[1:2],
        traces={name: Trace(t.values[1:2], t.unit) for name, t in recording.traces.items()},
    )
    return some.with_step(LogEntry("baseline", {}, (), writes), traces=traces)


def test_a_preview_is_drawn_over_the_cells_it_is_of():
    recording = made()
    preview = preview_of(recording, ("traces/dff",), dff=Trace(np.zeros((1, 200)), "ΔF/F"))
    lanes = make_lanes(recording, (7, 8), ["dff"], preview=preview).lanes
    assert [[name for name, _ in lane.lines] for lane in lanes] == [["dff"], ["dff", PREVIEW]]


def test_a_preview_of_f0_brings_the_raw_trace_with_it():
    recording = made()
    preview = preview_of(
        recording,
        ("traces/baseline", "traces/dff"),
        baseline=Trace(np.full((1, 200), 49), "a.u."),
        dff=Trace(np.zeros((1, 200)), "ΔF/F"),
    )
    raw_only = recording.replace(traces={"raw": recording.traces["raw"]})
    lanes = make_lanes(raw_only, (8,), [], preview=preview).lanes
    assert [[name for name, _ in lane.lines] for lane in lanes] == [["raw", PREVIEW], [PREVIEW]]


def test_ticks_stand_at_the_onsets_of_the_lanes_own_cell():
    onsets = np.array([1.0, 2.0, 3.0])
    events = Events(np.array([7, 9, 9]), onsets, onsets, onsets, np.ones(3), np.ones(3))
    lanes = make_lanes(made(), (9, 7), ["dff"])
    x, y = lanes.event_ticks(events)
    np.testing.assert_array_equal(x, [2, 2, 3, 3, 1, 1])
    assert (np.floor(y[1:4:2]) == 0).all()
    assert np.floor(y[5]) == 1
    assert all(len(part) == 0 for part in lanes.event_ticks(None))


def test_ticks_of_a_second_kind_stand_above_the_first():
    onsets = np.array([1.0, 2.0])
    events = Events(np.array([9, 9]), onsets, onsets, onsets, np.ones(2), np.ones(2))
    lanes = make_lanes(made(), (9, 7), ["dff"])
    below, above = (lanes.event_ticks(events, row=row)[1] for row in (0, 1))
    assert above.max() < below.min() and np.floor(above).max() == 0


def test_judged_events_are_told_apart_by_place_and_sign():
    review = Review(
        roi_id=np.array([9, 9, 7, 7]),
        onset_s=np.array([1.0, 2.0, 3.0, 4.0]),
        status=np.array([UNREVIEWED, REJECTED, ACCEPTED, ADDED], np.int8),
        detected=np.array([0, 1, 2, -1]),
        choice=np.array([-1, 0, 1, 2]),
    )
    lanes = make_lanes(made(), (9, 7), ["dff"])
    np.testing.assert_array_equal(lanes.review_ticks(review)[0], [1, 1, 3, 3, 4, 4])
    for status, seconds, lane in ((REJECTED, 2.0, 0), (ACCEPTED, 3.0, 1), (ADDED, 4.0, 1)):
        x, y = lanes.review_marks(review, status)
        np.testing.assert_array_equal(x, [seconds])
        assert np.floor(y[0]) == lane


def test_the_lane_at_a_height():
    lanes = make_lanes(made(), (9, 7), ["dff"])
    assert [lane.cell if (lane := lanes.lane_at(y)) else None for y in (-0.1, 0.5, 1.2, 2.0)] == [
        None,
        9,
        7,
        None,
    ]
    assert lanes.lanes_of(7) == (1,)


@given(st.floats(1e-6, 1e9))
def test_nice_lengths_are_nice_and_fit(span):
    length = nice_length(span)
    assert 0.2 * span < length * (1 + 1e-9) <= span / 2 * (1 + 1e-6)
    mantissa = length / 10 ** np.floor(np.log10(length) + 1e-9)
    assert min(abs(mantissa - nice) for nice in (1, 2, 5)) < 1e-6


@pytest.mark.parametrize("span", [0.0, -1.0, float("nan"), float("inf")])
def test_a_span_of_nothing_has_a_length_all_the_same(span):
    assert nice_length(span) == 1.0
