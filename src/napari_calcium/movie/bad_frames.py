"""Frames that registration could not bring into place: torn, dark, out of focus, or moved too far."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

__all__ = ["fill_missing_fields", "find_bad_frames"]

_WINDOW_S = 10.0
_LEAST_DROP = 0.1
_MAD_TO_SD = 1.4826


def find_bad_frames(
    correlation: NDArray[np.float32],
    fields: NDArray[np.float32],
    missing: NDArray[np.bool_],
    frame_rate: float,
    *,
    threshold: float,
    max_shift: float,
) -> NDArray[np.bool_]:
    """Return which frames should not be trusted.

    A frame is bad if it is missing; if its correlation with the template is lower than the median of
    the 10 s around it by more than `threshold` robust standard deviations and by more than a tenth of that
    median; or if a node of its field stands at the largest displacement allowed.

    Parameters
    ----------
    correlation : (n_frames,) float32
        NaN where a frame has no contrast, which makes it bad unless no frame has any.
    fields : (n_frames, ny, nx, 2) float32
        In pixels.
    missing : (n_frames,) bool
    frame_rate : float
        Hz.
    threshold : float
        Robust standard deviations of the correlation about its running median; 0 judges by the rest alone.
    max_shift : float
        In pixels.

    Notes
    -----
    The running median follows slow drift out of focus, which this test therefore does not find.
    """
    bad: NDArray[np.bool_] = missing | (np.abs(fields) >= max_shift * (1 - 1e-6)).any(axis=(1, 2, 3))
    known = np.isfinite(correlation) & ~missing
    if not threshold or not known.any():
        return bad
    bad |= ~known
    values = np.interp(np.arange(len(correlation)), np.flatnonzero(known), correlation[known])
    window = max(3, round(_WINDOW_S * frame_rate)) | 1
    level = median_filter(values, min(window, 2 * len(values) - 1), mode="mirror")
    drop = level - values
    sd = _MAD_TO_SD * float(np.median(np.abs(drop[known])))
    bad |= (drop > threshold * sd) & (drop > _LEAST_DROP * np.abs(level))
    return bad


def fill_missing_fields(fields: NDArray[np.float32], missing: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return fields where missing frames lie between those before and after; 0 if all are missing.

    Parameters
    ----------
    fields : (n_frames, ny, nx, 2) float32
    missing : (n_frames,) bool
    """
    if not missing.any():
        return fields
    if missing.all():
        return np.zeros_like(fields)
    known = np.flatnonzero(~missing)
    gaps = np.flatnonzero(missing)
    after = np.searchsorted(known, gaps)
    left = known[np.maximum(after - 1, 0)]
    right = known[np.minimum(after, len(known) - 1)]
    along = np.where(right > left, (gaps - left) / np.maximum(right - left, 1), 0.0)[:, None, None, None]
    filled = fields.copy()
    filled[gaps] = fields[left] * (1 - along) + fields[right] * along
    return filled
