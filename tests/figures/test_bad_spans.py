"""Bad frames in time: spans, their joining, and their shade in every figure over time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import PolyCollection

from napari_calcium.figures.bad_spans import BAD_COLOR, bad_spans, joined_spans, shade_spans
from napari_calcium.figures.drawing import new_figure, time_axis
from napari_calcium.figures.export import FIGURES, figure_of
from napari_calcium.recording import Recording
from napari_calcium.results.tables import Motion

OVER_TIME = (
    "processing_steps",
    "traces_with_events",
    "heatmap",
    "raster",
    "coactivity",
    "ensembles",
    "motion",
)


def motion(bad=(), n=50):
    flags = np.zeros(n, bool)
    flags[list(bad)] = True
    return Motion(np.zeros(n), np.zeros(n), np.ones(n), flags)


def film(**changes):
    return Recording("film", np.empty(0, np.int64), 10.0, **changes)


def shades(figure):
    """Return the collections that shade bad frames, by axes."""
    return [
        [c for c in ax.collections if isinstance(c, PolyCollection) and c.get_label() == "_bad frames"]
        for ax in figure.get_axes()
    ]


def test_neighbouring_bad_frames_are_one_span():
    spans = bad_spans(film(motion=motion([0, 5, 6, 7, 49])))
    np.testing.assert_allclose(spans, [[0, 0.1], [0.5, 0.8], [4.9, 5.0]])


@pytest.mark.parametrize("found", [None, Motion(), motion()])
def test_without_bad_frames_there_is_no_span(found):
    assert bad_spans(film(motion=found)).shape == (0, 2)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0.01, 5)), max_size=20), st.floats(0, 3))
def test_joined_spans_cover_all_and_do_not_overlap(pairs, least):
    spans = np.array(sorted((a, a + b) for a, b in pairs)).reshape(-1, 2)
    joined = joined_spans(spans, least)
    for start, stop in spans:
        assert ((joined[:, 0] <= start) & (stop <= joined[:, 1])).any()
    assert (joined[1:, 0] > joined[:-1, 1]).all()
    assert (joined[:, 1] - joined[:, 0] >= least * 0.999).all()


def test_a_time_axis_shades_what_is_in_view_in_its_unit_and_says_so():
    ax = new_figure().subplots()
    scale = time_axis(ax, 600, 1800, bad_s=np.array([[0, 60.0], [900, 960]]))
    (ground,) = ax.collections
    edges = ground.get_paths()[0].vertices[:, 0]
    assert edges.min() == pytest.approx(900 / scale.seconds) and edges.max() == pytest.approx(
        960 / scale.seconds
    )
    assert len(ground.get_paths()) == 1 and ax.get_xlabel().endswith("shaded: bad frames")
    assert ax.get_xlim() == (600 / scale.seconds, 1800 / scale.seconds)
    time_axis(ax, 600, 1800, bad_s=np.array([[0, 60.0]]))
    assert len(ax.collections) == 1 and "bad" not in ax.get_xlabel()


def test_very_many_spans_are_no_more_shapes_than_can_be_seen():
    ax = new_figure().subplots()
    ax.set_xlim(0, 100_000)
    start = np.arange(0, 100_000, 2.0)
    assert shade_spans(ax, np.column_stack([start, start + 1]))
    assert len(ax.collections[0].get_paths()) <= 1500


@pytest.mark.parametrize("stem", OVER_TIME)
def test_every_figure_over_time_marks_bad_frames(recording, stem):
    kind = next(kind for kind in FIGURES if kind.stem == stem)
    clean = motion(n=recording.n_frames)
    assert not any(map(len, shades(figure_of(kind, recording.replace(motion=clean)))))
    # Half of the frames, since some figures show a part of the recording only.
    flags = np.arange(recording.n_frames) % 20 < 10
    marked = shades(figure_of(kind, recording.replace(motion=motion(np.flatnonzero(flags), len(flags)))))
    assert any(map(len, marked))
    from matplotlib.colors import to_rgb

    color = next(found for ax in marked for found in ax).get_facecolor()[0]
    np.testing.assert_allclose(color[:3], to_rgb(BAD_COLOR))
