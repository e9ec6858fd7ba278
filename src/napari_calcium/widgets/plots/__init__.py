"""Plots for the docks, drawn with pyqtgraph."""

# pyqtgraph takes the Qt binding that is loaded already: let it be the one that napari uses.
import qtpy.QtCore  # noqa: F401
