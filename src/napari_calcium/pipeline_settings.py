"""The settings of the whole analysis: one field a stage, in run order."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, Self, get_args

from pydantic import Field

from napari_calcium.behaviour.alignment import BehaviourSettings
from napari_calcium.behaviour.decoding import DecodingSettings
from napari_calcium.behaviour.epochs import PreferenceSettings
from napari_calcium.behaviour.relations import RelationSettings
from napari_calcium.behaviour.triggered import TriggeredSettings
from napari_calcium.behaviour.tuning import TuningSettings
from napari_calcium.cell_choice import CellChoice
from napari_calcium.ensembles.coactivity import CoactivitySettings
from napari_calcium.ensembles.ensemble_detection import CalibratedEnsembles, CourseEnsembles, EnsembleSettings
from napari_calcium.ensembles.significance import ConditionalNull, PooledNull, SignificanceSettings
from napari_calcium.events.deconvolved import DeconvolvedEvents
from napari_calcium.events.event_detection import EventsSettings
from napari_calcium.events.statistics import FeatureSettings
from napari_calcium.events.threshold import ThresholdEvents
from napari_calcium.events.validation import ValidationSettings
from napari_calcium.io.behaviour_csv import BehaviourFileSettings
from napari_calcium.io.csv import CsvSettings
from napari_calcium.io.positions import PositionSettings
from napari_calcium.movie.extraction_settings import ExtractionSettings
from napari_calcium.movie.registration_settings import NonRigidRegistration, RegistrationSettings
from napari_calcium.movie.segmentation_settings import FunctionalCells, SegmentationSettings
from napari_calcium.population.cell_correlations import CorrelationSettings
from napari_calcium.population.coupling import CouplingSettings
from napari_calcium.population.dimensionality import DimensionalitySettings
from napari_calcium.population.neuron_clusters import ClusterSettings
from napari_calcium.population.population_activity import PopulationActivitySettings
from napari_calcium.population.sorting import SortingSettings
from napari_calcium.settings import Settings
from napari_calcium.spikes.spikes_settings import SpikesSettings
from napari_calcium.traces.background import BackgroundSettings, HighPassBackground
from napari_calcium.traces.baseline import BaselineSettings, PercentileBaseline, SlidingPercentileBaseline
from napari_calcium.traces.denoise import DenoiseSettings, TransientDenoise, WaveletDenoise

__all__ = ["MOVIE_STAGES", "STAGES", "TITLES", "PipelineSettings", "default_settings"]

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "registration": "Registration",
        "segmentation": "Cells",
        "extraction": "Fluorescence",
        "baseline": "Baseline and ΔF/F",
        "background": "Slow background",
        "denoise": "Denoise",
        "spikes": "Spikes",
        "events": "Events",
        "validation": "Events by hand",
        "coactivity": "Coactivity",
        "significance": "Ensemble events",
        "ensembles": "Ensembles",
        "features": "Features",
        "population_activity": "Population activity",
        "correlation": "Correlation",
        "coupling": "Population coupling",
        "dimensionality": "Dimensionality",
        "cell_clusters": "Clusters of cells",
        "behaviour": "Behaviour",
        "sorting": "Sorting",
        "relations": "Correlation with behaviour",
        "tuning": "Tuning",
        "triggered": "Triggered averages",
        "preferences": "Preferred epochs",
        "decoding": "Decoding",
    }
)
"""What each stage is called on screen, in run order."""

MOVIE_STAGES: tuple[str, ...] = ("registration", "segmentation", "extraction")
"""Names of the stages from a raw movie to traces, in run order; fields of :class:`PipelineSettings`."""

STAGES: tuple[str, ...] = tuple(name for name in TITLES if name not in MOVIE_STAGES)
"""Names of the stages from traces on, in run order; fields of :class:`PipelineSettings`."""


class PipelineSettings(Settings):
    """Settings of every stage, in run order; None skips a stage. Its YAML reruns everything."""

    version: Literal[1] = Field(1, description="Version of this file's layout.")
    read: CsvSettings = Field(CsvSettings(), title="Reading", description="How the file is read.")
    positions: PositionSettings = Field(
        PositionSettings(), title="Positions", description="Where the cells lie, if a file says so."
    )
    behaviour_file: BehaviourFileSettings = Field(
        BehaviourFileSettings(), title="Behaviour files", description="What the animal did, if files say so."
    )
    registration: RegistrationSettings | None = Field(
        NonRigidRegistration(), title=TITLES["registration"], description="Takes the motion out of a movie."
    )
    segmentation: SegmentationSettings | None = Field(
        FunctionalCells(), title=TITLES["segmentation"], description="Finds the cells of a movie."
    )
    cell_choice: CellChoice = Field(
        CellChoice(), title="Choice of cells", description="Which candidates count as cells."
    )
    extraction: ExtractionSettings | None = Field(
        ExtractionSettings(), title=TITLES["extraction"], description="Reads the light of each cell."
    )
    baseline: BaselineSettings | None = Field(
        SlidingPercentileBaseline(), title=TITLES["baseline"], description="F0, and ΔF/F = (F − F0) / F0."
    )
    background: BackgroundSettings | None = Field(
        HighPassBackground(), title=TITLES["background"], description="Takes slow fluctuations away."
    )
    denoise: DenoiseSettings | None = Field(
        TransientDenoise(), title=TITLES["denoise"], description="Takes noise away and keeps transients."
    )
    spikes: SpikesSettings | None = Field(
        None, title=TITLES["spikes"], description="Infers the rate of spikes behind ΔF/F."
    )
    events: EventsSettings | None = Field(
        DeconvolvedEvents(), title=TITLES["events"], description="Finds calcium transients in every cell."
    )
    validation: ValidationSettings | None = Field(
        None, title=TITLES["validation"], description="What was accepted, rejected and added by hand."
    )
    coactivity: CoactivitySettings | None = Field(
        CoactivitySettings(), title=TITLES["coactivity"], description="Counts the cells active together."
    )
    significance: SignificanceSettings | None = Field(
        ConditionalNull(), title=TITLES["significance"], description="Which moments chance does not explain."
    )
    ensembles: EnsembleSettings | None = Field(
        CalibratedEnsembles(), title=TITLES["ensembles"], description="Groups of cells that return together."
    )
    features: FeatureSettings | None = Field(
        FeatureSettings(), title=TITLES["features"], description="Numbers of each cell and the recording."
    )
    population_activity: PopulationActivitySettings | None = Field(
        None, title=TITLES["population_activity"], description="All cells together over time."
    )
    correlation: CorrelationSettings | None = Field(
        None, title=TITLES["correlation"], description="Which pairs of cells go together, and their network."
    )
    coupling: CouplingSettings | None = Field(
        None, title=TITLES["coupling"], description="How each cell goes with all the others."
    )
    dimensionality: DimensionalitySettings | None = Field(
        None, title=TITLES["dimensionality"], description="The population in few components."
    )
    cell_clusters: ClusterSettings | None = Field(
        None, title=TITLES["cell_clusters"], description="Groups of cells with like activity."
    )
    behaviour: BehaviourSettings | None = Field(
        None, title=TITLES["behaviour"], description="Behaviour on the clock and frames of the recording."
    )
    sorting: SortingSettings | None = Field(
        None, title=TITLES["sorting"], description="In which order the cells stand."
    )
    relations: RelationSettings | None = Field(
        None, title=TITLES["relations"], description="How cells and ensembles go with each signal."
    )
    tuning: TuningSettings | None = Field(
        None, title=TITLES["tuning"], description="Tuning curves and place maps."
    )
    triggered: TriggeredSettings | None = Field(
        None, title=TITLES["triggered"], description="Averages around events and starts of epochs."
    )
    preferences: PreferenceSettings | None = Field(
        None, title=TITLES["preferences"], description="Epochs in which ensembles are active more often."
    )
    decoding: DecodingSettings | None = Field(
        None, title=TITLES["decoding"], description="What can be told of the behaviour from the activity."
    )

    @classmethod
    def course(cls) -> Self:
        """Return the settings of the course's text, step by step; docs/stages/ensembles.md has its limits."""
        return cls(
            baseline=PercentileBaseline(percentile=25),
            background=HighPassBackground(),
            denoise=WaveletDenoise(),
            events=ThresholdEvents(),
            coactivity=CoactivitySettings(window=0.5, sliding=False),
            significance=PooledNull(),
            ensembles=CourseEnsembles(),
        )


def default_settings(stage: str) -> Settings:
    """Return the default settings of a stage; of one that is skipped by default, those it begins with."""
    field = PipelineSettings.model_fields[stage]
    return field.default if field.default is not None else _first_kind(field.annotation)()


def _first_kind(annotation: Any) -> type[Settings]:
    """Return the first settings class in an annotation, through ``Annotated``, unions and None."""
    while not (isinstance(annotation, type) and issubclass(annotation, Settings)):
        annotation = get_args(annotation)[0]
    return annotation
