from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_calcium.io.tiff import MovieFile
from napari_calcium.recording import Movie
from napari_calcium.widgets.adopting import adopt_layers, movie_layer_data, with_movie
from napari_calcium.widgets.tissue_layers import layer_role
from napari_calcium.widgets.viewer_session import session_of


def movie(shape=(400, 96, 96), *, axes="tyx", rate=10.0, pixel=2.0) -> MovieFile:
    return MovieFile("film.tif", np.zeros(shape, np.uint8), axes, rate, pixel, 1, 1, (0.0, 1.0), "TIFF")


def test_a_movie_as_long_as_the_traces_belongs_to_them(traces_only):
    joined = with_movie(traces_only.replace(frame_rate=None), movie())
    assert joined is not None
    assert joined.movie is not None
    assert (joined.frame_rate, joined.pixel_size_um) == (10.0, 2.0)


def test_what_the_recording_knows_itself_stays(recording):
    joined = with_movie(recording, movie(rate=99.0, pixel=99.0))
    assert joined is not None
    assert (joined.frame_rate, joined.pixel_size_um) == (recording.frame_rate, recording.pixel_size_um)


@pytest.mark.parametrize(
    "film",
    [
        movie((399, 96, 96)),
        movie((400, 95, 96)),
        movie((400, 2, 96, 96), axes="tcyx"),
        movie((400, 2, 96, 96), axes="tzyx"),
    ],
)
def test_a_movie_that_does_not_fit_is_another(recording, film):
    assert with_movie(recording, film) is None


def test_there_is_one_movie_and_none_without_traces(recording):
    assert with_movie(recording.replace(movie=Movie(np.zeros((400, 96, 96)))), movie()) is None
    assert with_movie(recording.replace(traces={}, events=None, ensembles=None), movie()) is None


def test_a_movie_of_unknown_rate_counts_frames():
    _, options, _ = movie_layer_data(movie(rate=None, pixel=None))
    assert options["scale"] == (1.0, 1.0, 1.0)
    assert options["units"] == ("pixel", "pixel", "pixel")


def test_planes_are_an_axis_and_channels_are_layers():
    data, options, _ = movie_layer_data(movie((4, 3, 2, 8, 9), axes="tzcyx"))
    assert options["channel_axis"] == 2
    assert options["axis_labels"] == ("time", "plane", "y", "x")
    layers = ViewerModel().add_image(data, **options)
    assert [layer.data.shape for layer in layers] == [(4, 3, 8, 9)] * 2


def test_labels_that_were_drawn_before_become_the_somata(viewer, raw_recording):
    viewer.add_labels(np.asarray(raw_recording.rois.label_image(), np.int32), name="cells")
    session = session_of(viewer)
    session.open(raw_recording.replace(rois=None, images={}))
    adopt_layers(viewer, session)
    assert len(session.recording.rois) == 20
    assert [layer_role(layer) for layer in viewer.layers] == ["activity", "somata", "selected"]


def test_layers_that_do_not_fit_stay_as_they_are(viewer, raw_recording):
    mine = viewer.add_labels(np.eye(9, dtype=int), name="other")
    picture = viewer.add_image(np.zeros((9, 9)))
    session = session_of(viewer)
    session.open(raw_recording.replace(rois=None, images={}))
    before = session.recording
    adopt_layers(viewer, session)
    assert session.recording is before
    assert viewer.layers[:] == [mine, picture]


def test_our_own_layers_are_not_taken_for_others(viewer, raw_recording):
    session = session_of(viewer)
    session.open(raw_recording)
    before = session.recording
    adopt_layers(viewer, session)
    assert session.recording is before
    session.close()
    adopt_layers(viewer, session)
