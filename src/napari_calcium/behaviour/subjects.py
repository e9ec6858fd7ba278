"""Whose activity is compared with behaviour: neurons, ensembles, the population."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Subjects"]


@dataclass(frozen=True, eq=False)
class Subjects:
    """Activity of subjects, a row each.

    Attributes
    ----------
    kind : tuple of str
        ``"neuron"``, ``"ensemble"`` or ``"population"``.
    id : (n_subjects,) int64
        ROI id, ensemble id, −1 for the population.
    values : (n_subjects, n_frames) float32
        NaN marks a missing sample.
    input, unit : str
        What was taken of the neurons: ``"denoised"`` in ``"ΔF/F"``, ``"events"`` in ``"events/s"`` …
    """

    kind: tuple[str, ...]
    id: NDArray[np.int64]
    values: NDArray[np.float32]
    input: str = ""
    unit: str = ""

    def __post_init__(self) -> None:
        if not len(self.kind) == len(self.id) == len(self.values):
            raise ValueError(
                f"subjects need a kind, an id and a row each, got {len(self.kind)}, {len(self.id)}, "
                f"{len(self.values)}"
            )

    @property
    def kinds(self) -> NDArray[np.str_]:
        """Kind of each row as an array."""
        return np.array(self.kind, np.str_)

    def rows_of(self, kind: str) -> NDArray[np.int64]:
        """Return the rows of one kind."""
        return np.flatnonzero(np.array([k == kind for k in self.kind], bool))
