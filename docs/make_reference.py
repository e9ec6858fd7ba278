"""Write what of the documentation follows from the program: settings.md, and the list of pages in README.md.

``make docs`` runs it. A test fails while what is written differs from the program.
"""

from __future__ import annotations

from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from napari_calcium.pipeline_settings import PipelineSettings
from napari_calcium.settings import Settings, Unit

DOCS = Path(__file__).parent
START, END = "<!-- pages: written by make_reference.py -->", "<!-- end of pages -->"

_HEAD = """# Every setting

Written by `make docs` from the settings classes, which forms, command line and YAML files read, too. The
first column is the name on screen, the second the one in `pipeline.yaml`. What a stage does, and when it
misleads, stands on the pages of the [stages](README.md#the-stages).
"""


def settings_page() -> str:
    """Return the page with every setting of every stage."""
    parts = [_HEAD]
    for stage, field in PipelineSettings.model_fields.items():
        kinds = settings_classes(field)
        if not kinds:
            continue
        default = field.get_default(call_default_factory=True)
        skipped = "" if default is not None else " Skipped unless it is switched on."
        parts.append(f"\n## {field.title}\n\n`{stage}`: {field.description}{skipped}\n")
        for kind in kinds:
            parts += _of_class(kind, is_default=len(kinds) > 1 and type(default) is kind)
    return "".join(parts)


def settings_classes(field: FieldInfo) -> list[type[Settings]]:
    """Return the settings classes a field may hold: one for each method."""
    return list(dict.fromkeys(_classes(field.annotation)))


def _classes(annotation: Any) -> list[type[Settings]]:
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return [annotation]
    if get_origin(annotation) in (Annotated, Union, UnionType, tuple):
        return [kind for part in get_args(annotation) for kind in _classes(part)]
    return []


def _of_class(kind: type[Settings], *, is_default: bool) -> list[str]:
    method = kind.model_fields.get("method")
    lines = []
    if method is not None:
        lines.append(f"\n**{method.default}**{' (the default)' if is_default else ''}. {_first_line(kind)}\n")
    rows = [_row(name, field) for name, field in kind.model_fields.items() if name != "method"]
    if rows:
        lines.append("\n| setting | key | default | allowed | what it does |\n|---|---|---|---|---|\n")
        lines += rows
    return lines


def _first_line(kind: type[Settings]) -> str:
    return (kind.__doc__ or "").strip().split("\n")[0]


def _row(name: str, field: FieldInfo) -> str:
    unit = next((m.symbol for m in field.metadata if isinstance(m, Unit)), "")
    default = _value(field.get_default(call_default_factory=True))
    words = [
        field.title or name,
        f"`{name}`",
        f"{default} {unit}".strip(),
        _allowed(field),
        field.description or "",
    ]
    return "| " + " | ".join(" ".join(word.split()).replace("|", "\\|") for word in words) + " |\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "none"
    if isinstance(value, Settings):
        return str(getattr(value, "method", "its defaults"))
    return f"{value:g}" if isinstance(value, float) else str(value) or "empty"


def _allowed(field: FieldInfo) -> str:
    """Return the choices or the narrowest limits of a setting."""
    choices = [str(choice) for choice in _choices(field.annotation)]
    if choices:
        return ", ".join(choices)
    low = [(m.ge, "≥") for m in field.metadata if isinstance(m, Ge)]
    low += [(m.gt, ">") for m in field.metadata if isinstance(m, Gt)]
    high = [(m.le, "≤") for m in field.metadata if isinstance(m, Le)]
    high += [(m.lt, "<") for m in field.metadata if isinstance(m, Lt)]
    words = [f"{sign} {limit:g}" for limit, sign in (*sorted(low)[-1:], *sorted(high)[:1])]
    return ", ".join(words)


def _choices(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    found = [_choices(part) for part in get_args(annotation)]
    return next((choices for choices in found if choices), ())


def index_page(text: str) -> str:
    """Return docs/README.md with the list of the stages' pages brought up to date."""
    before, rest = text.split(START)
    after = rest.split(END)[1]
    rows = [f"* [{_title(page)}](stages/{page.name})\n" for page in sorted((DOCS / "stages").glob("*.md"))]
    return f"{before}{START}\n{''.join(rows)}{END}{after}"


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").split("\n")[0].lstrip("# ")


def main() -> None:
    (DOCS / "settings.md").write_text(settings_page(), encoding="utf-8")
    index = DOCS / "README.md"
    index.write_text(index_page(index.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
