from typing import Annotated, Literal, Self

import pytest
from annotated_types import Ge, Gt, Le, Lt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field, model_validator

from napari_calcium.settings import Choice, Hertz, Percent, Seconds, Settings, SettingsError, TraceName
from napari_calcium.widgets.form import SettingsForm

Window = Annotated[Seconds, Ge(0.1), Le(600)]


class Everything(Settings):
    method: Literal["everything"] = "everything"
    input: TraceName = "dff"
    window: Window = Field(30.0, title="Window", description="Length of the window.")
    percentile: Annotated[Percent, Le(50)] = 8.0
    above_zero: Annotated[Hertz, Gt(0), Lt(1)] = 0.5
    free: float = 0.00015
    count: Annotated[int, Ge(1), Le(10)] = 3
    seed: int = 0
    on: bool = True
    kind: Annotated[Literal["a", "b_c", 3], Choice((("a", "The first"),))] = "a"
    limit: Annotated[Seconds, Gt(0)] | None = None
    cells: int | None = None
    maybe: bool | None = None
    sort: Literal["up", "down"] | None = None
    name: str = "x"
    note: str | None = None
    levels: tuple[float, ...] = (1.0, 2.5)


class Ordered(Settings):
    rise: Annotated[Seconds, Gt(0)] = Field(0.1, title="Rise")
    decay: Annotated[Seconds, Gt(0)] = Field(1.0, title="Decay")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.rise >= self.decay:
            raise ValueError("the rise must be shorter than the decay")
        return self


finite = {"allow_nan": False, "allow_infinity": False}
anything = st.builds(
    Everything,
    input=st.sampled_from(["raw", "dff", "background_corrected", "denoised"]),
    window=st.floats(0.1, 600),
    percentile=st.floats(0, 50),
    above_zero=st.floats(0, 1, exclude_min=True, exclude_max=True),
    free=st.floats(**finite),
    count=st.integers(1, 10),
    seed=st.integers(-(2**70), 2**70),
    on=st.booleans(),
    kind=st.sampled_from(["a", "b_c", 3]),
    limit=st.none() | st.floats(0, exclude_min=True, **finite),
    cells=st.none() | st.integers(),
    maybe=st.none() | st.booleans(),
    sort=st.sampled_from([None, "up", "down"]),
    name=st.text(max_size=20),
    note=st.none() | st.text(max_size=20),
    levels=st.lists(st.floats(**finite), max_size=4).map(tuple),
)


@pytest.fixture
def form(qtbot):
    made = SettingsForm(Everything())
    qtbot.addWidget(made)
    return made


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_settings=anything)
def test_any_settings_come_back_as_they_went_in(form, given_settings):
    form.settings = given_settings
    assert form.settings == given_settings
    assert form.error == ""


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_settings=anything, count=st.integers(1, 10))
def test_changing_one_field_leaves_all_others_to_the_last_digit(form, given_settings, count):
    form.settings = given_settings
    form.row("count").editor.setValue(count)
    assert form.settings == given_settings.replace(count=count)


def test_setting_from_code_emits_nothing_and_a_user_edit_emits_once(form, qtbot):
    seen = []
    form.changed.connect(lambda: seen.append(form.settings))
    form.settings = Everything(window=12.3456789)
    assert seen == []
    form.row("window").editor.setValue(20)
    assert [s.window for s in seen] == [20.0]
    assert type(seen[0].count) is int


def test_typing_back_what_was_shown_gives_the_exact_value_again(form):
    exact = 1 / 3e11
    form.settings = Everything(free=exact)
    box = form.row("free").editor
    shown = box.value()
    box.setValue(5)
    assert form.settings.free == 5
    box.setValue(shown)
    assert form.settings.free == exact


def test_rows_carry_range_unit_words_and_explanation(form):
    window = form.row("window").editor
    assert (window.minimum(), window.maximum(), window.suffix()) == (0.1, 600, " s")
    assert window.accessibleName() == "Window"
    assert window.accessibleDescription() == "Length of the window."
    assert "Length of the window." in form.row("window").toolTip()
    assert form.row("percentile").editor.maximum() == 50
    assert 0 < form.row("above_zero").editor.minimum() < 1e-6
    assert 1 - 1e-6 < form.row("above_zero").editor.maximum() < 1
    kind = form.row("kind").editor
    assert [kind.itemText(k) for k in range(kind.count())] == ["The first", "B c", "3"]


def test_a_field_with_one_possible_value_has_no_row(form):
    with pytest.raises(KeyError):
        form.row("method")


def test_an_absent_value_can_be_set_and_taken_away_again(form):
    row = form.row("limit")
    row.editor.setChecked(True)
    assert form.settings.limit == 1.0
    row.editor.setChecked(False)
    assert form.settings.limit is None


def test_values_that_do_not_go_together_are_one_line_and_no_settings(qtbot):
    form = SettingsForm(Ordered())
    qtbot.addWidget(form)
    form.row("rise").editor.setValue(2)
    assert form.error == "the rise must be shorter than the decay"
    with pytest.raises(SettingsError, match="the rise must be shorter"):
        _ = form.settings
    form.row("decay").editor.setValue(3)
    assert form.settings == Ordered(rise=2, decay=3)
    assert form.error == ""


def test_a_value_that_is_no_value_is_named_as_the_form_names_it(form):
    form.row("levels").editor.setText("one, two")
    assert form.error.startswith("Levels")
    assert "\n" not in form.error


def test_settings_of_another_class_are_refused(form):
    with pytest.raises(TypeError, match="this form is for Everything, got Ordered"):
        form.settings = Ordered()
