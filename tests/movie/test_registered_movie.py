import numpy as np
import pytest
import tifffile
from numpy.testing import assert_allclose, assert_array_equal

from napari_calcium.movie.chunks import map_chunks
from napari_calcium.movie.grid import grid_for
from napari_calcium.movie.registered_movie import RegisteredMovie, write_registered
from napari_calcium.progress import Cancelled


@pytest.fixture
def movie():
    return np.random.default_rng(0).integers(0, 60000, (9, 30, 40), dtype=np.uint16)


def view(movie, shift=(0.0, 0.0), **options):
    grid = grid_for(movie.shape[1:], 16)
    fields = np.broadcast_to(np.array(shift, np.float32), (len(movie), grid.ny, grid.nx, 2)).copy()
    fields *= np.arange(len(movie), dtype=np.float32)[:, None, None, None] % 3
    return RegisteredMovie(movie, fields, grid, **options)


def test_no_field_is_the_movie_itself(movie):
    assert_array_equal(view(movie)[:], movie.astype(np.float32))


def test_frames_are_moved_when_read_and_edges_repeat(movie):
    moved = view(movie, (2.0, -3.0))[:]
    assert_array_equal(moved[1, :-2, 3:], movie[1, 2:, :-3])
    assert_array_equal(moved[1, -1, 3:], movie[1, -1, :-3])
    assert_array_equal(moved[1, :-2, 0], movie[1, 2:, 0])
    assert np.isfinite(moved).all()


def test_it_is_sliced_as_an_array_is(movie):
    movie.flags.writeable = False
    lazy = view(movie, (0.5, 0.25))
    whole = lazy[:]
    assert lazy.shape == movie.shape
    assert (len(lazy), lazy.ndim, lazy.dtype) == (9, 3, np.float32)
    for index in (
        0,
        -1,
        np.int64(4),
        slice(2, 5),
        slice(None, None, 4),
        slice(6, 1, -2),
        slice(5, 5),
        (3, slice(2, 9), slice(None, None, 2)),
        (slice(1, 4), 5, slice(3)),
    ):
        assert_array_equal(lazy[index], whole[index])
    with pytest.raises(IndexError):
        lazy[9]


def test_it_reads_no_more_than_asked_for(movie):
    asked = []

    class Spy:
        shape, dtype = movie.shape, movie.dtype

        def __getitem__(self, frames):
            asked.append((frames.start, frames.stop))
            return movie[frames]

    lazy = (
        view(Spy())
        if hasattr(Spy, "__len__")
        else RegisteredMovie(Spy(), view(movie)._fields, view(movie)._grid)
    )
    lazy[4]
    lazy[2:5, 3]
    assert asked == [(4, 5), (2, 5)]


def test_it_can_be_streamed(movie):
    lazy = view(movie, (0.5, 0.25))
    parts = [part for _, part in map_chunks(lambda chunk: chunk.pixels.copy(), lazy, chunk_frames=4)]
    assert_array_equal(np.concatenate(parts), lazy[:])


def test_odd_rows_are_moved_first(movie):
    lazy = view(movie, line_phase=1.0)[:]
    assert_array_equal(lazy[:, ::2], movie[:, ::2])
    assert_array_equal(lazy[:, 1::2, :-1], movie[:, 1::2, 1:])


def test_as_many_fields_as_frames_are_needed(movie):
    lazy = view(movie)
    with pytest.raises(ValueError, match="has 5 frames, but 9 were registered"):
        RegisteredMovie(movie[:5], lazy._fields, lazy._grid)


def test_displacements_must_be_finite(movie):
    lazy = view(movie)
    fields = lazy._fields.copy()
    fields[3, 0, 0, 1] = np.nan
    with pytest.raises(ValueError, match="finite"):
        RegisteredMovie(movie, fields, lazy._grid)


@pytest.mark.parametrize("dtype", ["float32", "uint16", "int16", "uint8", "int32", "uint32"])
def test_written_files_hold_the_registered_movie(movie, tmp_path, dtype):
    lazy = view(movie, (0.5, 0.25))
    path = write_registered(lazy, tmp_path / "registered.tif", dtype=dtype)
    with tifffile.TiffFile(path) as file:
        assert file.is_bigtiff
        assert file.series[0].axes == "TYX"
        written = file.asarray()
    expected = lazy[:]
    if dtype != "float32":
        limits = np.iinfo(dtype)
        expected = np.clip(np.rint(expected), limits.min, limits.max)
    assert_allclose(written, expected)
    assert [p.name for p in tmp_path.iterdir()] == ["registered.tif"]


def test_cancelled_writing_leaves_the_old_file(movie, tmp_path):
    path = tmp_path / "registered.tif"
    path.write_text("old")

    def cancel(done, total):
        if done:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_registered(view(movie), path, on_progress=cancel)
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_missing_pixels_become_zero_in_integers(tmp_path):
    movie = np.full((2, 20, 20), 5, np.float32)
    movie[1] = np.nan
    path = write_registered(view(movie), tmp_path / "r.tif", dtype="uint16")
    assert_array_equal(tifffile.imread(path), np.where(np.isnan(movie), 0, movie))
