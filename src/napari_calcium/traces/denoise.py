"""Noise reduction of the traces that keeps the height of transients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from scipy.ndimage import maximum_filter1d

from napari_calcium.checks import check_frame_rate, check_traces
from napari_calcium.numerics.blocks import apply_to_rows
from napari_calcium.numerics.gaps import fill_gaps
from napari_calcium.progress import Progress, silent
from napari_calcium.settings import Choice, Seconds, Settings, TraceName
from napari_calcium.traces.transient_denoise import TransientDenoise, rebuilt

__all__ = ["DenoiseSettings", "SavitzkyGolayDenoise", "TransientDenoise", "WaveletDenoise", "denoise"]

_Source = Annotated[TraceName, Field(title="Read from", description="Trace that is denoised.")]
_Wavelet = Literal["haar", "db2", "db4", "sym4", "sym8", "coif1", "coif2"]

# Details longer than this are signal as often as noise: the automatic level stops there.
_COARSEST_S = 2.0
_LEAST_LEVELS = 3
_MAX_BAYES = 3.0
_LEAST_HARD = 2.0
_SIGNIFICANT = 2.75
_NEAR_SIGNIFICANT = 1.5
_NORMAL_MEDIAN = 0.6744897501960817
# Working memory of the wavelet transform, in bytes a sample.
_BYTES = 120


class WaveletDenoise(Settings):
    """Wavelet shrinkage: details that noise explains are removed, level by level."""

    method: Literal["wavelet"] = "wavelet"
    input: _Source = "background_corrected"
    wavelet: Annotated[
        _Wavelet,
        Choice(
            (
                ("haar", "Haar (steep onsets)"),
                ("db2", "Daubechies 2"),
                ("db4", "Daubechies 4"),
                ("sym4", "Symlet 4"),
                ("sym8", "Symlet 8 (smooth)"),
                ("coif1", "Coiflet 1"),
                ("coif2", "Coiflet 2"),
            )
        ),
    ] = Field(
        "haar",
        title="Wavelet",
        description="Shape of the details. Short ones keep the steep onset of a transient, long ones give a "
        "smoother curve.",
    )
    level: Annotated[int, Ge(0), Le(12)] = Field(
        0,
        title="Levels",
        description="Number of levels; level k holds details of about 2^k frames. 0 takes as many as reach "
        "details of 2 s, and at least 3.",
    )
    threshold: Annotated[
        Literal["bayes", "universal"],
        Choice((("bayes", "BayesShrink (adapts to the signal)"), ("universal", "Universal (removes more)"))),
    ] = Field(
        "bayes",
        title="Threshold",
        description="BayesShrink lowers the threshold where a level holds signal; the universal threshold "
        "removes nearly all noise, and small transients with it.",
    )
    mode: Annotated[
        Literal["hard", "soft"],
        Choice((("hard", "Hard (keeps amplitudes)"), ("soft", "Soft (smoother, lowers amplitudes)"))),
    ] = Field(
        "hard",
        title="Shrinkage",
        description="Hard keeps or removes a detail; soft also lowers what it keeps by the threshold.",
    )
    keep_onsets: bool = Field(
        True,
        title="Keep onsets",
        description="Be lenient with fine details where the next coarser level found a transient, so that "
        "steep onsets stay steep.",
    )
    shift_invariant: bool = Field(
        True,
        title="Shift-invariant",
        description="Average over all positions of the wavelet grid: no steps and ringing, and a trace "
        "delayed by a frame gives the same result a frame later. Several times slower.",
    )


class SavitzkyGolayDenoise(Settings):
    """Savitzky–Golay filter: a polynomial fitted in a sliding window."""

    method: Literal["savitzky_golay"] = Field("savitzky_golay", title="Savitzky–Golay")
    input: _Source = "background_corrected"
    window: Annotated[Seconds, Ge(0), Le(60)] = Field(
        0.6,
        title="Window",
        description="Length of the window in seconds, widened to an odd number of frames that the polynomial "
        "does not simply pass through. Longer removes more noise and rounds off peaks.",
    )
    order: Annotated[int, Ge(0), Le(9)] = Field(
        2,
        title="Order",
        description="Order of the polynomial; 0 and 1 are a moving average, higher ones keep peaks better.",
    )


DenoiseSettings = Annotated[
    WaveletDenoise | SavitzkyGolayDenoise | TransientDenoise, Field(discriminator="method")
]


def denoise(
    traces: ArrayLike,
    frame_rate: float,
    settings: DenoiseSettings = TransientDenoise(),
    *,
    on_progress: Progress = silent,
    executor: Executor | None = None,
) -> NDArray[np.float32]:
    """Reduce the noise of every trace.

    Parameters
    ----------
    traces : (n_rois, n_frames)
        In any unit; NaN marks a missing sample.
    frame_rate : float
        In Hz.
    settings : DenoiseSettings
    on_progress : Progress
    executor : Executor, optional
        Where blocks of rows run; the result is the same to the byte for any.

    Returns
    -------
    (n_rois, n_frames) float32
        In the unit of `traces`; NaN where the trace is NaN. Traces are mirrored at both ends for wavelets;
        Savitzky–Golay fits its polynomial to the first and last window. Transients alone: see
        :func:`napari_calcium.traces.transient_denoise.rebuilt`.

    Notes
    -----
    The noise of every level is measured on the trace itself (median absolute detail / 0.6745), from present
    samples only. BayesShrink's threshold σ²/σ_signal is derived for soft shrinkage of signals that fill the
    trace: for rare transients it grows beyond bounds, so it is held below 3 σ; as a hard threshold it lets
    much noise through where there is signal, so there it is held above 2 σ. With `keep_onsets` the threshold
    falls to 1.5 σ wherever the next coarser level exceeds 2.75 σ nearby: a transient's onset is coherent over
    levels, noise is not.

    It misleads when noise is looked for afterwards: the noise between transients is smaller than on them, so
    thresholds in SD of a denoised trace are too lenient in number and too strict in meaning; and a neuron
    active most of the time has its noise overestimated. Transients below the noise of their level vanish.

    Time is linear in the number of samples and levels.

    References
    ----------
    Chang, Yu & Vetterli (2000), IEEE Transactions on Image Processing 9, 1532-1546,
    https://doi.org/10.1109/83.862633; Donoho & Johnstone (1994), Biometrika 81, 425-455,
    https://doi.org/10.1093/biomet/81.3.425; Coifman & Donoho (1995), Lecture Notes in Statistics 103,
    125-150, https://doi.org/10.1007/978-1-4612-2544-7_9; Savitzky & Golay (1964), Analytical Chemistry 36,
    1627-1639, https://doi.org/10.1021/ac60214a047
    """
    values = check_traces(traces)
    if isinstance(settings, TransientDenoise):
        rate = check_frame_rate(frame_rate)
        return rebuilt(values, rate, settings, on_progress=on_progress, executor=executor)
    function = partial(_denoised, rate=check_frame_rate(frame_rate), settings=settings)
    return apply_to_rows(
        function, values, bytes_per_sample=_BYTES, on_progress=on_progress, executor=executor
    )


def _denoised(
    traces: NDArray[np.float32], rate: float, settings: WaveletDenoise | SavitzkyGolayDenoise
) -> NDArray[np.float32]:
    filled, missing = fill_gaps(traces)
    if isinstance(settings, WaveletDenoise):
        level = settings.level or max(_LEAST_LEVELS, round(math.log2(max(1.0, _COARSEST_S * rate))))
        # Details longer than the trace hold nothing.
        level = min(level, max(1, traces.shape[1].bit_length() - 1))
        result = _shrink_wavelets(filled, missing, level, settings)
    else:
        result = _savitzky_golay(filled, round(settings.window * rate), settings.order)
    if missing is not None:
        result[missing] = np.nan
    return result


def _savitzky_golay(traces: NDArray[np.floating], window: int, order: int) -> NDArray[np.float32]:
    from scipy.signal import oaconvolve  # takes most of a second to load, the settings of the stage none

    n_frames = traces.shape[1]
    # Fewer than order + 2 samples are reproduced exactly; an odd window has a middle.
    window = max(window, order + 2) | 1
    if window > n_frames:
        window = n_frames - 1 + n_frames % 2
    if window <= order:
        return np.array(traces, dtype=np.float32)
    half = window // 2
    # Orthonormal polynomials on -1 to 1 stay well conditioned where powers of the frame number do not.
    basis, _ = np.linalg.qr(np.polynomial.legendre.legvander(np.linspace(-1, 1, window), order))
    smooth = oaconvolve(traces, (basis @ basis[half])[None], mode="same", axes=1)
    smooth[:, :half] = (traces[:, :window] @ basis) @ basis[:half].T
    smooth[:, n_frames - half :] = (traces[:, n_frames - window :] @ basis) @ basis[window - half :].T
    return np.asarray(smooth, dtype=np.float32)


def _shrink_wavelets(
    traces: NDArray[np.floating], missing: NDArray[np.bool_] | None, level: int, settings: WaveletDenoise
) -> NDArray[np.float32]:
    """Transform, shrink the details of every level from coarse to fine, and transform back."""
    import pywt

    wavelet = pywt.Wavelet(settings.wavelet)
    n_frames = traces.shape[1]
    margin = (wavelet.dec_len - 1) * 2**level
    after = margin + -(n_frames + 2 * margin) % 2**level
    padded = np.pad(traces, ((0, 0), (margin, after)), mode="symmetric")
    within = slice(margin, margin + n_frames)
    if settings.shift_invariant:
        approximation, *details = pywt.swt(padded, wavelet, level, axis=1, trim_approx=True, norm=True)
        steps = [1] * level
    else:
        approximation, *details = pywt.wavedec(padded, wavelet, "periodization", level, axis=1)
        steps = [2**k for k in range(level, 0, -1)]
    kept = _kept_details(details, steps, within, missing, settings)
    if settings.shift_invariant:
        result = pywt.iswt([approximation, *kept], wavelet, norm=True, axis=1)
    else:
        result = pywt.waverec([approximation, *kept], wavelet, "periodization", axis=1)
    return np.array(result[:, within], dtype=np.float32)


def _kept_details(
    details: Sequence[NDArray[np.floating]],
    steps: Sequence[int],
    within: slice,
    missing: NDArray[np.bool_] | None,
    settings: WaveletDenoise,
) -> list[NDArray[np.floating]]:
    """Shrink the details, coarsest first; `steps` are the frames from one detail of a level to the next."""
    kept = []
    lenient: NDArray[np.bool_] | None = None
    for depth, (detail, step) in enumerate(zip(details, steps, strict=True)):
        sd, power = _noise_and_power(detail, step, within, missing)
        limit = _threshold(sd, power, within.stop - within.start, settings)
        size = np.abs(detail)
        if lenient is not None:
            limit = np.where(lenient, np.minimum(limit, _NEAR_SIGNIFICANT * sd), limit)
        if settings.mode == "hard":
            kept.append(np.where(size > limit, detail, 0))
        else:
            kept.append(np.copysign(np.maximum(size - limit, 0), detail))
        if settings.keep_onsets and depth + 1 < len(details):
            found = size > _SIGNIFICANT * sd
            if lenient is not None:
                found |= lenient & (size > _NEAR_SIGNIFICANT * sd)
            lenient = maximum_filter1d(np.repeat(found, step // steps[depth + 1], axis=1), 3, axis=1)
    return kept


def _noise_and_power(
    detail: NDArray[np.floating], step: int, within: slice, missing: NDArray[np.bool_] | None
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return SD of the noise and mean square of each row's details, margins and gaps left out."""
    inside = detail[:, within.start // step : max(within.stop // step, within.start // step + 1)]
    sd = np.median(np.abs(inside), axis=1).astype(np.float64) / _NORMAL_MEDIAN
    power = np.einsum("ij,ij->i", inside, inside, dtype=np.float64) / inside.shape[1]
    if missing is not None:
        for row in np.flatnonzero(missing.any(axis=1)):
            present = inside[row][~missing[row, ::step][: inside.shape[1]]]
            if len(present):
                sd[row] = np.median(np.abs(present)) / _NORMAL_MEDIAN
                power[row] = np.mean(present.astype(np.float64) ** 2)
    return sd[:, None], power[:, None]


def _threshold(
    sd: NDArray[np.floating], power: NDArray[np.floating], n_frames: int, settings: WaveletDenoise
) -> NDArray[np.floating]:
    if settings.threshold == "universal":
        return np.asarray(sd * math.sqrt(2 * math.log(max(n_frames, 2))))
    least = _LEAST_HARD if settings.mode == "hard" else 0.0
    signal = np.sqrt(np.maximum(power - sd**2, 0))
    # sd / signal is the threshold in SD of the noise; without signal or noise it takes its bound.
    ratio = np.divide(sd, signal, out=np.full_like(sd, _MAX_BAYES), where=signal > 0)
    return np.asarray(sd * np.clip(ratio, least, _MAX_BAYES))
