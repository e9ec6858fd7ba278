"""One line of a comparison."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Row", "row_of_sets"]


@dataclass(frozen=True)
class Row:
    """One line of a comparison: how many there are in A, in B, in both, and in one of them only."""

    what: str
    a: int
    b: int
    both: int
    only_a: int
    only_b: int

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not self.only_a and not self.only_b


def row_of_sets(what: str, a: NDArray[Any] | Iterable[Hashable], b: NDArray[Any] | Iterable[Hashable]) -> Row:
    """Count two sets of things and what they share; what comes more than once counts once."""
    one, other = (set(x.tolist() if isinstance(x, np.ndarray) else x) for x in (a, b))
    return Row(what, len(one), len(other), len(one & other), len(one - other), len(other - one))
