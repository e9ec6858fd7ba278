"""Typed, frozen settings: the one source of a parameter's default, range, unit and explanation.

Forms, command-line help, YAML files and the documentation all read these classes.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict, ValidationError

__all__ = [
    "Choice",
    "Hertz",
    "Micrometres",
    "Percent",
    "Pixels",
    "Seconds",
    "Settings",
    "SettingsError",
    "StandardDeviations",
    "TraceName",
    "Unit",
    "Zero",
]


@dataclass(frozen=True)
class Unit:
    """Unit of a settings field, as forms, documents and figures show it."""

    symbol: str


@dataclass(frozen=True)
class Choice:
    """Plain words for the values of a ``Literal`` field, as forms and help show them."""

    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Zero:
    """What 0 stands for in a field where it is no amount, as forms show it ("automatic", "none")."""

    words: str


Seconds = Annotated[float, Unit("s")]
Hertz = Annotated[float, Unit("Hz")]
Micrometres = Annotated[float, Unit("µm")]
Percent = Annotated[float, Unit("%"), Ge(0), Le(100)]
Pixels = Annotated[float, Unit("px")]
StandardDeviations = Annotated[float, Unit("SD")]

TraceName = Literal["raw", "dff", "background_corrected", "denoised"]
"""The stages of a trace that a later stage may read, in the order they are made."""


class SettingsError(ValueError):
    """Settings that cannot be used; the message is one line that names the field."""


class Settings(BaseModel):
    """Base of every stage's settings: immutable, strict about names, free of NaN and infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def replace(self, **changes: Any) -> Self:
        """Return a validated copy with some fields changed."""
        return self.validated(self.model_dump() | changes)

    @classmethod
    def validated(cls, data: Any) -> Self:
        """Validate plain data.

        Raises
        ------
        SettingsError
            With one line that names the field, what was got and what is allowed.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise SettingsError(_one_line(error, data, cls)) from None

    def to_yaml(self) -> str:
        """Write all fields, defaults included, in order."""
        data = self.model_dump(mode="json")
        text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
        # PyYAML writes rare line separators (U+0085, U+2028 …) in a way that it reads as spaces.
        return text if yaml.safe_load(text) == data else yaml.safe_dump(data, sort_keys=False)

    @classmethod
    def from_yaml(cls, text: str) -> Self:
        """Read what :meth:`to_yaml` wrote; missing fields take their defaults.

        Raises
        ------
        SettingsError
            If the text is not YAML, or a field is unknown or out of range.
        """
        try:
            data = yaml.safe_load(text)
        # PyYAML lets the ValueError of an impossible date through, and the parser recurses.
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise SettingsError(f"not valid YAML: {' '.join(str(error).split())}") from None
        return cls.validated({} if data is None else data)


def _one_line(error: ValidationError, data: Any, kind: type[Settings]) -> str:
    parts = []
    for item in error.errors(include_url=False):
        path = _path(item["loc"], data)
        if item["type"] == "extra_forbidden":
            parts.append(f"{path}: there is no such setting; check the spelling")
        elif item["type"] == "union_tag_invalid":
            tag, known = item["ctx"]["tag"], item["ctx"]["expected_tags"]
            parts.append(f"{path}.method: there is no {tag!r}; there are {known}")
        elif item["type"] == "union_tag_not_found":
            parts.append(_untold(path, item["input"], _tags(kind, item["loc"])))
        elif item["type"] in ("model_type", "model_attributes_type"):
            parts.append(f"{path or 'settings'}: expected names and values, got {item['input']!r:.60}")
        else:
            got = item["input"]
            shown = "" if isinstance(got, dict) else f", got {got!r:.60}"
            parts.append(f"{path}: {item['msg'][0].lower()}{item['msg'][1:]}{shown}")
    return "; ".join(parts)


def _untold(path: str, given: dict[str, Any], tags: list[str]) -> str:
    """Say that no method was chosen, which there are, and what looks like an attempt to choose one."""
    names = [str(name) for name in given]
    known = f"there are {', '.join(map(repr, tags))}" if tags else "none is known"
    meant = difflib.get_close_matches("method", names, n=1)
    if meant:
        return f"{path}.{meant[0]}: there is no such setting; it may be meant for method ({known})"
    got = ", ".join(names) or "nothing"
    return f"{path}: say which method the settings are for, as in method: NAME ({known}); got {got}"


def _tags(kind: Any, location: tuple[int | str, ...]) -> list[str]:
    """Return the methods that a union of settings has, by its place in a settings class."""
    members = [kind]
    for key in location:
        found = [m for m in members if isinstance(m, type) and issubclass(m, BaseModel)]
        tagged = [m for m in found if key in _method_of(m)]
        inside = [m.model_fields[str(key)].annotation for m in found if key in m.model_fields]
        members = tagged or [part for annotation in inside for part in _members(annotation)]
    return [tag for member in members for tag in _method_of(member)]


def _members(annotation: Any) -> list[Any]:
    """Return the classes in a union, whatever it is wrapped in."""
    if isinstance(annotation, type):
        return [annotation]
    return [part for inside in get_args(annotation) for part in _members(inside)]


def _method_of(kind: Any) -> tuple[str, ...]:
    field = getattr(kind, "model_fields", {}).get("method")
    return get_args(field.annotation) if field is not None else ()


def _path(location: tuple[int | str, ...], data: Any) -> str:
    """Join a pydantic location, leaving out the tags of unions, which the user never wrote."""
    names: list[str] = []
    for depth, key in enumerate(location):
        last = depth == len(location) - 1
        if isinstance(data, dict) and key in data:
            data = data[key]
            names.append(str(key))
        elif last and not (isinstance(data, dict) and data.get("method") == key):
            names.append(str(key))
    return ".".join(names)
