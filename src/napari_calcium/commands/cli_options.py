"""Command-line options made from a settings class, so that names, ranges and help have one source."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, get_args

import typer
from annotated_types import Ge, Gt, Le

from napari_calcium.settings import Settings, Unit

__all__ = ["with_options"]


def with_options(
    settings: type[Settings],
    panel: str,
    *,
    leave_out: tuple[str, ...] = (),
    into: str = "options",
    called: Mapping[str, str] = MappingProxyType({}),
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one option for every field of a settings class.

    The command takes a dict in its parameter `into`: it holds the fields the user gave, and no others,
    so that a file's settings are overruled only where the user said so. `called` gives fields another name
    on the command line.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        names = [name for name in settings.model_fields if name not in leave_out]

        def wrapped(**arguments: Any) -> None:
            given = {name: arguments.pop(called.get(name, name)) for name in names}
            command(**arguments, **{into: {k: v for k, v in given.items() if v is not None}})

        signature = inspect.signature(command, eval_str=True)
        own = [
            p.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for name, p in signature.parameters.items()
            if name != into
        ]
        parameters = own + [
            _parameter(settings, name, panel).replace(name=called.get(name, name)) for name in names
        ]
        wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {p.name: p.annotation for p in parameters}
        wrapped.__doc__ = command.__doc__
        return wrapped

    return decorate


def _parameter(settings: type[Settings], name: str, panel: str) -> inspect.Parameter:
    field = settings.model_fields[name]
    unit = next((f" [{m.symbol}]" for m in field.metadata if isinstance(m, Unit)), "")
    limits: dict[str, Any] = {}
    for mark in field.metadata:
        if isinstance(mark, Ge):
            limits["min"] = mark.ge
        elif isinstance(mark, Gt):
            limits["min"] = mark.gt
        elif isinstance(mark, Le):
            limits["max"] = mark.le
    option = typer.Option(
        help=f"{field.description or ''}{unit}",
        metavar=_metavar(field.annotation),
        rich_help_panel=panel,
        show_default=False,
        **limits,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[field.annotation | None, option],  # type: ignore[operator]
    )


def _metavar(annotation: Any) -> str | None:
    """Name the plain type where typer would print a whole ``Annotated[...]`` with its limits."""
    for part in get_args(annotation):
        if hasattr(part, "__metadata__"):
            return f"<{part.__origin__.__name__}>"
    return None
