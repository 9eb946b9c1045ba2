"""Signatures of campaigns: what is carried from provider to provider, made, kept, matched."""
