"""The version, alone, so that build tools and `--version` read it without importing anything else."""

__version__ = "0.1.0"
