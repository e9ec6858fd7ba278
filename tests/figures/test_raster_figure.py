"""The raster: every event once, rows by ensemble, colours by activation; the heatmap loses no peak."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from napari_calcium.figures.drawing import new_figure
from napari_calcium.figures.palette import ensemble_color, rgb
from napari_calcium.figures.raster_figure import (
    RasterData,
    density_image,
    display_order,
    draw_heatmap,
    draw_raster,
    prepare_heatmap,
    prepare_raster,
    raster_size,
)
from napari_calcium.recording import Recording, Trace
from napari_calcium.results import Ensembles, Events


def test_every_event_is_in_its_cells_row(recording):
    data = prepare_raster(recording)
    assert len(data.onset_s) == len(recording.events)
    np.testing.assert_array_equal(data.roi_ids[data.event_row], recording.events.roi_id)
    np.testing.assert_array_equal(data.onset_s, recording.events.onset_s)


def test_rows_are_all_cells_once(recording):
    data = prepare_raster(recording)
    np.testing.assert_array_equal(np.sort(data.roi_ids), np.sort(recording.roi_ids))


def test_members_stand_together_and_the_others_below(recording):
    order, home = display_order(recording)
    shown = np.where(home < 0, 99, home)
    assert (np.diff(shown) >= 0).all()
    members = recording.ensembles.members
    for row, ensemble in zip(order, home, strict=True):
        own = members.take(members.roi_id == recording.roi_ids[row])
        if ensemble < 0:
            assert len(own) == 0
        else:
            best = own.participation.max()
            assert own.participation[own.ensemble_id == ensemble][0] == best


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


def test_order_of_members_table_does_not_matter(recording):
    members = recording.ensembles.members
    shuffled = members.take(np.random.default_rng(0).permutation(len(members)))
    other = recording.replace(ensembles=Ensembles(shuffled, recording.ensembles.activations))
    for a, b in zip(display_order(recording), display_order(other), strict=True):
        np.testing.assert_array_equal(a, b)


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


@pytest.mark.parametrize("name", ["raw", "dff"])
def test_heatmap_is_the_traces_in_display_order(recording, name):
    data = prepare_heatmap(recording, name)
    order, _ = display_order(recording)
    factor = 1 if name == "raw" else 100
    np.testing.assert_allclose(data.image, factor * recording.traces[name].values[order], rtol=1e-6)
    assert data.label == ("F (a.u.)" if name == "raw" else "ΔF/F (%)")
    assert data.limits[0] < data.limits[1]


def test_heatmap_keeps_a_one_frame_peak(recording):
    values = np.zeros((recording.n_rois, 1500), np.float32)
    values[17, 777] = 3
    changed = recording.replace(traces={"dff": Trace(values, "ΔF/F")}, ensembles=None)
    image = prepare_heatmap(changed, height=8, width=50).image
    assert image.shape == (8, 50)
    assert image.max() == 300


@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_flat_and_empty_heatmaps_are_drawn(fill):
    values = np.full((2, 30), fill, np.float32)
    recording = Recording("r", np.arange(2), 10.0, traces={"dff": Trace(values, "ΔF/F")})
    data = prepare_heatmap(recording)
    assert data.limits == (0.0, 1.0)
    figure = new_figure(*raster_size(data))
    draw_heatmap(figure, data)
    figure.canvas.draw()


def test_heatmap_without_neurons_or_traces_is_said(recording):
    assert "no neurons" in prepare_heatmap(Recording("r", np.empty(0, np.int64), 1.0)).message
    data = prepare_heatmap(recording.replace(traces={}))
    assert "no traces" in data.message
    figure = new_figure(*raster_size(data))
    draw_heatmap(figure, data)
    figure.canvas.draw()


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


def test_gaps_are_named_on_the_heatmap(recording):
    values = np.zeros((2, 30), np.float32)
    values[:, 4] = np.nan
    gappy = Recording("r", np.arange(2), 10.0, traces={"dff": Trace(values, "ΔF/F")})
    for shown, named in ((gappy, True), (recording, False)):
        figure = new_figure()
        draw_heatmap(figure, prepare_heatmap(shown))
        assert ("no data" in figure.axes[0].get_title(loc="right")) == named


def test_few_rows_are_all_numbered():
    values = np.zeros((1, 10), np.float32)
    recording = Recording("r", np.arange(1), 1.0, traces={"dff": Trace(values, "ΔF/F")})
    figure = new_figure()
    draw_heatmap(figure, prepare_heatmap(recording))
    assert list(figure.axes[0].get_yticks()) == [0]
