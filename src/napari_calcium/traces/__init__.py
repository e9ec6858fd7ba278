"""From fluorescence to clean ΔF/F traces: baseline, background, denoising."""
