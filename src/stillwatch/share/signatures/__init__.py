"""Signatures: shareable detection patterns over fingerprints."""
