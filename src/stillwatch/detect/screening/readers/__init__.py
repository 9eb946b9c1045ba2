"""Readers of entity lists: from published files to entries."""
