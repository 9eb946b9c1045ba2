"""Two simple methods to compare with: thresholds per account, components of shared features."""
