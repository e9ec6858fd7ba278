"""Several files as one movie: any slicing gives what joining them in memory would."""

import pickle

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from napari_calcium.io.errors import ReadError
from napari_calcium.io.movie_parts import JoinedMovie, open_parts
from napari_calcium.io.opening import movie_recording
from napari_calcium.movie.chunks import map_chunks
from napari_calcium.movie.mapped_movie import MappedMovie, travelling

RNG = np.random.default_rng(0)
PARTS = [RNG.integers(0, 99, (n, 6, 8)).astype(np.uint16) for n in (4, 1, 7)]
WHOLE = np.concatenate(PARTS)


@given(st.slices(12), st.slices(6), st.slices(8))
def test_slices_are_those_of_the_whole(frames, rows, columns):
    joined = JoinedMovie(PARTS)
    np.testing.assert_array_equal(joined[frames], WHOLE[frames])
    np.testing.assert_array_equal(joined[frames, rows, columns], WHOLE[frames, rows, columns])


@given(st.integers(-12, 11), st.slices(6))
def test_single_frames_are_those_of_the_whole(frame, rows):
    np.testing.assert_array_equal(JoinedMovie(PARTS)[frame, rows], WHOLE[frame, rows])


def test_it_looks_like_an_array():
    joined = JoinedMovie(PARTS)
    assert (joined.shape, joined.ndim, len(joined), joined.size) == ((12, 6, 8), 3, 12, WHOLE.size)
    np.testing.assert_array_equal(np.asarray(joined), WHOLE)
    with pytest.raises(IndexError):
        joined[12]


def test_parts_of_different_types_get_one_that_holds_both():
    joined = JoinedMovie([PARTS[0], PARTS[1].astype(np.float32) + 0.5])
    assert joined.dtype == np.float32 and joined[4, 0, 0] == PARTS[1][0, 0, 0] + 0.5


def write(folder, names, **options):
    paths = []
    for name, part in zip(names, PARTS, strict=False):
        tifffile.imwrite(folder / name, part, photometric="minisblack", **options)
        paths.append(str(folder / name))
    return paths


def test_files_are_joined_in_the_order_of_their_numbers(tmp_path):
    paths = write(tmp_path, ["day_2.tif", "day_9.tif", "day_10.tif"])
    movie = open_parts(paths[::-1])
    np.testing.assert_array_equal(movie.data[:], WHOLE)
    assert "3 files, day_2.tif to day_10.tif, are parts" in movie.notes[0]
    recording = movie_recording(movie)
    assert recording.n_frames == 12 and recording.name == "day_2"


def test_one_file_is_itself(tmp_path):
    movie = open_parts(write(tmp_path, ["only.tif"]))
    assert not isinstance(movie.data, JoinedMovie)


def test_frames_of_another_size_are_refused_by_name(tmp_path):
    paths = write(tmp_path, ["a1.tif"])
    tifffile.imwrite(tmp_path / "a2.tif", np.zeros((3, 9, 9), np.uint16), photometric="minisblack")
    with pytest.raises(ReadError, match=r"a2\.tif: frames of 9 × 9, those of a1\.tif have 6 × 8"):
        open_parts([*paths, tmp_path / "a2.tif"])


def test_another_frame_rate_is_refused_by_name(tmp_path):
    for name, interval in (("b1.tif", 0.1), ("b2.tif", 0.2)):
        tifffile.imwrite(
            tmp_path / name, PARTS[0], imagej=True, metadata={"axes": "TYX", "finterval": interval}
        )
    with pytest.raises(ReadError, match=r"b2\.tif: 5 Hz, but b1\.tif has 10 Hz"):
        open_parts([tmp_path / "b1.tif", tmp_path / "b2.tif"])


def test_it_is_streamed_and_travels_by_the_names_of_its_files(tmp_path):
    data = open_parts(write(tmp_path, ["c1.tif", "c2.tif", "c3.tif"])).data
    sums = [total for _, total in map_chunks(lambda chunk: chunk.pixels.sum(), data, chunk_frames=3)]
    assert sum(sums) == WHOLE.sum()
    sent = travelling(data)
    assert all(isinstance(part, MappedMovie) for part in sent.parts)
    assert len(pickle.dumps(sent)) < 3000
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(sent))[2:9], WHOLE[2:9])
