"""What result classes beside the tables share: arrays that cannot be changed, and equality by value."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from napari_calcium.results.tables import freeze, same_array

__all__ = ["Record", "same_value"]


def same_value(a: Any, b: Any) -> bool:
    """Whether two values are equal, where NaN equals NaN, in arrays too."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return same_array(a, b)
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (a != a and b != b)
    return bool(a == b)


@dataclass(frozen=True, eq=False)
class Record:
    """Fields of any kind; arrays are read-only, and equality is by value, NaN equal to NaN."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, item.name, freeze(value))

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(same_value(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    __hash__ = None  # type: ignore[assignment]
