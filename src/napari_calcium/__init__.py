"""From calcium-imaging recordings to neuronal ensembles, in napari and headless."""

from napari_calcium._kernel_cache import ensure_place

__version__ = "0.1.0"

ensure_place()
