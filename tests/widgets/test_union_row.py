"""A setting that is itself one of several settings classes has a form inside the form."""

import pytest

from napari_calcium.movie.extraction_settings import EstimatedNeuropil, ExtractionSettings, FixedNeuropil
from napari_calcium.pipeline_settings import default_settings
from napari_calcium.widgets.form import SettingsForm
from napari_calcium.widgets.union_form import UnionRow


@pytest.fixture
def form(qtbot):
    made = SettingsForm(ExtractionSettings())
    qtbot.addWidget(made)
    made.show()
    return made


def test_it_shows_what_it_was_given_and_returns_it(form):
    given = ExtractionSettings(neuropil=FixedNeuropil(coefficient=0.5))
    form.settings = given
    assert form.settings is given
    assert form.row("neuropil").editor.chooser.currentText() == "Fixed"


def test_another_method_and_its_fields_are_chosen_by_hand(qtbot, form):
    chooser = form.row("neuropil").editor.chooser
    assert isinstance(form.settings.neuropil, EstimatedNeuropil)
    with qtbot.waitSignal(form.changed):
        chooser.setCurrentIndex(1)
    assert form.settings.neuropil == FixedNeuropil()
    form.row("neuropil").editor.row("coefficient").editor.setValue(0.9)
    assert form.settings.neuropil == FixedNeuropil(coefficient=0.9)
    assert form.error == ""


def test_it_stands_below_its_title_and_is_named_for_screen_readers(form):
    row = form.row("neuropil")
    assert row.is_wide and row.width() > 0.9 * form.width()
    assert row.editor.chooser.accessibleName() == ExtractionSettings.model_fields["neuropil"].title


@pytest.mark.parametrize("stage", ["extraction", "population_activity"])
def test_no_setting_of_these_stages_is_typed_as_yaml(qtbot, stage):
    made = SettingsForm(default_settings(stage))
    qtbot.addWidget(made)
    assert any(isinstance(made.row(name), UnionRow) for name in made.names)


def test_zero_is_called_what_it_stands_for(form):
    gap = form.row("neuropil").editor.row("gap")
    assert gap.editor.text() == "automatic" and gap.words(0.0) == "automatic"
    gap.editor.setValue(3)
    assert gap.editor.text().startswith("3")
    assert form.settings.neuropil.gap == 3.0
