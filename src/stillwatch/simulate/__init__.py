"""Simulated benign and attacking traffic as ordinary events, with labels."""
