"""Numbers of things in sentences."""

from __future__ import annotations

__all__ = ["count_of"]


def count_of(number: int, word: str, plural: str = "") -> str:
    """Say how many there are of something: ``"1 cell"``, ``"0 cells"``, ``"15,000 frames"``.

    Parameters
    ----------
    number : int
        Not negative.
    word : str
        For one.
    plural : str
        For any other number; `word` with an s where it is not given.
    """
    return f"{number:,} {word if number == 1 else plural or f'{word}s'}"
