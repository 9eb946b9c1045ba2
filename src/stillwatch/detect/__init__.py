"""Detection: fingerprints to profiles, signals, links, clusters and campaigns with a tested kind."""
