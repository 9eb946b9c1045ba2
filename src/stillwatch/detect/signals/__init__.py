"""Signals: one small function each, with declared metadata and calibrated results."""
