"""The page of measured screening: benchmarks/quality/screening.md."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from stillwatch.bench.benign_names import NAMINGS, benign_names
from stillwatch.bench.screening import (
    Judged,
    Pair,
    Quality,
    entries_of,
    judge,
    measure,
    reliability,
    script_of_pair,
)
from stillwatch.bench.screening_folds import (
    DEALS,
    FOLDS,
    PRECISION,
    at_threshold,
    chosen_threshold,
    left_out,
)
from stillwatch.detect.screening.entries import Entry
from stillwatch.detect.screening.matches import Level, screen
from stillwatch.detect.screening.model import MATCH, NEAR
from stillwatch.stats.intervals import wilson

SEED: Final = 2026
NAMES: Final = 50_000
"""Benign names in all, the same number in each country."""


PAGE: Final = """# Screening against entity lists, measured

Written by `python benchmarks/quality/screening.py`. The model was fitted on `screening_dev.csv`,
`screening_spent.csv` and `screening_spent_2.csv` ({development} pairs); the last two were report
sets and have been looked at. A match is a score of {match:g} or more, a near miss one of
{near:g} or more. Intervals are 95 % (Wilson). Names and lists are invented.

{said}

## Leave-entities-out

The development pairs in {folds} folds of entities, each scored by a model that was fitted without
its entities. Tables and rules were written with these pairs in view and are the same in all folds:
**these figures are too good**, and only a fresh set says by how much. On {deals} other deals of the
folds a threshold of {least:g} gives a precision of {precision:g} in every one; the one in use is
higher, because the figures flatter and recall changes little.

{left_out}

{thresholds}

## Precision and recall

An account that matches the entry of another row counts as a false match.

{tiers}

## By script

The script of the two names, in either order.

{scripts}

## Is the score a probability?

Over all pairs of an account and an entry that were compared, right or wrong. On lists and accounts
where fewer pairs are one entity, the share is lower at the same score.

{reliability}

## What went wrong

{errors}

## False matches by country

{names:,} invented names that are on no list, screened against the {entries} entries of all sets.
Some differ from a listed name in nothing but a place or a word for a line of business.

{benign}
"""


_FRESH: Final = """What follows the folds is of `screening_report.csv` ({report} pairs), which
nothing was fitted to."""
_NONE: Final = """There is no report set at present: the last one is spent. What follows the
folds is of the same folds, and no more to be trusted."""
_SHOWN: Final = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""Thresholds of the table."""


def page(development: Sequence[Pair], report: Sequence[Pair]) -> str:
    """The page as Markdown.

    Args:
        development: pairs that the model was fitted on.
        report: pairs that nothing was fitted to; none where there are none at present.
    """
    scored = left_out(development, np.random.default_rng(SEED))
    said = _FRESH.format(report=len(report)) if report else _NONE
    folds = _qualities(development, scored)
    thresholds = [
        (f"{at:.2f}", *(f"{rate:.3f}" for rate in at_threshold(development, scored, at)))
        for at in _SHOWN
    ]
    judged = judge(report) if report else scored
    measured = report or development
    entries = [*entries_of(development), *entries_of(report)]
    return PAGE.format(
        development=len(development),
        said=said,
        match=MATCH,
        near=NEAR,
        folds=FOLDS,
        deals=DEALS,
        least=chosen_threshold(development, SEED),
        precision=PRECISION,
        left_out=folds,
        thresholds=_table("threshold | precision | recall", thresholds),
        tiers=_qualities(measured, judged),
        scripts=_table(
            _HEADER.replace("group", "scripts"), _rows(measure(measured, judged, script_of_pair))
        ),
        reliability=_reliability(judged),
        errors=_errors(measured, judged),
        names=len(NAMINGS) * (NAMES // len(NAMINGS)),
        entries=len(entries),
        benign=_benign(entries),
    )


_HEADER: Final = "group | pairs | must match | found | recall | false | precision"


def _qualities(pairs: Sequence[Pair], judged: Sequence[Judged]) -> str:
    groups = measure(pairs, judged, lambda pair: pair.tier)
    groups += measure(pairs, judged, lambda _: "all")
    return _table(_HEADER.replace("group", "tier"), _rows(groups))


def _rows(groups: Sequence[Quality]) -> list[Sequence[str]]:
    return [
        (
            quality.group,
            str(quality.rows),
            str(quality.same),
            str(quality.found),
            _interval(quality.recall) if quality.same else "–",
            str(quality.reported - quality.right),
            _interval(quality.precision) if quality.reported else "–",
        )
        for quality in groups
    ]


def _interval(rate: tuple[float, float, float]) -> str:
    return f"{rate[0]:.3f} ({rate[1]:.3f} to {rate[2]:.3f})"


def _reliability(judged: Sequence[Judged]) -> str:
    rows = []
    for low, high, count, mean, share in reliability(judged):
        below, above = wilson(round(share * count), count)
        true = f"{share:.2f} ({float(below):.2f} to {float(above):.2f})" if count else "–"
        rows.append((f"{low:g} to {high:g}", str(count), f"{mean:.2f}" if count else "–", true))
    return _table("score | pairs | mean score | are one entity", rows)


def _errors(pairs: Sequence[Pair], judged: Sequence[Judged]) -> str:
    false = [(j, pairs[j.row]) for j in judged if j.probability >= MATCH and not j.true]
    found = {j.row for j in judged if j.probability >= MATCH and j.true}
    best: dict[int, float] = {}
    for j in judged:
        if j.true:
            best[j.row] = max(best.get(j.row, 0.0), j.probability)
    rows = [("false match", pair.name, j.listed, f"{j.probability:.2f}") for j, pair in false]
    rows += [
        ("missed", pair.name, pair.listed, f"{best.get(row, 0.0):.2f}")
        for row, pair in enumerate(pairs)
        if pair.same and row not in found
    ]
    return _table("error | account | entry | score", rows)


def _benign(entries: Sequence[Entry]) -> str:
    rng = np.random.default_rng(SEED)
    each = NAMES // len(NAMINGS)
    rows: list[Sequence[str]] = []
    totals = np.zeros(3, dtype=np.int64)
    for naming in NAMINGS:
        names = benign_names(naming, each, rng)
        accounts = pa.table({"account_id": [str(at) for at in range(each)], "org_name": names})
        found = screen(accounts, entries)
        by_level = [
            len({match.account_id for match in found if match.level is level}) for level in Level
        ]
        totals += [each, *by_level]
        rows.append(_counted(naming.country, each, *by_level))
    rows.append(_counted("all", *map(int, totals)))
    return _table("names of | accounts | match | in 10,000 | near misses", rows)


def _counted(country: str, accounts: int, matches: int, near: int) -> tuple[str, ...]:
    low, high = wilson(matches, accounts)
    rate = f"{1e4 * matches / accounts:.1f} ({1e4 * float(low):.1f} to {1e4 * float(high):.1f})"
    return country, f"{accounts:,}", str(matches), rate, str(near)


def _table(header: str, rows: Sequence[Sequence[str]]) -> str:
    columns = [column.strip() for column in header.split("|")]
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
