"""Engines: the relational steps, on one machine or on a cluster."""
