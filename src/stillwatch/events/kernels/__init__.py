"""Compiled text kernels; `reference` holds a naive twin of each."""
