"""Training of the networks that `napari_calcium.spikes` ships."""
