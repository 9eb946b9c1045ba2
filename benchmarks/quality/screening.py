"""Measure screening on the report set and write screening.md; with --fit, print a new fit.

python benchmarks/quality/screening.py [--fit]
"""

import sys
from pathlib import Path

from stillwatch.bench.screening import fit, read_pairs
from stillwatch.bench.screening_page import page

FOLDER = Path(__file__).parent
DEVELOPMENT = ("dev", "spent")
"""The first two sets and the second report set, which has been looked at."""


def main() -> None:
    """Write the page, or print the intercept and weights that the development set gives."""
    development = [p for name in DEVELOPMENT for p in read_pairs(FOLDER / f"screening_{name}.csv")]
    if "--fit" in sys.argv[1:]:
        print(*fit(development), sep="\n")
        return
    report = read_pairs(FOLDER / "screening_report.csv")
    (FOLDER / "screening.md").write_text(page(development, report), encoding="utf-8")


if __name__ == "__main__":
    main()
