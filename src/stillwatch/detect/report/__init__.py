"""The report: a result folder as one self-contained page."""
