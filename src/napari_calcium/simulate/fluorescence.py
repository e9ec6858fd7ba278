"""From events to light: calcium kinetics, the slow changes of brightness, and what a camera would count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.signal import lfilter

from napari_calcium.simulate.activity import TrueEvents
from napari_calcium.simulate.simulation_settings import SimulationSettings

__all__ = ["calcium", "calcium_response", "kernel_peak", "response", "slow_noise", "spike_times"]

_BLOCK = 256
"""Rows worked on at once, so that memory stays near that of the result."""


def spike_times(
    events: TrueEvents, settings: SimulationSettings, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return cell and time of every spike: the first at the event's time, the others within 0.2 s after."""
    event = np.repeat(np.arange(len(events)), events.n_spikes)
    first = np.concatenate([[True], event[1:] != event[:-1]])[: len(event)]
    delay = np.where(first, 0.0, rng.uniform(0.01, 0.2, len(event)))
    time = events.time_s[event] + delay
    order = np.lexsort((time, events.roi_id[event]))
    inside = order[time[order] < settings.duration_s]
    return events.roi_id[event][inside], time[inside]


def kernel_peak(rise: float, decay: float) -> float:
    """Return the highest value of ``exp(-t / decay) - exp(-t / rise)``."""
    at = rise * decay / (decay - rise) * np.log(decay / rise)
    return float(np.exp(-at / decay) - np.exp(-at / rise))


def calcium_response(
    cells: NDArray[np.int64],
    times: NDArray[np.float64],
    gain: NDArray[np.float64],
    settings: SimulationSettings,
) -> NDArray[np.float32]:
    """Return ΔF/F of every cell; `cells` is ascending, `gain` one a cell.

    Returns
    -------
    (n_rois, n_frames) float32
    """
    dff = np.empty((settings.n_rois, settings.n_frames), np.float32)
    for start in range(0, settings.n_rois, _BLOCK):
        stop = min(start + _BLOCK, settings.n_rois)
        own = slice(*np.searchsorted(cells, (start, stop)))
        level = calcium(cells[own] - start, times[own], stop - start, settings)
        dff[start:stop] = response(level, gain[start:stop], settings)
    return dff


def calcium(
    cells: NDArray[np.int64], times: NDArray[np.float64], n_rois: int, settings: SimulationSettings
) -> NDArray[np.float64]:
    """Return calcium of each cell, averaged over each frame; the peak of one spike is 1.

    The average of the two exponentials over a frame is exact, so spikes between frames keep their time,
    and a slow frame rate lowers the peak as it does under the microscope.

    Returns
    -------
    (n_rois, n_frames) float64
    """
    shape = (n_rois, settings.n_frames)
    frame = np.minimum((times * settings.frame_rate).astype(np.int64), settings.n_frames - 1)
    left = (frame + 1) / settings.frame_rate - times
    total = np.zeros(shape)
    for tau, sign in ((settings.decay_time, 1.0), (settings.rise_time, -1.0)):
        frames = tau * settings.frame_rate
        step = float(np.exp(-1 / frames))
        here = frames * (1 - np.exp(-left / tau))
        following = frames * np.exp(-left / tau) * (1 - step)
        drive = np.zeros(shape)
        np.add.at(drive, (cells, frame), here)
        later = frame + 1 < settings.n_frames
        np.add.at(drive, (cells[later], frame[later] + 1), (following - step * here)[later])
        total += sign * lfilter([1.0], [1.0, -step], drive, axis=1)
    result: NDArray[np.float64] = total / kernel_peak(settings.rise_time, settings.decay_time)
    return result


def response(
    concentration: NDArray[np.float64], gain: NDArray[np.float64], settings: SimulationSettings
) -> NDArray[np.float32]:
    """Return ΔF/F as a fraction: linear for one spike, saturating for many."""
    half = settings.saturation
    saturated = concentration * (1 + 1 / half) / (1 + concentration / half)
    scaled: NDArray[np.float32] = (settings.amplitude / 100 * gain[:, None] * saturated).astype(np.float32)
    return scaled


def slow_noise(
    number: int, shortest: float, settings: SimulationSettings, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return smooth signals without any period below `shortest` seconds; mean square 1 as expected.

    Returns
    -------
    (number, n_frames) float32
        Zero where the recording is shorter than `shortest`.
    """
    length = 2 * settings.n_frames
    period = length / settings.frame_rate
    modes = min(int(period / shortest), settings.n_frames)
    signal = np.zeros((number, settings.n_frames), np.float32)
    # Power falls towards the short periods.
    slope = 1 / np.sqrt(np.arange(1, modes + 1))
    scale = length * slope / np.sqrt(4 * (slope**2).sum()) if modes else slope
    for start in range(0, number if modes else 0, _BLOCK):
        rows = min(_BLOCK, number - start)
        drawn = rng.standard_normal((rows, modes, 2), np.float32) * scale[:, None].astype(np.float32)
        spectrum = np.zeros((rows, modes + 1), np.complex64)
        spectrum.real[:, 1:], spectrum.imag[:, 1:] = drawn[..., 0], drawn[..., 1]
        # Twice the length, of which half is used: the ends need not meet.
        signal[start : start + rows] = fft.irfft(spectrum, length, axis=1)[:, : settings.n_frames]
    return signal
