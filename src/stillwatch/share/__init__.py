"""Share: threat data that leaves a provider or comes from others, and nothing else."""
