"""The population over time: mean or sum of all cells in true bins, smoothed; and how event rates differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from napari_calcium.numerics.gaps import fill_gaps
from napari_calcium.population.binned_activity import Activity, BinStatistic, PopulationInput
from napari_calcium.results.population_results import PopulationActivity
from napari_calcium.settings import Seconds, Settings

__all__ = [
    "GaussianSmoothing",
    "NoSmoothing",
    "PopulationActivitySettings",
    "RateHistogram",
    "SavitzkyGolaySmoothing",
    "Smoothing",
    "population_activity",
    "rate_histogram",
    "smoothed",
]


class NoSmoothing(Settings):
    """The bins as they are."""

    method: Literal["none"] = "none"


class GaussianSmoothing(Settings):
    """A moving average with Gaussian weights."""

    method: Literal["gaussian"] = "gaussian"
    sigma: Annotated[Seconds, Gt(0), Le(600)] = Field(
        1.0,
        title="SD",
        description="Standard deviation of the Gaussian. Changes faster than about three of it are lost.",
    )


class SavitzkyGolaySmoothing(Settings):
    """A polynomial fitted in a sliding window: keeps the height of peaks better than an average."""

    method: Literal["savitzky_golay"] = "savitzky_golay"
    window: Annotated[Seconds, Gt(0), Le(600)] = Field(
        5.0, title="Window", description="Length of the window; at least five bins are used."
    )
    order: Annotated[int, Ge(1), Le(4)] = Field(
        2, title="Order", description="Of the polynomial. Higher follows faster changes, and more noise."
    )


Smoothing = Annotated[NoSmoothing | GaussianSmoothing | SavitzkyGolaySmoothing, Field(discriminator="method")]


class PopulationActivitySettings(PopulationInput):
    """What is averaged over cells, and how it is smoothed."""

    statistic: BinStatistic = Field(
        "mean",
        title="Over cells",
        description="Mean: does not depend on the number of cells. Sum: as much as all cells together.",
    )
    smoothing: Smoothing = Field(
        GaussianSmoothing(), title="Smoothing", description="Of the population's activity over time."
    )


def population_activity(
    activity: Activity, settings: PopulationActivitySettings = PopulationActivitySettings()
) -> PopulationActivity:
    """Average all cells bin by bin.

    Parameters
    ----------
    activity : Activity
    settings : PopulationActivitySettings

    Returns
    -------
    PopulationActivity
        NaN in bins in which no cell has a sample (all of them where there is no cell). A sum in which cells
        are missing is scaled up to all cells, so that a gap of some cells does not look like silence.

    Notes
    -----
    One pass. A few bright cells can make up the mean of ΔF/F: look at events or spikes as well.
    """
    x = activity.values
    n_rois, n_bins = x.shape
    total, count = np.zeros(n_bins), np.zeros(n_bins, np.int64)
    rows = max(1, 2**20 // max(1, n_bins))
    for start in range(0, n_rois, rows):
        part = x[start : start + rows]
        there = ~np.isnan(part)
        count += there.sum(axis=0)
        total += np.where(there, part, 0).sum(axis=0, dtype=np.float64)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    values = mean * n_rois if settings.statistic == "sum" else mean
    return PopulationActivity(
        activity.time_s,
        values,
        smoothed(values, activity.bin_s, settings.smoothing),
        count,
        activity.name,
        activity.unit,
        settings.statistic,
        activity.bin_s,
    )


def smoothed(values: ArrayLike, bin_s: float, settings: Smoothing) -> NDArray[np.float64]:
    """Smooth one signal over time.

    Parameters
    ----------
    values : (n_bins,)
        NaN where missing: bridged for the filter, and NaN again afterwards.
    bin_s : float
        Seconds a bin.
    settings : Smoothing

    Returns
    -------
    (n_bins,) float64
        Reflected at both ends (Gaussian), or fitted with the last window (Savitzky–Golay). A signal shorter
        than the window is fitted whole.
    """
    x = np.asarray(values, np.float64)
    if isinstance(settings, NoSmoothing) or not len(x) or np.isnan(x).all():
        return x.copy()
    filled, missing = fill_gaps(x[None])
    signal = np.asarray(filled[0], np.float64)
    if isinstance(settings, GaussianSmoothing):
        from scipy.ndimage import gaussian_filter1d

        result = np.asarray(gaussian_filter1d(signal, settings.sigma / bin_s, mode="reflect"), np.float64)
    else:
        result = _savitzky_golay(signal, settings, bin_s)
    if missing is not None:
        result[missing[0]] = np.nan
    return result


def _savitzky_golay(
    signal: NDArray[np.float64], settings: SavitzkyGolaySmoothing, bin_s: float
) -> NDArray[np.float64]:
    from scipy.signal import savgol_filter

    wanted = max(5, round(settings.window / bin_s))
    longest = len(signal) - (len(signal) + 1) % 2
    window = min(wanted + (wanted + 1) % 2, longest)
    if window <= settings.order:
        return signal.copy()
    return np.asarray(savgol_filter(signal, window, settings.order, mode="interp"), np.float64)


@dataclass(frozen=True)
class RateHistogram:
    """How many cells have which event rate.

    Attributes
    ----------
    edges_per_min : (n + 1,) float64
    n_cells : (n,) int64
    median_per_min : float
        NaN without cells.
    """

    edges_per_min: NDArray[np.float64]
    n_cells: NDArray[np.int64]
    median_per_min: float


def rate_histogram(rates_per_min: ArrayLike, *, most: int = 60) -> RateHistogram:
    """Count cells by their event rate, in classes that begin at 0.

    Parameters
    ----------
    rates_per_min : (n_rois,)
        Events per minute; NaN (a cell without samples) is left out.
    most : int
        Most classes.

    Returns
    -------
    RateHistogram
        The width of the classes is that of Freedman and Diaconis (1981, doi:10.1007/BF01025868), 1, 2 or 5
        times a power of ten.
    """
    rates = np.asarray(rates_per_min, np.float64)
    rates = rates[np.isfinite(rates)]
    if not len(rates):
        return RateHistogram(np.array([0.0, 1.0]), np.zeros(1, np.int64), float("nan"))
    top = max(float(rates.max()), 1e-9)
    q1, q3 = np.percentile(rates, (25, 75))
    width = max(2 * (q3 - q1) / len(rates) ** (1 / 3), top / most)
    ten = 10.0 ** np.floor(np.log10(width))
    width = ten * next(m for m in (1, 2, 5, 10) if m * ten >= width * (1 - 1e-9))
    edges = np.asarray(np.arange(int(top / width) + 2) * width, np.float64)
    counts = np.histogram(rates, edges)[0]
    return RateHistogram(edges, counts.astype(np.int64), float(np.median(rates)))
