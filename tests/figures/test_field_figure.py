"""The field: members in the colour of their ensemble, everybody else as the tissue is."""

from __future__ import annotations

import numpy as np
import pytest
from tests.figures.degenerate import DEGENERATE

from napari_calcium.figures.drawing import new_figure
from napari_calcium.figures.field_figure import draw_field, field_size, prepare_field
from napari_calcium.figures.palette import ensemble_color, rgb
from napari_calcium.figures.row_order import display_order


def drawn(data):
    figure = new_figure(*field_size(data))
    draw_field(figure, data)
    figure.draw_without_rendering()
    return figure


def pixels_of(recording, cell):
    row = int(np.flatnonzero(recording.rois.ids == cell)[0])
    return recording.rois.pixels(row)


def test_core_members_have_exactly_the_color_of_their_ensemble(recording):
    data = prepare_field(recording)
    order, home = display_order(recording)
    members = recording.ensembles.members
    core = set(members.roi_id[members.core].tolist())
    covered = np.zeros(recording.rois.shape, int)
    for row in range(len(recording.rois)):
        np.add.at(covered, recording.rois.pixels(row), 1)
    seen = 0
    for cell, ensemble in zip(recording.roi_ids[order].tolist(), home.tolist(), strict=True):
        if ensemble < 0 or cell not in core:
            continue
        y, x = pixels_of(recording, cell)
        alone = covered[y, x] == 1
        want = np.array(rgb(ensemble_color(ensemble))) / 255
        np.testing.assert_allclose(data.image[y[alone], x[alone]], np.tile(want, (alone.sum(), 1)), atol=1e-6)
        seen += 1
    assert seen > 5


def test_cells_of_no_ensemble_are_grey(recording):
    data = prepare_field(recording)
    order, home = display_order(recording)
    strangers = recording.roi_ids[order[home < 0]]
    members = np.zeros(recording.rois.shape, bool)
    for cell in recording.roi_ids[order[home >= 0]]:
        members[pixels_of(recording, cell)] = True
    for cell in strangers[:5]:
        y, x = pixels_of(recording, cell)
        free = ~members[y, x]
        colors = data.image[y[free], x[free]]
        np.testing.assert_allclose(colors, colors[:, :1].repeat(3, axis=1), atol=1e-6)


def test_the_picture_is_between_black_and_white_and_the_recording_is_untouched(recording):
    before = recording.images["mean"].copy()
    data = prepare_field(recording)
    assert data.image.dtype == np.float32
    assert data.image.min() >= 0
    assert data.image.max() <= 1
    np.testing.assert_array_equal(recording.images["mean"], before)


def test_the_order_of_the_rois_does_not_matter(recording):
    shuffled = recording.replace(rois=recording.rois.take(np.arange(len(recording.rois))[::-1]))
    np.testing.assert_array_equal(prepare_field(shuffled).image, prepare_field(recording).image)


def test_without_an_image_every_cell_is_seen(recording):
    data = prepare_field(recording.replace(images={}))
    for row in range(len(recording.rois)):
        assert (data.image[recording.rois.pixels(row)].max(axis=1) > 0.2).all()


def test_the_title_counts_cells_and_ensembles_and_says_who_has_no_place(recording):
    assert drawn(prepare_field(recording)).axes[0].get_title() == "40 cells, 3 ensembles"
    few = DEGENERATE["few positions"](recording)
    assert drawn(prepare_field(few)).axes[0].get_title().startswith("5 of 40 cells")


def test_the_numbers_above_are_the_ensembles_that_are_seen(recording):
    from matplotlib.colors import to_hex

    texts = {t.get_text(): to_hex(t.get_color()) for t in drawn(prepare_field(recording)).axes[0].texts}
    for ensemble in (0, 1, 2):
        assert texts[str(ensemble)] == ensemble_color(ensemble)


@pytest.mark.parametrize("case", ["no positions", "no cells", "nothing at all", "raw traces only"])
def test_without_positions_it_says_what_to_do(recording, case):
    data = prepare_field(DEGENERATE[case](recording))
    assert data.image is None
    assert data.message
    drawn(data)


@pytest.mark.parametrize("pixel", [None, 0.4, 5.0])
def test_the_bar_has_a_round_length_where_the_pixel_size_is_known(recording, pixel):
    texts = [t.get_text() for t in drawn(prepare_field(recording.replace(pixel_size_um=pixel))).axes[0].texts]
    bars = [t for t in texts if t.endswith("µm")]
    assert len(bars) == (pixel is not None)
    if bars:
        length = float(bars[0].split()[0])
        assert length / 10 ** np.floor(np.log10(length)) in (1, 2, 5)
        assert length <= 0.35 * recording.rois.shape[1] * pixel
