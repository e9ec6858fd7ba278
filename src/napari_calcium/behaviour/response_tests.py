"""Tests of responses to events: against events all shifted together, or each bout moved by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Self

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import Field
from scipy import fft

from napari_calcium.numerics.binning import frames_in
from napari_calcium.numerics.circular_shift import at_least_as_far, far_shifts
from napari_calcium.numerics.gaps import fill_gaps
from napari_calcium.settings import Seconds, Settings

__all__ = ["ByMoving", "ByShift", "Chance", "ResponseTest", "response_lags"]


class ByShift(Settings):
    """All events together are shifted round the recording, by every shift there is. Not for periodic events.

    They keep their intervals and bouts, and the activity its rhythm. Where events come at equal intervals, a
    shift by one interval meets the same responses again, and nothing can be significant: the run says so.
    """

    method: Literal["shift"] = Field("shift", title="All shifted together")
    least_shift: Annotated[Seconds, Gt(0), Le(600)] = Field(
        10.0,
        title="Least shift",
        description="Shorter shifts are not used: they would keep some of the true response. Longer than a "
        "response, and than what the indicator keeps of it.",
    )


class ByMoving(Settings):
    """Each bout of events is moved by a random time: also for events at equal intervals."""

    method: Literal["moved"] = Field("moved", title="Each bout moved")
    jitter: Annotated[Seconds, Gt(0), Le(600)] = Field(
        10.0,
        title="Moved by up to",
        description="Each bout of events is moved by a random time of up to this much to either side; it "
        "should be some times as long as a response.",
    )
    n_surrogates: Annotated[int, Ge(100), Le(100_000)] = Field(
        2000, title="Times moved", description="The smallest p-value is two over this number."
    )
    seed: Annotated[int, Ge(0)] = Field(0, title="Seed", description="Of the random times.")


ResponseTest = Annotated[ByShift | ByMoving, Field(discriminator="method")]


def response_lags(
    lags: NDArray[np.int64], frame_rate: float, response: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which lags are before an event, and which are the response to it, (n_lags,) bool each."""
    return lags < 0, (lags >= 0) & (lags < max(1, round(response * frame_rate)))


@dataclass(frozen=True, eq=False)
class Chance:
    """What responses to some events are compared with.

    Attributes
    ----------
    weight : (n_frames,) float64
        Its circular correlation with a trace is the response to an event in each frame.
    counts : (n_frames,) float64
        Events in each frame.
    far : (n_shifts,) int64
        Shifts that are compared with none, which comes first; empty where bouts are moved.
    moved : (1 + n_surrogates, n_events) int64
        Frames of the events, the true ones first; empty where all are shifted together.

    Notes
    -----
    **Shifted together** (Harris 2020, doi:10.1101/2020.11.29.402719): under no relation, and if both are
    stationary, the true shift is one among all, so its rank is fair however slow the activity and however
    bunched the events. Without the shifts just beside it the test is a little too easy where the recording
    holds few stretches as long as the least shift: 1.2 % of unrelated slow cells at p ≤ 0.01 in five minutes.

    **Moved one by one**: asks whether activity is locked to the events within the jitter. What changes more
    slowly (drift, arousal) is in the surrogates too. Events that follow each other within a response move
    together, so that licks that meet one slow wave count once (Amarasingham, Harrison, Hatsopoulos & Geman
    2012, doi:10.1152/jn.00633.2011).
    """

    weight: NDArray[np.float64]
    counts: NDArray[np.float64]
    far: NDArray[np.int64]
    moved: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        onset: NDArray[np.int64],
        lags: NDArray[np.int64],
        n_frames: int,
        frame_rate: float,
        response: float,
        test: ByShift | ByMoving,
        stream: int = 0,
    ) -> Self:
        """Prepare a test.

        Parameters
        ----------
        onset : (n_events,) int64
            Frames of the events.
        lags : (n_lags,) int64
            Frames around each event that count.
        n_frames : int
        frame_rate : float
            Hz.
        response : float
            Seconds after an event.
        test : ByShift or ByMoving
        stream : int
            Tells the random numbers of several labels apart.
        """
        before, after = response_lags(lags, frame_rate, response)
        weight = np.zeros(n_frames)
        if len(onset):
            np.add.at(weight, -lags[after] % n_frames, 1 / after.sum())
            np.add.at(weight, -lags[before] % n_frames, -1 / before.sum())
        counts = np.bincount(onset, minlength=n_frames).astype(np.float64)
        far, moved = np.empty(0, np.int64), np.empty((0, len(onset)), np.int64)
        if isinstance(test, ByShift):
            far = np.concatenate([[0], far_shifts(n_frames, frames_in(test.least_shift, frame_rate))])
        else:
            moved = _moved(onset, n_frames, frame_rate, response, test, stream)
        return cls(weight, counts, far, moved)

    def p_values(self, rows: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the two-sided p-value of the response of each row, (n,).

        NaN where the row is constant or unknown, where there is no event, and where the recording is too
        short to be shifted.
        """
        nothing = np.full(len(rows), np.nan)
        if not self.counts.any() or (not len(self.moved) and len(self.far) < 2):
            return nothing
        filled = np.asarray(fill_gaps(np.asarray(rows))[0], np.float64)
        centred = filled - filled.mean(axis=1, keepdims=True)
        sums = self._sums(centred)
        sums[~(np.abs(centred).max(axis=1, initial=0.0) > 0)] = np.nan
        return at_least_as_far(sums)

    def _sums(self, centred: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the responses, summed over events, to the true ones and to those of chance."""
        n = centred.shape[1]
        single = fft.rfft(centred) * fft.rfft(self.weight)
        if not len(self.moved):
            together: NDArray[np.float64] = fft.irfft(single * np.conj(fft.rfft(self.counts)), n)
            return together[:, self.far]
        each: NDArray[np.float64] = fft.irfft(single, n)
        if not len(each):
            return np.empty((0, len(self.moved)))
        return np.stack([row[self.moved].sum(axis=1) for row in each])


def _moved(
    onset: NDArray[np.int64], n_frames: int, rate: float, response: float, test: ByMoving, stream: int
) -> NDArray[np.int64]:
    """Return the events' frames, those of the truth first and then of each surrogate, round the circle."""
    if not len(onset):
        return np.empty((1 + test.n_surrogates, 0), np.int64)
    order = np.sort(onset)
    bout = np.concatenate([[0], np.cumsum(np.diff(order) >= response * rate)])
    random = np.random.default_rng([test.seed, stream])
    reach = frames_in(test.jitter, rate)
    by = random.integers(-reach, reach + 1, (test.n_surrogates, int(bout[-1]) + 1))
    moved: NDArray[np.int64] = (order + by[:, bout]) % n_frames
    return np.concatenate([order[None], moved])
