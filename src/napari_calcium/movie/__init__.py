"""From the raw movie to cells and fluorescence: streaming, registration, detection, extraction."""
