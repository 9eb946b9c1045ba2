"""Methods to compare with, each after a paper or a package."""
