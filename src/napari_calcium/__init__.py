"""From calcium-imaging recordings to neuronal ensembles, in napari and headless."""

__version__ = "0.1.0"
