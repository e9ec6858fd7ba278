"""Neuronal ensembles: coactivity, its significance, and the groups behind it."""
