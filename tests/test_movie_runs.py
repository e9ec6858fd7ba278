"""From every dialect of TIFF, and from movies that are hardly any, to results or a clear line."""

import struct

import numpy as np
import pytest
import tifffile
from tests.movie.planted_cells import flashes, soma

from napari_calcium.cells.drawn_rois import drawn_labels, use_drawing
from napari_calcium.io.csv import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.opening import open_recording
from napari_calcium.io.results_folder import new_results_folder, write_results
from napari_calcium.io.results_reading import read_results
from napari_calcium.movie.extraction_settings import ExtractionSettings
from napari_calcium.pipeline import PipelineSettings, run, run_stage, settings_of
from napari_calcium.progress import Cancelled
from napari_calcium.recording import Movie, Recording
from napari_calcium.widgets.plan import bring_up_to_date

RATE = 8.0
SHAPE = (48, 56)
READ = CsvSettings(frame_rate=RATE)
AFTERWARDS = (
    "baseline",
    "background",
    "denoise",
    "events",
    "coactivity",
    "significance",
    "ensembles",
    "features",
)
MOVIE_ALONE = PipelineSettings.validated(
    {
        "read": {"frame_rate": RATE},
        "registration": {"method": "rigid", "template_frames": 20},
        "segmentation": {"method": "functional", "diameter": 12},
        **dict.fromkeys(AFTERWARDS),
    }
)


def frames_of(n_frames=120):
    rng = np.random.default_rng(0)
    scene = np.kron(rng.uniform(60, 140, (12, 14)), np.ones((4, 4)))
    centres = [(14, 14), (14, 42), (34, 28)]
    images = np.array([soma(centre, 6.0, SHAPE) for centre in centres])
    traces = np.array([flashes(n_frames, rng, rate=0.4) for _ in centres])
    movie = scene + np.tensordot(traces.T, 60 * images, 1) + rng.normal(0, 6, (n_frames, *SHAPE))
    return np.clip(np.rint(movie), 0, None).astype(np.uint16)


FRAMES = frames_of()


def outlines(rois):
    pixels = (map(np.ndarray.tolist, rois.pixels(row)) for row in range(len(rois)))
    return [frozenset(zip(*axes, strict=True)) for axes in pixels]


def test_what_was_drawn_is_kept_and_what_is_detected_is_added():
    movie = Recording("film", np.empty(0, np.int64), RATE, movie=Movie(FRAMES))
    found = run(movie, MOVIE_ALONE)
    image = np.zeros(SHAPE, np.int32)
    image[10:19, 10:19], image[38:46, 4:12] = 1, 2  # a soma that is found, too, and a place without any
    drawn = use_drawing(movie, drawn_labels(image))
    # Also where its light was read before, as Edit cells does.
    for before in (drawn, run_stage(drawn, "extraction", ExtractionSettings())):
        both = run(before, MOVIE_ALONE)
        assert both.n_rois == found.n_rois + 1
        assert set(outlines(drawn.rois)) <= set(outlines(both.rois))
        assert "2 cells drawn by hand kept" in next(e for e in both.log if e.stage == "segmentation").notes
        assert outlines(run(movie, settings_of(both, MOVIE_ALONE)).rois) == outlines(both.rois)
    # Detected anew with other settings, they are kept again; without detection, they are what is left.
    wider = MOVIE_ALONE.replace(segmentation=MOVIE_ALONE.segmentation.replace(diameter=13))
    again = bring_up_to_date(both, wider)
    assert set(outlines(drawn.rois)) <= set(outlines(again.rois))
    alone = bring_up_to_date(again, wider.replace(segmentation=None))
    assert set(outlines(alone.rois)) == set(outlines(drawn.rois))


def by_hand(path, frames, order):
    """A TIFF with one directory a page and several strips a frame, which tifffile would not write so."""
    n, height, width = frames.shape
    rows = 7
    strips = -(-height // rows)
    with open(path, "wb") as file:
        file.write(struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8))
        for k, frame in enumerate(frames):
            here = file.tell()
            lists = here + 2 + 9 * 12 + 4
            data = lists + 8 * strips
            sizes = [2 * width * min(rows, height - r) for r in range(0, height, rows)]
            offsets = [data + sum(sizes[:i]) for i in range(strips)]
            following = data + sum(sizes) if k + 1 < n else 0
            tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 1)]
            tags += [
                (273, 4, strips, lists),
                (277, 3, 1, 1),
                (278, 4, 1, rows),
                (279, 4, strips, lists + 4 * strips),
            ]
            file.write(struct.pack(f"{order}H", len(tags)))
            for code, kind, count, value in tags:
                short = kind == 3 and count == 1
                file.write(struct.pack(f"{order}HHI", code, kind, count))
                file.write(struct.pack(f"{order}HH", value, 0) if short else struct.pack(f"{order}I", value))
            file.write(struct.pack(f"{order}I", following))
            file.write(struct.pack(f"{order}{2 * strips}I", *offsets, *sizes))
            file.write(frame.astype(f"{order}u2").tobytes())


def with_tifffile(**options):
    return lambda path, frames: tifffile.imwrite(path, frames, **{"photometric": "minisblack"} | options)


def a_page_at_a_time(path, frames):
    with tifffile.TiffWriter(path) as writer:
        for frame in frames:
            writer.write(frame, contiguous=False, photometric="minisblack")


DIALECTS = {
    "plain": with_tifffile(),
    "BigTIFF": with_tifffile(bigtiff=True),
    "big-endian": with_tifffile(byteorder=">"),
    "ImageJ": with_tifffile(imagej=True, metadata={"axes": "TYX", "finterval": 0.125}),
    "OME": with_tifffile(ome=True, metadata={"axes": "TYX"}),
    "deflate": with_tifffile(compression="zlib", predictor=True),
    "LZMA": with_tifffile(compression="lzma"),
    "strips": with_tifffile(rowsperstrip=5),
    "tiles": with_tifffile(tile=(16, 16)),
    "page by page": a_page_at_a_time,
    "little-endian by hand": lambda path, frames: by_hand(path, frames, "<"),
    "big-endian by hand": lambda path, frames: by_hand(path, frames, ">"),
}


def traces_of(path):
    recording = open_recording(path, READ)
    np.testing.assert_array_equal(np.asarray(recording.movie.data[:]), FRAMES)
    return run(recording, MOVIE_ALONE).traces["corrected"].values


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "movie.tif"
    DIALECTS["plain"](path, FRAMES)
    traces = traces_of(path)
    assert len(traces) == 3
    return traces.tobytes()


@pytest.mark.parametrize("write", DIALECTS.values(), ids=DIALECTS.keys())
def test_the_same_frames_in_every_dialect_give_the_same_traces(tmp_path, expected, write):
    write(tmp_path / "movie.tif", FRAMES)
    assert traces_of(tmp_path / "movie.tif").tobytes() == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_every_type_of_pixel(tmp_path, dtype):
    frames = (FRAMES // 4).astype(dtype)
    if np.issubdtype(dtype, np.signedinteger) or np.issubdtype(dtype, np.floating):
        frames -= np.asarray(40, dtype)
    tifffile.imwrite(tmp_path / "movie.tif", frames, photometric="minisblack")
    done = run(open_recording(tmp_path / "movie.tif", READ), MOVIE_ALONE)
    assert done.n_rois >= 2
    assert np.isfinite(done.traces["corrected"].values).all()


def nan_frames(frames):
    spoiled = frames.astype(np.float32)
    spoiled[10:13] = np.nan
    spoiled[50, 3] = np.inf
    return spoiled


ODD = {
    "one frame": lambda frames: frames[:1],
    "two frames": lambda frames: frames[:2],
    "no cells": lambda frames: np.random.default_rng(1).normal(500, 9, frames.shape).astype(np.uint16),
    "zeros": np.zeros_like,
    "one value": lambda frames: np.full_like(frames, 77),
    "saturated": lambda frames: np.where(frames > 90, 65535, frames).astype(np.uint16),
    "all saturated": lambda frames: np.full_like(frames, 65535),
    "missing frames": nan_frames,
    "nothing but missing": lambda frames: np.full(frames.shape, np.nan, np.float32),
    "a few pixels": lambda frames: frames[:, :3, :4],
}


@pytest.mark.parametrize("spoil", ODD.values(), ids=ODD.keys())
def test_odd_movies_give_results_and_a_folder(tmp_path, spoil):
    tifffile.imwrite(tmp_path / "movie.tif", spoil(FRAMES), photometric="minisblack")
    settings = PipelineSettings(read=READ)
    done = run(open_recording(tmp_path / "movie.tif", READ), settings)
    assert done.n_frames == len(spoil(FRAMES))
    assert done.motion is not None and np.isfinite(done.motion.fields).all()
    with new_results_folder(tmp_path / "results") as folder:
        write_results(done, folder, settings.to_yaml())
    assert read_results(tmp_path / "results").n_rois == done.n_rois


@pytest.mark.parametrize("write", ["plain", "deflate", "page by page", "little-endian by hand"])
def test_a_file_cut_within_a_page_is_refused_in_one_line(tmp_path, write):
    path = tmp_path / "movie.tif"
    DIALECTS[write](path, FRAMES)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(0.6 * len(whole))])
    with pytest.raises(ReadError) as error:
        open_recording(path, READ)
    assert str(error.value).startswith("movie.tif: ") and "\n" not in str(error.value)


@pytest.mark.parametrize("moment", [0.0, 0.05, 0.3, 0.7, 0.9, 0.99])
def test_cancelled_at_any_moment_the_recording_is_as_it_was(tmp_path, moment):
    tifffile.imwrite(tmp_path / "movie.tif", FRAMES, photometric="minisblack")
    recording = open_recording(tmp_path / "movie.tif", READ)
    before = recording.replace()

    def cancel(done, total):
        if done >= moment * total:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(recording, MOVIE_ALONE, on_progress=cancel)
    assert recording == before and not recording.traces
    np.testing.assert_array_equal(np.asarray(recording.movie.data[:]), FRAMES)
