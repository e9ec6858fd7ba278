"""What a setting is, in words: unit, range, default, effect, and the stages that it touches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from napari_calcium.pipeline_settings import STAGES, TITLES, PipelineSettings
from napari_calcium.settings import Choice, Settings, Unit

__all__ = ["SettingHelp", "kind_of_settings", "setting_help", "setting_words", "touched_by"]

_WRITES = {
    "baseline": {"baseline", "dff"},
    "background": {"background_corrected"},
    "denoise": {"denoised"},
    "spikes": {"spikes"},
    "events": {"events"},
    "validation": {"events"},
    "coactivity": {"coactivity"},
    "significance": {"ensemble_events"},
    "ensembles": {"ensembles"},
}
_READS = {
    "validation": {"events"},
    "coactivity": {"events"},
    "significance": {"events", "coactivity"},
    "ensembles": {"events", "coactivity", "ensemble_events"},
    "features": {"events", "ensemble_events", "ensembles"},
}
"""Beside the trace that ``input`` names. A stage that is in neither table reads events and writes nothing
that another one reads."""
_TRACES = {"raw": "Raw fluorescence", "baseline": "Baseline F0", "dff": "ΔF/F"}


@dataclass(frozen=True)
class SettingHelp:
    """A setting explained.

    Attributes
    ----------
    title, effect : str
        As on screen, and what it does.
    unit : str
        Empty for a pure number, a choice or a switch.
    allowed : str
        Range or choices, in words; empty where anything goes.
    default : str
    touches : tuple of str
        Titles of the stages whose results change with it, its own first.
    """

    title: str
    effect: str
    unit: str
    allowed: str
    default: str
    touches: tuple[str, ...]


def setting_help(
    kind: type[Settings], name: str, stage: str = "", settings: PipelineSettings | None = None
) -> SettingHelp:
    """Explain a field of a settings class; everything is read from the class itself.

    Parameters
    ----------
    kind : type of Settings
    name : str
        Of the field.
    stage : str
        The stage whose settings these are; without it nothing is said of other stages.
    settings : PipelineSettings, optional
        Which stages take part and what they read; the defaults without.

    Raises
    ------
    KeyError
        If the class has no such field.
    """
    field = kind.model_fields[name]
    metadata = tuple(_metadata(field))
    unit = next((m.symbol for m in metadata if isinstance(m, Unit)), "")
    words = {key: word for m in metadata if isinstance(m, Choice) for key, word in m.labels}
    return SettingHelp(
        field.title or _plain(name),
        field.description or "",
        unit,
        _allowed(field, metadata, words, unit),
        _default(field, words, unit),
        touched_by(stage, settings or PipelineSettings()) if stage else (),
    )


def touched_by(stage: str, settings: PipelineSettings) -> tuple[str, ...]:
    """Return the titles of the stages whose results depend on those of a stage, itself first, in run order.

    Stages that are skipped are left out.
    """
    if stage not in TITLES:
        return ()
    order = tuple(TITLES)
    changed: set[str] = set(_WRITES.get(stage, set()))
    touched = [stage]
    for later in order[order.index(stage) + 1 :]:
        chosen = getattr(settings, later, None)
        if chosen is None:
            continue
        # From a movie on, everything is made of what came before.
        if stage not in STAGES or changed & _read_by(later, chosen):
            touched.append(later)
            changed |= _WRITES.get(later, set())
    return tuple(TITLES[name] for name in touched)


def kind_of_settings(stage: str, data: Mapping[str, Any]) -> type[Settings] | None:
    """Return the class of a stage's settings as the log has them: of the alternatives, that of the method."""
    field = PipelineSettings.model_fields.get(stage)
    kinds = tuple(_kinds(field.annotation)) if field is not None else ()
    if len(kinds) == 1:
        return kinds[0]
    methods = {kind.model_fields["method"].default: kind for kind in kinds if "method" in kind.model_fields}
    return methods.get(data.get("method"))


def setting_words(kind: type[Settings], name: str, value: Any) -> tuple[str, str]:
    """Return a field's title, and a value of it in words with its unit."""
    field = kind.model_fields[name]
    metadata = tuple(_metadata(field))
    unit = next((m.symbol for m in metadata if isinstance(m, Unit)), "")
    words = {key: word for m in metadata if isinstance(m, Choice) for key, word in m.labels}
    return field.title or _plain(name), _value_words(value, words, unit)


def _kinds(annotation: Any) -> Iterator[type[Settings]]:
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        yield annotation
    else:
        for part in get_args(annotation):
            yield from _kinds(part)


def _read_by(stage: str, settings: Any) -> set[str]:
    source = getattr(settings, "input", None)
    default = {"events"} if source is None or stage not in _WRITES else set()
    return _READS.get(stage, default) | ({str(source)} if source is not None else set())


def _metadata(field: FieldInfo) -> Iterator[Any]:
    """Yield what is attached to a field's type, however deep."""
    yield from field.metadata
    yield from _attached(field.annotation)


def _attached(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from annotation.__metadata__
    if get_origin(annotation) is not Literal:
        for part in get_args(annotation):
            if not isinstance(part, (str, int, float)):
                yield from _attached(part)


def _choices(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(c for part in get_args(annotation) for c in _choices(part) if part is not NoneType)


def _allowed(field: FieldInfo, metadata: tuple[Any, ...], words: dict[str, str], unit: str) -> str:
    choices = _choices(field.annotation)
    if choices:
        return ", ".join(words.get(str(choice)) or _plain(str(choice)) for choice in choices)
    if field.annotation is bool:
        return "on or off"
    low = max((_bound(m) for m in metadata if isinstance(m, (Ge, Gt))), default=None)
    high = min((_bound(m) for m in metadata if isinstance(m, (Le, Lt))), default=None)
    above = any(isinstance(m, Gt) and _bound(m) == low for m in metadata)
    below = any(isinstance(m, Lt) and _bound(m) == high for m in metadata)
    tail = f" {unit}" if unit else ""
    if low is not None and high is not None:
        return f"{'above ' if above else ''}{low:,g} to {'below ' if below else ''}{high:,g}{tail}"
    if low is not None:
        return f"{'above' if above else 'from'} {low:,g}{tail}{'' if above else ' on'}"
    return f"{'below' if below else 'up to'} {high:,g}{tail}" if high is not None else ""


def _bound(limit: Any) -> float:
    return float(next(getattr(limit, name) for name in ("ge", "gt", "le", "lt") if hasattr(limit, name)))


def _default(field: FieldInfo, words: dict[str, str], unit: str) -> str:
    return _value_words(field.get_default(call_default_factory=True), words, unit)


def _value_words(value: Any, words: dict[str, str], unit: str) -> str:
    if value is None or value == "" or value == ():
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (int, float)):
        return f"{value:,g}{f' {unit}' if unit else ''}"
    if isinstance(value, Settings):
        return "see its own fields"
    return words.get(str(value)) or _plain(str(value))


def _plain(name: str) -> str:
    if name in _TRACES or not name.islower():
        return _TRACES.get(name, name)  # names like jRGECO1a are spelt as they are
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]
