"""Epochs, bad frames and a marked stretch of time over the heatmap on the canvas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_calcium.figures.bad_spans import BAD_COLOR
from napari_calcium.figures.epoch_colors import epoch_color
from napari_calcium.figures.palette import rgb
from napari_calcium.recording import Recording, Trace
from napari_calcium.results.behaviour_results import Behaviour, Epochs
from napari_calcium.results.tables import Motion
from napari_calcium.widgets.heatmap_times import shaded_times
from napari_calcium.widgets.plots.time_mark import MARK_COLOR
from napari_calcium.widgets.tissue_layers import layer_role

RATE = 10.0
LICK = ("lick", 2500.0, 2500.0)


def bare(n_frames: int = 100) -> Recording:
    values = np.random.default_rng(0).random((3, n_frames)).astype(np.float32)
    return Recording("a", np.arange(3), RATE, {"dff": Trace(values, "ΔF/F")})


def with_motion(recording: Recording, bad: list[int]) -> Recording:
    n = recording.n_frames
    flags = np.zeros(n, bool)
    flags[bad] = True
    return recording.replace(motion=Motion(np.zeros(n), np.zeros(n), np.ones(n), flags))


def with_epochs(recording: Recording, *epochs: tuple[str, float, float]) -> Recording:
    label, start, end = zip(*epochs, strict=True)
    table = Epochs(label=np.array(label), start_s=np.array(start, float), end_s=np.array(end, float))
    return recording.replace(behaviour=Behaviour(epochs=table))


def columns_of(picture, color: str) -> list[int]:
    return np.flatnonzero((picture[0, :, :3] == rgb(color)).all(axis=1) & (picture[0, :, 3] > 0)).tolist()


def layers(viewer) -> list[str]:
    return [layer_role(layer) for layer in viewer.layers]


def test_nothing_marked_is_no_picture():
    assert shaded_times(bare()) is None
    assert shaded_times(with_motion(bare(), [])) is None
    assert shaded_times(Recording("none", np.empty(0, np.int64), None)) is None


def test_each_kind_lies_where_it_happened():
    recording = with_epochs(with_motion(bare(), [3, 4, 50]), ("go", 6.0, 7.0), ("stop", 8.0, 8.2))
    picture = shaded_times(recording, (9.0, 9.5))
    assert columns_of(picture, BAD_COLOR) == [3, 4, 50]
    assert columns_of(picture, epoch_color(0)) == list(range(60, 70))
    assert columns_of(picture, epoch_color(1)) == [80, 81]
    assert columns_of(picture, MARK_COLOR) == list(range(90, 95))


def test_a_moment_is_seen_at_any_length_and_bad_frames_lie_over_epochs():
    recording = with_epochs(
        with_motion(bare(50_000), [49_999]), ("lick", 2500.0, 2500.0), ("run", 0.0, 5000.0)
    )
    picture = shaded_times(recording)
    assert picture.shape == (1, 4000, 4)
    assert columns_of(picture, BAD_COLOR) == [3999]
    assert columns_of(picture, epoch_color(1)) == list(range(3999)), "the later label is on top"
    assert len(columns_of(shaded_times(with_epochs(bare(50_000), LICK)), epoch_color(0))) == 1


@given(
    st.integers(1, 9000),
    st.lists(st.tuples(st.floats(-50, 1000), st.floats(0, 300)), max_size=12),
)
def test_epochs_cover_what_a_loop_says(n_frames, spans):
    recording = bare(n_frames)
    width, n = n_frames / RATE, min(4000, n_frames)
    expected = np.zeros(n, bool)
    for start, length in spans:
        if start + length < 0 or start > width:
            continue
        first = min(n - 1, max(0, int(np.floor(start / width * n))))
        stop = min(n, max(1, int(np.ceil((start + length) / width * n))))
        expected[first : max(stop, first + 1)] = True
    if not spans:
        return
    picture = shaded_times(with_epochs(recording, *(("x", a, a + b) for a, b in spans)))
    found = np.zeros(n, bool) if picture is None else picture[0, :, 3] > 0
    np.testing.assert_array_equal(found, expected)


def test_the_canvas_shades_what_the_plots_shade(viewer, session):
    session.open(with_motion(bare(), [10]))
    assert layers(viewer) == ["heatmap", "times", "marks", "cursor"]
    layer = viewer.layers[1]
    heatmap = viewer.layers[0]
    edges = [np.array([[-0.5], [0.5]]) * one.scale + one.extent.world for one in (layer, heatmap)]
    np.testing.assert_allclose(*edges)
    assert viewer.layers.selection.active is heatmap
    session.selection.marked = (4.0, 5.0)
    assert columns_of(layer.data, MARK_COLOR) == list(range(40, 50))
    session.selection.marked = None
    assert columns_of(layer.data, MARK_COLOR) == []
    session.undo()
    session.apply(bare(), "Other")
    assert "times" not in layers(viewer)


def test_a_mark_on_a_plain_recording_comes_and_goes(viewer, session):
    session.open(bare())
    assert "times" not in layers(viewer)
    session.selection.marked = (1.0, 2.0)
    assert "times" in layers(viewer)
    session.selection.clear()
    assert "times" not in layers(viewer)


def test_deleted_by_hand_it_stays_away(viewer, session):
    session.open(with_motion(bare(), [10]))
    viewer.layers.remove(next(layer for layer in viewer.layers if layer_role(layer) == "times"))
    session.selection.marked = (4.0, 5.0)
    assert "times" not in layers(viewer)


@pytest.mark.parametrize("marked", [(-5.0, -1.0), (50.0, 60.0)])
def test_a_stretch_outside_of_the_recording_is_not_drawn(marked):
    assert shaded_times(bare(), marked) is None
