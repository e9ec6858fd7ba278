"""A synthetic animal that runs in a box, sees gratings and licks, and neurons that know of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import Field

from napari_calcium.recording import LogEntry, Recording
from napari_calcium.results.behaviour_results import BehaviourFile, Epochs, Signal
from napari_calcium.settings import Hertz, Seconds, Settings, Unit
from napari_calcium.simulate import activity
from napari_calcium.simulate.activity import TrueActivations, TrueEvents
from napari_calcium.simulate.simulation import Acted, Simulation, simulate
from napari_calcium.simulate.simulation_settings import SimulationSettings

__all__ = ["BehaviourSimulation", "BehaviourSimulationSettings", "simulate_behaviour"]

_BOX = 60.0
"""Side of the box, in cm."""
_FIELD = 11.0
"""Standard deviation of a place field, in cm."""
_PULSE_EVERY = (2.0, 8.0)
STIMULI = ("grating", "tone")


class BehaviourSimulationSettings(Settings):
    """What the animal does, and which neurons know of it."""

    recording: SimulationSettings = Field(
        SimulationSettings(seed=3, n_rois=120, n_frames=6000, event_rate=0.015, running_gain=0.0),
        title="Recording",
        description="Everything that has nothing to do with the behaviour.",
    )
    speed_cells: Annotated[float, Ge(0), Le(0.5)] = Field(
        0.15, title="Speed cells", description="Share of the neurons whose rate rises with running speed."
    )
    place_cells: Annotated[float, Ge(0), Le(0.5)] = Field(
        0.2, title="Place cells", description="Share of the neurons with a place field in the box."
    )
    stimulus_cells: Annotated[float, Ge(0), Le(0.5)] = Field(
        0.1, title="Stimulus cells", description="Share of the neurons that answer most gratings."
    )
    lag: Annotated[Seconds, Ge(0), Le(5)] = Field(
        0.6, title="Lag", description="By how much the speed cells come after the running."
    )
    top_rate: Annotated[Hertz, Gt(0)] = Field(
        0.8, title="Highest rate", description="Events a second of a speed or place cell at its best."
    )
    preference: Annotated[float, Ge(0), Le(1)] = Field(
        0.8,
        title="Preference",
        description="Share of the activations of the first two ensembles that fall into gratings and tones.",
    )
    sample_rate: Annotated[Hertz, Gt(0)] = Field(
        60.0, title="Sample rate", description="Of speed, position and pupil."
    )
    clock_start: Seconds = Field(
        12.5,
        title="Clock",
        description="What the clock of the behaviour says at the start of the first frame.",
    )
    drift: Annotated[float, Unit("ppm")] = Field(
        150.0, title="Drift", description="By how many millionths the recording's clock is faster."
    )


@dataclass(frozen=True, eq=False)
class BehaviourSimulation:
    """A synthetic recording with behaviour, and what is true of both.

    Attributes
    ----------
    settings : BehaviourSimulationSettings
    simulation : Simulation
    file : BehaviourFile
        As the computer of the behaviour recorded it, on its own clock: speed, pupil, x and y, gratings and
        tones, licks, pulses.
    speed_cells, place_cells, stimulus_cells : (n,) int64
        Ids; the other neurons know nothing of the animal.
    centres : (n_place_cells, 2) float64
        x and y of the place fields, in cm.
    preferring : dict of str to int
        The ensemble that prefers each stimulus.
    """

    settings: BehaviourSimulationSettings
    simulation: Simulation
    file: BehaviourFile
    speed_cells: NDArray[np.int64]
    place_cells: NDArray[np.int64]
    stimulus_cells: NDArray[np.int64]
    centres: NDArray[np.float64]
    preferring: dict[str, int]

    def to_file_clock(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return times of the recording as the clock of the behaviour says them."""
        return self.settings.clock_start + time_s / (1 + self.settings.drift / 1e6)

    def to_recording(self, name: str = "with behaviour") -> Recording:
        """Return what readers would: traces, ROIs, movie and the file of the behaviour, and no truth."""
        entry = LogEntry("behaviour_file", {}, writes=("behaviour_file",), notes=("simulated",))
        return self.simulation.to_recording(name).with_step(entry, behaviour_file=self.file)

    def write_files(self, folder: str | Path) -> dict[str, Path]:
        """Write ``behaviour.csv``, ``epochs.csv`` and ``scope_pulses.csv``; return them by field of settings.

        The pulses of the behaviour are a column ``sync`` of the first.
        """
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        files = {
            "file": place / "behaviour.csv",
            "epochs": place / "epochs.csv",
            "recording_pulses": place / "scope_pulses.csv",
        }
        signals, epochs = self.file.signals, self.file.epochs
        time = signals[0].time_s
        sync = np.zeros(len(time), np.int64)
        sync[np.minimum(np.searchsorted(time, self.file.pulse_s), len(time) - 1)] = 1
        head = ",".join(["time_s", *(f"{s.name} ({s.unit})" for s in signals), "sync"])
        rows = np.column_stack([time, *(s.values for s in signals), sync])
        form = ["%.6f", *["%.4f"] * len(signals), "%d"]
        np.savetxt(files["file"], rows, form, ",", header=head, comments="")
        lines = [
            f"{a:.4f},{b:.4f},{label}"
            for label, a, b in zip(epochs.label, epochs.start_s, epochs.end_s, strict=True)
        ]
        files["epochs"].write_text("\n".join(["start_s,end_s,label", *lines]) + "\n", encoding="utf-8")
        np.savetxt(
            files["recording_pulses"], self.file.recording_pulse_s, "%.6f", header="time_s", comments=""
        )
        return files


@dataclass(frozen=True, eq=False)
class _Animal:
    """What the animal does, at the rate of the behaviour, on the recording's clock."""

    time_s: NDArray[np.float64]
    speed: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    epochs: Epochs


def simulate_behaviour(
    settings: BehaviourSimulationSettings = BehaviourSimulationSettings(),
) -> BehaviourSimulation:
    """Simulate a recording with behaviour: the same settings give the same bytes.

    Parameters
    ----------
    settings : BehaviourSimulationSettings

    Notes
    -----
    Speed cells are Poisson with a rate that is proportional to the speed a lag ago, place cells with a
    Gaussian field and only while the animal moves, stimulus cells answer gratings; the rest are as in
    :func:`~napari_calcium.simulate.simulation.simulate`. The first ensemble prefers gratings and the second
    tones. Licks know of nothing and nobody knows of them.
    """
    chosen = settings.recording
    own, *others = np.random.default_rng([chosen.seed, 1]).spawn(4)
    animal = _move(settings, own)
    shares = (settings.speed_cells, settings.place_cells, settings.stimulus_cells)
    ends = np.cumsum([round(share * chosen.n_rois) for share in shares])
    parts = np.split(others[0].permutation(chosen.n_rois), np.minimum(ends, chosen.n_rois))
    speed_cells, place_cells, stimulus_cells = (np.sort(part) for part in parts[:3])
    centres = others[0].uniform(0.1 * _BOX, 0.9 * _BOX, (len(place_cells), 2))

    def act(
        given: SimulationSettings, places: NDArray[np.float64], streams: list[np.random.Generator]
    ) -> Acted:
        frames = (np.arange(given.n_frames) + 0.5) / given.frame_rate
        speed = np.interp(frames, animal.time_s, animal.speed).astype(np.float32)
        members = activity.choose_members(given, places, streams[1])
        events, activations = activity.make_events(given, members, speed, streams[2])
        events, activations = _preferring(events, activations, animal.epochs, settings, others[1])
        tuned = _tuned_events(settings, animal, speed_cells, place_cells, centres, others[2])
        answers = _answers(animal.epochs.of(STIMULI[0]).start_s, stimulus_cells, others[2])
        return speed, members, _joined(_joined(events, tuned), answers), activations

    simulation = simulate(chosen, act)
    preferring = {name: k for k, name in enumerate(STIMULI) if k < chosen.n_ensembles}
    file = _recorded(settings, animal, others[0])
    return BehaviourSimulation(
        settings, simulation, file, speed_cells, place_cells, stimulus_cells, centres, preferring
    )


def _move(settings: BehaviourSimulationSettings, rng: np.random.Generator) -> _Animal:
    """Let the animal run about the box in bouts, and see gratings and hear tones at random intervals."""
    chosen = settings.recording
    duration, rate = chosen.duration_s, settings.sample_rate
    n = int(duration * rate) + 1
    time = np.arange(n) / rate
    bouts = SimulationSettings(n_frames=n, frame_rate=rate)
    speed = activity.running_speed(bouts, rng).astype(np.float64)
    turn = np.cumsum(rng.normal(0, 1.2 / np.sqrt(rate), n))
    step = speed / rate
    start = rng.uniform(0, _BOX, 2)
    x, y = (_reflected(start[k] + np.cumsum(step * f(turn))) for k, f in enumerate((np.cos, np.sin)))
    label, begin = [], []
    when = rng.uniform(4, 10)
    while when < duration - 6:
        label.append(STIMULI[int(rng.integers(2))])
        begin.append(when)
        when += 3.0 + rng.uniform(4, 14)
    licks = np.cumsum(rng.exponential(9.0, max(1, int(duration / 5))))
    licks = licks[licks < duration]
    times = np.concatenate([begin, licks])
    ends = np.concatenate([np.array(begin) + 3.0, licks])
    words = np.array([*label, *["lick"] * len(licks)], np.str_)
    order = np.argsort(times, kind="stable")
    return _Animal(time, speed, x, y, Epochs(words[order], times[order], ends[order]))


def _reflected(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fold a path at the walls of the box."""
    folded: NDArray[np.float64] = _BOX - np.abs(path % (2 * _BOX) - _BOX)
    return folded


def _tuned_events(
    settings: BehaviourSimulationSettings,
    animal: _Animal,
    speed_cells: NDArray[np.int64],
    place_cells: NDArray[np.int64],
    centres: NDArray[np.float64],
    rng: np.random.Generator,
) -> TrueEvents:
    """Return events of the cells that know of the animal: Poisson, with a refractory time."""
    delayed = np.interp(animal.time_s - settings.lag, animal.time_s, animal.speed, left=0.0)
    moving = animal.speed > 1.0
    rates = [(cell, np.minimum(delayed / 15.0, 1.0)) for cell in speed_cells.tolist()]
    for cell, (cx, cy) in zip(place_cells.tolist(), centres, strict=True):
        away = (animal.x - cx) ** 2 + (animal.y - cy) ** 2
        rates.append((cell, np.exp(-away / (2 * _FIELD**2)) * moving))
    cells, times = [np.empty(0, np.int64)], [np.empty(0)]
    for cell, rate in rates:
        fired = rng.random(len(rate)) < settings.top_rate * rate / settings.sample_rate
        moments = animal.time_s[fired] + rng.uniform(0, 1 / settings.sample_rate, int(fired.sum()))
        cells.append(np.full(len(moments), cell, np.int64))
        times.append(moments)
    cell, time = np.concatenate(cells), np.concatenate(times)
    spikes = 1 + rng.poisson(settings.recording.extra_spikes, len(cell))
    return TrueEvents(cell, time, spikes.astype(np.int64), np.full(len(cell), -1, np.int64))


def _answers(onset_s: NDArray[np.float64], cells: NDArray[np.int64], rng: np.random.Generator) -> TrueEvents:
    """Return an event of each cell about 0.4 s after most of the stimuli."""
    answered, which = np.nonzero(rng.random((len(cells), len(onset_s))) < 0.7)
    time = onset_s[which] + 0.3 + rng.exponential(0.15, len(which))
    spikes = 1 + rng.poisson(1.0, len(time))
    return TrueEvents(cells[answered], time, spikes.astype(np.int64), np.full(len(time), -1, np.int64))


def _joined(first: TrueEvents, second: TrueEvents) -> TrueEvents:
    columns = {
        name: np.concatenate([values, second.columns()[name]]) for name, values in first.columns().items()
    }
    order = np.lexsort((columns["time_s"], columns["roi_id"]))
    return TrueEvents(**{name: values[order] for name, values in columns.items()})


def _preferring(
    events: TrueEvents,
    activations: TrueActivations,
    epochs: Epochs,
    settings: BehaviourSimulationSettings,
    rng: np.random.Generator,
) -> tuple[TrueEvents, TrueActivations]:
    """Move activations of the first ensembles into the stimuli that they prefer, with their events."""
    time = activations.time_s.copy()
    moved = events.time_s.copy()
    for ensemble, stimulus in enumerate(STIMULI):
        own = epochs.of(stimulus)
        if not len(own):
            continue
        for row in np.flatnonzero(activations.ensemble_id == ensemble).tolist():
            if rng.random() >= settings.preference:
                continue
            place = int(rng.integers(len(own)))
            new = float(rng.uniform(own.start_s[place] + 0.2, own.end_s[place] - 0.2))
            part = (events.ensemble_id == ensemble) & (np.abs(events.time_s - activations.time_s[row]) < 1.0)
            moved[part] += new - time[row]
            time[row] = new
    inside = np.clip(moved, 0, settings.recording.duration_s - 1e-6)
    order = np.lexsort((inside, events.roi_id))
    columns = {**events.columns(), "time_s": inside}
    by_time = np.argsort(time, kind="stable")
    return (
        TrueEvents(**{name: values[order] for name, values in columns.items()}),
        TrueActivations(activations.ensemble_id[by_time], time[by_time]),
    )


def _recorded(
    settings: BehaviourSimulationSettings, animal: _Animal, rng: np.random.Generator
) -> BehaviourFile:
    """Return what the computer of the behaviour wrote down, on its own clock."""

    def clock(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return settings.clock_start + time_s / (1 + settings.drift / 1e6)

    time = clock(animal.time_s)
    arousal = np.convolve(animal.speed, np.exp(-np.arange(0, 6, 1 / settings.sample_rate) / 2.0))[: len(time)]
    pupil = 28 + 10 * arousal / max(float(arousal.max()), 1e-9) + 0.4 * rng.standard_normal(len(time))
    pupil[rng.random(len(time)) < 0.01] = np.nan  # blinks
    speed = animal.speed + 0.05 * rng.standard_normal(len(time))
    pulses = np.cumsum(rng.uniform(*_PULSE_EVERY, int(settings.recording.duration_s / 2)))
    pulses = pulses[pulses < settings.recording.duration_s]
    return BehaviourFile(
        (
            Signal("speed", "cm/s", time, speed),
            Signal("pupil", "px", time, pupil),
            Signal("x", "cm", time, animal.x),
            Signal("y", "cm", time, animal.y),
        ),
        Epochs(animal.epochs.label, clock(animal.epochs.start_s), clock(animal.epochs.end_s)),
        clock(pulses),
        pulses,
    )
