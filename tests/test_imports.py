"""Importing the package, and using it headless, loads neither Qt nor napari."""

import subprocess
import sys

WINDOW = (
    "qtpy",
    "PyQt5",
    "PyQt6",
    "PySide2",
    "PySide6",
    "napari",
    "magicgui",
    "superqt",
    "pyqtgraph",
    "vispy",
    "torch",
)


def loaded_after(code):
    report = "import sys; print(*(m.partition('.')[0] for m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split()), done.stderr


def test_importing_the_package_is_light():
    modules, errors = loaded_after("import napari_calcium")
    assert not modules.intersection(WINDOW)
    assert not modules.intersection(("pandas", "scipy", "numba", "sklearn", "matplotlib"))
    assert not errors


def test_a_headless_run_loads_no_window():
    code = (
        "from napari_calcium.pipeline import run\n"
        "from napari_calcium.simulate import SimulationSettings, simulate\n"
        "import napari_calcium.cli, napari_calcium.figures.export\n"
        "run(simulate(SimulationSettings(n_rois=8, n_frames=300)).to_recording())"
    )
    modules, errors = loaded_after(code)
    assert not modules.intersection(WINDOW)
    assert not errors
