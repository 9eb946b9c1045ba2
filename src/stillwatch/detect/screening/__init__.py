"""Screening against entity lists: evidence for a person, never a verdict by itself."""
