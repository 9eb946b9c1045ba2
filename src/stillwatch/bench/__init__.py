"""Quality scenarios, baselines and metrics."""
