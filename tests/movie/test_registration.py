import pickle
import threading
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from pydantic import TypeAdapter

from napari_calcium.movie.registration import (
    NonRigidRegistration,
    RegistrationSettings,
    RigidRegistration,
    register,
)
from napari_calcium.progress import Cancelled

RATE = 15.0
SETTINGS = NonRigidRegistration(node_spacing=40, max_shift=12)


@pytest.fixture(scope="module")
def scene(moving_scene):
    return moving_scene(120, seed=2)


@pytest.fixture(scope="module")
def found(scene):
    return register(scene.movie, RATE, SETTINGS)


def assert_same(a, b):
    assert_array_equal(a.fields, b.fields)
    assert_array_equal(a.correlation, b.correlation)
    assert_array_equal(a.bad, b.bad)
    assert_array_equal(a.template, b.template)
    assert_array_equal(a.binned[:], b.binned[:])
    for name, image in a.images.items():
        assert_array_equal(image, b.images[name])


def rms(values):
    return float(np.sqrt(np.mean(np.asarray(values, float) ** 2)))


def test_known_motion_is_found(scene, found, field_error):
    assert field_error(found.fields, found.grid, scene) < 0.2
    error = found.shifts - found.fields.mean(axis=(1, 2))
    truth = scene.truth(np.arange(96.0), np.arange(112.0)).mean(axis=(1, 2))
    error = found.shifts - truth
    assert rms(error - np.median(error, axis=0)) < 0.06
    assert not found.bad.any()


def test_learned_motion_beats_rigid_and_both_beat_nothing(scene, found, field_error):
    rigid = register(scene.movie, RATE, RigidRegistration(max_shift=12))
    zero = np.zeros_like(rigid.fields)
    errors = [
        field_error(f, g, scene)
        for f, g in ((found.fields, found.grid), (rigid.fields, rigid.grid), (zero, rigid.grid))
    ]
    assert errors[0] < 0.5 * errors[1] < 0.25 * errors[2]
    assert_allclose(rigid.fields, np.broadcast_to(rigid.fields[:, :1, :1], rigid.fields.shape), atol=1e-5)


def test_shifting_the_movie_shifts_the_estimated_shifts(scene, found):
    """Frames moved by whole pixels, each its own way, are found where they were moved to."""
    steps = np.random.default_rng(0).integers(-2, 3, (len(scene.movie), 2))
    steps -= np.median(steps, axis=0).astype(int)
    movie = np.stack([np.roll(f, s, (0, 1)) for f, s in zip(scene.movie, steps, strict=True)])
    moved = register(movie, RATE, SETTINGS)
    difference = moved.shifts - found.shifts - steps
    assert rms(difference - np.median(difference, axis=0)) < 0.12


def test_registering_a_registered_movie_does_nothing(scene, found):
    again = register(found.apply(scene.movie)[:], RATE, SETTINGS)
    assert rms(again.shifts) < 0.06
    assert rms(again.fields) < 0.2
    assert rms(again.fields) < 0.1 * rms(found.fields)


def test_gain_and_offset_change_nothing(scene, found):
    other = register(scene.movie * np.float32(3) + 700, RATE, SETTINGS)
    assert_allclose(other.fields, found.fields, atol=0.02)


def test_images_are_those_of_the_registered_movie(scene, found):
    moved = found.apply(scene.movie)[:]
    inside = found.images["coverage"] == 1
    assert 0.5 < inside.mean() < 1
    assert_allclose(found.images["mean"][inside], moved.mean(axis=0)[inside], rtol=1e-4)
    assert_allclose(found.images["raw_mean"], scene.movie.mean(axis=0), rtol=1e-5)
    size = found.binned.frames_per_bin
    assert size == 2
    bins = moved.reshape(-1, size, *moved.shape[1:]).mean(axis=1)
    assert_allclose(found.images["max_projection"][inside], bins.max(axis=0)[inside], rtol=1e-4)
    assert_allclose(found.images["standard_deviation"][inside], bins.std(axis=0)[inside], rtol=1e-3)
    noise = bins.std(axis=0)[inside].mean()
    assert np.abs(found.binned[:] - bins)[:, inside].max() < 0.2 * noise
    sharp, blurred = (np.abs(np.diff(found.images[name])).mean() for name in ("mean", "raw_mean"))
    assert sharp > 1.1 * blurred


@pytest.mark.parametrize("workers", [1, 3])
def test_any_number_of_workers_gives_the_same_bytes(scene, found, workers):
    with ThreadPoolExecutor(workers) as pool:
        assert_same(register(scene.movie, RATE, SETTINGS, executor=pool), found)


def test_processes_give_the_same_bytes(moving_scene):
    movie = moving_scene(20, seed=5).movie
    with ProcessPoolExecutor(1) as pool:
        assert_same(register(movie, RATE, SETTINGS, executor=pool), register(movie, RATE, SETTINGS))


def test_bins_cut_by_chunks_are_whole(monkeypatch, scene, found):
    from napari_calcium.movie import registration

    monkeypatch.setattr(registration, "frames_per_chunk", lambda height, width: 7)
    other = register(scene.movie, RATE, SETTINGS.replace(bin_duration=1.0))
    monkeypatch.undo()
    whole = register(scene.movie, RATE, SETTINGS.replace(bin_duration=1.0))
    assert other.binned.shape == (8, 96, 112)
    # Sixteen bits: the last step may go either way.
    assert_allclose(other.binned[:], whole.binned[:], atol=1.0)
    assert_allclose(other.images["mean"], whole.images["mean"], rtol=1e-4)


def test_the_second_channel_moves_with_the_first(scene, found):
    other = (scene.movie[:, ::-1] // 2).astype(np.uint16)
    moved = found.apply(other)
    assert_allclose(moved[7], found.apply(other[:])[7])
    with pytest.raises(ValueError, match="was registered"):
        found.apply(other[:5])


def test_one_photon_background_that_stays_does_not_hold_the_tissue(moving_scene, field_error):
    scene = moving_scene(60, seed=3, field_sd=0.3, photons=100)
    y, x = np.mgrid[:96, :112]
    glow = 12000 * np.exp(-((y - 30) ** 2 + (x - 60) ** 2) / 4000)
    movie = np.clip(scene.movie + glow, 0, 65535).astype(np.uint16)
    settings = SETTINGS.replace(background=8.0, smoothing=1.0)
    found, unfiltered = register(movie, RATE, settings), register(movie, RATE, SETTINGS)
    error, held = (field_error(r.fields, r.grid, scene) for r in (found, unfiltered))
    assert error < 0.3
    assert error < 0.5 * held
    assert found.images["mean"].max() > 10000


def test_bidirectional_phase_is_found_and_undone(moving_scene):
    movie = moving_scene(40, seed=6).movie.copy()
    movie[:, 1::2] = np.roll(movie[:, 1::2], 3, axis=2)
    found = register(movie, RATE, SETTINGS.replace(correct_line_phase=True))
    assert found.line_phase == pytest.approx(3, abs=0.2)
    rows = found.images["mean"][20:-20, 20:-20]
    comb = np.abs(np.diff(rows, axis=0)).mean() / np.abs(np.diff(rows[::2], axis=0)).mean()
    assert comb < 0.9
    assert register(movie, RATE, SETTINGS).line_phase == 0


def test_torn_dark_and_missing_frames_are_bad_and_left_out(scene):
    movie = scene.movie.astype(np.float32)
    movie[30] = np.nan
    movie[60] = 0
    movie[90] = np.random.default_rng(0).permutation(movie[90].ravel()).reshape(movie[90].shape)
    movie[10, 40:50, 50:60] = np.inf
    found = register(movie, RATE, SETTINGS)
    assert np.flatnonzero(found.bad).tolist() == [30, 60, 90]
    assert np.flatnonzero(found.missing).tolist() == [30]
    assert np.isnan(found.correlation[30])
    assert_allclose(found.fields[30], (found.fields[29] + found.fields[31]) / 2, atol=1e-5)
    assert np.isfinite(found.fields).all()
    assert np.isfinite(found.binned[:]).all()


@pytest.mark.parametrize("method", [NonRigidRegistration(), RigidRegistration()])
@pytest.mark.parametrize(
    "movie",
    [
        np.zeros((12, 40, 50), np.uint16),
        np.full((12, 40, 50), 65535, np.uint16),
        np.full((5, 40, 50), np.nan, np.float32),
        np.full((5, 40, 50), np.inf, np.float64),
        np.ones((1, 1, 1), np.uint8),
        np.ones((7, 1, 60), np.int16),
        np.ones((7, 3, 2), bool),
    ],
    ids=["zeros", "saturated", "nan", "infinite", "one pixel", "one row", "tiny"],
)
def test_movies_without_contrast_do_not_move(movie, method):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = register(movie, RATE, method)
    assert_allclose(found.fields, 0, atol=1e-6)
    assert np.isnan(found.correlation).all()
    assert found.shape == movie.shape
    assert np.isfinite(found.binned[:]).all()


@given(
    shape=st.tuples(st.integers(1, 12), st.integers(1, 45), st.integers(1, 45)),
    dtype=st.sampled_from(["uint8", "int16", "uint16", "float32", "float64"]),
    lost=st.sampled_from([0.0, 0.01, 0.6]),
    rigid=st.booleans(),
    options=st.fixed_dictionaries(
        {
            "correct_line_phase": st.booleans(),
            "background": st.sampled_from([0.0, 4.0]),
            "bin_duration": st.sampled_from([0.01, 0.3, 60.0]),
            "template_frames": st.sampled_from([1, 5, 300]),
        }
    ),
    seed=st.integers(0, 99),
)
@settings(max_examples=25, deadline=None)
def test_any_movie_has_a_finite_registration(shape, dtype, lost, rigid, options, seed):
    rng = np.random.default_rng(seed)
    movie = (200 * rng.random(shape)).astype(dtype)
    if movie.dtype.kind == "f":
        movie[rng.random(shape) < lost] = np.nan
        movie[rng.random(shape[0]) < lost] = np.inf
    movie.flags.writeable = False
    found = register(movie, RATE, (RigidRegistration if rigid else NonRigidRegistration)(**options))
    assert found.fields.shape[0] == len(found.bad) == len(found.correlation) == shape[0]
    assert np.isfinite(found.fields).all()
    assert np.abs(found.fields).max() <= max(1.0, 0.1 * min(shape[1:])) + 1e-5
    assert np.isfinite(found.binned[:]).all()
    for name, image in found.images.items():
        assert image.shape == shape[1:], name
        assert not np.isinf(image).any(), name


def test_one_frame_is_its_own_template(scene):
    found = register(scene.movie[:1], RATE, SETTINGS)
    assert_allclose(found.fields, 0, atol=1e-3)
    assert_allclose(found.images["mean"], scene.movie[0], rtol=1e-3)
    assert not found.bad.any()


def test_a_half_saturated_movie_still_moves(moving_scene):
    scene = moving_scene(40, seed=8, field_sd=0.0)
    movie = np.minimum(scene.movie, np.uint16(np.median(scene.movie)))
    found = register(movie, RATE, RigidRegistration(max_shift=12))
    error = found.shifts - scene.shifts
    assert rms(error - np.median(error, axis=0)) < 0.15


def test_cancelling_stops_at_once_and_changes_nothing(scene):
    before = scene.movie.copy()
    for last in (0.0, 0.1, 0.5):
        calls = []

        def cancel(done, total, calls=calls, last=last):
            calls.append(done / total)
            if done / total > last:
                raise Cancelled

        with pytest.raises(Cancelled):
            register(scene.movie, RATE, SETTINGS, on_progress=cancel)
        assert calls[:-1] == sorted(calls[:-1])
    assert_array_equal(scene.movie, before)
    assert not [t for t in threading.enumerate() if t.name.startswith(("chunk", "read"))]


def test_progress_rises_from_nothing_to_all(scene):
    calls = []
    register(scene.movie[:30], RATE, SETTINGS, on_progress=lambda done, total: calls.append(done / total))
    assert calls == sorted(calls)
    assert (calls[0], calls[-1]) == (0, 1)


def test_what_is_no_movie_is_refused():
    with pytest.raises(ValueError, match="n_frames, height, width"):
        register(np.zeros((4, 5)), RATE)
    with pytest.raises(ValueError, match="frame_rate"):
        register(np.zeros((2, 4, 5)), 0)


def test_settings_name_their_method():
    adapter = TypeAdapter(RegistrationSettings)
    for chosen in (NonRigidRegistration(node_spacing=48), RigidRegistration(max_shift=5)):
        assert adapter.validate_python(chosen.model_dump()) == chosen
        assert type(chosen).from_yaml(chosen.to_yaml()) == chosen
    assert all(field.description for field in NonRigidRegistration.model_fields.values() if field.title)


def test_results_cannot_be_changed(found):
    for array in (found.fields, found.shifts, found.template, found.images["mean"]):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_the_view_reaches_other_processes(scene, found):
    lazy = found.apply(scene.movie)
    assert_array_equal(pickle.loads(pickle.dumps(lazy))[3:5], lazy[3:5])
