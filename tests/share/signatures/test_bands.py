"""The table of the page on signatures: how alike two prompts are that share at least m bands."""

import re
from pathlib import Path

from scipy import stats

PAGE = Path(__file__).parents[3] / "docs/signatures.md"


def test_the_curve_of_the_bands_is_what_the_page_says():
    rows = re.findall(
        r"^\| (0\.\d) \| (\d+) % \| (\d+) % \| (\d+) % \|$", PAGE.read_text(), re.MULTILINE
    )
    assert len(rows) == 6
    for similarity, *shares in rows:
        for least, share in zip((1, 2, 4), shares, strict=True):
            exact = stats.binom.sf(least - 1, 8, float(similarity) ** 4)
            assert abs(100 * exact - int(share)) <= 0.51
