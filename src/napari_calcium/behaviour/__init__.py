"""The behaviour, and how neurons and ensembles relate to it."""
