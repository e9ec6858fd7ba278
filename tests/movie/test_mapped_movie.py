import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_calcium.movie.chunks import map_chunks
from napari_calcium.movie.grid import grid_for
from napari_calcium.movie.mapped_movie import MappedMovie, travelling
from napari_calcium.movie.registered_movie import RegisteredMovie

HEADER = 100_003


@pytest.fixture
def stack(tmp_path):
    values = np.random.default_rng(0).integers(0, 60000, (30, 2, 16, 20), dtype=np.uint16)
    path = tmp_path / "movie.bin"
    path.write_bytes(bytes(HEADER) + values.astype(">u2").tobytes())
    return values, np.memmap(path, ">u2", "r", offset=HEADER, shape=values.shape)


@pytest.mark.parametrize(
    "part",
    [
        lambda a: a[:, 0],
        lambda a: a[5:21, 1],
        lambda a: a[::3, 1, 2:9, 4:],
        lambda a: a.transpose(1, 0, 2, 3)[1],
        lambda a: a.reshape(60, 16, 20),
    ],
)
def test_any_part_of_a_mapped_file_travels_by_name(stack, part):
    values, mapped = stack
    sent = pickle.dumps(travelling(part(mapped)))
    assert len(sent) < 1000
    arrived = pickle.loads(sent)
    assert arrived.shape == part(values).shape
    assert_array_equal(arrived[:], part(values))
    assert_array_equal(arrived[3:5], part(values)[3:5])
    assert len(pickle.dumps(arrived)) < 1000


def test_what_cannot_travel_by_name_is_left_as_it_is(stack, tmp_path):
    values, mapped = stack
    changed = np.memmap(tmp_path / "movie.bin", ">u2", "c", offset=HEADER, shape=values.shape)
    for movie in (values, changed, mapped[::-1], mapped[:0]):
        assert travelling(movie) is movie


def total(chunk):
    return float(chunk.pixels.sum(dtype=np.float64))


def test_workers_elsewhere_map_the_file_themselves(stack):
    values, mapped = stack
    here = list(map_chunks(total, values[:, 1], chunk_frames=7))
    with ProcessPoolExecutor(1) as pool:
        assert list(map_chunks(total, mapped[:, 1], chunk_frames=7, executor=pool)) == here


def test_a_registered_view_of_a_mapped_file_is_sent_without_its_frames(stack):
    values, mapped = stack
    grid = grid_for((16, 20), 16)
    fields = np.full((30, grid.ny, grid.nx, 2), 0.5, np.float32)
    sent = pickle.dumps(RegisteredMovie(mapped[:, 0], fields, grid))
    assert len(sent) < fields.nbytes + 3000
    assert_array_equal(pickle.loads(sent)[:], RegisteredMovie(values[:, 0], fields, grid)[:])


def test_a_mapped_movie_is_read_as_an_array(stack):
    values, mapped = stack
    movie = MappedMovie(str(mapped.filename), mapped.dtype, (30, 640), (1280, 2), HEADER)
    assert_array_equal(movie[4:6], values.reshape(30, 640)[4:6])
