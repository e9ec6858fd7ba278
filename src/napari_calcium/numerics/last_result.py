"""The last result of a function of a large array, kept for as long as the array lives."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["last_result_kept"]

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A", bound=NDArray[Any])


def last_result_kept(
    function: Callable[Concatenate[A, P], R],
) -> Callable[Concatenate[A, P], R]:
    """Make a function answer at once when it is asked again about the same array with the same arguments.

    Parameters
    ----------
    function : callable
        Takes an array that nobody changes (that of a :class:`~napari_calcium.recording.Trace`), then
        arguments that can be compared. Its result is handed out again as it is: it must not be changed
        either, so an array is made read-only.

    Returns
    -------
    callable
        With one result in memory; neither the array nor its result is kept alive after the array is gone.
        From several threads each may compute once more, and each gets a right answer.
    """
    kept: list[tuple[weakref.ref[Any], tuple[Any, ...], R]] = []

    @functools.wraps(function)
    def asked(array: A, /, *args: P.args, **kwargs: P.kwargs) -> R:
        key = (args, tuple(sorted(kwargs.items())))
        for known, with_these, result in tuple(kept):
            if known() is array and with_these == key:
                return result
        result = function(array, *args, **kwargs)
        if isinstance(result, np.ndarray):
            result.flags.writeable = False
        kept[:] = [(weakref.ref(array, lambda _: kept.clear()), key, result)]
        return result

    return asked
