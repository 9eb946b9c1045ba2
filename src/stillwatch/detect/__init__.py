"""Detection: from fingerprints to profiles, signals, links, clusters and campaigns with a kind."""
