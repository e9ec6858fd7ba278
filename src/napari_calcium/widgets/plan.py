"""The pipeline under edit: settings of every stage, which are skipped, and which results are up to date.

No Qt here: the forms of the dock and of the single widgets all speak to one plan, so they agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from enum import Enum

from psygnal import Signal

from napari_calcium.curation.chosen_cells import drawn_cells
from napari_calcium.events.validation import ValidationSettings
from napari_calcium.pipeline import TITLES, PipelineSettings, run_stage, shares_of, without_results
from napari_calcium.pipeline_settings import MOVIE_STAGES, default_settings
from napari_calcium.progress import Progress, silent
from napari_calcium.recording import LogEntry, Recording
from napari_calcium.session import Session
from napari_calcium.settings import Settings, SettingsError
from napari_calcium.stages.pipeline_behaviour import BEHAVIOUR_STAGES
from napari_calcium.stages.pipeline_movie import has_raw_movie, lags_behind
from napari_calcium.stages.pipeline_population import POPULATION_STAGES
from napari_calcium.stages.pipeline_validation import with_choices

__all__ = [
    "Plan",
    "StageState",
    "bring_up_to_date",
    "entry_of",
    "must_begin_anew",
    "not_needed",
    "pending",
    "settings_made",
]


_LAST = (*POPULATION_STAGES, *BEHAVIOUR_STAGES)
_STAGES = tuple(TITLES)
_MADE_BY = {"dff": "baseline", "background_corrected": "background", "denoised": "denoise"}
"""Trace, and the stage that makes it."""


class StageState(Enum):
    """Where a stage stands; the value is how it is said on screen."""

    NOT_RUN = "not run"
    UP_TO_DATE = "up to date"
    STALE = "out of date"
    SKIPPED = "skipped"
    NOT_NEEDED = "not needed"


class Plan:
    """Settings of the pipeline that the user is working on.

    Parameters
    ----------
    session : Session
        Whose recording the plan follows: when a stage's results come or go by running, undo or redo, its
        settings here become those that made the results. Settings of stages without results stay as edited.

    Attributes
    ----------
    stage_changed : signal of str
        Settings of this stage, or whether it is skipped, have changed.
    states_changed : signal
        Some stage's state may have changed.
    """

    stage_changed = Signal(str)
    states_changed = Signal()

    def __init__(self, session: Session, settings: PipelineSettings | None = None) -> None:
        self._session = session
        chosen = settings if settings is not None else PipelineSettings()
        self._enabled = {stage: getattr(chosen, stage) is not None for stage in TITLES}
        self._settings = {stage: getattr(chosen, stage) or default_settings(stage) for stage in TITLES}
        self._base = chosen
        self._recording: Recording | None = None
        self._due: tuple[str, ...] | None = None
        self._following = False
        self._follow(session.recording)
        session.recording_changed.connect(self._follow)

    @property
    def settings(self) -> PipelineSettings:
        """The whole pipeline as settings; how the file was read is taken from the recording."""
        stages = {stage: self._settings[stage] if self._enabled[stage] else None for stage in TITLES}
        reading = _reading(self._recording) if self._recording is not None else {}
        return self._base.replace(**(stages | reading))

    def load(self, settings: PipelineSettings) -> None:
        """Take over settings and skips of all stages; a skipped stage keeps what was set for it here."""
        self._base, self._due = settings, None
        for stage in TITLES:
            chosen = getattr(settings, stage)
            self.set_enabled(stage, chosen is not None)
            if chosen is not None:
                self.set_stage(stage, chosen)
        self._load_choices(settings.validation)

    def _load_choices(self, chosen: ValidationSettings | None) -> None:
        """Give the recording the decisions on events that were loaded; without any it keeps its own."""
        recording = self._recording
        if chosen is None:
            self._follow_choices(recording)
        elif recording is not None and chosen.choices != recording.event_choices:
            self._session.apply(with_choices(recording, chosen.choices), "Choices of events from a file")

    def stage(self, stage: str) -> Settings:
        """Return the settings of a stage, of a skipped one too."""
        return self._settings[stage]

    def set_stage(self, stage: str, settings: Settings) -> None:
        """Change the settings of a stage."""
        if settings != self._settings[stage]:
            self._settings[stage] = settings
            self._tell(stage)

    def is_enabled(self, stage: str) -> bool:
        """Whether a stage takes part in the pipeline."""
        return self._enabled[stage]

    def set_enabled(self, stage: str, enabled: bool) -> None:
        """Skip a stage, or take it in again."""
        if enabled != self._enabled[stage]:
            self._enabled[stage] = enabled
            self._tell(stage)

    def _tell(self, stage: str) -> None:
        self._due = None
        self.stage_changed.emit(stage)
        # While a recording is followed, many stages change: their states are told once, when all are known.
        if not self._following:
            self.states_changed.emit()

    def state(self, stage: str) -> StageState:
        """Return where a stage stands with the current recording."""
        recording = self._recording
        if not self._enabled[stage]:
            return StageState.SKIPPED
        if recording is None:
            return StageState.NOT_RUN
        if not_needed(recording, stage):
            return StageState.NOT_NEEDED
        if entry_of(recording, stage) is None:
            return StageState.NOT_RUN
        if self._due is None:
            self._due = pending(recording, self.settings)
        return StageState.STALE if stage in self._due else StageState.UP_TO_DATE

    def _follow(self, recording: Recording | None) -> None:
        before, self._recording = self._recording, recording
        self._due, self._following = None, True
        try:
            for stage in TITLES:
                entry = entry_of(recording, stage)
                old = entry_of(before, stage)
                if entry is not None and (old is None or entry.settings != old.settings):
                    self._take(stage, entry)
            self._follow_choices(recording)
        finally:
            self._following = False
        self.states_changed.emit()

    def _follow_choices(self, recording: Recording | None) -> None:
        """Take the decisions on events from the recording: they are about its events and no others."""
        settings = self._settings["validation"]
        assert isinstance(settings, ValidationSettings)
        choices = recording.event_choices if recording is not None else ()
        self.set_stage("validation", settings.model_copy(update={"choices": choices}))
        self.set_enabled("validation", bool(choices) or entry_of(recording, "validation") is not None)

    def _take(self, stage: str, entry: LogEntry) -> None:
        try:
            made = getattr(PipelineSettings.validated({stage: dict(entry.settings)}), stage)
        except SettingsError:
            return  # settings of another version of the program: the form cannot show them
        self.set_enabled(stage, True)
        self.set_stage(stage, made)


def entry_of(recording: Recording | None, stage: str) -> LogEntry | None:
    """Return the log entry of a stage, or None if it has not run."""
    log = recording.log if recording is not None else ()
    return next((entry for entry in log if entry.stage == stage), None)


def not_needed(recording: Recording, stage: str) -> bool:
    """Whether a stage has nothing to do.

    That is the baseline of a recording that came as ΔF/F, and all stages of a movie where the traces came
    from a file, or there is no movie.
    """
    if stage in MOVIE_STAGES:
        from_movie = not recording.traces or entry_of(recording, "extraction") is not None
        return recording.movie is None or not from_movie
    made = entry_of(recording, "baseline") is not None
    return stage == "baseline" and "dff" in recording.traces and not made


def pending(recording: Recording, settings: PipelineSettings) -> tuple[str, ...]:
    """Return the stages that have to run, in order, for the results to be those of the settings.

    The results that stand are those of the first stages, as far as the log tells of the same stages with the
    same settings in the same order; everything after the first difference has to run. (A stage that ran
    before an earlier one of the pipeline did may have read another trace than it would now.) The stages of
    the population and of the behaviour come last and read none of each other, but for the aligned behaviour:
    each stands by itself, in whatever order they ran. So do spikes that no events are made of.
    """
    all_wanted = [s for s in TITLES if getattr(settings, s) is not None and not not_needed(recording, s)]
    aside = ("spikes",) if _spikes_stand_aside(settings) else ()
    wanted = [s for s in all_wanted if s not in _LAST and s not in aside]
    log = [entry for entry in recording.log if entry.stage in TITLES and entry.stage not in aside]
    done = 0
    for stage, entry in zip(wanted, log, strict=False):
        same = entry.stage == stage and entry.settings == getattr(settings, stage).model_dump(mode="json")
        if not same or (stage == "extraction" and lags_behind(recording)):
            break
        done += 1
    standing = {entry.stage: entry.settings for entry in log[done:]} if done == len(wanted) else {}
    last = [s for s in all_wanted if s in _LAST]
    due = [s for s in last if standing.get(s) != getattr(settings, s).model_dump(mode="json")]
    if "behaviour" in due:
        due = [s for s in last if s in due or s in BEHAVIOUR_STAGES]
    due += [s for s in aside if s in all_wanted and not _spikes_stand(recording, settings, wanted[done:])]
    return tuple(s for s in all_wanted if s in due or s in wanted[done:])


def _spikes_stand_aside(settings: PipelineSettings) -> bool:
    """Whether none of the stages that follow on each other reads inferred spikes."""
    return settings.events is None or getattr(settings.events, "input", "") != "spikes"


def _spikes_stand(recording: Recording, settings: PipelineSettings, due: Iterable[str]) -> bool:
    """Whether inferred spikes are those of the settings, of the trace that they would be read from now."""
    entry, chosen = entry_of(recording, "spikes"), settings.spikes
    if entry is None or chosen is None or entry.settings != chosen.model_dump(mode="json"):
        return False
    moved = chosen.input in recording.traces and f"traces/{chosen.input}" not in entry.reads
    last = _STAGES.index(_MADE_BY.get(chosen.input, "extraction"))
    return not moved and not any(_STAGES.index(s) <= last for s in due)


def bring_up_to_date(
    recording: Recording,
    settings: PipelineSettings,
    *,
    on_progress: Progress = silent,
    on_stage: Callable[[str], None] = lambda stage: None,
    on_result: Callable[[str, Recording], None] = lambda stage, recording: None,
    executor: Executor | None = None,
) -> Recording:
    """Return what :func:`~napari_calcium.pipeline.run` would, running only the stages that have to run.

    Parameters
    ----------
    recording : Recording
        Left as it is.
    settings : PipelineSettings
    on_progress, on_stage, executor
        As for :func:`~napari_calcium.pipeline.run`.
    on_result
        Called after each stage with its name and the recording so far.
    """
    recording = _without_skipped_population(recording, settings)
    recording = _without_skipped_behaviour(recording, settings)
    recording = _without_skipped_spikes(recording, settings)
    if must_begin_anew(recording, settings):
        recording = without_results(recording, movie=must_begin_anew(recording, settings, MOVIE_STAGES))
        undrawn = has_raw_movie(recording) and recording.candidates is None
        if settings.segmentation is None and undrawn and recording.cell_choice.edits:
            # Detection was switched off after it had run: what was drawn by hand is what is left.
            recording = drawn_cells(recording, recording.cell_choice)
    by_hand = recording.cell_choice.by_hand
    if recording.candidates is None and not by_hand and recording.cell_choice != settings.cell_choice:
        recording = recording.replace(cell_choice=settings.cell_choice)
    for stage, share in shares_of(pending(recording, settings), on_progress):
        on_stage(stage)
        share(0, 1)
        recording = run_stage(
            recording, stage, getattr(settings, stage), on_progress=share, executor=executor
        )
        on_result(stage, recording)
    return recording


def _without_skipped_population(recording: Recording, settings: PipelineSettings) -> Recording:
    """Return a recording without the results of population stages that are skipped: nothing reads those."""
    skipped = [s for s in POPULATION_STAGES if getattr(settings, s) is None]
    gone = [entry for entry in recording.log if entry.stage in skipped]
    if not gone or recording.population is None:
        return recording
    left = recording.population.without(name for entry in gone for name in entry.writes)
    log = tuple(entry for entry in recording.log if entry not in gone)
    return recording.replace(population=None if left.is_empty else left, log=log)


def _without_skipped_behaviour(recording: Recording, settings: PipelineSettings) -> Recording:
    """Return a recording without the results of skipped stages of the behaviour, and of what read them."""
    gone: set[str] = set()
    for entry in recording.log:
        if entry.stage in BEHAVIOUR_STAGES:
            skipped = getattr(settings, entry.stage) is None
            if skipped or gone.intersection(entry.reads):
                gone.update(entry.writes)
    if not gone:
        return recording
    log = tuple(entry for entry in recording.log if not gone.intersection(entry.writes))
    return recording.replace(**dict.fromkeys(gone), log=log)


def _without_skipped_spikes(recording: Recording, settings: PipelineSettings) -> Recording:
    """Return a recording without inferred spikes where they are skipped and nothing was made of them."""
    made = entry_of(recording, "spikes")
    read = any("traces/spikes" in entry.reads for entry in recording.log)
    if made is None or settings.spikes is not None or read:
        return recording
    traces = {name: trace for name, trace in recording.traces.items() if name != "spikes"}
    log = tuple(entry for entry in recording.log if entry is not made)
    return recording.replace(traces=traces, spike_times=None, log=log)


def must_begin_anew(
    recording: Recording, settings: PipelineSettings, stages: Iterable[str] = tuple(TITLES)
) -> bool:
    """Whether one of some stages that is to be skipped has results: later ones may have built on them."""
    return any(entry_of(recording, stage) is not None for stage in stages if getattr(settings, stage) is None)


def settings_made(recording: Recording) -> PipelineSettings:
    """Return the settings that reproduce a recording's results: stages that did not run are skipped.

    Those of a movie stay as they are by default where the recording has none, so that the settings can be
    used for one.
    """
    of_recording = TITLES if recording.movie is not None else [s for s in TITLES if s not in MOVIE_STAGES]
    made: dict[str, object] = {
        stage: dict(entry.settings) if (entry := entry_of(recording, stage)) is not None else None
        for stage in of_recording
    }
    return PipelineSettings.validated(made | _reading(recording))


def _reading(recording: Recording) -> dict[str, object]:
    """Return how the file was read, as far as the log tells."""
    entries = {name: entry_of(recording, name) for name in ("read", "positions", "behaviour_file")}
    found: dict[str, object] = {n: dict(entry.settings) for n, entry in entries.items() if entry is not None}
    if recording.candidates is not None or recording.cell_choice.by_hand:
        found["cell_choice"] = recording.cell_choice
    return found
