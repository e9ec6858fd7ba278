"""How alike the activity of any two cells is: Pearson, Spearman or cosine, at the speed of one product."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_calcium.checks import check_traces
from napari_calcium.numerics.blocks import map_blocks
from napari_calcium.population.standardising import CorrelationMethod, RowScale, ranked, row_scale
from napari_calcium.progress import Progress, silent

__all__ = ["correlation_matrix", "symmetric_product"]

_TILE_ROWS = 512
_CHUNK_BINS = 4096

Chunk = Callable[[slice], NDArray[np.float32]]
"""Gives all rows of a stretch of columns, (n_rows, n_columns) float32."""


def correlation_matrix(
    traces: ArrayLike,
    method: CorrelationMethod = "pearson",
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> NDArray[np.float32]:
    """Correlate every cell with every other.

    Parameters
    ----------
    traces : (n_rois, n_bins)
        NaN marks a missing sample: each pair is then taken over the samples that both cells have.
    method : {"pearson", "spearman", "cosine"}
        ``"spearman"`` correlates ranks (taken within each cell's own samples, so with gaps a pair's ranks are
        those of the whole cells); ``"cosine"`` does not subtract the mean.
    on_progress, executor
        As in :func:`~napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    (n_rois, n_rois) float32
        Symmetric, between −1 and 1, with ones on the diagonal. NaN in the row and the column of a cell that
        is constant or empty, and for a pair that shares fewer than two samples (or is constant there).

    Raises
    ------
    ValueError
        If `traces` has not two axes, no bin, or infinite values.

    Notes
    -----
    The work is one matrix product, of which only the upper half is done; rows are put on one scale chunk by
    chunk, so beside the result memory holds one chunk. Without gaps it takes about as long as the bare
    ``X @ X.T``; with gaps six products. The result is the same for any number of workers.

    It misleads where something acts on all cells at once: motion, neuropil, bleaching, arousal. Slow activity
    gives high correlations by chance, since it has few independent samples; for a test see
    :mod:`~napari_calcium.population.shift_test`. The decay of the indicator makes neighbours in time alike: a
    correlation of fluorescence is not one of spikes.
    """
    x = check_traces(traces)
    if method == "spearman":
        x = ranked(x)
    scale = row_scale(x, centred=method != "cosine")
    if scale.has_gaps and not _same_gaps(x):
        return _with_gaps(x, scale, method != "cosine", on_progress, executor)
    matrix = symmetric_product(
        lambda columns: scale.unit(x, slice(None), columns),
        *x.shape,
        on_progress=on_progress,
        executor=executor,
    )
    return _finished(matrix, scale.defined)


def symmetric_product(
    chunk: Chunk,
    n_rows: int,
    n_columns: int,
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> NDArray[np.float32]:
    """Return ``A @ A.T`` of an array that is given chunk by chunk of its columns.

    Parameters
    ----------
    chunk : callable
        ``chunk(columns)`` returns A[:, columns] as float32.
    n_rows, n_columns : int
    on_progress, executor
        As in :func:`~napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    (n_rows, n_rows) float32

    Notes
    -----
    Tiles of fixed size, each of the upper half once: n_rows² · n_columns operations, half of what the whole
    product needs, and the same bytes whatever the number of workers. Peak memory is the result, one chunk
    and a few tiles.
    """
    result = np.zeros((n_rows, n_rows), np.float32)
    total = max(1, n_columns)
    for start in range(0, n_columns, _CHUNK_BINS):
        columns = slice(start, min(start + _CHUNK_BINS, n_columns))
        part = chunk(columns)
        work = partial(_tile, part)

        def report(done: int, rows: int, start: int = start, width: int = part.shape[1]) -> None:
            on_progress(start * rows + done * width, total * rows)

        for rows, tile in map_blocks(work, n_rows, _TILE_ROWS, on_progress=report, executor=executor):
            result[rows, rows.start :] += tile
    _mirror(result)
    return result


def _tile(part: NDArray[np.float32], rows: slice) -> NDArray[np.float32]:
    """Return some rows of the product from the diagonal on."""
    own = part[rows]
    tile = np.empty((len(own), len(part) - rows.start), np.float32)
    # Of a product with itself BLAS does half: with 2,000 rows the squares on the diagonal are a fifth of all.
    tile[:, : len(own)] = own @ own.T
    np.matmul(own, part[rows.stop :].T, out=tile[:, len(own) :])
    return tile


def _mirror(matrix: NDArray[np.float32]) -> None:
    """Copy the upper half to the lower one, tile by tile."""
    n = len(matrix)
    for start in range(0, n, _TILE_ROWS):
        stop = min(start + _TILE_ROWS, n)
        matrix[stop:, start:stop] = matrix[start:stop, stop:].T
        square = matrix[start:stop, start:stop]
        lower = np.tril_indices(len(square), -1)
        square[lower] = square.T[lower]


def _same_gaps(x: NDArray[np.float32]) -> bool:
    """Whether all cells (but empty ones) miss the same samples: then those simply do not count."""
    first: NDArray[np.bool_] | None = None
    for values in x:
        there = ~np.isnan(values)
        if not there.any():
            continue
        if first is None:
            first = there
        elif not np.array_equal(first, there):
            return False
    return True


def _finished(matrix: NDArray[np.float32], defined: NDArray[np.bool_]) -> NDArray[np.float32]:
    np.clip(matrix, -1, 1, out=matrix)
    np.fill_diagonal(matrix, 1)
    matrix[~defined] = np.nan
    matrix[:, ~defined] = np.nan
    return matrix


def _with_gaps(
    x: NDArray[np.float32],
    scale: RowScale,
    centred: bool,
    on_progress: Progress,
    executor: Executor | None,
) -> NDArray[np.float32]:
    """Correlate each pair over the samples that both have.

    With M the mask, Z the rows (0 where missing) and D = Z ∘ Z, the sums over common samples are products:
    count M Mᵀ, sums Z Mᵀ, squares D Mᵀ, cross Z Zᵀ.
    """
    n, n_bins = x.shape
    cross, count = (np.zeros((n, n), np.float32) for _ in range(2))
    sums, squares = (np.zeros((n, n), np.float32) for _ in range(2))
    for start in range(0, n_bins, _CHUNK_BINS):
        columns = slice(start, min(start + _CHUNK_BINS, n_bins))
        # Length √n_bins in place of 1 keeps the sums of float32 well away from zero.
        z = scale.unit(x, slice(None), columns) * np.float32(np.sqrt(n_bins))
        mask = (~np.isnan(x[:, columns])).astype(np.float32)
        work = partial(_masked_tile, z, mask)

        def report(done: int, rows: int, start: int = start, width: int = z.shape[1]) -> None:
            on_progress(start * rows + done * width, n_bins * rows)

        for rows, tile in map_blocks(work, n, _TILE_ROWS, on_progress=report, executor=executor):
            for result, part in zip((cross, count, sums, squares), tile, strict=True):
                result[rows] += part
    return _pairwise(cross, count, sums, squares, scale.defined, centred)


def _masked_tile(
    z: NDArray[np.float32], mask: NDArray[np.float32], rows: slice
) -> tuple[NDArray[np.float32], ...]:
    part = z[rows]
    squares: NDArray[np.float32] = part * part
    return part @ z.T, mask[rows] @ mask.T, part @ mask.T, squares @ mask.T


def _pairwise(
    cross: NDArray[np.float32],
    count: NDArray[np.float32],
    sums: NDArray[np.float32],
    squares: NDArray[np.float32],
    defined: NDArray[np.bool_],
    centred: bool,
) -> NDArray[np.float32]:
    n = len(cross)
    for start in range(0, n, _TILE_ROWS):
        rows = slice(start, min(start + _TILE_ROWS, n))
        shared = np.maximum(count[rows], 1)
        own, other = sums[rows].astype(np.float64), sums[:, rows].T.astype(np.float64)
        own_2, other_2 = squares[rows].astype(np.float64), squares[:, rows].T.astype(np.float64)
        top = cross[rows].astype(np.float64)
        if centred:
            top -= own * other / shared
            own_2, other_2 = own_2 - own**2 / shared, other_2 - other**2 / shared
        # What is left of a square after the subtraction is rounding below this.
        fine = (count[rows] > 1) & (own_2 > 1e-5 * shared) & (other_2 > 1e-5 * shared)
        cross[rows] = np.where(fine, top / np.sqrt(np.where(fine, own_2 * other_2, 1.0)), np.nan)
    np.clip(cross, -1, 1, out=cross)
    cross[np.arange(n)[defined], np.arange(n)[defined]] = 1
    cross[~defined] = np.nan
    cross[:, ~defined] = np.nan
    return cross
