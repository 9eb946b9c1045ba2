"""Statistics: p-values and their merging, e-values, FDR, calibration, mergeable sketches."""
