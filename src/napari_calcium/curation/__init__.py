"""Judge, edit and match regions of interest."""
