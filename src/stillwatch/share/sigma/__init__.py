"""Behaviour signatures as Sigma rules: read, checked, run here, converted for other systems."""
