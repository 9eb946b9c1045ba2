"""The page of docs that shows the calibration: tables and a QQ plot, from the runs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from stillwatch.bench.calibration import GRID, CalibrationRun, Claim
from stillwatch.bench.fdr import NOMINAL, FdrLevel, realised_fdr
from stillwatch.bench.qq import Point, Series, qq_plot
from stillwatch.stats.arrays import FloatArray

_PICTURE: Final = Path("images/qq.svg")
_RESAMPLES: Final = 2000
_TABLE: Final = (1.0, 0.1, 0.01, 1e-3, 1e-4)

_PAGE: Final = """# Calibration

Written by `stillwatch bench calibration`; do not edit by hand.

A p-value or q-value is a promise about how often it is wrong. This page compares the promise with
what happened in {runs} small simulated runs ({accounts:,} benign accounts; {null} of the runs have
no attack), of which {first} to {last} are the seeds. Commit {commit}.

![P-values expected and found where nothing is to be found]({picture})

Where the null hypothesis is true, a share of at most 1 % of p-values may be at or below 1 %: points
lie on the line, or below it where a test is cautious. Bars are 95 % intervals by bootstrap over
runs.

## Accounts

The null hypothesis: the account is exchangeable with the ordinary accounts of its cohort. Benign
accounts of the runs without attack:

{account_table}
## Clusters: more alike than chance

Here every cluster is chance: the evidence that the test holds out was dealt anew among accounts of
the same script. A false-discovery rate is then the share of runs with any discovery.

{dealt_table}
The same test on the traffic as it is, attack or none, against the labels. A discovery counts as
false where no campaign, company, app or class holds the majority. That is stricter than the null
hypothesis: strangers who use the same public tool are alike and rightly called so, but the labels
do not know them as a group. What kind a cluster is, is the next question.

{cluster_table}
## Campaigns: extraction

The null hypothesis: some benign explanation holds. A discovery is false where no majority of its
accounts belongs to an extraction campaign; of those at or below 0.2, {pools} are relay pools, which
are attacks of another kind. All runs:

{kind_table}
Runs without attack, where any discovery is false:

{null_table}"""


def write_page(runs: Sequence[CalibrationRun], page: Path) -> None:
    """Write the page, and its picture beside it.

    Args:
        runs: At least one, of which at least one has no attack.
        page: Markdown file; its folder is made.
    """
    picture = page.parent / _PICTURE
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(_plot([run for run in runs if not run.attack]), encoding="utf-8")
    page.write_text(calibration_page(runs), encoding="utf-8")


def calibration_page(runs: Sequence[CalibrationRun]) -> str:
    """Return the page as Markdown; its picture is `images/qq.svg`."""
    quiet = [run for run in runs if not run.attack]
    seeds = sorted(run.seed for run in runs)
    commits = sorted({run.commit for run in runs if run.commit})
    return _PAGE.format(
        runs=len(runs),
        null=len(quiet),
        accounts=sum(run.accounts for run in runs),
        first=seeds[0],
        last=seeds[-1],
        commit=", ".join(commits) or "unknown",
        picture=_PICTURE,
        account_table=_accounts(quiet),
        dealt_table=_levels(_fdr(quiet, lambda run: run.dealt)),
        cluster_table=_levels(_fdr(runs, lambda run: run.clusters)),
        kind_table=_levels(_fdr(runs, lambda run: run.campaigns)),
        pools=sum(c.relay and c.q <= NOMINAL[-1] for run in runs for c in run.campaigns),
        null_table=_levels(_fdr(quiet, lambda run: run.campaigns)),
    )


def _fdr(
    runs: Sequence[CalibrationRun], claims: Callable[[CalibrationRun], list[Claim]]
) -> list[FdrLevel]:
    asserted = [[(claim.q, claim.null) for claim in claims(run)] for run in runs]
    return realised_fdr(asserted, np.random.default_rng(0))


def _levels(levels: Sequence[FdrLevel]) -> str:
    head = [
        "nominal FDR",
        "realised FDR (95 %)",
        "discoveries",
        "false",
        "runs with a false one, at most (95 %)",
    ]
    rows = [
        [
            f"{level.nominal:g}",
            f"{level.realised:.4f} ({level.low:.4f}–{level.high:.4f})",
            f"{level.discoveries:,}",
            f"{level.false:,}",
            f"{level.runs_high:.4f}",
        ]
        for level in levels
    ]
    return _table(head, rows)


def _accounts(runs: Sequence[CalibrationRun]) -> str:
    shares = _shares(np.array([run.account_p for run in runs], np.float64), _sizes(runs))
    rows = [
        [f"{level:g}", f"{value:.2e} ({low:.2e}–{high:.2e})"]
        for level, (value, low, high) in zip(GRID, shares, strict=True)
        if level in _TABLE
    ]
    return _table(["nominal", "share of p-values at or below (95 %)"], rows)


def _sizes(runs: Sequence[CalibrationRun]) -> FloatArray:
    return np.array([run.accounts for run in runs], np.float64)


def _plot(runs: Sequence[CalibrationRun]) -> str:
    accounts = np.array([run.account_p for run in runs], np.float64)
    series = [Series("accounts", _points(accounts, _sizes(runs)))]
    for name, claims in (
        ("clusters of chance", [run.dealt for run in runs]),
        ("benign groups as extraction", [run.campaigns for run in runs]),
    ):
        counts = [[sum(claim.p <= level for claim in run) for level in GRID] for run in claims]
        sizes = np.array([len(run) for run in claims], np.float64)
        series.append(Series(name, _points(np.array(counts, np.float64), sizes)))
    return qq_plot(series)


def _points(counts: FloatArray, sizes: FloatArray) -> list[Point]:
    """A point per level that any p-value reached: the quantile expected, and the one found."""
    return [
        Point(found=level, expected=value, low=low, high=high)
        for level, (value, low, high) in zip(GRID, _shares(counts, sizes), strict=True)
        if value > 0
    ]


def _shares(counts: FloatArray, sizes: FloatArray) -> list[tuple[float, float, float]]:
    """Share at or below each level with its interval by bootstrap over runs.

    Args:
        counts: P-values of each run at or below each level, shape (runs, levels).
        sizes: P-values of each run, shape (runs,).
    """
    if not sizes.sum():
        return [(0.0, 0.0, 0.0)] * counts.shape[-1]
    rng = np.random.default_rng(0)
    times = rng.multinomial(sizes.size, np.full(sizes.size, 1 / sizes.size), size=_RESAMPLES)
    drawn = (times @ counts) / np.maximum(times @ sizes, 1.0)[:, None]
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    value = counts.sum(axis=0) / sizes.sum()
    return [(float(v), float(a), float(b)) for v, a, b in zip(value, low, high, strict=True)]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
