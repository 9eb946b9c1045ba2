"""Statistics: p-values and their merging, e-values, FDR, tails, intervals, calibration."""
