"""The raster: every event once, in its cell's row, in the colour of the activation it took part in."""

from __future__ import annotations

import dataclasses

import numpy as np

from napari_calcium.figures.drawing import new_figure
from napari_calcium.figures.palette import ensemble_color, rgb
from napari_calcium.figures.raster_figure import (
    RasterData,
    density_image,
    draw_raster,
    prepare_raster,
    raster_size,
)
from napari_calcium.results.tables import Events


def test_every_event_is_in_its_cells_row(recording):
    data = prepare_raster(recording)
    assert len(data.onset_s) == len(recording.events)
    np.testing.assert_array_equal(data.roi_ids[data.event_row], recording.events.roi_id)
    np.testing.assert_array_equal(data.onset_s, recording.events.onset_s)


def test_rows_are_all_cells_once(recording):
    data = prepare_raster(recording)
    np.testing.assert_array_equal(np.sort(data.roi_ids), np.sort(recording.roi_ids))


def test_without_ensembles_rows_stand_as_in_the_file(recording):
    data = prepare_raster(recording.replace(ensembles=None))
    np.testing.assert_array_equal(data.roi_ids, recording.roi_ids)
    assert (data.home == -1).all()
    assert (data.event_ensemble == -1).all()


def test_colored_events_are_of_members_within_an_activation(recording):
    data = prepare_raster(recording)
    window, found = recording.coactivity.window_s, recording.ensembles
    naive = np.full(len(recording.events), -1)
    for k in range(len(naive)):
        for ensemble in found.ids:
            member = recording.events.roi_id[k] in found.members_of(ensemble).roi_id
            away = np.abs(found.activations_of(ensemble).time_s - recording.events.onset_s[k])
            if naive[k] < 0 and member and (away <= window / 2).any():
                naive[k] = ensemble
    np.testing.assert_array_equal(data.event_ensemble, naive)
    assert (data.event_ensemble >= 0).sum() > 20


def test_marks_have_the_ensembles_colors(recording):
    from matplotlib.colors import to_hex

    data = prepare_raster(recording)
    figure = new_figure(*raster_size(data))
    draw_raster(figure, data)
    marks = figure.axes[0].collections[0]
    shown = {to_hex(color) for color in marks.get_colors()}
    expected = {ensemble_color(int(k)) for k in np.unique(data.event_ensemble) if k >= 0}
    assert expected < shown
    assert len(shown) == len(expected) + 1


def test_no_events_are_a_result(recording):
    for events, message in (
        (Events(), "No events were found."),
        (None, "Events have not been detected yet."),
    ):
        data = prepare_raster(recording.replace(events=events))
        assert data.message == message
        figure = new_figure(*raster_size(data))
        draw_raster(figure, data)
        assert message in [text.get_text() for text in figure.axes[0].texts]


def random_raster(n_events=5000, n_rois=60, seed=0):
    rng = np.random.default_rng(seed)
    return RasterData(
        np.arange(n_rois),
        np.full(n_rois, -1),
        rng.integers(0, n_rois, n_events),
        rng.uniform(0, 99.99, n_events),
        rng.integers(-1, 2, n_events),
        100.0,
    )


def test_density_marks_every_pixel_with_an_event_and_no_other():
    data = random_raster(n_events=400)
    image = density_image(data, height=30, width=50)
    assert image.shape == (30, 50, 3)
    marked = np.zeros((30, 50), bool)
    marked[data.event_row // 2, (data.onset_s / 2).astype(int)] = True
    np.testing.assert_array_equal((image < 255).any(axis=2), marked)


def test_density_shows_ensembles_in_their_color_and_more_events_darker():
    data = random_raster(n_events=3000)
    image = density_image(data, height=30, width=50)
    pixel = (data.event_row // 2, (data.onset_s / 2).astype(int))
    colored = {tuple(c) for c in image[pixel][data.event_ensemble >= 0].tolist()}
    assert colored == {rgb(ensemble_color(0)), rgb(ensemble_color(1))}
    grey = dataclasses.replace(data, event_ensemble=np.full(3000, -1))
    shade = density_image(grey, height=30, width=50).mean(axis=2)
    count = np.zeros((30, 50))
    np.add.at(count, pixel, 1)
    assert shade[count == 1].min() > shade[count >= 4].max()


def test_very_many_events_are_drawn_as_a_density():
    data = random_raster(n_events=50_000, n_rois=2000)
    figure = new_figure(*raster_size(data))
    draw_raster(figure, data)
    assert not figure.axes[0].collections
    assert len(figure.axes[0].images) == 1
    figure.draw_without_rendering()
