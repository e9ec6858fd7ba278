"""Importing the package, and using it headless, loads neither Qt nor napari."""

import subprocess
import sys

import pytest

import napari_calcium

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


def test_every_public_name_is_there_and_loads_no_window():
    modules, errors = loaded_after(
        "import napari_calcium as nc\n"
        "assert set(nc.__all__) <= set(dir(nc))\n"
        "for name in nc.__all__: assert getattr(nc, name).__doc__"
    )
    assert not modules.intersection(WINDOW)
    assert not errors


def test_a_name_that_is_not_there_is_said_as_always():
    with pytest.raises(AttributeError, match=r"napari_calcium.*no attribute 'nothing'"):
        _ = napari_calcium.nothing


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
