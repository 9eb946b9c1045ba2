"""Measure screening and write screening.md; with --fit, print a new fit.

python benchmarks/quality/screening.py [--fit]

The development sets are measured by leave-entities-out. Where `screening_report.csv` is there, a
set that nothing was fitted to, it is measured too, and the page is of it.
"""

import sys
from pathlib import Path

from stillwatch.bench.screening import fit, read_pairs
from stillwatch.bench.screening_page import page

FOLDER = Path(__file__).parent
DEVELOPMENT = ("dev", "spent", "spent_2")
"""The first two sets, and two report sets that have been looked at."""


def main() -> None:
    """Write the page, or print the intercept and weights that the development sets give."""
    development = [p for name in DEVELOPMENT for p in read_pairs(FOLDER / f"screening_{name}.csv")]
    if "--fit" in sys.argv[1:]:
        fitted = fit(development)
        print(fitted.intercept, fitted.weights, sep="\n")
        return
    report = FOLDER / "screening_report.csv"
    text = page(development, read_pairs(report) if report.exists() else [])
    (FOLDER / "screening.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
