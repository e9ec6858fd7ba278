"""Damaged copies of a file, the same ones every time, and what a reader must do with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_calcium.io.errors import ReadError


def damaged(data: bytes, n_copies: int, seed: int = 0) -> Iterator[bytes]:
    """Cut short, with bytes changed, with a stretch taken out or doubled."""
    rng = np.random.default_rng(seed)
    for k in range(n_copies):
        copy = bytearray(data)
        at = int(rng.integers(0, len(data)))
        if k % 4 == 0:
            del copy[at:]
        elif k % 4 == 1:
            for place in rng.integers(0, len(data), 8):
                copy[place] = int(rng.integers(0, 256))
        elif k % 4 == 2:
            del copy[at : at + int(rng.integers(1, 40))]
        else:
            copy[at:at] = copy[at : at + int(rng.integers(1, 40))]
        yield bytes(copy)


def _check_reader(file: Path, read: Callable[[], object], n_copies: int, seed: int = 0) -> int:
    """Read damaged copies in place of `file`; return how many were refused, each in one line."""
    whole, refused = file.read_bytes(), 0
    try:
        for copy in damaged(whole, n_copies, seed):
            file.write_bytes(copy)
            try:
                read()
            except ReadError as error:
                refused += 1
                assert "\n" not in str(error) and len(str(error)) < 500, error
    finally:
        file.write_bytes(whole)
    return refused


@pytest.fixture(scope="session")
def check_reader() -> Callable[..., int]:
    return _check_reader
