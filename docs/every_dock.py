"""Photograph every dock of the workspace, in both themes and on two screens, to look at and to judge.

It needs a display: ``tools/with-screen python docs/every_dock.py FOLDER [DOCK …]``.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from make_pictures import Window, demo

from napari_calcium.pipeline import run
from napari_calcium.pipeline_population import POPULATION_STAGES
from napari_calcium.pipeline_settings import PipelineSettings, default_settings
from napari_calcium.recording import Recording
from napari_calcium.widgets.explore_places import PLACES
from napari_calcium.widgets.workspace import workspace_of

SIZES = {"1920x1080": (1920, 1080), "1366x768": (1366, 738)}
"""A small screen keeps a strip for the bar of its desktop."""
THEMES = ("dark", "light")


@cache
def everything() -> Recording:
    """The sample with the stages that are skipped by default as well."""
    more = {stage: default_settings(stage) for stage in POPULATION_STAGES}
    return run(demo(), PipelineSettings(**more))


def photograph(folder: Path, names: tuple[str, ...], size: str, theme: str) -> None:
    """Save a picture of the window with each of these docks in front."""
    with Window(everything(), SIZES[size]) as shown:
        shown.viewer.theme = theme
        shown.choose_ensemble(1)
        workspace = workspace_of(shown.viewer)
        assert workspace is not None
        for name in names:
            workspace.show(name)
            shown.settle(0.8)
            path = folder / f"{size}_{theme}_{name.replace(' ', '_').lower()}.png"
            shown.main.grab().save(str(path))
            print(path)


def main(folder: Path, names: tuple[str, ...]) -> None:
    """Make the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for size in SIZES:
        for theme in THEMES:
            photograph(folder, names or tuple(place.dock for place in PLACES), size, theme)


if __name__ == "__main__":
    main(Path(sys.argv[1]), tuple(sys.argv[2:]))
