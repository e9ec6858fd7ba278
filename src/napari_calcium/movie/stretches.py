"""Cells found in several stretches of a long recording are one cell each: merge them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["Found", "merged"]

_SAME_SHARE = 0.4
_CUT = 0.2
_SUMMED = ("evidence", "disc_energy", "energy", "explained")


@dataclass(frozen=True, eq=False)
class Found:
    """Candidates of one stretch, or of all.

    Attributes
    ----------
    footprints : (n, height * width) scipy.sparse.csr_array of float32
        Of unit norm, in standard deviations of noise.
    evidence : (n,) float64
        Signed square of the focus score: twice the log-likelihood ratio, which adds up over stretches.
    disc_energy, energy : (n,) float64
        Energy that the best disc explains, and energy of the image, which add up too.
    explained : (n,) float64
        Energy of the trace: what a footprint weighs when those of several stretches are averaged.
    radius, skewness, snr : (n,) float64
    """

    footprints: sparse.csr_array
    evidence: NDArray[np.float64]
    disc_energy: NDArray[np.float64]
    energy: NDArray[np.float64]
    explained: NDArray[np.float64]
    radius: NDArray[np.float64]
    skewness: NDArray[np.float64]
    snr: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.evidence)


def merged(stretches: list[Found]) -> Found:
    """Return the cells of all stretches, each once; a single stretch is returned as it is.

    Two candidates of different stretches are the same cell when their outlines share 0.4 of the area they
    cover together; the candidate of more energy chooses first. Evidence and energies add up, so a
    cell that is faint in every stretch can still be accepted; footprints are averaged by energy.
    """
    if len(stretches) == 1:
        return stretches[0]
    footprints = sparse.csr_array(sparse.vstack([s.footprints for s in stretches], format="csr"))
    columns = {
        name: np.concatenate([getattr(s, name) for s in stretches])
        for name in (*_SUMMED, "radius", "skewness", "snr")
    }
    stretch = np.repeat(np.arange(len(stretches)), [len(s) for s in stretches])
    group = _groups(_overlap(footprints), columns["explained"], stretch)
    if not len(group):
        return stretches[0]
    members = sparse.csr_array((np.ones(len(group)), (group, np.arange(len(group)))))
    total = members @ columns["explained"]
    share = sparse.csr_array(members * columns["explained"][None] / np.maximum(total, 1e-300)[:, None])
    mean = sparse.csr_array(share @ footprints)
    norm = np.sqrt(np.asarray(mean.multiply(mean).sum(axis=1)).ravel())
    mean = sparse.csr_array(sparse.diags_array(1 / np.maximum(norm, 1e-30)) @ mean)
    snr = np.full(len(total), -np.inf)
    np.maximum.at(snr, group, columns["snr"])
    return Found(
        mean.astype(np.float32),
        evidence=members @ columns["evidence"],
        disc_energy=members @ columns["disc_energy"],
        energy=members @ columns["energy"],
        explained=total,
        radius=share @ columns["radius"],
        skewness=share @ columns["skewness"],
        snr=snr,
    )


def _overlap(footprints: sparse.csr_array) -> sparse.csr_array:
    """Return the shared area of the outlines over their joint area, sparse (n, n)."""
    rows = np.repeat(np.arange(footprints.shape[0]), np.diff(footprints.indptr))
    highest = np.zeros(footprints.shape[0], np.float32)
    np.maximum.at(highest, rows, footprints.data)
    inside = footprints.data > _CUT * highest[rows]
    outlines = sparse.csr_array(
        (np.ones(int(inside.sum())), (rows[inside], footprints.indices[inside])), shape=footprints.shape
    )
    shared = (outlines @ outlines.T).tocoo()
    area = np.asarray(outlines.sum(axis=1)).ravel()
    joint = area[shared.row] + area[shared.col] - shared.data
    return sparse.csr_array((shared.data / joint, (shared.row, shared.col)), shape=shared.shape)


def _groups(
    overlap: sparse.csr_array, weight: NDArray[np.float64], stretch: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the number of each candidate's cell; no cell has two candidates of one stretch."""
    group = np.full(len(weight), -1)
    n_groups = 0
    for k in np.argsort(-weight, kind="stable").tolist():
        if group[k] >= 0:
            continue
        group[k] = n_groups
        span = slice(overlap.indptr[k], overlap.indptr[k + 1])
        near, share = overlap.indices[span], overlap.data[span]
        taken = {int(stretch[k])}
        for other in near[np.argsort(-share, kind="stable")].tolist():
            alike = share[near == other][0] > _SAME_SHARE
            if alike and group[other] < 0 and int(stretch[other]) not in taken:
                group[other] = n_groups
                taken.add(int(stretch[other]))
        n_groups += 1
    return group
