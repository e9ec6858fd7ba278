"""Abstract methods of Qt classes, whose metaclass leaves no room for that of ``abc``."""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ["refuse_abstract"]


def refuse_abstract(made: object) -> None:
    """Raise what ``abc`` would for an object whose class does not define all abstract methods.

    To be called first thing in the constructor of the base class.

    Raises
    ------
    TypeError
        Naming the class and the methods that it has to define.
    """
    kind: Any = type(made)  # which mypy takes for one that cannot be hashed
    missing = _abstract_methods(kind)
    if missing:
        raise TypeError(f"{kind.__name__} has to define {', '.join(missing)}")


@cache
def _abstract_methods(kind: type) -> tuple[str, ...]:
    """Return the methods that a class leaves to others; Qt's classes have hundreds to look through."""
    return tuple(name for name in dir(kind) if getattr(getattr(kind, name), "__isabstractmethod__", False))
