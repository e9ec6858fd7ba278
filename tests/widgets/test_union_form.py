from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Gt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

from napari_calcium.settings import Percent, Seconds, Settings
from napari_calcium.traces.denoise import SavitzkyGolayDenoise, WaveletDenoise
from napari_calcium.widgets.form import SettingsForm
from napari_calcium.widgets.union_form import UnionForm, alternatives, form_for, method_words


class Percentile(Settings):
    """A low percentile of the trace."""

    method: Literal["percentile"] = "percentile"
    percentile: Percent = 25.0


class SlidingMinimum(Settings):
    """The lowest value nearby."""

    method: Literal["sliding_minimum"] = Field("sliding_minimum", title="Lowest value nearby")
    window: Annotated[Seconds, Gt(0)] = 60.0
    passes: Annotated[int, Ge(1)] = 1


Both = Annotated[Percentile | SlidingMinimum, Field(discriminator="method")]


@pytest.fixture
def form(qtbot):
    made = form_for(Both, Percentile(percentile=10))
    qtbot.addWidget(made)
    return made


def test_alternatives_are_found_through_annotations_unions_and_none():
    assert alternatives(Both) == (Percentile, SlidingMinimum)
    assert alternatives(Both | None) == (Percentile, SlidingMinimum)
    assert alternatives(Percentile | None) == (Percentile,)
    assert alternatives(int | None) == ()


def test_one_class_makes_a_plain_form(qtbot):
    form = form_for(Percentile | None, Percentile())
    qtbot.addWidget(form)
    assert isinstance(form, SettingsForm)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    given_settings=st.builds(Percentile, percentile=st.floats(0, 100))
    | st.builds(SlidingMinimum, window=st.floats(1e-300, 1e300), passes=st.integers(1, 2**60))
)
def test_settings_of_any_method_come_back_as_they_went_in(form, given_settings):
    form.settings = given_settings
    assert form.settings == given_settings


def test_methods_are_named_in_words_and_explained(form):
    assert isinstance(form, UnionForm)
    words = [form.chooser.itemText(k) for k in range(form.chooser.count())]
    assert words == ["Percentile", "Lowest value nearby"]


def test_what_was_typed_is_there_again_after_a_look_at_another_method(form):
    form.row("percentile").editor.setValue(33)
    form.chooser.setCurrentIndex(1)
    form.row("window").editor.setValue(90)
    assert form.settings == SlidingMinimum(window=90)
    form.chooser.setCurrentIndex(0)
    assert form.settings == Percentile(percentile=33)
    form.chooser.setCurrentIndex(1)
    assert form.settings == SlidingMinimum(window=90)


def test_only_the_chosen_methods_fields_show(form, qtbot):
    form.show()
    assert form.row("percentile").isVisible()
    form.chooser.setCurrentIndex(1)
    assert form.row("window").isVisible()
    form.chooser.setCurrentIndex(0)
    assert form.row("percentile").isVisible()


def test_choosing_and_typing_emit_once_each_and_setting_from_code_does_not(form):
    seen = []
    form.changed.connect(lambda: seen.append(form.settings))
    form.settings = SlidingMinimum()
    assert seen == []
    form.chooser.setCurrentIndex(0)
    form.row("percentile").editor.setValue(5)
    assert seen == [Percentile(percentile=10), Percentile(percentile=5)]


def test_a_method_named_after_people_keeps_their_names():
    assert method_words(SavitzkyGolayDenoise) == "Savitzky–Golay"
    assert method_words(WaveletDenoise) == "Wavelet"
