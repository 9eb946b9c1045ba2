"""Readers: one module per log format, all streaming Arrow batches of the events contract."""
