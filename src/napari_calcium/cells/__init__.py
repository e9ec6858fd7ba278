"""What is done to the cells of a recording: editing, drawing, learning, measuring, matching."""
