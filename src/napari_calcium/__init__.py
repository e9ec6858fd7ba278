"""From calcium-imaging recordings to neuronal ensembles, in napari and headless.

The names one starts with are here, loaded when they are first asked for:

>>> import napari_calcium as nc
>>> result = nc.run(nc.open_recording("cells.csv"), nc.PipelineSettings())  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_calcium._kernel_cache import ensure_place

if TYPE_CHECKING:
    from napari_calcium.io.csv_settings import CsvSettings
    from napari_calcium.io.nwb import read_nwb, save_nwb
    from napari_calcium.io.opening import open_recording
    from napari_calcium.io.results_reading import read_results
    from napari_calcium.pipeline import PipelineSettings, run
    from napari_calcium.recording import Recording
    from napari_calcium.rois import Rois
    from napari_calcium.session import Session
    from napari_calcium.spikes import infer_spike_rate

__all__ = [
    "CsvSettings",
    "PipelineSettings",
    "Recording",
    "Rois",
    "Session",
    "infer_spike_rate",
    "open_recording",
    "read_nwb",
    "read_results",
    "run",
    "save_nwb",
]

__version__ = "0.1.0"

_HOMES = {
    "CsvSettings": "io.csv_settings",
    "PipelineSettings": "pipeline",
    "Recording": "recording",
    "Rois": "rois",
    "Session": "session",
    "infer_spike_rate": "spikes",
    "open_recording": "io.opening",
    "read_nwb": "io.nwb",
    "read_results": "io.results_reading",
    "run": "pipeline",
    "save_nwb": "io.nwb",
}

ensure_place()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
