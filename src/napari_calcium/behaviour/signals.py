"""Series to compare: what the population makes when no behaviour was recorded, and activations as rates."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.numerics.binning import event_frames
from napari_calcium.numerics.gaps import fill_gaps
from napari_calcium.settings import Choice

__all__ = ["STAND_INS", "ActivityInput", "moments_as_rate", "population_signals", "without_own_part"]

ActivityInput = Annotated[
    Literal["dff", "background_corrected", "denoised", "events", "spikes"],
    Choice(
        (
            ("dff", "ΔF/F"),
            ("background_corrected", "background-corrected"),
            ("denoised", "denoised"),
            ("events", "event rate"),
            ("spikes", "inferred spikes"),
        )
    ),
]
"""What stands for the activity of a neuron where it is compared with behaviour."""

STAND_INS = ("population mean", "first component")
"""Names of the signals that :func:`population_signals` makes."""


def population_signals(traces: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what can stand in for behaviour that was not recorded: the neurons' mean and first component.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        NaN is interpolated over; neurons that are constant count nothing.

    Returns
    -------
    signals : (2, n_frames) float64
        Mean over the neurons, in the unit of the traces; and the first principal component of the z-scored
        traces, standardised, its sign such that it rises with most neurons.
    weights : (2, n_rois) float64
        ``signals == weights @ (traces - mean over time)``, but for the level of the first.

    Notes
    -----
    These are made of the neurons themselves: a neuron's relation to them must be taken without its own part
    (:func:`without_own_part`), and they say nothing of what the animal did. The component is that of the
    largest variance, which may be movement of the tissue. The component costs a few products with the
    traces (Lanczos), never neurons².
    """
    values = check_traces(traces)
    n_rois, n_frames = values.shape
    if not n_rois:
        return np.zeros((2, n_frames)), np.zeros((2, 0))
    filled = np.asarray(fill_gaps(values)[0], np.float64)
    centred = filled - filled.mean(axis=1, keepdims=True)
    mean_weights = np.full(n_rois, 1 / n_rois)
    spread = centred.std(axis=1)
    scale = np.divide(1.0, spread, out=np.zeros(n_rois), where=spread > 1e-9 * np.abs(filled).max(axis=1))
    weights = _first_loading(centred, scale) * scale
    component = weights @ centred
    size = float(component.std())
    if size > 0:
        component, weights = component / size, weights / size
    return np.stack([filled.mean(axis=0), component]), np.stack([mean_weights, weights])


def _first_loading(centred: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the loadings of the first component of rows that are multiplied by `scale`."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    n_rois, n_frames = centred.shape
    if n_rois < 3 or n_frames < 3 or not scale.any():
        return np.ones(n_rois)
    covariance = LinearOperator(
        (n_rois, n_rois),
        matvec=lambda v: scale * (centred @ (centred.T @ (scale * v.ravel()))) / n_frames,
        dtype=np.float64,
    )
    loading: NDArray[np.float64] = eigsh(covariance, k=1, v0=np.ones(n_rois), tol=1e-10)[1][:, 0]
    return loading if loading.sum() >= 0 else -loading


def without_own_part(
    signal: NDArray[np.float64], weights: NDArray[np.float64], traces: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return for each neuron a signal of the population without that neuron's share in it.

    Parameters
    ----------
    signal : (n_frames,)
    weights : (n_rows,)
        Of these neurons in the signal.
    traces : (n_rows, n_frames)
        The traces that the signal was made of.

    Returns
    -------
    (n_rows, n_frames) float64
    """
    filled = np.asarray(fill_gaps(np.asarray(traces, np.float32))[0], np.float64)
    own = filled - filled.mean(axis=1, keepdims=True)
    rest: NDArray[np.float64] = signal - weights[:, None] * own
    return rest


def moments_as_rate(
    rows: NDArray[np.int64],
    time_s: NDArray[np.float64],
    n_rows: int,
    n_frames: int,
    frame_rate: float,
    smoothing: float,
) -> NDArray[np.float32]:
    """Return moments (events of neurons, activations of ensembles) as rates over time.

    Parameters
    ----------
    rows : (n_moments,) int64
        To which row each moment belongs.
    time_s : (n_moments,)
        Seconds from the start of the first frame.
    n_rows, n_frames : int
    frame_rate : float
        Hz.
    smoothing : float
        Standard deviation in seconds of the Gaussian over which a moment is spread; 0 leaves it in its frame.

    Returns
    -------
    (n_rows, n_frames) float32
        Moments per second; their sum over frames divided by the frame rate is their number.
    """
    rate = check_frame_rate(frame_rate)
    counts = np.zeros((n_rows, n_frames), np.float32)
    if len(rows) and n_frames:
        np.add.at(counts, (rows, event_frames(time_s, rate, n_frames)), np.float32(rate))
    sigma = smoothing * rate
    if sigma > 0 and counts.size:
        # What would be spread over the end is reflected, so that no moment is lost.
        counts = gaussian_filter1d(counts, sigma, axis=1, mode="reflect", truncate=4.0)
    return counts
