"""Measure screening on the report set and write screening.md; with --fit, print a new fit.

python benchmarks/quality/screening.py [--fit]
"""

import sys
from pathlib import Path

from stillwatch.bench.screening import fit, read_pairs
from stillwatch.bench.screening_page import page

FOLDER = Path(__file__).parent


def main() -> None:
    """Write the page, or print the intercept and weights that the development set gives."""
    development = read_pairs(FOLDER / "screening_dev.csv")
    if "--fit" in sys.argv[1:]:
        print(*fit(development), sep="\n")
        return
    report = read_pairs(FOLDER / "screening_report.csv")
    (FOLDER / "screening.md").write_text(page(development, report), encoding="utf-8")


if __name__ == "__main__":
    main()
