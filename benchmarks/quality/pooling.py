"""Simulate windows of pooling and write what came out into docs/pooling.md.

python benchmarks/quality/pooling.py [--page]

With --page the tables are made again of the figures in pooling.jsonl. One core, some minutes.
Development used seed 1.
"""

import sys
from pathlib import Path
from typing import Final

import msgspec

from stillwatch.bench.pooling import Row, cases, measure
from stillwatch.bench.pooling_page import page

FIGURES: Final = Path(__file__).parent / "pooling.jsonl"
PAGE: Final = Path(__file__).parents[2] / "docs" / "pooling.md"
WINDOWS: Final = 2000
SEED: Final = 2901
"""Nothing was chosen by a result on it."""


def main() -> None:
    """Write the figures, then the page."""
    if "--page" not in sys.argv[1:]:
        rows = [row for case in cases() for row in measure(case, WINDOWS, SEED)]
        FIGURES.write_bytes(msgspec.json.Encoder().encode_lines(rows))
    lines = FIGURES.read_bytes().splitlines()
    made = page(PAGE.read_text(encoding="utf-8"), [msgspec.json.decode(x, type=Row) for x in lines])
    PAGE.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
