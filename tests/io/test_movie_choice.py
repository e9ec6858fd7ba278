"""A plane and a channel of a movie: what slicing the whole in memory would give, read lazily."""

import pickle

import numpy as np
import pytest
import tifffile

from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.movie_choice import choose
from napari_calcium.io.opening import open_recording
from napari_calcium.io.tiff import open_movie

FRAMES = np.random.default_rng(0).integers(0, 999, (6, 3, 2, 5, 7)).astype(np.uint16)  # t z c y x
LAYOUTS = [{}, {"compression": "zlib"}]
layouts = pytest.mark.parametrize("options", LAYOUTS, ids=["mapped", "compressed"])


def hyperstack(path, options):
    if options:
        tifffile.imwrite(path, FRAMES, ome=True, metadata={"axes": "TZCYX"}, **options)
    else:
        tifffile.imwrite(path, FRAMES, imagej=True, metadata={"axes": "TZCYX", "finterval": 0.5})
    return open_movie(path)


@layouts
@pytest.mark.parametrize(("plane", "channel"), [(1, 1), (3, 1), (2, 2)])
def test_a_plane_and_a_channel(tmp_path, options, plane, channel):
    part = choose(hyperstack(tmp_path / "movie.tif", options), CsvSettings(plane=plane, channel=channel))
    np.testing.assert_array_equal(part.data[:], FRAMES[:, plane - 1, channel - 1])
    np.testing.assert_array_equal(part.data[2:4, 1:3], FRAMES[2:4, plane - 1, channel - 1, 1:3])
    assert part.guide is None
    assert f"plane {plane} of 3" in part.notes[0] and f"channel {channel} of 2" in part.notes[1]


@layouts
def test_another_channel_for_the_motion(tmp_path, options):
    movie = hyperstack(tmp_path / "movie.tif", options)
    part = choose(movie, CsvSettings(plane=2, channel=1, registration_channel=2))
    np.testing.assert_array_equal(part.data[:], FRAMES[:, 1, 0])
    np.testing.assert_array_equal(part.guide[:], FRAMES[:, 1, 1])
    assert choose(movie, CsvSettings(channel=2, registration_channel=2)).guide is None


@layouts
def test_interleaved_frames_are_told_apart(tmp_path, options):
    flat = FRAMES.reshape(-1, 5, 7)
    tifffile.imwrite(tmp_path / "movie.tif", flat, photometric="minisblack", **options)
    movie = open_movie(tmp_path / "movie.tif")
    read = CsvSettings(
        interleaved_planes=3, interleaved_channels=2, plane=2, channel=2, registration_channel=1
    )
    part = choose(movie, read)
    np.testing.assert_array_equal(part.data[:], FRAMES[:, 1, 1])
    np.testing.assert_array_equal(part.guide[:], FRAMES[:, 1, 0])
    with pytest.raises(ReadError, match="36 frames are no whole number of volumes of 10"):
        choose(movie, CsvSettings(interleaved_planes=5, interleaved_channels=2))


def test_the_rate_of_interleaved_frames_is_that_of_volumes(tmp_path):
    flat = FRAMES.reshape(-1, 5, 7)
    tifffile.imwrite(tmp_path / "movie.tif", flat, imagej=True, metadata={"axes": "TYX", "finterval": 0.1})
    part = choose(
        open_movie(tmp_path / "movie.tif"), CsvSettings(interleaved_planes=3, interleaved_channels=2)
    )
    assert part.frame_rate == pytest.approx(10 / 6)


def test_what_is_not_there_is_refused_by_number(tmp_path):
    movie = hyperstack(tmp_path / "movie.tif", {})
    with pytest.raises(ReadError, match="no plane 4; the movie has 3 planes"):
        choose(movie, CsvSettings(plane=4))
    with pytest.raises(ReadError, match="no channel 3; the movie has 2 channels"):
        choose(movie, CsvSettings(registration_channel=3))
    with pytest.raises(ReadError, match="tells its planes and channels itself"):
        choose(movie, CsvSettings(interleaved_planes=2))


def test_a_compressed_part_reaches_other_processes(tmp_path):
    part = choose(hyperstack(tmp_path / "movie.tif", LAYOUTS[1]), CsvSettings(plane=3))
    again = pickle.loads(pickle.dumps(part.data))
    np.testing.assert_array_equal(again[1:3], FRAMES[1:3, 2, 0])


def test_a_recording_of_a_channel(tmp_path):
    hyperstack(tmp_path / "movie.tif", {})
    recording = open_recording(
        tmp_path / "movie.tif", CsvSettings(channel=2, registration_channel=1, plane=2)
    )
    np.testing.assert_array_equal(recording.movie.data[:], FRAMES[:, 1, 1])
    np.testing.assert_array_equal(recording.movie.guide[:], FRAMES[:, 1, 0])
    assert recording.log[0].settings["channel"] == 2


def test_a_folder_of_frames_or_parts_is_one_movie(tmp_path):
    frames = FRAMES[:, 0, 0]
    for name, parts in (("frames", [[0], [1], [2], [3], [4], [5]]), ("parts", [[0, 1, 2, 3], [4, 5]])):
        folder = tmp_path / name
        folder.mkdir()
        for k, numbers in enumerate(parts):
            tifffile.imwrite(folder / f"m_{k + 8}.tif", frames[numbers], photometric="minisblack")
        np.testing.assert_array_equal(open_recording(folder).movie.data[:], frames)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(ReadError, match="this folder is not known"):
        open_recording(tmp_path / "nothing")


def test_a_saved_recording_finds_its_channel_again(tmp_path):
    from napari_calcium.io.nwb import read_nwb, save_nwb

    hyperstack(tmp_path / "movie.tif", {})
    recording = open_recording(tmp_path / "movie.tif", CsvSettings(channel=2, plane=3, frame_rate=5))
    save_nwb(recording, tmp_path / "saved.nwb")
    again = read_nwb(tmp_path / "saved.nwb")
    np.testing.assert_array_equal(again.movie.data[:], FRAMES[:, 2, 1])
