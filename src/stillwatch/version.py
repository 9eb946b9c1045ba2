"""The version, alone, so that build tools and `--version` read it and nothing else."""

__version__ = "0.1.0"
