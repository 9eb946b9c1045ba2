"""Signatures: what a campaign leaves in another provider's log, as shareable patterns."""
