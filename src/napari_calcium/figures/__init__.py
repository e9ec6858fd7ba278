"""What a plot shows, prepared as frozen data, and drawn with matplotlib for export."""
