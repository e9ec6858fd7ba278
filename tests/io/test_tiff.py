"""TIFF movies: each dialect is understood, nothing is read that was not asked for, damage is named."""

from __future__ import annotations

import logging
import resource
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from napari_calcium.io.errors import ReadError
from napari_calcium.io.tiff import MovieFile, contrast_limits, open_movie
from napari_calcium.io.tiff_pages import FrameStack, open_tiff

FRAMES = np.random.default_rng(0).integers(-50, 500, (24, 16, 20)).astype(np.int16)


def assert_same(movie: MovieFile, frames: np.ndarray) -> None:
    """The movie holds these frames, whole and sliced."""
    assert movie.data.shape == frames.shape and len(movie.axes) == frames.ndim
    assert movie.n_frames == len(frames)
    assert_array_equal(np.asarray(movie.data[:]), frames)
    assert_array_equal(np.asarray(movie.data[3]), frames[3])
    assert_array_equal(np.asarray(movie.data[1:9:2, ..., 2:5, 7]), frames[1:9:2, ..., 2:5, 7])


def test_plain_stack_is_mapped(tmp_path: Path):
    tifffile.imwrite(tmp_path / "movie.tif", FRAMES, photometric="minisblack")
    movie = open_movie(tmp_path / "movie.tif")
    assert_same(movie, FRAMES)
    assert isinstance(movie.data, np.memmap) and movie.axes == "tyx" and movie.dialect == "TIFF"
    assert movie.frame_rate is None and "does not tell the frame rate" in movie.notes[0]


@pytest.mark.parametrize(
    "options", [{"compression": "zlib"}, {"compression": "zlib", "rowsperstrip": 5}, {"tile": (16, 16)}]
)
def test_pages_that_are_not_contiguous(tmp_path: Path, options: dict[str, Any]):
    tifffile.imwrite(tmp_path / "movie.tif", FRAMES, photometric="minisblack", **options)
    assert_same(open_movie(tmp_path / "movie.tif"), FRAMES)


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_bigtiff_and_byte_order(tmp_path: Path, byteorder: str):
    tifffile.imwrite(
        tmp_path / "movie.tif", FRAMES, photometric="minisblack", bigtiff=True, byteorder=byteorder
    )
    assert_same(open_movie(tmp_path / "movie.tif"), FRAMES)


def test_pages_written_one_by_one(tmp_path: Path):
    with tifffile.TiffWriter(tmp_path / "movie.tif") as writer:
        for frame in FRAMES:
            writer.write(frame, contiguous=False, photometric="minisblack", metadata=None)
    assert_same(open_movie(tmp_path / "movie.tif"), FRAMES)


def test_one_page_is_one_frame(tmp_path: Path):
    tifffile.imwrite(tmp_path / "movie.tif", FRAMES[0])
    movie = open_movie(tmp_path / "movie.tif")
    assert movie.data.shape == (1, 16, 20) and movie.axes == "tyx"
    assert_array_equal(movie.data[0], FRAMES[0])


def test_one_compressed_page_is_one_frame_too(tmp_path: Path):
    image = np.arange(30, dtype=np.uint16).reshape(5, 6)
    tifffile.imwrite(tmp_path / "one.tif", image, compression="zlib")
    movie = open_movie(tmp_path / "one.tif")
    assert movie.data.shape == (1, 5, 6)
    np.testing.assert_array_equal(movie.data[0], image)


# ImageJ


def test_imagej_frame_interval_and_pixel_size(tmp_path: Path):
    tifffile.imwrite(
        tmp_path / "movie.tif",
        FRAMES,
        imagej=True,
        resolution=(2, 2),
        metadata={"axes": "TYX", "finterval": 1 / 30, "unit": "um", "fps": 7},
    )
    movie = open_movie(tmp_path / "movie.tif")
    assert_same(movie, FRAMES)
    assert (movie.dialect, movie.frame_rate, movie.pixel_size_um) == ("ImageJ", 30, 0.5)


def test_imagej_playback_speed_is_second_best_and_told(tmp_path: Path):
    tifffile.imwrite(tmp_path / "movie.tif", FRAMES, imagej=True, metadata={"axes": "TYX", "fps": 12.5})
    movie = open_movie(tmp_path / "movie.tif")
    assert movie.frame_rate == 12.5 and "playback speed" in movie.notes[0]


def test_imagej_hyperstack(tmp_path: Path):
    frames = FRAMES.reshape(6, 2, 2, 16, 20).astype(np.uint16)
    tifffile.imwrite(
        tmp_path / "movie.tif", frames, imagej=True, metadata={"axes": "TZCYX", "finterval": 0.2}
    )
    movie = open_movie(tmp_path / "movie.tif")
    assert_same(movie, frames)
    assert (movie.axes, movie.n_planes, movie.n_channels, movie.frame_rate) == ("tzcyx", 2, 2, 5)


def test_movie_that_calls_its_frames_planes(tmp_path: Path):
    tifffile.imwrite(tmp_path / "movie.tif", FRAMES, imagej=True, metadata={"axes": "ZYX"})
    movie = open_movie(tmp_path / "movie.tif")
    assert_same(movie, FRAMES)
    assert "24 images planes (z); they are taken for frames" in " ".join(movie.notes)


def test_movie_that_calls_its_frames_channels(tmp_path: Path):
    tifffile.imwrite(tmp_path / "movie.tif", FRAMES, imagej=True)  # as tifffile writes it without axes
    movie = open_movie(tmp_path / "movie.tif")
    assert_same(movie, FRAMES)
    assert "24 images channels; they are taken for frames" in " ".join(movie.notes)
    tifffile.imwrite(tmp_path / "few.tif", FRAMES[:3], imagej=True, metadata={"axes": "CYX"})
    few = open_movie(tmp_path / "few.tif")
    assert (len(few.data), few.n_channels) == (1, 3)


def test_imagej_beyond_4_gb_is_opened_at_once(tmp_path: Path):
    """A sparse file of 6 GB with its only directory before the data, as ImageJ writes it."""
    n_frames, height, width = 12_000, 512, 512
    path = tmp_path / "movie.tif"
    description = f"ImageJ=1.54\nimages={n_frames}\nframes={n_frames}\nfinterval=0.1\nhyperstack=true\n"
    tifffile.imwrite(path, np.zeros((height, width), np.uint16), description=description, metadata=None)
    with tifffile.TiffFile(path) as tiff:
        start = tiff.pages[0].dataoffsets[0]
    with path.open("r+b") as file:
        file.truncate(start + 2 * n_frames * height * width)
        file.seek(start + 2 * (n_frames - 1) * height * width)
        file.write(np.full(height * width, 7, np.uint16).tobytes())
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    movie = open_movie(path)
    assert movie.data.shape == (n_frames, height, width) and movie.frame_rate == 10
    assert time.perf_counter() - began < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024
    assert (np.asarray(movie.data[-1]) == 7).all() and not np.asarray(movie.data[0]).any()


# OME and ScanImage


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize(("axes", "order"), [("TCYX", (0, 1)), ("CTYX", (1, 0))])
def test_ome_with_time_first_or_last(
    tmp_path: Path, compression: str | None, axes: str, order: tuple[int, int]
):
    frames = FRAMES.reshape(12, 2, 16, 20)
    tifffile.imwrite(
        tmp_path / "movie.ome.tif",
        frames.transpose(*order, 2, 3),
        compression=compression,
        metadata={
            "axes": axes,
            "TimeIncrement": 200,
            "TimeIncrementUnit": "ms",
            "PhysicalSizeX": 800,
            "PhysicalSizeXUnit": "nm",
        },
    )
    movie = open_movie(tmp_path / "movie.ome.tif")
    assert_same(movie, frames)
    assert (movie.axes, movie.n_channels, movie.dialect) == ("tcyx", 2, "OME")
    assert movie.frame_rate == 5 and movie.pixel_size_um == pytest.approx(0.8)


def test_ome_times_of_single_frames(tmp_path: Path):
    times = [0.25 * k for k in range(24)]
    tifffile.imwrite(
        tmp_path / "movie.ome.tif",
        FRAMES,
        metadata={"axes": "TYX", "Plane": {"DeltaT": times, "DeltaTUnit": ["s"] * 24}},
    )
    movie = open_movie(tmp_path / "movie.ome.tif")
    assert movie.frame_rate == 4 and "times of the single frames" in movie.notes[0]


def scanimage_file(path: Path, frames: np.ndarray, **facts: object) -> None:
    """Write pages as ScanImage does: BigTIFF, one directory a page, its state in a block after the header."""
    state = {"SI.VERSION_MAJOR": 2020, "SI.hRoiManager.scanFrameRate": 30.0, **facts}
    text = "\n".join(f"{name} = {value}" for name, value in state.items()).encode() + b"\0"
    plain = path.with_suffix(".plain.tif")
    with tifffile.TiffWriter(plain, bigtiff=True) as writer:
        for frame in frames:
            writer.write(
                frame, contiguous=False, metadata=None, photometric="minisblack", software="SI.LINE = 1"
            )
    data = plain.read_bytes()
    roi = b"{}\0"
    block = np.array([117637889, 3, len(text), len(roi)], "<u4").tobytes() + text + roi
    # The block stands between the header and the first directory: all offsets move by its length.
    shift = len(block) + (-len(block)) % 16
    path.write_bytes(_moved(data, block + bytes(shift - len(block))))
    plain.unlink()


def _moved(data: bytes, block: bytes) -> bytes:
    """Insert `block` after the 16 bytes of a BigTIFF header and mend every offset."""
    old, shift = bytearray(data), len(block)
    place = 8
    while offset := int.from_bytes(old[place : place + 8], "little"):
        old[place : place + 8] = (offset + shift).to_bytes(8, "little")
        n_tags = int.from_bytes(old[offset : offset + 8], "little")
        for k in range(n_tags):
            tag = offset + 8 + 20 * k
            code = int.from_bytes(old[tag : tag + 2], "little")
            size = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 16: 8}[int.from_bytes(old[tag + 2 : tag + 4], "little")]
            count = int.from_bytes(old[tag + 4 : tag + 12], "little")
            if code == 273 or size * count > 8:
                value = int.from_bytes(old[tag + 12 : tag + 20], "little")
                old[tag + 12 : tag + 20] = (value + shift).to_bytes(8, "little")
        place = offset + 8 + 20 * n_tags
    return bytes(old[:16]) + block + bytes(old[16:])


def test_scanimage_single_plane(tmp_path: Path):
    scanimage_file(tmp_path / "movie.tif", FRAMES, **{"SI.hChannels.channelSave": 1})
    movie = open_movie(tmp_path / "movie.tif")
    assert_same(movie, FRAMES)
    assert (movie.dialect, movie.frame_rate, movie.axes) == ("ScanImage", 30, "tyx")


def test_scanimage_channels_and_planes_are_interleaved(tmp_path: Path):
    scanimage_file(
        tmp_path / "movie.tif",
        FRAMES,
        **{
            "SI.hChannels.channelSave": "[1;2]",
            "SI.hFastZ.enable": "true",
            "SI.hStackManager.actualNumSlices": 3,
            "SI.hRoiManager.imagingFovUm": "[-50 -50;50 -50;50 50;-50 50]",
        },
    )
    movie = open_movie(tmp_path / "movie.tif")
    assert_same(movie, FRAMES.reshape(4, 3, 2, 16, 20))
    assert (movie.axes, movie.n_planes, movie.n_channels, movie.frame_rate) == ("tzcyx", 3, 2, 10)
    assert movie.pixel_size_um == 5


def test_scanimage_stopped_within_a_volume(tmp_path: Path):
    facts = {"SI.hChannels.channelSave": 1, "SI.hFastZ.enable": "true", "SI.hStackManager.actualNumSlices": 5}
    scanimage_file(tmp_path / "movie.tif", FRAMES, **facts)
    movie = open_movie(tmp_path / "movie.tif")
    assert_same(movie, FRAMES[:20].reshape(4, 5, 16, 20))
    assert "last 4 pages are no whole frame" in " ".join(movie.notes)


# Numbered files


def test_folder_of_numbered_files_in_the_order_of_numbers(tmp_path: Path):
    for number in range(24):
        tifffile.imwrite(tmp_path / f"img_{number}.tif", FRAMES[number])
    movie = open_movie(tmp_path)
    assert_same(movie, FRAMES)
    assert movie.dialect == "numbered files" and "img_0.tif to img_23.tif" in movie.notes[0]
    tifffile.imwrite(tmp_path / "img_5.tif", FRAMES[0, :5])
    with pytest.raises(ReadError, match=r"img_5.tif: a frame of \(5, 20\), the first file has \(16, 20\)"):
        movie.data[4:6]


def test_folders_that_are_no_movie(tmp_path: Path):
    with pytest.raises(ReadError, match="no TIFF in this folder"):
        open_movie(tmp_path)
    tifffile.imwrite(tmp_path / "a.tif", FRAMES)
    with pytest.raises(ReadError, match="not one frame"):
        open_movie(tmp_path)


# Damage


@pytest.mark.parametrize("kind", ["contiguous", "paged", "compressed", "imagej", "bigtiff"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
def test_file_that_ends_early_names_the_page(tmp_path: Path, kind: str, share: float):
    path = tmp_path / "movie.tif"
    options: dict[str, Any] = {"photometric": "minisblack"}
    if kind == "paged":
        with tifffile.TiffWriter(path) as writer:
            for frame in FRAMES:
                writer.write(frame, contiguous=False, metadata=None, **options)
    else:
        options |= {"compressed": {"compression": "zlib"}, "bigtiff": {"bigtiff": True}}.get(kind, {})
        options |= {"imagej": True} if kind == "imagej" else {}
        tifffile.imwrite(path, FRAMES, **options)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ReadError) as caught:
        movie = open_movie(path)
        # Only where nothing of the frames is missing may it open.
        assert_same(movie, FRAMES)
        raise ReadError("movie.tif: page: all frames are there")
    assert str(caught.value).startswith("movie.tif: ") and "page" in str(caught.value)


def test_colour_and_other_axes_are_refused(tmp_path: Path):
    tifffile.imwrite(tmp_path / "movie.tif", np.zeros((4, 16, 20, 3), np.uint8), photometric="rgb")
    with pytest.raises(ReadError, match="colour"):
        open_movie(tmp_path / "movie.tif")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_damaged_bytes_give_a_movie_or_one_line(tmp_path_factory: pytest.TempPathFactory, seed: int):
    rng = np.random.default_rng(seed)
    folder = tmp_path_factory.mktemp("damaged")
    path = folder / "movie.tif"
    tifffile.imwrite(path, FRAMES[:3], photometric="minisblack", compression=rng.choice(["zlib", "none"]))
    data = bytearray(path.read_bytes())
    for place in rng.integers(0, len(data) if seed % 2 else 400, 4):
        data[min(place, len(data) - 1)] = rng.integers(256)
    path.write_bytes(data)
    try:
        movie = open_movie(path)
        assert movie.data.ndim >= 3
    except ReadError as error:
        assert str(error).startswith("movie.tif: ") and "\n" not in str(error)


# Nothing is read that was not asked for


def test_opening_and_slicing_read_only_their_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    frames = np.random.default_rng(0).integers(0, 60_000, (400, 64, 64)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "movie.tif", frames, compression="zlib", photometric="minisblack")
    size = (tmp_path / "movie.tif").stat().st_size
    taken = 0
    read = tifffile.FileHandle.read

    def counted(self: Any, size: int = -1, /) -> bytes:
        nonlocal taken
        data = read(self, size)
        taken += len(data)
        return data

    monkeypatch.setattr(tifffile.FileHandle, "read", counted)
    movie = open_movie(tmp_path / "movie.tif")
    np.asarray(movie.data[200])
    assert 0 < taken < 0.2 * size


def test_contrast_limits_read_five_frames():
    class Counting:
        shape, dtype, ndim = (1000, 8, 8), np.dtype(np.uint16), 3
        taken: list[int] = []  # noqa: RUF012

        def __getitem__(self, key: int) -> np.ndarray:
            self.taken.append(key)
            return np.full((8, 8), key, np.uint16)

    low, high = contrast_limits(Counting())
    assert Counting.taken == [0, 249, 499, 749, 999] and (low, high) == (0, 999)


@pytest.mark.parametrize("data", [np.zeros((0, 4, 4)), np.full((3, 4, 4), 5.0), np.full((3, 4, 4), np.nan)])
def test_contrast_limits_always_span_something(data: np.ndarray):
    low, high = contrast_limits(data)
    assert np.isfinite([low, high]).all() and high > low


# Slicing


keys = st.one_of(
    st.integers(-6, 5),
    st.slices(6),
    st.just(Ellipsis),
    st.tuples(st.slices(6), st.integers(-2, 1)),
    st.tuples(st.integers(-6, 5), st.slices(2), st.slices(4), st.slices(5)),
    st.tuples(st.just(Ellipsis), st.slices(4), st.integers(-5, 4)),
)


@settings(max_examples=100, deadline=None)
@given(keys)
def test_a_stack_slices_as_an_array_does(key: Any):
    frames = np.arange(6 * 2 * 4 * 5).reshape(6, 2, 4, 5)
    flat = frames.reshape(12, 4, 5)
    stack = FrameStack(lambda k: flat[k], np.arange(12).reshape(6, 2), (4, 5), frames.dtype)
    assert_array_equal(stack[key], frames[key])
    assert (stack.ndim, stack.size, len(stack), stack.shape) == (4, frames.size, 6, frames.shape)
    assert_array_equal(np.asarray(stack), frames)


def test_a_stack_refuses_too_many_indices():
    stack = FrameStack(lambda k: np.zeros((4, 5)), np.arange(3), (4, 5), np.dtype(float))
    with pytest.raises(IndexError, match="3 axes, got 4"):
        stack[0, 0, 0, 0]


def test_what_tifffile_says_is_quiet_only_where_a_file_is_open_and_only_in_that_thread(tmp_path, caplog):
    tifffile.imwrite(tmp_path / "movie.tif", FRAMES, photometric="minisblack")
    logger = logging.getLogger("tifffile")
    with open_tiff(tmp_path / "movie.tif"):
        with open_tiff(tmp_path / "movie.tif"):
            logger.warning("inside both")
        logger.warning("inside one")
        other = threading.Thread(target=logger.warning, args=("in another thread",))
        other.start()
        other.join()
    logger.warning("afterwards")
    assert [record.message for record in caplog.records] == ["in another thread", "afterwards"]
