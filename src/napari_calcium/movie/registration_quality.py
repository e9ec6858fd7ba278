"""How good a registration is: sharpness before and after, and the motion that is left in the movie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from napari_calcium.movie.binned_movie import BinnedMovie
from napari_calcium.movie.chunks import spread_frames
from napari_calcium.movie.pyramid import pyramid
from napari_calcium.movie.registration import Registration
from napari_calcium.movie.rigid import RigidAligner
from napari_calcium.progress import Progress, silent

__all__ = ["RegistrationQuality", "crispness", "registration_quality", "residual_motion"]

_COMPONENTS = 20
_MOST_BINS = 400
_MOST_MB = 128.0
_HALVED_FROM = 128
_EXTREME = 0.1
_REACH = 8.0


@dataclass(frozen=True)
class RegistrationQuality:
    """Figures that judge a registration.

    Attributes
    ----------
    crispness_before, crispness_after : float
        See :func:`crispness`, of the mean image; higher after a good registration.
    correlation_median : float
        Of the frames' correlation with the template; NaN where no frame has any.
    bad_share : float
        Share of frames that are bad.
    residual_px : (n_components,) float64
        See :func:`residual_motion`.
    """

    crispness_before: float
    crispness_after: float
    correlation_median: float
    bad_share: float
    residual_px: NDArray[np.float64]


def crispness(image: NDArray[np.float32]) -> float:
    """Return the root mean square gradient of an image divided by its standard deviation, in 1 / px.

    Blur lowers the gradient more than the standard deviation. It depends on neither gain nor offset, and
    compares images of the same scene only. 0 for an image without contrast or a single row or column.

    Parameters
    ----------
    image : (height, width)
        Gradients at NaN are left out.
    """
    values = np.asarray(image, np.float64)
    spread = float(np.nanstd(values)) if np.isfinite(values).any() else 0.0
    if spread == 0 or min(values.shape) < 2:
        return 0.0
    squared = np.gradient(values, axis=0) ** 2 + np.gradient(values, axis=1) ** 2
    known = squared[np.isfinite(squared)]
    return float(np.sqrt(known.mean())) / spread if len(known) else 0.0


def residual_motion(
    binned: BinnedMovie, *, n_components: int = _COMPONENTS, on_progress: Progress = silent
) -> NDArray[np.float64]:
    """Return how far the registered movie still moves along its principal components.

    For each component, the mean of the bins that express it most is aligned to the mean of those that
    express it least: where a component is motion, the two are shifted against each other.

    Parameters
    ----------
    binned : BinnedMovie
        Up to 400 bins spread over it are used, in 128 MiB at most.
    n_components : int
        At most; a movie has fewer than bins.

    Returns
    -------
    (n_components,) float64
        Length of the shift in pixels, the component of highest variance first. Components of cells and light
        give small values by chance. The same bytes for any number of cores.

    References
    ----------
    The idea is that of the registration metrics of Stringer and Pachitariu 2019,
    doi:10.1016/j.conb.2018.11.005.
    """
    factors = (1, 2) if min(binned.shape[1:]) >= _HALVED_FROM else (1,)
    room = int(_MOST_MB * 2**20) // (4 * int(np.prod(binned.shape[1:])) // factors[-1] ** 2)
    chosen = spread_frames(len(binned), max(2, min(_MOST_BINS, room)))
    n_components = min(n_components, len(chosen) - 1)
    if n_components < 1:
        return np.empty(0)
    frames = _centred_frames(binned, chosen, factors, on_progress)
    mean = frames.mean(axis=0)
    frames -= mean
    flat = frames.reshape(len(frames), -1)
    # The bytes of a matrix product may depend on the number of threads.
    with threadpool_limits(limits=1, user_api="blas"):
        _, vectors = np.linalg.eigh(flat @ flat.T)
    extreme = max(1, round(_EXTREME * len(frames)))
    residual = np.zeros(n_components)
    for k in range(n_components):
        order = np.argsort(vectors[:, -1 - k], kind="stable")
        low, high = (frames[part].mean(axis=0) + mean for part in (order[:extreme], order[-extreme:]))
        shift = RigidAligner(low, _REACH).shifts(high[None])[0]
        residual[k] = factors[-1] * np.hypot(shift[0], shift[1])
    return residual


def _centred_frames(
    binned: BinnedMovie, chosen: NDArray[np.int64], factors: tuple[int, ...], on_progress: Progress
) -> NDArray[np.float32]:
    """Read chosen bins at the coarsest scale, each minus its mean, so that bleaching is no component."""
    frames = []
    on_progress(0, len(chosen))
    for number in chosen.tolist():
        frame = pyramid(binned[number : number + 1], factors)[-1][0]
        frames.append(frame - frame.mean())
        on_progress(len(frames), len(chosen))
    return np.stack(frames)


def registration_quality(
    registration: Registration, *, n_components: int = _COMPONENTS, on_progress: Progress = silent
) -> RegistrationQuality:
    """Return the figures that judge a registration; missing values are NaN or empty, never an error."""
    known = registration.correlation[np.isfinite(registration.correlation)]
    seen_always = registration.images["coverage"] >= 1
    before, after = (
        crispness(np.where(seen_always, registration.images[name], np.nan).astype(np.float32))
        for name in ("raw_mean", "mean")
    )
    return RegistrationQuality(
        before,
        after,
        float(np.median(known)) if len(known) else float("nan"),
        float(registration.bad.mean()),
        residual_motion(registration.binned, n_components=n_components, on_progress=on_progress),
    )
