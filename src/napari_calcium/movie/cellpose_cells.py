"""Somata in the mean image as Cellpose sees them; Cellpose is optional and loaded only when used."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

__all__ = ["CellposeMissingError", "cellpose_footprints", "check_cellpose"]


class CellposeMissingError(ImportError):
    """Cellpose is asked for and it or its model is not there; the message is a line that says what to do."""


def cellpose_footprints(
    image: NDArray[np.float32], diameter: float, flow_threshold: float, probability: float
) -> tuple[sparse.csr_array, NDArray[np.float64]]:
    """Return footprints of equal weights, and how bright each is beside its surround.

    Parameters
    ----------
    image : (height, width) float32
        The mean image; NaN counts as its darkest value.
    diameter : float
        Of a soma in pixels; 0 leaves it to the model.
    flow_threshold, probability : float
        As Cellpose's ``flow_threshold`` and ``cellprob_threshold``.

    Returns
    -------
    footprints : (n, height * width) csr_array of float32
        In the order of Cellpose's labels.
    contrasts : (n,) float64
        Mean of the image inside, minus that of a rim of a quarter diameter around it, in standard deviations
        of the image.

    Raises
    ------
    CellposeMissingError
        If Cellpose is not installed, or its model is not there and cannot be downloaded.

    Notes
    -----
    The model is the default of the installed version, which it downloads when first used. Results differ
    between versions and, in the last bits, between processors.

    References
    ----------
    Stringer et al. (2021), Nature Methods 18, 100-106, doi:10.1038/s41592-020-01018-x.
    """
    model = _model()
    known = np.isfinite(image)
    filled = np.where(known, image, image[known].min() if known.any() else 0).astype(np.float32)
    labels = np.asarray(
        model.eval(
            filled,
            diameter=diameter or None,
            flow_threshold=flow_threshold,
            cellprob_threshold=probability,
        )[0]
    )
    return _footprints(labels), _contrasts(filled, labels, diameter)


def check_cellpose() -> None:
    """Make sure that Cellpose is there, without loading it.

    Raises
    ------
    CellposeMissingError
        If it is not installed.
    """
    if "cellpose" not in sys.modules and find_spec("cellpose") is None:
        raise CellposeMissingError(
            "Cellpose is not installed; get it with: pip install 'napari-calcium[cellpose]', "
            "or choose another method for the cells"
        )


def _model() -> Any:
    check_cellpose()
    from cellpose import models

    try:
        return models.CellposeModel(gpu=True)
    except OSError as error:
        raise CellposeMissingError(
            f"Cellpose has no model, and could not download it ({error}); run it once where there is a "
            "network, or choose another method for the cells"
        ) from None


def _footprints(labels: NDArray[Any]) -> sparse.csr_array:
    pixels = np.flatnonzero(labels)
    _, rows = np.unique(labels.ravel()[pixels], return_inverse=True)
    shape = (int(rows.max(initial=-1)) + 1, labels.size)
    return sparse.csr_array((np.ones(len(pixels), np.float32), (rows, pixels)), shape=shape)


def _contrasts(image: NDArray[np.float32], labels: NDArray[Any], diameter: float) -> NDArray[np.float64]:
    numbers = np.unique(labels[labels > 0])
    if not len(numbers):
        return np.zeros(0)
    spread = float(image.std()) or 1.0
    distance, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    rim = np.where((distance > 0) & (distance <= max(2.0, diameter / 4)), labels[tuple(nearest)], 0)
    inside, around = (ndimage.mean(image, part, numbers) for part in (labels, rim))
    # A cell whose neighbours leave no rim has none to be compared with.
    around = np.where(np.isin(numbers, rim), around, image.mean())
    return np.asarray((inside - around) / spread, np.float64)
