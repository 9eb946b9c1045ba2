"""Where a watch reads: a growing folder, standard input, or a Redis stream."""
