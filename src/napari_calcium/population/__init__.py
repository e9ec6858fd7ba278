"""The population: activity, correlation, coupling, dimensionality, sorting and clusters of cells."""
