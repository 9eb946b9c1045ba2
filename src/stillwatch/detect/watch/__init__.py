"""`watch`: the analysis of `scan` on a stream."""
