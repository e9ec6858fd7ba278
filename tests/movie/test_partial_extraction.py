"""Only what has changed is read again, and nothing of the result shows it."""

import numpy as np
import pytest
from scipy import sparse

from napari_calcium.movie.chunks import movie_shape
from napari_calcium.movie.extraction import extract
from napari_calcium.movie.extraction_settings import ExtractionSettings, FixedNeuropil
from napari_calcium.movie.grid import grid_for
from napari_calcium.movie.partial_extraction import KnownTraces, extract_changed, extract_few
from napari_calcium.movie.registered_movie import RegisteredMovie
from napari_calcium.progress import Cancelled
from napari_calcium.rois import Rois

RATE = 10.0
SHAPE = (320, 200)
CENTRES = [(20, 30), (24, 36), (60, 100), (150, 50), (156, 57), (220, 120), (300, 170), (304, 20)]
NARROW = ExtractionSettings(neuropil=FixedNeuropil(gap=2, width=6))


def discs(centres, radius=5.0):
    y, x = np.indices(SHAPE)
    rows = [((y - a) ** 2 + (x - b) ** 2 <= radius**2).ravel() for a, b in centres]
    return sparse.csr_array(np.array(rows, np.float32).reshape(len(centres), SHAPE[0] * SHAPE[1]))


def rois(which):
    return Rois(np.array(which, np.int64) * 10, discs([CENTRES[k] for k in which]), SHAPE)


@pytest.fixture(scope="module")
def plain():
    rng = np.random.default_rng(4)
    light = rng.gamma(2, 1, (len(CENTRES), 40))
    scene = 50 + 30 * np.tensordot(light.T, discs(CENTRES).toarray(), 1).reshape(40, *SHAPE)
    return rng.poisson(scene).astype(np.uint16)


@pytest.fixture(scope="module")
def registered(plain):
    grid = grid_for(SHAPE, 64)
    fields = np.random.default_rng(5).normal(0, 3, (len(plain), grid.ny, grid.nx, 2)).astype(np.float32)
    return RegisteredMovie(plain, fields, grid)


def known(movie, which, bad, settings):
    before = rois(which)
    light = extract(movie, before, RATE, settings, bad=bad)
    return KnownTraces(before, light.raw, light.neuropil, light.corrected, light.coefficients)


def assert_same(a, b):
    for name in ("raw", "neuropil", "corrected", "coefficients", "interpolated"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


@pytest.mark.parametrize("settings", [NARROW, ExtractionSettings()], ids=["fixed", "default"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([0, 2, 5], [0, 2, 5, 6]),
        ([0, 1, 2, 5, 6], [0, 2, 5, 6]),
        ([2, 3, 5], [2, 3, 4, 5]),
        ([0, 1, 2, 3, 4, 5, 6, 7], [7, 2, 0]),
        ([], [2]),
        ([2], []),
        ([2, 5], [2, 5]),
    ],
)
@pytest.mark.parametrize("kind", ["plain", "registered"])
def test_what_changed_is_read_and_the_bytes_are_those_of_reading_all(
    kind, before, after, settings, plain, registered
):
    movie = registered if kind == "registered" else plain
    bad = np.zeros(40, bool)
    bad[7:9] = True
    found, _ = extract_changed(
        movie, rois(after), RATE, settings, known=known(movie, before, bad, settings), bad=bad
    )
    assert_same(found, extract(movie, rois(after), RATE, settings, bad=bad))


def test_only_the_new_cell_and_its_neighbours_are_read(registered):
    bad = np.zeros(40, bool)
    before = known(registered, [0, 2, 3, 5], bad, NARROW)

    def read(which):
        return extract_changed(registered, rois(which), RATE, NARROW, known=before, bad=bad)[1]

    assert read([0, 2, 3, 5]) == 0
    assert read([0, 2, 3, 5, 6]) == 1
    assert read([0, 2, 3, 4, 5]) == 2  # 3 and 4 overlap
    assert read([2, 3, 5]) == 0


class CountingRows:
    def __init__(self, movie):
        self.movie, self.shape, self.dtype, self.rows = movie, movie.shape, movie.dtype, 0

    def __getitem__(self, index):
        found = self.movie[index]
        self.rows += found.shape[0] * found.shape[1]
        return found


def test_few_rows_of_the_movie_are_read_for_a_few_cells(plain):
    counting = CountingRows(plain)
    extract_changed(counting, rois([2]), RATE, NARROW)
    # The noise of pixels is measured on pairs of whole frames.
    assert counting.rows < 2 * 39 * SHAPE[0] + 40 * 45


def test_a_movie_that_cannot_be_sliced_in_space_gives_the_same(plain):
    class InTimeOnly:
        shape, dtype = plain.shape, plain.dtype

        def __getitem__(self, frames):
            if not isinstance(frames, slice):
                raise TypeError("time only")
            return plain[frames]

    found, read = extract_changed(InTimeOnly(), rois([2, 5]), RATE, NARROW)
    assert read == 2
    assert_same(found, extract(plain, rois([2, 5]), RATE, NARROW))


def test_missing_frames_that_nobody_marked_are_found_by_reading_all(plain):
    movie = plain.astype(np.float32)
    movie[3] = np.nan
    found, _ = extract_changed(movie, rois([2]), RATE, NARROW)
    assert found.interpolated[3]
    assert_same(found, extract(movie, rois([2]), RATE, NARROW))


def test_other_frames_than_the_rois_are_refused_as_always(plain):
    small = Rois.from_labels(np.eye(4, dtype=int))
    assert movie_shape(plain)[1:] != small.shape
    with pytest.raises(ValueError, match="frames of shape"):
        extract_changed(plain, small, RATE)


# --- a few at once


@pytest.mark.parametrize("kind", ["plain", "registered"])
@pytest.mark.parametrize("settings", [NARROW, ExtractionSettings()], ids=["fixed", "default"])
def test_a_few_cells_are_read_from_the_windows_around_them(kind, settings, plain, registered):
    movie = registered if kind == "registered" else plain
    bad = np.zeros(40, bool)
    bad[7:9] = True
    every = rois([0, 2, 3, 4, 5, 6, 7])
    few = extract_few(movie, every, [60, 30, 0], RATE, settings, bad=bad)
    whole = extract(movie, every, RATE, settings, bad=bad)
    for row, k in enumerate((60, 30, 0)):
        at = every.ids.tolist().index(k)
        assert np.corrcoef(few.raw[row], whole.raw[at])[0, 1] > 0.999
        np.testing.assert_allclose(few.neuropil[row], whole.neuropil[at], rtol=1e-4)
        assert few.coefficients[row] == pytest.approx(whole.coefficients[at], abs=0.05)
    np.testing.assert_array_equal(few.interpolated, whole.interpolated)


def test_no_cell_at_all_can_be_read(plain):
    assert extract_few(plain, rois([2]), [], RATE).raw.shape == (0, 40)


def test_reading_a_few_can_be_cancelled(plain):
    def stop(done, total):
        if done:
            raise Cancelled

    with pytest.raises(Cancelled):
        extract_few(plain, rois([2, 5]), [20, 50], RATE, on_progress=stop)
