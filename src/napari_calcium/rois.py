"""ROIs: sparse weighted footprints with ids that never change."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from napari_calcium.results.tables import freeze, same_array

__all__ = ["Rois"]

_DEFAULT: NDArray[Any] = np.empty(0)
"""Stands for "not given" in a column whose default depends on the number of ROIs."""


@dataclass(frozen=True, eq=False)
class Rois:
    """Regions of interest of one field of view; they may overlap, as suite2p's and CaImAn's do.

    Attributes
    ----------
    ids : (n_rois,) int64
        Ids of the cells, unique; an id never changes and is not a row number.
    footprints : (n_rois, height * width) scipy.sparse.csr_array of float32
        Weight of each pixel, pixel = y * width + x; rows in the order of `ids`.
    shape : (height, width)
        Shape of the field of view, in pixels.
    labels : (n_rois,) int64
        Value of each ROI in the label image it came from; by default 1 … n_rois.
    accepted : (n_rois,) bool
        Whether the ROI counts as a cell; by default all do.
    quality : dict of str to (n_rois,) float64
        Numbers that judge the ROI, by name with unit.

    Raises
    ------
    ValueError
        If ids repeat, or a shape does not fit.
    """

    ids: NDArray[np.int64]
    footprints: sparse.csr_array
    shape: tuple[int, int]
    labels: NDArray[np.int64] = field(default_factory=lambda: _DEFAULT)
    accepted: NDArray[np.bool_] = field(default_factory=lambda: _DEFAULT)
    quality: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.ids)
        if len(np.unique(self.ids)) != n:
            raise ValueError("ROI ids must be unique, got repeated ones")
        if self.footprints.shape != (n, self.shape[0] * self.shape[1]):
            raise ValueError(
                f"footprints must have shape (n_rois, height * width) = "
                f"({n}, {self.shape[0] * self.shape[1]}), got {self.footprints.shape}"
            )
        object.__setattr__(self, "footprints", _canonical(self.footprints))
        labels = np.arange(1, n + 1) if self.labels is _DEFAULT else self.labels
        accepted = np.ones(n, bool) if self.accepted is _DEFAULT else self.accepted
        columns: dict[str, NDArray[Any]] = {
            "ids": np.asarray(self.ids, np.int64),
            "labels": np.asarray(labels, np.int64),
            "accepted": np.asarray(accepted, np.bool_),
        }
        quality = {name: np.asarray(values, np.float64) for name, values in self.quality.items()}
        for name, array in (columns | quality).items():
            if array.shape != (n,):
                raise ValueError(f"{name} must have shape ({n},), got {array.shape}")
        for name, array in columns.items():
            object.__setattr__(self, name, freeze(array))
        object.__setattr__(self, "quality", {name: freeze(values) for name, values in quality.items()})

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def from_labels(cls, image: ArrayLike, ids: ArrayLike | None = None) -> Self:
        """Make ROIs of a label image: 0 is background, every other value one ROI of equal weights.

        Parameters
        ----------
        image : (height, width) of integers
        ids : (n_labels,) of integers, optional
            Ids in the order of ascending labels; by default 0, 1, 2 …

        Raises
        ------
        ValueError
            If the image is not two-dimensional, not of integers, or has negative labels.
        """
        values = np.asarray(image)
        if values.ndim != 2 or values.dtype.kind not in "iub":
            raise ValueError(
                f"a label image must be two-dimensional and of integers, "
                f"got shape {values.shape} of {values.dtype}"
            )
        flat = values.ravel()
        pixels = np.flatnonzero(flat)
        if flat[pixels].size and int(flat[pixels].min()) < 0:
            raise ValueError(f"labels must not be negative, got {int(flat.min())}")
        labels, row = np.unique(flat[pixels], return_inverse=True)
        order = np.argsort(row, kind="stable")
        offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(labels)))])
        footprints = sparse.csr_array(
            (np.ones(len(pixels), np.float32), pixels[order], offsets), shape=(len(labels), flat.size)
        )
        chosen = np.arange(len(labels)) if ids is None else np.asarray(ids)
        shape = (values.shape[0], values.shape[1])
        return cls(chosen.astype(np.int64), footprints, shape, labels=labels.astype(np.int64))

    def label_image(self) -> NDArray[np.uint16] | NDArray[np.uint32]:
        """Return a picture of the ROIs, in which the heaviest footprint wins a shared pixel.

        Returns
        -------
        (height, width) uint16, or uint32 beyond 65,535 ROIs
            The ROI in row k has the value k + 1: labels are compact, whatever :attr:`labels` says.
        """
        dtype = np.uint16 if len(self) < 2**16 else np.uint32
        image: NDArray[Any] = np.zeros(self.shape[0] * self.shape[1], dtype)
        entries = self.footprints.tocoo()
        # Ascending weight, so that the heaviest is written last; ties go to the lower row.
        order = np.lexsort((-entries.row, entries.data))
        image[entries.col[order]] = entries.row[order] + 1
        return image.reshape(self.shape)

    @cached_property
    def areas(self) -> NDArray[np.int64]:
        """Number of pixels of each ROI, (n_rois,)."""
        areas: NDArray[np.int64] = np.diff(self.footprints.indptr).astype(np.int64)
        return areas

    @cached_property
    def centroids(self) -> NDArray[np.float64]:
        """Weighted centre (y, x) of each ROI in pixels, (n_rois, 2); NaN for an empty ROI."""
        height, width = self.shape
        y, x = np.divmod(np.arange(height * width, dtype=np.float64), width)
        weight = self.footprints.sum(axis=1)
        moments = self.footprints @ np.column_stack([y, x])
        with np.errstate(invalid="ignore", divide="ignore"):
            centres: NDArray[np.float64] = moments / np.asarray(weight)[:, None]
        return centres

    def pixels(self, row: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the (y, x) of the pixels of the ROI in `row`."""
        start, stop = self.footprints.indptr[row : row + 2]
        y, x = np.divmod(self.footprints.indices[start:stop].astype(np.int64), self.shape[1])
        return y, x

    def take(self, rows: NDArray[Any]) -> Self:
        """Return only the ROIs in the chosen rows."""
        return type(self)(
            self.ids[rows],
            self.footprints[rows],
            self.shape,
            self.labels[rows],
            self.accepted[rows],
            {name: values[rows] for name, values in self.quality.items()},
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rois):
            return NotImplemented
        return (
            self.shape == other.shape
            and all(same_array(getattr(self, n), getattr(other, n)) for n in ("ids", "labels", "accepted"))
            and self.quality.keys() == other.quality.keys()
            and all(same_array(values, other.quality[name]) for name, values in self.quality.items())
            and all(
                same_array(getattr(self.footprints, n), getattr(other.footprints, n))
                for n in ("data", "indices", "indptr")
            )
        )

    __hash__ = None  # type: ignore[assignment]


def _canonical(footprints: sparse.csr_array) -> sparse.csr_array:
    """Return footprints in the one form in which equal ones have equal arrays: sorted, each pixel once."""
    canonical = sparse.csr_array(footprints, dtype=np.float32)
    if not canonical.has_canonical_format:
        canonical = canonical.copy()
        canonical.sum_duplicates()
    small = np.int32 if canonical.shape[1] < 2**31 and canonical.nnz < 2**31 else np.int64
    canonical.indices = canonical.indices.astype(small, copy=False)
    canonical.indptr = canonical.indptr.astype(small, copy=False)
    return canonical
