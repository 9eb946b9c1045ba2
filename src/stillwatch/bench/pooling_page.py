"""The measured part of docs/pooling.md."""

from collections.abc import Callable, Sequence
from typing import Final

from stillwatch.bench.pooling import METHODS, Row
from stillwatch.stats.intervals import clopper_pearson

BEGIN: Final = "<!-- figures: written by benchmarks/quality/pooling.py -->\n"
END: Final = "<!-- end of figures -->\n"


def page(text: str, rows: Sequence[Row]) -> str:
    """Put tables of the rows between the marks of a page."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{figures(rows)}{END}{after}"


def figures(rows: Sequence[Row]) -> str:
    """Tables of false-discovery rates and of power, cases down and methods across."""
    campaign = [row for row in rows if row.case.campaign]
    windows = rows[0].windows
    return f"""
### False-discovery rate, with a campaign

In per cent, promised 5. In brackets the 95 % interval; where nothing false was seen in any of
{windows:,} windows, at most {_percent(float(clopper_pearson(0, windows)[1]))}.

{_table(campaign, _fdr)}

### False-discovery rate, where nobody attacks

Every discovery is false, so the rate is how often a list has one.

{_table([row for row in rows if not row.case.campaign], _fdr)}

### Power

Of tags that a member and at least two other honest ones see, how many per cent it is told of; after
the stroke, of those that its own evidence does not show.

{_table(campaign, _power)}

"""


def _table(rows: Sequence[Row], cell: Callable[[Row], str]) -> str:
    cases = list(dict.fromkeys(row.case for row in rows))
    found = {(row.case, row.method): cell(row) for row in rows}
    names = [method.name for method in METHODS]
    lines = [["members", "case", *names], ["--:", "---", *["--:"] * len(names)]]
    lines += [
        [
            str(case.members),
            case.name.removeprefix("no campaign: "),
            *(found.get((case, name), "–") for name in names),
        ]
        for case in cases
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _fdr(row: Row) -> str:
    value, low, high = row.fdr
    if row.anywhere[0] == 0 or low == high == 1:
        return f"{100 * value:.0f}"
    return f"{_percent(value)} ({_percent(low)}–{_percent(high)})"


def _power(row: Row) -> str:
    if row.case.members - row.case.liars < 3:
        return "–"  # no tag is seen by three honest members
    value, low, high = (f"{100 * part:.0f}" for part in row.power)
    return f"{value} ({low}–{high}) / {100 * row.further[0]:.0f}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f}" if share == 0 or share >= 5e-5 else "<0.01"
