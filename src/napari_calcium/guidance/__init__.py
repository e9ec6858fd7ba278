"""What the program says of a recording and its settings: advice, help, estimates, provenance."""
