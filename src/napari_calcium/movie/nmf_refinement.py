"""Footprints and traces of all candidates updated in turn, beside a background of low rank."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_calcium.movie.matched_filter import MatchedFilter
from napari_calcium.movie.peeling import Candidate, Peeling
from napari_calcium.movie.whitened_movie import STEPS, in_steps
from napari_calcium.numerics.blocks import map_blocks
from napari_calcium.progress import Progress, part, silent

__all__ = ["far_apart", "refined", "take_out_background"]

_POWER_ROUNDS = 4
_BLOCK_BINS = 64
_SEARCH_SHARE = 0.3


def refined(
    peeling: Peeling,
    candidates: list[Candidate],
    rounds: int,
    background: int,
    *,
    on_progress: Progress = silent,
) -> list[Candidate]:
    """Factorise what a search found once more: each cell against a movie without all the others.

    Candidates that were taken out early were estimated while their neighbours were still in the movie. In
    each round, a background of low rank is taken out of what is left, and every candidate is put back alone,
    fitted again and taken out again: hierarchical alternating least squares with footprints that are not
    negative and stay compact. After the first round the search goes on in what is left, where cells appear
    that stood in the shadow of brighter ones.

    Parameters
    ----------
    peeling : Peeling
        After its search; the movie that is left in it is changed.
    candidates : list of Candidate
        What it took out.
    rounds : int
        How often all candidates are fitted.
    background : int
        Rank of the background that is taken out in each round.

    Returns
    -------
    list of Candidate
        Refitted, in the same order, and what was found beside them. One that cannot be fitted any more is
        left out. The same bytes for any number of workers.

    Notes
    -----
    Time is O(bins × window) a candidate and round; memory that of the background's images. It cannot tell
    apart two cells that always flash together.

    References
    ----------
    Pnevmatikakis et al. (2016), Neuron 89, 285-299, doi:10.1016/j.neuron.2015.11.037; Cichocki, Zdunek and
    Amari (2007), Lecture Notes in Computer Science 4666, 169-176, doi:10.1007/978-3-540-74494-8_22.
    """
    found = list(candidates)
    for k in range(rounds):
        progress = part(on_progress, k / rounds, (k + 1) / rounds)
        take_out_background(peeling.white.pixels, background)
        found = _refitted(peeling, found, part(progress, 0.0, 1.0 if k else 1 - _SEARCH_SHARE))
        if k == 0:
            _renew_response(peeling)
            found += peeling.run(on_progress=part(progress, 1 - _SEARCH_SHARE, 1.0))
    on_progress(1, 1)
    return found


def _refitted(peeling: Peeling, candidates: list[Candidate], on_progress: Progress) -> list[Candidate]:
    corners = np.array([c.corner for c in candidates], np.int64).reshape(-1, 2)
    again: dict[int, Candidate] = {}
    done = 0
    for group in far_apart(corners, peeling.reach):
        work = partial(_refit_one, peeling, candidates, group)
        share = part(on_progress, done / len(candidates), (done + len(group)) / len(candidates))
        for block, fit in map_blocks(work, len(group), 1, on_progress=share):
            if fit is not None:
                again[group[block.start]] = fit
        done += len(group)
    return [again[k] for k in sorted(again)]


def _refit_one(
    peeling: Peeling, candidates: list[Candidate], group: list[int], which: slice
) -> Candidate | None:
    """Fit one candidate of a group again; the others of its group are too far away to be touched."""
    return peeling.refit(candidates[group[which.start]])


def far_apart(corners: NDArray[np.int64], reach: int) -> list[list[int]]:
    """Group squares so that no two of a group come nearer to each other than `reach` along both axes.

    Parameters
    ----------
    corners : (n, 2) int64
    reach : int
        In pixels.

    Returns
    -------
    list of lists of int
        Each square is in the first group that has room for it.
    """
    groups: list[list[int]] = []
    for k, corner in enumerate(corners):
        for group in groups:
            if (np.abs(corners[group] - corner).max(axis=1) >= reach).all():
                group.append(k)
                break
        else:
            groups.append([k])
    return groups


def take_out_background(pixels: NDArray[np.int16], rank: int) -> None:
    """Subtract the `rank` strongest products of image and course from a movie (n, height, width), in place.

    They are found one after the other by power iteration, which begins with the mean course: time is
    O(rank × pixels), and only blocks of bins are in single precision at a time.
    """
    n = len(pixels)
    blocks = [slice(k, min(k + _BLOCK_BINS, n)) for k in range(0, n, _BLOCK_BINS)]
    flat = pixels.reshape(n, -1)
    for _ in range(rank):
        course = np.concatenate([flat[b].mean(axis=1, dtype=np.float64) for b in blocks]).astype(np.float32)
        image = np.zeros(flat.shape[1], np.float32)
        for _ in range(_POWER_ROUNDS):
            norm = float(np.linalg.norm(course))
            if norm == 0:
                return
            course /= np.float32(norm)
            image[:] = 0
            for b in blocks:
                image += course[b] @ flat[b].astype(np.float32)
            course = np.concatenate([flat[b].astype(np.float32) @ image for b in blocks])
        energy = float(image @ image)
        if energy == 0:
            return
        course /= np.float32(energy)
        limits = np.iinfo(np.int16)
        for b in blocks:
            left = np.rint(flat[b] - course[b, None] * image)
            flat[b] = np.clip(left, limits.min, limits.max).astype(np.int16)


def _renew_response(peeling: Peeling) -> None:
    """Filter what is left of the movie for somata anew."""
    white = peeling.white
    soma = MatchedFilter.of((white.pixels.shape[1], white.pixels.shape[2]), peeling.radius)
    for start in range(0, len(white.pixels), _BLOCK_BINS):
        block = slice(start, start + _BLOCK_BINS)
        white.response[block] = in_steps(soma(white.pixels[block].astype(np.float32) / STEPS))
