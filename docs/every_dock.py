"""Photograph every dock, in both themes and on two screens, to look at and to judge.

It needs a display: ``tools/with-screen python docs/every_dock.py FOLDER [SCENE[:DOCK,DOCK …] …]``. Scenes: a
recording with everything in it, a movie with its cells found, the movie as it opens, a table without
positions, nothing at all, an ensemble event with guests, and the forms of the stages by themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import yaml
from make_pictures import Window, demo, movie

from napari_calcium.figures.event_company import event_company
from napari_calcium.pipeline import run
from napari_calcium.pipeline_settings import PipelineSettings, default_settings
from napari_calcium.recording import Recording
from napari_calcium.simulate.behaviour_simulation import simulate_behaviour
from napari_calcium.stages.pipeline_behaviour import BEHAVIOUR_STAGES
from napari_calcium.stages.pipeline_population import POPULATION_STAGES
from napari_calcium.widgets.dock_place import dock_of
from napari_calcium.widgets.explore_places import place_of
from napari_calcium.widgets.stage_docks import STAGE_WIDGETS, open_stage, stage_widget
from napari_calcium.widgets.workspace import workspace_of

SIZES = {"1920x1080": (1920, 1080), "1366x768": (1366, 738)}
"""A small screen keeps a strip for the bar of its desktop."""
THEMES = ("dark", "light")
MANIFEST = yaml.safe_load((Path(__file__).parents[1] / "napari.yaml").read_text("utf-8"))
WIDGETS = tuple(widget["display_name"] for widget in MANIFEST["contributions"]["widgets"])
STAGES = {stage_widget(stage).name: stage for stage in STAGE_WIDGETS}
DOCKS = WIDGETS


@cache
def everything() -> Recording:
    """A simulated animal's recording with the stages that are skipped by default as well."""
    skipped = ("spikes", *POPULATION_STAGES, *BEHAVIOUR_STAGES)
    more = {stage: default_settings(stage) for stage in skipped}
    return run(simulate_behaviour().to_recording(), PipelineSettings(**more))


@cache
def table() -> Recording:
    """Traces without positions."""
    return demo().replace(rois=None, images={}, pixel_size_um=None)


@cache
def found() -> Recording:
    """A raw movie after all stages."""
    return run(movie())


@dataclass(frozen=True)
class Scene:
    """A recording, and the docks to be looked at with it."""

    recording: Callable[[], Recording | None]
    docks: tuple[str, ...]


def choose_event_with_guests(shown: Window) -> None:
    """Choose the ensemble event in which most cells took part that are not of its ensemble."""
    recording = shown.session.recording
    events = recording.ensemble_events
    parts = [event_company(recording, row) for row in range(len(events))]
    row = int(np.argmax([len(part.guests) if part.ensemble >= 0 else -1 for part in parts]))
    shown.session.choose_ensemble(parts[row].ensemble)
    shown.session.selection.cells = tuple(np.r_[parts[row].members, parts[row].guests].tolist())
    shown.session.selection.time = float(events.peak_s[row])


SCENES = {
    "all": Scene(everything, DOCKS),
    "movie": Scene(found, ("Calcium pipeline", "Choose cells", "Edit cells", "Motion", "Traces", "Cells")),
    "raw": Scene(movie, ("Calcium pipeline", "Edit cells")),
    "table": Scene(table, ("Ensembles", "Cells", "Raster")),
    "empty": Scene(lambda: None, DOCKS),
    "guests": Scene(everything, ("Coactivity",)),
    "stages": Scene(everything, tuple(STAGES)),
}


def photograph(folder: Path, scene: str, docks: tuple[str, ...], size: str) -> None:
    """Save a picture of the window with each of these docks in front, in both themes."""
    recording = SCENES[scene].recording()
    with Window(recording, SIZES[size]) as shown:
        workspace = workspace_of(shown.viewer)
        assert workspace is not None
        if recording is not None and recording.ensembles is not None:
            shown.choose_ensemble(1 if len(recording.ensembles.ids) > 1 else 0)
            if scene == "guests":
                choose_event_with_guests(shown)
        for theme in THEMES:
            shown.viewer.theme = theme
            for name in docks:
                if name in STAGES:
                    dock = dock_of(open_stage(shown.viewer, STAGES[name]))
                elif place_of(name) is not None:
                    dock = workspace.show(name)
                else:
                    dock = dock_of(shown.plugin(name))
                if dock is not None:
                    dock.raise_()
                shown.settle(0.6)
                path = folder / f"{scene}_{size}_{theme}_{name.split(':')[0].replace(' ', '_').lower()}.png"
                part = dock if scene == "stages" and dock is not None else shown.main
                part.grab().save(str(path))
                if scene == "stages" and dock is not None:
                    dock.close()
                print(path, flush=True)


def main(folder: Path, wanted: tuple[str, ...]) -> None:
    """Make the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for want in wanted or tuple(SCENES):
        scene, _, names = want.partition(":")
        docks = tuple(names.split(",")) if names else SCENES[scene].docks
        for size in SIZES:
            photograph(folder, scene, docks, size)


if __name__ == "__main__":
    main(Path(sys.argv[1]), tuple(sys.argv[2:]))
