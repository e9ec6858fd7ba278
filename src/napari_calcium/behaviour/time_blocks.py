"""Blocks of time for cross-validation, with gaps between what is learnt from and what is tested on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["TimeBlocks", "dividing_shifts", "equal_shifts"]


@dataclass(frozen=True)
class TimeBlocks:
    """Consecutive blocks of bins, each with a margin at both ends.

    Attributes
    ----------
    n_bins, n_blocks : int
    gap : int
        Bins next to a block under test that are not learnt from; never more than a third of a block.
    """

    n_bins: int
    n_blocks: int
    gap: int

    @property
    def pieces(self) -> list[tuple[int, int, int]]:
        """First bin, the one after the last, and block, of each margin and core, in order; some are empty."""
        edges = [k * self.n_bins // self.n_blocks for k in range(self.n_blocks + 1)]
        found = []
        for block in range(self.n_blocks):
            start, stop = edges[block], edges[block + 1]
            margin = min(self.gap, (stop - start) // 3)
            found += [
                (start, start + margin, block),
                (start + margin, stop - margin, block),
                (stop - margin, stop, block),
            ]
        return found

    def learnt_from(self, *held: int) -> list[int]:
        """Return the pieces to learn from while some blocks are held out."""
        kept = []
        for place in range(3 * self.n_blocks):
            block, side = divmod(place, 3)
            near = (side == 0 and block - 1 in held) or (side == 2 and block + 1 in held)
            if block not in held and not near:
                kept.append(place)
        return kept

    def training(self, held: int) -> NDArray[np.int64]:
        """Return the bins to learn from while a block is held out."""
        pieces = self.pieces
        parts = [np.arange(*pieces[place][:2]) for place in self.learnt_from(held)]
        return np.concatenate(parts).astype(np.int64)

    def tested(self, block: int) -> NDArray[np.int64]:
        """Return the bins of a block."""
        start, stop = (k * self.n_bins // self.n_blocks for k in (block, block + 1))
        return np.arange(start, stop)


def dividing_shifts(n_frames: int, number: int) -> NDArray[np.int64]:
    """Return circular shifts by multiples of one step, 0 first; at most `number`, and about half at least.

    The step divides the frames wherever a number of shifts from half of `number` to `number` does; elsewhere
    the last shift lies nearer to the first one, round the circle, than a step.
    """
    for count in range(min(number, n_frames), max(1, number // 2), -1):
        if n_frames % count == 0:
            return np.arange(count) * (n_frames // count)
    step = -(-n_frames // max(1, number))
    return np.arange(0, n_frames, max(1, step)).astype(np.int64)


def equal_shifts(n_bins: int, number: int) -> NDArray[np.int64]:
    """Return circular shifts at equal distances all round, 0 first, no more than there are bins."""
    number = max(1, min(number, n_bins))
    return np.arange(number) * n_bins // number
