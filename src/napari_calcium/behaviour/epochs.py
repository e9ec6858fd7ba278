"""Which epochs ensembles and neurons prefer: how much more often they are active inside than by chance."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from pydantic import Field

from napari_calcium.checks import check_frame_rate
from napari_calcium.numerics.binning import event_frames
from napari_calcium.numerics.blocks import map_blocks, rows_per_block
from napari_calcium.numerics.circular_shift import at_least_as_far, shifted_sums
from napari_calcium.numerics.fdr import q_values
from napari_calcium.progress import Progress, silent
from napari_calcium.results.behaviour_findings import Preferences
from napari_calcium.results.behaviour_results import Epochs
from napari_calcium.settings import Seconds, Settings

__all__ = ["PreferenceSettings", "inside_epochs", "prefer"]

_CHANCE = (0.025, 0.975)


class PreferenceSettings(Settings):
    """Which moments count as inside of an epoch."""

    widen: Annotated[Seconds, Ge(0), Le(60)] = Field(
        0.0,
        title="Still counts after",
        description="Time after the end of an epoch that counts as inside too; needed where epochs are mere "
        "moments such as rewards.",
    )


def inside_epochs(
    epochs: Epochs, label: str, n_frames: int, frame_rate: float, widen: float = 0.0
) -> NDArray[np.bool_]:
    """Return the frames whose middle lies inside of an epoch of a label, ends included.

    Parameters
    ----------
    epochs : Epochs
    label : str
    n_frames : int
    frame_rate : float
        Hz.
    widen : float
        Seconds added to the end of each epoch.

    Returns
    -------
    (n_frames,) bool
        An epoch that holds the middle of no frame counts as the frame in which it starts.
    """
    rate = check_frame_rate(frame_rate)
    own = epochs.of(label)
    start = np.ceil(own.start_s * rate - 0.5 - 1e-6).astype(np.int64)
    stop = np.floor((own.end_s + widen) * rate - 0.5 + 1e-6).astype(np.int64) + 1
    none = stop <= start
    if n_frames and none.any():
        start[none] = event_frames(own.start_s[none], rate, n_frames)
        stop[none] = start[none] + 1
    change = np.zeros(n_frames + 1, np.int64)
    np.add.at(change, np.clip(start, 0, n_frames), 1)
    np.add.at(change, np.clip(stop, 0, n_frames), -1)
    inside: NDArray[np.bool_] = np.cumsum(change)[:n_frames] > 0
    return inside


def prefer(
    kind: tuple[str, ...],
    ids: NDArray[np.int64],
    rows: NDArray[np.int64],
    time_s: NDArray[np.float64],
    epochs: Epochs,
    n_frames: int,
    frame_rate: float,
    settings: PreferenceSettings = PreferenceSettings(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> Preferences:
    """Test which epochs each subject is active in more or less often than its rate lets expect.

    Parameters
    ----------
    kind : tuple of str
    ids : (n_subjects,) int64
        Kind and id of each subject.
    rows : (n_moments,) int64
        Subject of each activation or event, as a place in `ids`.
    time_s : (n_moments,)
        In seconds of the recording.
    epochs : Epochs
    n_frames : int
    frame_rate : float
        Hz.
    settings : PreferenceSettings
    on_progress, executor
        As in :func:`~napari_calcium.numerics.blocks.map_blocks`.

    Returns
    -------
    Preferences
        A row a subject and label. p is two-sided against all circular shifts of the epochs; q over all
        subjects of a kind and all labels.

    Notes
    -----
    A shift of the epochs as a whole keeps their lengths and intervals and the bursts of the activations, so
    neither makes a preference by itself. O(labels × subjects × frames × log frames), in blocks of subjects.
    """
    rate = check_frame_rate(frame_rate)
    n_subjects, labels = len(ids), epochs.labels
    inside = [inside_epochs(epochs, label, n_frames, rate, settings.widen) for label in labels]
    frames = event_frames(time_s, rate, max(1, n_frames))
    total = np.bincount(rows, minlength=n_subjects).astype(np.float64)
    values = np.full((6, len(labels), n_subjects), np.nan)
    work = partial(_block, rows, frames, total, inside)
    size = rows_per_block(n_frames, bytes_per_sample=64)
    for block, columns in map_blocks(work, n_subjects, size, on_progress=on_progress, executor=executor):
        values[:, :, block] = columns
    table = values.reshape(6, len(labels) * n_subjects)
    kinds = np.tile(np.array(kind, np.str_), len(labels))
    q = np.full(len(kinds), np.nan)
    for name in np.unique(kinds):
        q[kinds == name] = q_values(table[3, kinds == name])
    return Preferences(
        kind=kinds,
        id=np.tile(ids, len(labels)),
        label=np.repeat(np.array(labels, np.str_), n_subjects),
        n_inside=table[0].astype(np.int64),
        n_total=np.tile(total, len(labels)).astype(np.int64),
        share_of_time=table[1],
        enrichment=table[2],
        p_value=table[3],
        q_value=q,
        chance_low=table[4],
        chance_high=table[5],
    )


def _block(
    rows: NDArray[np.int64],
    frames: NDArray[np.int64],
    total: NDArray[np.float64],
    inside: list[NDArray[np.bool_]],
    block: slice,
) -> NDArray[np.float64]:
    """Return the columns of all labels for some subjects, (6, n_labels, n)."""
    own = (rows >= block.start) & (rows < block.stop)
    n, n_frames = block.stop - block.start, len(inside[0]) if inside else 0
    counts = np.zeros((n, n_frames))
    if n_frames:
        np.add.at(counts, (rows[own] - block.start, frames[own]), 1.0)
    columns = [_column(counts, total[block], label) for label in inside]
    return np.stack(columns, axis=1) if columns else np.empty((6, 0, n))


def _column(
    counts: NDArray[np.float64], total: NDArray[np.float64], inside: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return count inside, share of time, enrichment, p-value and range of chance for a label, (6, n)."""
    share = float(inside.mean()) if len(inside) else 0.0
    shifted = np.rint(shifted_sums(counts, inside[None].astype(np.float64)))
    within = shifted[:, 0] if shifted.shape[1] else np.zeros(len(counts))
    expected = total * share
    enrichment = np.divide(within, expected, out=np.full(len(counts), np.nan), where=expected > 0)
    can_tell = (total > 0) & (0 < share < 1)
    p_value, chance = np.full(len(counts), np.nan), np.full((2, len(counts)), np.nan)
    if can_tell.any():
        possible = shifted[can_tell]
        p_value[can_tell] = at_least_as_far(possible)
        ends = np.quantile(possible, _CHANCE, axis=1, method="nearest")
        chance[:, can_tell] = ends / expected[can_tell]
    return np.stack([within, np.full(len(counts), share), enrichment, p_value, *chance])
