"""STIX 2.1: what leaves a provider, what comes in, and the one schema that says what may."""
