"""The similarity heatmap: the same matrix, reordered by ensemble."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from napari_calcium.figures.drawing import new_figure
from napari_calcium.figures.similarity_figure import draw_similarity, prepare_similarity, similarity_size
from napari_calcium.results.tables import EnsembleEvents, Ensembles


def drawn(data):
    figure = new_figure(*similarity_size(data))
    draw_similarity(figure, data)
    figure.canvas.draw()
    return figure


def test_image_is_the_matrix_in_order(recording):
    data = prepare_similarity(recording)
    matrix = recording.ensembles.similarity
    np.testing.assert_array_equal(np.sort(data.order), np.arange(len(matrix)))
    np.testing.assert_array_equal(data.image, matrix[data.order][:, data.order])
    np.testing.assert_array_equal(data.ensemble_id, recording.ensemble_events.ensemble_id[data.order])


def test_ensembles_are_blocks_and_the_unassigned_come_last(recording):
    data = prepare_similarity(recording)
    ids = [k for k, _, _ in data.blocks]
    assert sorted(ids[:-1]) == ids[:-1]
    assert ids[-1] == -1
    position = 0
    for ensemble, start, stop in data.blocks:
        assert start == position
        assert (data.ensemble_id[start:stop] == ensemble).all()
        position = stop
    assert position == len(data.order)


def test_within_a_block_the_most_typical_event_comes_first(recording):
    data = prepare_similarity(recording)
    for _, start, stop in data.blocks:
        likeness = data.image[start:stop, start:stop].mean(axis=1)
        assert (np.diff(likeness) <= 1e-6).all()


def test_very_many_events_are_pooled(recording):
    data = prepare_similarity(recording, pixels=10)
    assert data.image.shape == (10, 10)
    assert len(data.order) == len(recording.ensemble_events)
    drawn(data)


def test_scale_ends_where_the_similarities_do(recording):
    data = prepare_similarity(recording)
    matrix = recording.ensembles.similarity
    outside = matrix[~np.eye(len(matrix), dtype=bool)]
    assert np.median(outside) < data.high <= 1.0


def test_figure_names_its_quantity(recording):
    figure = drawn(prepare_similarity(recording))
    assert "Jaccard similarity\nof contributors" in [ax.get_ylabel() for ax in figure.axes]
    assert "3 ensembles" in figure.axes[0].get_title().replace("\n", " ")


@pytest.mark.parametrize("number", [1, 2])
def test_one_or_two_events(recording, number):
    events = recording.ensemble_events.take(np.arange(number))
    similarity = np.eye(number, dtype=np.float32)
    found = dataclasses.replace(recording.ensembles, similarity=similarity)
    data = prepare_similarity(recording.replace(ensemble_events=events, ensembles=found))
    assert data.image.shape == (number, number)
    assert drawn(data).axes[0].has_data()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ensembles": None}, "not been looked for"),
        ({"ensemble_events": EnsembleEvents(), "ensembles": Ensembles()}, "no ensemble events"),
        ({"ensembles": Ensembles()}, "not computed"),
    ],
)
def test_nothing_to_show_is_said(recording, change, message):
    data = prepare_similarity(recording.replace(**change))
    assert message in data.message
    assert data.blocks == ()
    drawn(data)
