"""The report of a scan: one self-contained HTML page for a person."""

from stillwatch.detect.report.page import render

__all__ = ["render"]
