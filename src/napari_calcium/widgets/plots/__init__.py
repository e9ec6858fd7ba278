"""Panels drawn with pyqtgraph."""
