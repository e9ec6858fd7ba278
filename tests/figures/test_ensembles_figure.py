"""The ensembles: their somata where they lie, their activations when they were."""

from __future__ import annotations

import numpy as np
import pytest

from napari_calcium.figures.drawing import new_figure
from napari_calcium.figures.ensembles_figure import draw_ensembles, ensembles_size, prepare_ensembles
from napari_calcium.figures.palette import ensemble_color, rgb
from napari_calcium.results.tables import Activations, Ensembles, Members


def drawn(data):
    figure = new_figure(*ensembles_size(data))
    draw_ensembles(figure, data)
    figure.draw_without_rendering()
    return figure


def test_members_activations_and_colors(recording):
    data = prepare_ensembles(recording)
    assert [view.ensemble_id for view in data.views] == list(recording.ensembles.ids)
    for view in data.views:
        members = recording.ensembles.members_of(view.ensemble_id)
        assert set(view.core) | set(view.guests) == set(members.roi_id)
        assert set(view.core) == set(members.roi_id[members.core])
        assert view.color == ensemble_color(view.ensemble_id)
        activations = recording.ensembles.activations_of(view.ensemble_id)
        np.testing.assert_array_equal(view.activation_s, activations.time_s)


def test_overlay_paints_the_members_and_nobody_else(recording):
    data = prepare_ensembles(recording)
    for view in data.views:
        painted = view.overlay[..., 3]
        for row, cell in enumerate(recording.rois.ids):
            y, x = recording.rois.pixels(row)
            if cell in view.core:
                assert (painted[y, x] == 255).all()
            elif cell in view.guests:
                assert (painted[y, x] > 0).all()
        own = np.isin(recording.rois.ids, np.concatenate([view.core, view.guests]))
        free = np.ones(recording.rois.shape, bool)
        for row in np.flatnonzero(own):
            free[recording.rois.pixels(row)] = False
        assert not painted[free].any()
        colors = {tuple(c) for c in view.overlay[painted > 0][:, :3].tolist()}
        assert colors == {rgb(view.color)}


def test_guests_are_dimmer_than_the_core(recording):
    opacity = set()
    for view in prepare_ensembles(recording).views:
        opacity |= set(np.unique(view.overlay[..., 3]).tolist())
    assert len(opacity) == 3
    assert max(opacity) == 255


def test_tiny_somata_are_painted_larger(recording):
    shape = (2000, 2000)
    labels = np.zeros(shape, np.int32)
    labels[1000:1004, 1000:1004] = 1
    from napari_calcium.rois import Rois

    rois = Rois.from_labels(labels, ids=[int(recording.ensembles.members.roi_id[0])])
    data = prepare_ensembles(recording.replace(rois=rois, images={}))
    view = data.views[int(recording.ensembles.members.ensemble_id[0])]
    assert 16 * 20 < (view.overlay[..., 3] > 0).sum() < 0.01 * 2000 * 2000


def test_background_is_stretched_to_black_and_white(recording):
    background = prepare_ensembles(recording).background
    assert background.shape == recording.rois.shape
    assert background.min() == 0
    assert background.max() == 1


@pytest.mark.parametrize("image", [None, np.zeros((3, 3), np.float32), "flat", "nan"])
def test_without_a_fitting_image_somata_stand_on_black(recording, image):
    shape = recording.rois.shape
    images = {"flat": np.ones(shape, np.float32), "nan": np.full(shape, np.nan, np.float32)}
    chosen = images[image] if isinstance(image, str) else image
    changed = recording.replace(images={} if chosen is None else {"mean": chosen})
    data = prepare_ensembles(changed)
    assert not data.background.any()
    drawn(data)


def test_maps_and_times_are_drawn(recording):
    figure = drawn(prepare_ensembles(recording))
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    for view in prepare_ensembles(recording).views:
        number = len(view.core) + len(view.guests)
        assert f"{view.ensemble_id}: {number} neurons" in titles
    assert figure.axes[-1].get_xlabel() == "Time (s)"
    assert figure.axes[-1].get_ylabel() == "Ensemble"


def test_scale_bar_is_a_round_length_of_tissue(recording):
    figure = drawn(prepare_ensembles(recording))
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert len(texts) == 1
    length = float(texts[0].removesuffix(" µm"))
    line = figure.axes[0].lines[0]
    assert np.ptp(line.get_xdata()) * recording.pixel_size_um == pytest.approx(length)
    without = drawn(prepare_ensembles(recording.replace(pixel_size_um=None)))
    assert not without.axes[0].texts


def test_without_positions_time_alone_is_shown(recording):
    data = prepare_ensembles(recording.replace(rois=None, images={}))
    assert data.background is None
    assert all(view.overlay is None for view in data.views)
    figure = drawn(data)
    assert len(figure.axes) == 1


def many(recording, number):
    ids = np.arange(number)
    members = Members(ids, recording.roi_ids[ids % recording.n_rois], *(np.ones(number),) * 3, ids % 2 == 0)
    times = Activations(ids, np.linspace(1, 100, number), np.zeros(number), np.ones(number, int))
    return recording.replace(ensembles=Ensembles(members, times))


@pytest.mark.parametrize("number", [1, 6, 60])
def test_any_number_of_ensembles(recording, number):
    data = prepare_ensembles(many(recording, number))
    assert len(data.views) == number
    width, height = ensembles_size(data)
    assert height < 14
    assert width == 7.2
    drawn(data)


def test_an_ensemble_without_activations_is_drawn(recording):
    members = Members(
        np.array([4]), recording.roi_ids[:1], np.ones(1), np.ones(1), np.ones(1), np.ones(1, bool)
    )
    data = prepare_ensembles(recording.replace(ensembles=Ensembles(members)))
    assert len(data.views[0].activation_s) == 0
    drawn(data)


@pytest.mark.parametrize(("found", "message"), [(None, "not been looked for"), (Ensembles(), "No ensembles")])
def test_nothing_to_show_is_said(recording, found, message):
    data = prepare_ensembles(recording.replace(ensembles=found))
    assert message in data.message
    drawn(data)
