"""Contracts of events, accounts and fingerprints; the kernels and readers that make them."""
