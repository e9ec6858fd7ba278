"""The synthetic recording: its truth is consistent, its parts are independent, its movie is lazy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from napari_calcium.recording import Recording
from napari_calcium.settings import SettingsError
from napari_calcium.simulate import (
    Simulation,
    SimulationSettings,
    course_settings,
    demo_settings,
    simulate,
)
from napari_calcium.simulate.activity import TrueEvents, make_events, running_speed
from napari_calcium.simulate.fluorescence import calcium, calcium_response, kernel_peak, response, slow_noise

SMALL = SimulationSettings(
    n_rois=20, n_frames=600, height=80, width=90, n_ensembles=2, ensemble_size=(4, 6), activations=(4, 6)
)


@pytest.fixture(scope="module")
def small() -> Simulation:
    return simulate(SMALL)


@pytest.fixture(scope="module")
def demo() -> Simulation:
    return simulate(demo_settings())


def test_same_settings_give_the_same_bytes(small):
    again = simulate(SMALL)
    for name in ("raw", "dff", "baseline", "label_image", "mean_image", "speed", "spike_time_s"):
        np.testing.assert_array_equal(getattr(again, name), getattr(small, name))
    assert again.events == small.events
    assert again.activations == small.activations
    assert again.rois == small.rois


def test_another_seed_is_another_recording(small):
    other = simulate(SMALL.replace(seed=1))
    assert not np.array_equal(other.raw, small.raw)
    assert not np.array_equal(other.positions, small.positions)


@pytest.mark.parametrize(
    ("change", "unchanged"),
    [
        ({"noise": 20.0}, ("dff", "baseline", "label_image", "speed", "spike_time_s")),
        ({"drift": 0.0}, ("dff", "label_image", "speed", "spike_time_s")),
        ({"decay_time": 2.0}, ("label_image", "speed", "spike_time_s")),
        ({"n_vessels": 0}, ("speed",)),
        ({"motion": 1.0}, ("raw", "dff", "mean_image")),
    ],
)
def test_each_part_has_its_own_random_stream(small, change, unchanged):
    other = simulate(SMALL.replace(**change))
    for name in unchanged:
        np.testing.assert_array_equal(getattr(other, name), getattr(small, name))


def test_shapes_and_dtypes(small):
    assert small.raw.shape == small.dff.shape == small.baseline.shape == (20, 600)
    assert small.raw.dtype == small.dff.dtype == small.baseline.dtype == np.float32
    assert small.label_image.shape == small.mean_image.shape == (80, 90)
    assert small.speed.shape == (600,)
    assert small.positions.shape == (20, 2)
    assert small.motion.shape == (600, 2)
    assert len(small.members) == 2


def test_truth_cannot_be_changed(small):
    for array in (small.raw, small.dff, small.members[0], small.events.time_s, small.movie.soma):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


# ---------------------------------------------------------------- activity


def test_events_lie_in_the_recording_sorted_and_apart(demo):
    events, setting = demo.events, demo.settings
    assert (events.time_s >= 0).all()
    assert (events.time_s < setting.duration_s).all()
    order = np.lexsort((events.time_s, events.roi_id))
    np.testing.assert_array_equal(order, np.arange(len(events)))
    same = events.roi_id[1:] == events.roi_id[:-1]
    assert (np.diff(events.time_s)[same] >= setting.refractory).all()
    assert (events.n_spikes >= 1).all()


def test_ensemble_events_are_of_members_near_activations(demo):
    for k, members in enumerate(demo.members):
        mine = demo.events.ensemble_id == k
        assert set(demo.events.roi_id[mine]) <= set(members.tolist())
        moments = demo.activations.time_s[demo.activations.ensemble_id == k]
        away = np.abs(demo.events.time_s[mine][:, None] - moments).min(axis=1)
        assert away.max() < 6 * demo.settings.jitter


def test_members_take_part_as_often_as_the_settings_say(demo):
    low, high = demo.settings.participation
    for k, members in enumerate(demo.members):
        events = int((demo.events.ensemble_id == k).sum())
        n = len(members) * int((demo.activations.ensemble_id == k).sum())
        spread = 4 * np.sqrt(0.25 / n)
        assert low - spread < events / n < high + spread


def test_activations_keep_their_distance(demo):
    assert np.diff(demo.activations.time_s).min() > 1.0
    counts = np.bincount(demo.activations.ensemble_id)
    assert counts.min() >= demo.settings.activations[0]
    assert counts.max() <= demo.settings.activations[1]


def test_clustered_ensembles_lie_closer_together():
    settings = demo_settings().replace(n_ensembles=8, overlap=0.0, n_frames=10, activations=(0, 0))

    def spread(clustered: float) -> float:
        simulation = simulate(settings.replace(clustered=clustered))
        return float(np.mean([simulation.positions[m].std(axis=0).mean() for m in simulation.members]))

    assert spread(1.0) < 0.75 * spread(0.0)


def test_running_raises_the_background_of_all():
    settings = SimulationSettings(
        n_rois=200, n_frames=20_000, n_ensembles=0, running_gain=3.0, burst_size=1.0
    )
    rng = np.random.default_rng(0)
    speed = running_speed(settings, rng)
    events, _ = make_events(settings, (), speed, rng)
    frame = (events.time_s * settings.frame_rate).astype(int)
    fast, rest = speed > 10, speed < 1
    rate = [np.isin(frame, np.flatnonzero(state)).sum() / state.sum() for state in (fast, rest)]
    assert 3.0 < rate[0] / rate[1] < 5.0


def test_bursts_make_event_trains_bursty():
    base = SimulationSettings(n_rois=100, n_frames=20_000, n_ensembles=0, running_gain=0.0, refractory=0.0)

    def fano(burst_size: float) -> float:
        settings = base.replace(burst_size=burst_size)
        rng = np.random.default_rng(1)
        speed = np.zeros(settings.n_frames, np.float32)
        events, _ = make_events(settings, (), speed, rng)
        counts = np.zeros((100, 100))
        np.add.at(counts, (events.roi_id, (events.time_s // 20).astype(int)), 1)
        active = counts.mean(axis=1) > 0
        return float(np.mean(counts[active].var(axis=1) / counts[active].mean(axis=1)))

    assert 0.85 < fano(1.0) < 1.15
    assert fano(5.0) > 2.0


def test_rate_does_not_betray_members():
    settings = SimulationSettings(n_rois=400, n_frames=12_000, n_ensembles=5, event_rate=0.05, overlap=0.0)
    simulation = simulate(settings.replace(height=400, width=400))
    count = np.bincount(simulation.events.roi_id, minlength=400)
    member = np.zeros(400, bool)
    member[np.concatenate(simulation.members)] = True
    assert 0.75 < np.median(count[member]) / np.median(count[~member]) < 1.35


def test_onset_frames_agree_with_the_events(small):
    frames = small.onset_frames
    assert sum(map(len, frames)) == len(small.events)
    for cell, own in enumerate(frames):
        expected = np.floor(small.events.time_s[small.events.roi_id == cell] * small.frame_rate)
        np.testing.assert_array_equal(own, expected)


# ---------------------------------------------------------------- fluorescence


@hypothesis_settings(max_examples=25, deadline=None)
@given(
    times=st.lists(st.floats(0, 29.9), max_size=6),
    rate=st.floats(2, 40),
    rise=st.floats(0.02, 0.2),
    decay=st.floats(0.3, 2.0),
)
def test_calcium_is_the_mean_over_each_frame_of_the_summed_kernels(times, rate, rise, decay):
    settings = SimulationSettings(
        n_rois=1, n_frames=int(30 * rate), frame_rate=rate, rise_time=rise, decay_time=decay
    )
    times = np.array([t for t in times if t < settings.duration_s])
    found = calcium(np.zeros(len(times), np.int64), times, 1, settings)[0]

    def integral(t):
        late = np.maximum(t, 0)
        return decay * (1 - np.exp(-late / decay)) - rise * (1 - np.exp(-late / rise))

    edges = np.arange(settings.n_frames + 1) / rate
    whole = sum((integral(edges - t) for t in times), np.zeros(len(edges)))
    np.testing.assert_allclose(found, np.diff(whole) * rate / kernel_peak(rise, decay), atol=1e-8)


def test_cells_beyond_one_block_have_their_own_calcium():
    settings = SimulationSettings(n_rois=600, n_frames=100)
    cells, times = np.array([3, 300, 300, 599]), np.array([2.0, 1.0, 4.0, 6.0])
    gain = np.linspace(0.5, 2, 600)
    dff = calcium_response(cells, times, gain, settings)
    assert set(np.flatnonzero(dff.max(axis=1))) == {3, 300, 599}
    for cell in (3, 300, 599):
        own = calcium(np.zeros((cells == cell).sum(), np.int64), times[cells == cell], 1, settings)
        np.testing.assert_array_equal(dff[cell], response(own, gain[cell : cell + 1], settings)[0])


def test_kernel_peak_is_the_highest_value():
    t = np.linspace(0, 3, 300_001)
    assert kernel_peak(0.07, 1.0) == pytest.approx((np.exp(-t) - np.exp(-t / 0.07)).max(), rel=1e-6)


def test_response_to_one_spike_is_the_amplitude_and_saturates():
    settings = SimulationSettings(amplitude=40.0, saturation=5.0)
    dff = response(np.array([[0.0, 1.0, 5.0, 1e6]]), np.ones(1), settings)[0]
    assert dff[0] == 0
    assert dff[1] == pytest.approx(0.4)
    assert dff[2] == pytest.approx(dff[3] / 2, rel=1e-4)


def test_slow_noise_has_no_short_periods_and_unit_power():
    settings = SimulationSettings(n_frames=6000, frame_rate=10.0)
    signal = slow_noise(300, 40.0, settings, np.random.default_rng(3))
    assert np.mean(signal**2) == pytest.approx(1, rel=0.1)
    windowed = signal * np.hanning(6000)
    power = np.abs(np.fft.rfft(windowed, axis=1)) ** 2
    fast = np.fft.rfftfreq(6000, 0.1) > 1 / 35
    assert power[:, fast].sum() < 1e-3 * power.sum()


def test_slow_noise_of_a_recording_too_short_for_it_is_zero():
    signal = slow_noise(2, 1000.0, SimulationSettings(n_frames=10), np.random.default_rng(0))
    np.testing.assert_array_equal(signal, 0)


def test_noise_is_as_strong_as_asked():
    settings = SMALL.replace(n_frames=4000, noise=10.0, brightness=(400, 400), drift=0, neuropil=0)
    settings = settings.replace(n_ensembles=0, event_rate=0.0, bleaching=0)
    simulation = simulate(settings)
    share = simulation.raw.std(axis=1) / simulation.raw.mean(axis=1)
    # The neuropil below a soma adds light, so the share of the noise in all light is a little lower.
    assert 0.06 < np.median(share) < 0.12


def test_without_noise_raw_is_the_baseline_plus_activity():
    simulation = simulate(SMALL.replace(noise=0.0))
    silent = simulation.dff.max(axis=1) == 0
    rise = simulation.raw - simulation.baseline
    assert (rise > -1e-2).all()
    active = ~silent
    for cell in np.flatnonzero(active):
        assert np.corrcoef(rise[cell], simulation.dff[cell])[0, 1] > 0.7


def test_bleaching_fades_the_baseline():
    calm = SMALL.replace(drift=0.0, neuropil=0.0, event_rate=0.0, n_ensembles=0, bleaching=30.0)
    baseline = simulate(calm).baseline
    np.testing.assert_allclose(baseline[:, -1] / baseline[:, 0], 0.7, rtol=1e-5)


# ---------------------------------------------------------------- tissue


def test_every_cell_has_its_label(demo):
    assert set(np.unique(demo.label_image)) == set(range(demo.settings.n_rois + 1))
    assert (demo.rois.areas > 20).all()


def test_somata_keep_apart_and_out_of_vessels(demo):
    y, x = demo.positions.T
    distance = np.hypot(y[:, None] - y, x[:, None] - x) + 1e9 * np.eye(len(y))
    assert distance.min() > 0.9 * demo.settings.soma_diameter
    assert demo.movie.tissue.vessels[y.astype(int), x.astype(int)].min() > 0.5


def test_somata_are_brighter_than_what_surrounds_them(demo):
    inside = demo.mean_image[demo.label_image > 0].mean()
    outside = demo.mean_image[demo.label_image == 0].mean()
    assert inside > 2 * outside


def test_somata_are_rings(demo):
    centre = demo.positions.round().astype(int)
    dark = 0
    for cell in range(demo.settings.n_rois):
        y, x = demo.rois.pixels(cell)
        middle = demo.mean_image[centre[cell, 0], centre[cell, 1]]
        dark += middle < demo.mean_image[y, x].mean()
    assert dark > 0.9 * demo.settings.n_rois


def test_crowded_fields_still_hold_every_cell():
    simulation = simulate(SimulationSettings(n_rois=80, n_frames=5, height=64, width=64, n_ensembles=0))
    assert len(simulation.rois) == 80
    assert np.isfinite(simulation.raw).all()


# ---------------------------------------------------------------- movie


@hypothesis_settings(max_examples=30, deadline=None)
@given(start=st.integers(-12, 12), stop=st.integers(-12, 12), step=st.sampled_from([-3, -1, 1, 2, 5]))
def test_any_slice_of_the_movie_gives_the_same_bytes(start, stop, step):
    settings = SMALL.replace(n_rois=4, n_frames=10, height=24, width=20, motion=0.7, n_ensembles=0)
    movie = simulate(settings).movie
    whole = np.stack([movie[k] for k in range(10)])
    np.testing.assert_array_equal(movie[start:stop:step], whole[start:stop:step])
    np.testing.assert_array_equal(movie[start:stop:step, 3:9, -5], whole[start:stop:step, 3:9, -5])


def test_movie_indexes_like_an_array(small):
    movie = small.movie
    assert movie.shape == (600, 80, 90)
    assert movie.ndim == 3
    assert movie.dtype == np.uint16
    assert len(movie) == 600
    assert movie.nbytes == 600 * 80 * 90 * 2
    np.testing.assert_array_equal(movie[-1], movie[599])
    np.testing.assert_array_equal(movie[[5, 2]], np.stack([movie[5], movie[2]]))
    np.testing.assert_array_equal(movie[np.arange(600) == 7][0], movie[7])
    np.testing.assert_array_equal(movie[3, 10:20], movie[3][10:20])
    np.testing.assert_array_equal(movie[..., 4][:2], movie[:2, :, 4])
    assert movie[:0].shape == (0, 80, 90)
    with pytest.raises(IndexError):
        movie[600]


def test_movie_becomes_an_array_on_demand():
    movie = simulate(SMALL.replace(n_frames=3, n_ensembles=0)).movie
    np.testing.assert_array_equal(np.asarray(movie), movie[:])
    assert np.asarray(movie, dtype=np.float32).dtype == np.float32


def test_mean_over_labels_of_the_movie_is_the_trace():
    simulation = simulate(SMALL.replace(noise=0.0, n_frames=40))
    labels = simulation.label_image.ravel()
    for frame in (0, 17, 39):
        pixels = simulation.movie.brightness(frame).ravel()
        naive = [pixels[labels == k + 1].mean() for k in range(SMALL.n_rois)]
        np.testing.assert_allclose(simulation.raw[:, frame], naive, rtol=1e-4)


def test_noise_of_extracted_traces_is_that_of_the_traces():
    simulation = simulate(SMALL.replace(n_frames=300, event_rate=0.0, n_ensembles=0, drift=0.0, neuropil=0.0))
    labels = simulation.label_image.ravel()
    frames = simulation.movie[:].reshape(300, -1).astype(np.float64)
    extracted = np.stack([frames[:, labels == k + 1].mean(axis=1) for k in range(SMALL.n_rois)])
    noise = [np.diff(t, axis=1).std(axis=1) for t in (extracted, simulation.raw)]
    assert 0.85 < np.median(noise[0] / noise[1]) < 1.15


def test_mean_image_is_the_mean_of_the_movie():
    simulation = simulate(SMALL.replace(noise=0.0, n_frames=30))
    naive = np.mean([simulation.movie.brightness(k) for k in range(30)], axis=0)
    np.testing.assert_allclose(simulation.mean_image, naive, rtol=1e-4)


def test_motion_moves_the_frames_as_it_says():
    settings = SMALL.replace(noise=0.0, n_frames=50, motion=3.0, n_vessels=0)
    simulation = simulate(settings)
    still = simulate(settings.replace(motion=0.0))
    assert simulation.motion.std() > 1
    frame = int(np.argmax(np.abs(simulation.motion).min(axis=1)))
    shift = np.rint(simulation.motion[frame]).astype(int)
    moved = np.roll(still.movie.frame(frame).astype(float), shift, axis=(0, 1))[12:-12, 12:-12]
    found = simulation.movie.frame(frame).astype(float)[12:-12, 12:-12]
    unmoved = still.movie.frame(frame).astype(float)[12:-12, 12:-12]
    assert np.abs(found - moved).mean() < 0.5 * np.abs(found - unmoved).mean()


def test_a_huge_movie_costs_nothing_until_it_is_read():
    settings = SimulationSettings(n_rois=1, n_frames=50_000, height=512, width=512, n_ensembles=0)
    movie = simulate(settings).movie
    assert movie.nbytes > 20e9
    assert movie[49_999].shape == (512, 512)


# ---------------------------------------------------------------- edges


@pytest.mark.parametrize(
    "change",
    [
        {"n_rois": 0},
        {"n_rois": 1},
        {"n_frames": 1},
        {"n_ensembles": 0},
        {"n_ensembles": 30, "ensemble_size": (15, 20)},
        {"event_rate": 0.0},
        {"activations": (0, 0)},
        {"activations": (500, 500)},
        {"n_vessels": 60},
        {"noise": 0.0},
        {"motion": 40.0},
        {"soma_diameter": 200.0},
        {"frame_rate": 0.2},
        {"extra_spikes": 0.0},
    ],
)
@pytest.mark.filterwarnings("error")
def test_extreme_settings_give_a_recording(change):
    simulation = simulate(SMALL.replace(**change))
    assert simulation.raw.shape == (simulation.settings.n_rois, simulation.settings.n_frames)
    assert np.isfinite(simulation.raw).all()
    assert np.isfinite(simulation.mean_image).all()
    assert simulation.movie[0].shape == (80, 90)
    assert isinstance(simulation.to_recording(), Recording)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ensemble_size": (9, 3)}, "ensemble_size must run from low to high"),
        ({"rise_time": 1.0, "decay_time": 0.5}, "rise_time must be below decay_time"),
        ({"n_rois": -1}, "n_rois"),
        ({"n_frames": 0}, "n_frames"),
        ({"cells": 3}, "cells"),
    ],
)
def test_bad_settings_are_named(change, message):
    with pytest.raises(SettingsError, match=message):
        SMALL.replace(**change)


# ---------------------------------------------------------------- outputs


def test_recording_holds_what_a_reader_would_find(small):
    recording = small.to_recording("field")
    assert recording.name == "field"
    assert recording.frame_rate == SMALL.frame_rate
    assert set(recording.traces) == {"raw"}
    assert recording.traces["raw"].unit == "a.u."
    assert recording.rois is not None
    assert recording.has_positions
    assert recording.movie is not None
    assert recording.movie.n_frames == SMALL.n_frames
    assert recording.pixel_size_um == SMALL.pixel_size
    assert recording.events is recording.ensembles is None
    assert SimulationSettings.validated(dict(recording.log[0].settings)) == SMALL


def test_csv_holds_the_traces(small, tmp_path):
    path = small.write_csv(tmp_path / "deep" / "field.csv")
    values = np.loadtxt(path, delimiter=",")
    np.testing.assert_allclose(values, small.raw, atol=6e-4)
    assert [p.name for p in path.parent.iterdir()] == ["field.csv"]


def test_labels_file_holds_the_labels(small, tmp_path):
    import tifffile

    path = small.write_labels(tmp_path / "labels.tif")
    labels = tifffile.imread(path)
    np.testing.assert_array_equal(labels, small.label_image)
    assert labels.dtype == np.uint16
    assert path.read_bytes() == small.write_labels(tmp_path / "again.tif").read_bytes()


def test_movie_file_holds_the_frames_and_their_units(tmp_path):
    import tifffile

    simulation = simulate(SMALL.replace(n_frames=6, n_ensembles=0))
    path = simulation.write_movie(tmp_path / "movie.tif")
    with tifffile.TiffFile(path) as file:
        np.testing.assert_array_equal(file.asarray(), simulation.movie[:])
        meta = file.imagej_metadata
        assert meta is not None
        assert meta["finterval"] == pytest.approx(1 / SMALL.frame_rate)
        numerator, denominator = file.pages[0].tags["XResolution"].value
        assert denominator / numerator == pytest.approx(SMALL.pixel_size, rel=1e-5)
        assert meta["unit"] == "um"


def test_a_failed_write_leaves_no_file_and_the_old_one_intact(tmp_path, monkeypatch, small):
    path = small.write_csv(tmp_path / "field.csv")
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="disk full"):
        small.write_csv(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["field.csv"]


# ---------------------------------------------------------------- presets


def test_demo_is_small_and_has_ensembles(demo):
    assert demo.raw.shape == (120, 3000)
    assert demo.settings.duration_s == pytest.approx(300)
    assert len(demo.members) == 5


def test_course_has_the_shape_of_the_courses_file():
    settings = course_settings(3)
    assert (settings.n_rois, settings.n_frames, settings.frame_rate) == (324, 15_000, 4.8)
    assert settings.seed == 3


def test_settings_survive_yaml():
    assert SimulationSettings.from_yaml(course_settings().to_yaml()) == course_settings()


def test_events_table_is_checked():
    with pytest.raises(ValueError, match="differ in length"):
        TrueEvents(np.zeros(2, np.int64), np.zeros(1), np.ones(2, np.int64), np.zeros(2, np.int64))
