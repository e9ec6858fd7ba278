from typing import Annotated, Literal

import pytest
import yaml
from annotated_types import Ge, Gt, Le
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import Field

from napari_calcium.settings import Choice, Percent, Seconds, Settings, SettingsError, Unit


class Mean(Settings):
    method: Literal["mean"] = "mean"
    window: Annotated[Seconds, Gt(0), Le(600)] = Field(30.0, title="Window", description="Its length.")


class Quantile(Settings):
    method: Literal["quantile"] = "quantile"
    percentile: Annotated[Percent, Le(50)] = Field(8.0, title="Percentile", description="Its height.")


class Outer(Settings):
    count: Annotated[int, Ge(0)] = 3
    name: str = "µm – ΔF/F"
    on: bool = True
    stage: Annotated[Mean | Quantile, Field(discriminator="method")] | None = Mean()


outers = st.builds(
    Outer,
    count=st.integers(0, 10**12),
    name=st.text(max_size=20),
    on=st.booleans(),
    stage=st.one_of(
        st.none(),
        st.builds(Mean, window=st.floats(1e-300, 600)),
        st.builds(Quantile, percentile=st.floats(0, 50)),
    ),
)


@given(settings=outers)
@hypothesis_settings(max_examples=100, deadline=None)
def test_yaml_round_trip(settings):
    assert Outer.from_yaml(settings.to_yaml()) == settings


@given(settings=outers)
@hypothesis_settings(max_examples=30, deadline=None)
def test_yaml_holds_every_field_in_order(settings):
    assert list(yaml.safe_load(settings.to_yaml())) == ["count", "name", "on", "stage"]


@given(settings=outers, count=st.integers(0, 100))
@hypothesis_settings(max_examples=30, deadline=None)
def test_replace_changes_one_field_only(settings, count):
    changed = settings.replace(count=count)
    assert changed.count == count
    assert changed.replace(count=settings.count) == settings


def test_replace_takes_another_alternative():
    assert Outer().replace(stage=Quantile()).stage == Quantile()
    assert Outer().replace(stage=None).stage is None


def test_replace_validates():
    with pytest.raises(SettingsError, match=r"^window: .*600.*got 601"):
        Mean().replace(window=601)
    with pytest.raises(SettingsError, match="windw: there is no such setting"):
        Mean().replace(windw=3)


def test_missing_fields_take_their_defaults():
    assert Outer.from_yaml("") == Outer()
    assert Outer.from_yaml("count: 7") == Outer(count=7)
    assert Outer.from_yaml("stage: {method: quantile}").stage == Quantile()


def test_settings_are_frozen_and_hashable():
    with pytest.raises(ValueError, match="frozen"):
        Mean().window = 3.0
    assert hash(Mean()) == hash(Mean(window=30))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1, 0, "soon", None, [1]])
def test_bad_numbers_are_one_line_that_names_the_field(bad):
    with pytest.raises(SettingsError) as caught:
        Mean.validated({"window": bad})
    message = str(caught.value)
    assert message.startswith("window: ")
    assert "\n" not in message
    assert repr(bad) in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stage: {method: mean, windw: 3}", "stage.windw: there is no such setting"),
        ("stage: {method: mean, window: 0}", "stage.window: input should be greater than 0, got 0"),
        ("stage: {method: median}", "stage.method: there is no 'median'; there are 'mean', 'quantile'"),
        (
            "stage: {methd: mean}",
            r"stage\.methd: there is no such .* method \(there are 'mean', 'quantile'\)$",
        ),
        ("stage: {window: 3}", "stage: say which method .*; got window"),
        ("stage: {}", r"stage: say which method .*\(there are 'mean', 'quantile'\); got nothing"),
        ("stage: word", "stage: expected names and values, got 'word'"),
        ("count: many", "count: .*integer.*got 'many'"),
        ("- count", "settings: expected names and values"),
        ("just text", "settings: expected names and values, got 'just text'"),
        ("count: [", "not valid YAML"),
        ("count: 2026-02-31", "not valid YAML"),
        ("a: !!python/object:os.system {}", "not valid YAML"),
    ],
)
def test_errors_name_path_and_cause(text, message):
    with pytest.raises(SettingsError, match=message) as caught:
        Outer.from_yaml(text)
    assert "\n" not in str(caught.value)


def test_all_errors_are_told_at_once():
    with pytest.raises(SettingsError, match=r"count: .*; stage\.window: "):
        Outer.from_yaml("count: -1\nstage: {method: mean, window: -1}")


@given(text=st.text(alphabet="abcount:stage{}[]-,&*!|>?%@'\" \n\t0123#~µ", max_size=60))
@hypothesis_settings(max_examples=300, deadline=None)
def test_any_text_is_settings_or_a_settings_error(text):
    try:
        result = Outer.from_yaml(text)
    except SettingsError as error:
        assert str(error)
        assert "\n" not in str(error)
    else:
        assert isinstance(result, Outer)


def test_deep_nesting_is_an_error_not_a_crash():
    with pytest.raises(SettingsError):
        Outer.from_yaml("[" * 5_000)


def test_units_and_choices_can_be_read_from_the_fields():
    assert Unit("s") in Mean.model_fields["window"].metadata
    assert Unit("%") in Quantile.model_fields["percentile"].metadata
    assert Choice((("a", "A"),)) == Choice((("a", "A"),))
