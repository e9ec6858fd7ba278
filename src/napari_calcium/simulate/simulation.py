"""A synthetic recording with everything that is true of it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from napari_calcium.recording import LogEntry, Movie, Recording, Trace
from napari_calcium.results.tables import freeze
from napari_calcium.rois import Rois
from napari_calcium.simulate import activity, fluorescence, sample_files
from napari_calcium.simulate.activity import TrueActivations, TrueEvents
from napari_calcium.simulate.simulation_settings import SimulationSettings
from napari_calcium.simulate.synthetic_movie import SyntheticMovie
from napari_calcium.simulate.tissue import N_COMPONENTS, make_tissue

__all__ = ["Act", "Acted", "Simulation", "simulate"]

Acted = tuple[NDArray[np.float32], tuple[NDArray[np.int64], ...], TrueEvents, TrueActivations]
"""Running speed of each frame (cm/s), members of the ensembles, events, activations."""

Act = Callable[[SimulationSettings, NDArray[np.float64], list[np.random.Generator]], Acted]
"""Takes settings, centres of the somata (n_rois, 2), and three sources of chance."""


@dataclass(frozen=True, eq=False)
class Simulation:
    """A synthetic recording and its truth; all arrays are read-only.

    Attributes
    ----------
    settings : SimulationSettings
    raw : (n_rois, n_frames) float32
        Mean brightness of each cell's pixels of the label image, with noise; what one would extract.
    dff : (n_rois, n_frames) float32
        True ΔF/F of each soma, a fraction, free of noise, drift and neuropil.
    baseline : (n_rois, n_frames) float32
        Brightness of the cell's pixels if nothing were active: drift, bleaching and neuropil are in it.
    events : TrueEvents
    spike_roi_id, spike_time_s : (n_spikes,) int64 and float64
        Every spike, sorted by cell and time.
    members : tuple of (n_members,) int64 arrays
        Ids of the members of ensemble 0, 1, 2 …
    activations : TrueActivations
    rois : Rois
        Weighted footprints; ids 0 … n_rois − 1.
    label_image : (height, width) uint16 or uint32
        The cell in row k has label k + 1.
    mean_image : (height, width) float32
        Mean over time as a recording would give it.
    speed : (n_frames,) float32
        Running speed, cm/s.
    neuropil : (n_components, n_frames) float32
        Shared fluctuations of the neuropil, as fractions.
    movie : SyntheticMovie
        Frames on demand.
    """

    settings: SimulationSettings
    raw: NDArray[np.float32]
    dff: NDArray[np.float32]
    baseline: NDArray[np.float32]
    events: TrueEvents
    spike_roi_id: NDArray[np.int64]
    spike_time_s: NDArray[np.float64]
    members: tuple[NDArray[np.int64], ...]
    activations: TrueActivations
    rois: Rois
    label_image: NDArray[np.uint16] | NDArray[np.uint32]
    mean_image: NDArray[np.float32]
    speed: NDArray[np.float32]
    neuropil: NDArray[np.float32]
    movie: SyntheticMovie

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, item.name, freeze(value))
        object.__setattr__(self, "members", tuple(freeze(group) for group in self.members))

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.settings.frame_rate

    @property
    def motion(self) -> NDArray[np.float32]:
        """Shift (y, x) of the tissue in each frame of the movie, in pixels, (n_frames, 2)."""
        return self.movie.motion

    @property
    def positions(self) -> NDArray[np.float64]:
        """Centres (y, x) of the somata in pixels, (n_rois, 2)."""
        return self.rois.centroids

    @cached_property
    def onset_frames(self) -> tuple[NDArray[np.int64], ...]:
        """Frames in which the events of each cell begin."""
        frames = (self.events.time_s * self.frame_rate).astype(np.int64)
        ends = np.searchsorted(self.events.roi_id, np.arange(self.settings.n_rois + 1))
        return tuple(frames[a:b] for a, b in itertools.pairwise(ends))

    def to_recording(self, name: str = "simulated") -> Recording:
        """Return what a reader would: raw traces, ROIs, mean image and movie, and nothing of the truth."""
        entry = LogEntry("simulate", self.settings.model_dump(mode="json"), writes=("traces/raw",))
        return Recording(
            name,
            self.rois.ids,
            self.frame_rate,
            traces={"raw": Trace(self.raw, "a.u.")},
            rois=self.rois,
            images={"mean": self.mean_image},
            movie=Movie(self.movie),
            pixel_size_um=self.settings.pixel_size,
            log=(entry,),
        )

    def write_csv(self, path: str | Path) -> Path:
        """Write the raw traces as the course's file: a row a neuron, a column a frame, no header."""
        return sample_files.write_csv(Path(path), self.raw)

    def write_labels(self, path: str | Path) -> Path:
        """Write the label image as a TIFF; labels follow the rows of the CSV."""
        return sample_files.write_labels(Path(path), self.label_image, self.settings.pixel_size)

    def write_mean_image(self, path: str | Path) -> Path:
        """Write the mean image as a TIFF in float32, with its pixel size."""
        return sample_files.write_mean_image(Path(path), self.mean_image, self.settings.pixel_size)

    def write_movie(self, path: str | Path) -> Path:
        """Write the movie as a TIFF, frame by frame, with frame rate and pixel size."""
        return sample_files.write_movie(
            Path(path), self.movie, self.settings.frame_rate, self.settings.pixel_size
        )


def simulate(settings: SimulationSettings | None = None, act: Act | None = None) -> Simulation:
    """Simulate a recording: the same settings give the same bytes.

    Parameters
    ----------
    settings : SimulationSettings, optional
        By default 100 neurons × 3,000 frames.
    act : callable, optional
        Makes up what the animal and the neurons do; by default running that moves the background a little,
        and ensembles that know nothing of it.

    Notes
    -----
    Time and memory grow with n_rois × n_frames; the movie costs nothing until its frames are read. The
    ensembles are synchronous and independent of each other and of behaviour; only the background follows
    running. So a method that does well here may still fail on sequences or nested ensembles.
    """
    settings = settings or SimulationSettings()
    streams = iter(np.random.default_rng(settings.seed).spawn(9))
    tissue = make_tissue(settings, next(streams))
    own = [next(streams) for _ in range(3)]
    speed, members, events, activations = (act or _act)(settings, tissue.rois.centroids, own)
    cells, times = fluorescence.spike_times(events, settings, next(streams))
    cell_rng, neuropil_rng, motion_rng, noise_rng = streams

    low, high = np.log(settings.brightness)
    bright = np.exp(cell_rng.uniform(low, high, settings.n_rois)).astype(np.float32)
    gain = np.exp(0.25 * cell_rng.standard_normal(settings.n_rois))
    dff = fluorescence.calcium_response(cells, times, gain, settings)
    drift = fluorescence.slow_noise(settings.n_rois, settings.drift_period, settings, cell_rng)
    resting = bright[:, None] * np.maximum(1 + np.float32(settings.drift / 100) * drift, np.float32(0.3))
    movie = SyntheticMovie(
        tissue,
        freeze(resting * (1 + dff)),
        freeze(_neuropil_signals(settings, dff, neuropil_rng)),
        freeze(_fading(settings)),
        freeze(_motion(settings, motion_rng)),
        _photon_gain(settings),
        settings.seed,
    )
    labels = tissue.rois.label_image()
    masks = _masks(labels, settings.n_rois)
    baseline = _extract(movie, masks, resting)
    light = _extract(movie, masks, movie.soma)
    area = np.maximum(np.diff(masks.indptr), 1)[:, None]
    spread = np.sqrt(movie.photon_gain * np.maximum(light, 0) / area).astype(np.float32)
    raw = light + spread * noise_rng.standard_normal(light.shape, np.float32)
    return Simulation(
        settings,
        raw,
        dff,
        baseline,
        events,
        cells,
        times,
        members,
        activations,
        tissue.rois,
        labels,
        _mean_image(movie, noise_rng),
        speed,
        movie.neuropil,
        movie,
    )


def _act(
    settings: SimulationSettings, centres: NDArray[np.float64], streams: list[np.random.Generator]
) -> Acted:
    speed = activity.running_speed(settings, streams[0])
    members = activity.choose_members(settings, centres, streams[1])
    return speed, members, *activity.make_events(settings, members, speed, streams[2])


def _neuropil_signals(
    settings: SimulationSettings, dff: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return slow fluctuations, partly those of the population's activity; SD as the settings have it."""
    own = fluorescence.slow_noise(N_COMPONENTS, 4.0, settings, rng)
    crowd = dff.mean(axis=0) if len(dff) else np.zeros(settings.n_frames, np.float32)
    crowd = crowd - crowd.mean()
    scale = float(crowd.std())
    crowd = crowd / scale if scale > 0 else crowd
    signals: NDArray[np.float32] = np.float32(settings.neuropil / 100) * (0.8 * own + 0.6 * crowd)
    return np.maximum(signals, np.float32(-0.9)).astype(np.float32)


def _fading(settings: SimulationSettings) -> NDArray[np.float32]:
    """Return the brightness bleaching leaves: an exponential fall that slows down."""
    time = np.linspace(0, 1, settings.n_frames)
    fallen = (1 - np.exp(-2.5 * time)) / (1 - np.exp(-2.5))
    left: NDArray[np.float32] = (1 - settings.bleaching / 100 * fallen).astype(np.float32)
    return left


def _motion(settings: SimulationSettings, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return slow wander with short twitches on top, (n_frames, 2) pixels."""
    slow = fluorescence.slow_noise(2, 3.0, settings, rng).T
    twitch = rng.standard_normal(slow.shape) * (rng.random(len(slow)) < 0.02)[:, None]
    return (settings.motion * (0.8 * slow + 1.5 * twitch)).astype(np.float32)


def _photon_gain(settings: SimulationSettings) -> float:
    """Return the gain that gives the settings' noise in a typical cell's mean over its pixels."""
    typical = float(np.sqrt(settings.brightness[0] * settings.brightness[1]))
    area = np.pi / 4 * settings.soma_diameter**2
    return (settings.noise / 100) ** 2 * typical * area


def _masks(labels: NDArray[np.uint16] | NDArray[np.uint32], n_rois: int) -> sparse.csr_array:
    """Return the pixels of each label as rows that average over them."""
    flat = labels.ravel().astype(np.int64)
    pixels = np.flatnonzero(flat)
    rows = flat[pixels] - 1
    area = np.bincount(rows, minlength=n_rois)
    return sparse.csr_array(((1 / area[rows]).astype(np.float32), (rows, pixels)), shape=(n_rois, flat.size))


def _extract(
    movie: SyntheticMovie, masks: sparse.csr_array, soma: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the mean over each mask of the expected movie, without making a frame.

    A frame is linear in the brightness of somata and neuropil, so its mean over masks is a small product:
    light that spills from one cell into its neighbour's mask, and neuropil, are in it.
    """
    tissue = movie.tissue
    spill = (masks @ tissue.rois.footprints.T).tocsr()
    resting = tissue.neuropil.ravel()
    shares = (masks * resting[None]) @ tissue.mixture.reshape(len(tissue.mixture), -1).T
    light = spill @ soma + shares @ (1 + movie.neuropil)
    faded: NDArray[np.float32] = (np.asarray(light) * movie.fading).astype(np.float32)
    return faded


def _mean_image(movie: SyntheticMovie, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the mean over time: exact in the signal, with what noise averaging leaves."""
    tissue = movie.tissue
    soma = (movie.soma * movie.fading).mean(axis=1)
    shares = ((1 + movie.neuropil) * movie.fading).mean(axis=1)
    image = tissue.neuropil * np.tensordot(shares, tissue.mixture, axes=1)
    image += (tissue.rois.footprints.T @ soma).reshape(image.shape)
    noise = rng.standard_normal(image.shape, np.float32)
    averaged = image + np.sqrt(movie.photon_gain * np.maximum(image, 0) / len(movie)) * noise
    lit: NDArray[np.float32] = averaged.astype(np.float32)
    return lit
