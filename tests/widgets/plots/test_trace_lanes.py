from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.events.validation import Review
from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.results.event_choices import ACCEPTED, ADDED, REJECTED, UNREVIEWED
from napari_calcium.results.tables import Events, SpikeTimes
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


def with_spikes(unit: str = "spikes/s", method: str = "network") -> Recording:
    rates = np.zeros((3, 200), np.float32)
    rates[:, 40:44] = [[2.0], [4.0], [8.0]]
    entry = LogEntry("spikes", {"method": method}, ("traces/dff",), ("traces/spikes", "spike_times"))
    times = SpikeTimes(np.array([7, 7, 9]), np.array([1.0, 8.2, 9.0]))
    return made().with_step(entry, traces={"spikes": Trace(rates, unit)}, spike_times=times)


@pytest.mark.parametrize(("unit", "words"), [("spikes/s", "spikes/s"), ("ΔF/F", "activity, ΔF/F")])
def test_inferred_spikes_have_a_lane_of_their_own_whatever_their_unit(unit, words):
    lanes = make_lanes(with_spikes(unit), (7, 8), ["dff", "spikes"]).lanes
    assert [[name for name, _ in lane.lines] for lane in lanes] == 2 * [["dff"], ["spikes"]]
    assert [lane.is_activity for lane in lanes] == [False, True, False, True]
    assert lanes[1].label == f"x  {words}"
    assert lanes[1].low == 0.0


def test_one_scale_for_all_rates_and_another_for_the_traces():
    lanes = make_lanes(with_spikes("ΔF/F"), (7, 9), ["dff", "spikes"]).lanes
    assert lanes[1].high == lanes[3].high
    assert 8.0 < lanes[1].high < 10.0  # with room for the ticks of single spikes
    assert lanes[0].high - lanes[0].low != lanes[1].high


def test_a_preview_of_spikes_in_another_unit_stands_below():
    few = with_spikes("ΔF/F", "deconvolution")
    lanes = make_lanes(with_spikes(), (8,), ["spikes"], preview=few).lanes
    assert [(lane.unit, [name for name, _ in lane.lines]) for lane in lanes] == [
        ("spikes/s", ["spikes"]),
        ("ΔF/F", [PREVIEW]),
    ]


def test_single_spikes_stand_at_the_top_of_the_lanes_of_inferred_spikes():
    rec = with_spikes()
    lanes = make_lanes(rec, (7, 8, 9), ["dff", "spikes"])
    x, y = lanes.spike_ticks(rec.spike_times)
    assert x.tolist() == [1.0, 1.0, 8.2, 8.2, 9.0, 9.0]
    assert np.floor(y).tolist() == [1, 1, 1, 1, 5, 5]
    below = lanes.spike_ticks(rec.spike_times, row=1)[1]
    assert (below[::2] > y[1::2]).all()
    assert all(part.size == 0 for part in lanes.spike_ticks(None))


def test_the_band_lies_in_the_lane_of_the_rate_and_around_it():
    lanes = make_lanes(with_spikes(), (7, 9), ["dff", "spikes"], same_scale=False)
    x, y = lanes.bands(0, 40, 100)
    known = ~np.isnan(y)
    assert set(np.floor(y[known]).astype(int)) == {1, 3}
    assert np.nanmax(x) <= 40
    top = lanes.height_of(1, 2.0)
    assert np.nanmin(y[np.floor(y) == 1]) <= top + 0.5
    assert lanes.bands(0, 40, 100, places=range(0, 1))[0].size == 0


def test_no_band_where_the_error_is_not_known():
    lanes = make_lanes(with_spikes("ΔF/F", "deconvolution"), (7,), ["spikes"])
    assert lanes.bands(0, 40, 100)[0].size == 0


def test_a_band_has_a_gap_where_the_rate_has_one():
    rec = with_spikes()
    values = rec.traces["spikes"].values.copy()
    values[:, 100:120] = np.nan
    lanes = make_lanes(
        rec.replace(traces={**rec.traces, "spikes": Trace(values, "spikes/s")}), (7,), ["spikes"]
    )
    x, _ = lanes.bands(0, 40, 1000)
    assert np.isnan(x).sum() == 2
    assert not ((x > 20.0) & (x < 24.0)).any()


def test_a_very_long_view_has_no_band():
    rec = made(30_000)
    entry = LogEntry("spikes", {"method": "network"}, ("traces/dff",), ("traces/spikes",))
    rec = rec.with_step(entry, traces={"spikes": Trace(np.ones((3, 30_000), np.float32), "spikes/s")})
    lanes = make_lanes(rec, (7,), ["spikes"])
    assert lanes.bands(0, 6000, 500)[0].size == 0
    assert lanes.bands(0, 100, 500)[0].size > 0
