"""Make the pictures of docs/stages/behaviour.md by running the program.

Usage, with a screen: ``tools/with-screen python docs/make_behaviour_pictures.py [recording.csv frame_rate]``
"""

from __future__ import annotations

import sys
from pathlib import Path

import napari
from qtpy.QtTest import QTest

from napari_calcium.figures.export import FIGURES, figure_of
from napari_calcium.io.csv import CsvSettings, read_csv
from napari_calcium.pipeline import PipelineSettings, run
from napari_calcium.pipeline_behaviour import BEHAVIOUR_STAGES
from napari_calcium.pipeline_settings import default_settings
from napari_calcium.simulate.behaviour_simulation import simulate_behaviour
from napari_calcium.widgets.viewer_session import session_of

PICTURES = Path(__file__).parent / "pictures"
SETTINGS = PipelineSettings(**{stage: default_settings(stage) for stage in BEHAVIOUR_STAGES})


def grab(name, recording, cells, size, picture):
    """Save a dock of a napari window that shows some cells of a recording."""
    viewer = napari.Viewer()
    _, dock = viewer.window.add_plugin_dock_widget("napari-calcium", name)
    dock.parent().setFloating(True)
    dock.parent().resize(*size)
    session_of(viewer).open(recording)
    session_of(viewer).selection.cells = cells
    QTest.qWait(4000)
    dock.grab().save(str(PICTURES / picture))
    viewer.close()


def main():
    """Run the stages on the simulated animal and, where one is given, on a recording without behaviour."""
    truth = simulate_behaviour()
    result = run(truth.to_recording().replace(movie=None), SETTINGS)
    speed, place, stimulus = (
        group.tolist() for group in (truth.speed_cells, truth.place_cells, truth.stimulus_cells)
    )
    grab("Behaviour", result, (place[0], speed[0]), (1000, 360), "behaviour_dock.png")
    grab("Tuning", result, (stimulus[0], speed[0]), (1000, 320), "tuning_dock.png")
    kind = next(kind for kind in FIGURES if kind.stem == "relations")
    figure_of(kind, result).savefig(PICTURES / "relations.png", dpi=130)
    if len(sys.argv) > 2:
        recording = read_csv(sys.argv[1], CsvSettings(frame_rate=float(sys.argv[2])))
        found = run(recording, SETTINGS)
        grab("Behaviour", found, tuple(found.roi_ids[:2].tolist()), (1000, 300), "behaviour_stand_ins.png")


if __name__ == "__main__":
    main()
