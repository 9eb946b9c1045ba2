"""The committed tables: Markdown from summaries."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from stillwatch.bench.quality import Run
from stillwatch.bench.suite import Case, Suite
from stillwatch.bench.summary import SMALLEST_ASKED, Rate, Summary, realised_levels, summarise
from stillwatch.stats.intervals import clopper_pearson

MAIN_METHOD = "stillwatch"

_HEAD = """# Leaderboard

Made by `stillwatch bench quality`; do not edit by hand. How to reproduce it, to add a method or to
add a scenario: [../README.md](../README.md). The traffic is simulated: the numbers say how a method
does on the simulator, not what any provider would see.

* **recall**: share of accounts in extraction campaigns that were put in a campaign of kind
  `extraction`; **recall, either**: share of accounts in extraction campaigns and relay pools that
  were put in a campaign of kind `extraction` or `relay`.
* **FPR**: share of benign accounts put in a campaign of kind `extraction` (**either**: or `relay`,
  unless the account is of a reseller).
* **found**: attacking campaigns of at least {smallest} accounts of which at least half the members
  are in one detected campaign of kind `extraction` or `relay`.
* Intervals are 95 % and come from a bootstrap over seeds and, within seeds, campaigns or benign
  groups. With few seeds they are too narrow.
* `thresholds` sets its limits on the benign accounts of the very run that is measured: an upper
  bound for per-account rules, which no provider can reach. `components` joins accounts that share
  rare features of three families.
"""


def write_leaderboard(runs: Sequence[Run], suite: Suite, out: Path) -> None:
    """Write the tables of all runs on report and null seeds; other seeds never stand there."""
    shown = {*suite.seeds.report, *suite.seeds.null}
    grouped: dict[tuple[str, str], list[Run]] = {}
    for run in sorted((run for run in runs if run.seed in shown), key=lambda run: run.seed):
        grouped.setdefault((run.case, run.method), []).append(run)
    summaries = {key: summarise(g, np.random.default_rng(0)) for key, g in grouped.items()}
    methods = list(dict.fromkeys(run.method for run in runs))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(leaderboard(suite.case, summaries, methods), encoding="utf-8")


def leaderboard(
    cases: Sequence[Case], summaries: Mapping[tuple[str, str], Summary], methods: Sequence[str]
) -> str:
    """Write all tables.

    Args:
        cases: In the order in which they shall stand.
        summaries: By case id and method; missing ones are left out.
        methods: Columns, in order.
    """
    parts = [_HEAD.format(smallest=SMALLEST_ASKED)]
    for case in cases:
        found = [summaries[case.id, m] for m in methods if (case.id, m) in summaries]
        if case.table == "headline" and found:
            parts += [f"## `{case.id}`: {case.about}\n", _seeds(found[0]), _headline(found)]
            parts += [_breakdowns(s) for s in found if s.method == MAIN_METHOD]
    evasion = [
        case
        for case in cases
        if case.table == "evasion" and any((case.id, m) in summaries for m in methods)
    ]
    if evasion:
        parts += ["## One evasion at a time\n", _evasion(evasion, summaries, methods)]
    for case in cases:
        if case.table == "null" and (case.id, MAIN_METHOD) in summaries:
            parts += [f"## `{case.id}`: {case.about}\n", _null(summaries[case.id, MAIN_METHOD])]
    return "\n".join(parts)


def _seeds(summary: Summary) -> str:
    benign = summary.false_positives.trials
    attack = summary.recall_either.trials
    seeds = ", ".join(map(str, summary.seeds))
    return (
        f"Seeds {seeds}; {summary.events:,} events, {benign:,} benign and {attack:,} attacking"
        " accounts in all.\n"
    )


def _headline(summaries: Sequence[Summary]) -> str:
    rows: list[tuple[str, Callable[[Summary], str]]] = [
        ("recall", lambda s: _recall(s.recall)),
        ("recall, either", lambda s: _recall(s.recall_either)),
        ("FPR", lambda s: _false(s.false_positives)),
        ("FPR, either", lambda s: _false(s.false_positives_either)),
        ("found", lambda s: f"{s.found} of {s.asked}"),
        (
            "detected as extraction, of these false",
            lambda s: f"{s.detected_extraction}, {s.false_extraction}",
        ),
        (
            "detected of any kind, of these without one true group",
            lambda s: f"{s.detected}, {s.without_group}",
        ),
        ("B³ F1", lambda s: _number(s.bcubed_f1)),
        ("adjusted Rand", lambda s: _number(s.adjusted_rand)),
        ("average precision of the score", lambda s: _number(s.average_precision)),
        ("recall of the score at FPR 1e-4", lambda s: _number(s.recall_at_1e4)),
        ("CPU s, wall s, peak MiB", lambda s: f"{s.cpu:.0f}, {s.wall:.0f}, {s.peak_mib:.0f}"),
    ]
    head = ["", *(f"`{s.method}`" for s in summaries)]
    text = _table(head, [[name, *(cell(s) for s in summaries)] for name, cell in rows])
    missed = [
        f"Missed by `{s.method}`: {', '.join(s.missed)}.\n"
        for s in summaries
        if s.method == MAIN_METHOD and s.missed
    ]
    return "\n".join([text, *missed])


def _breakdowns(summary: Summary) -> str:
    parts = [f"Benign accounts by cohort and the kind `{summary.method}` gave them:\n"]
    parts.append(_cohorts(summary))
    for title, counts in (("language", summary.languages), ("region", summary.regions)):
        rows = []
        for name, row in counts.items():
            accounts, false = sum(row.values()), row.get("extraction", 0)
            high = float(clopper_pearson(false, accounts)[1])
            rows.append(
                [name, f"{accounts:,}", f"{false}", f"{false / accounts:.1e}", f"{high:.1e}"]
            )
        parts.append(f"Benign accounts named `extraction` by {title}:\n")
        head = [title, "accounts", "extraction", "rate", "95 % at most, were they independent"]
        parts.append(_table(head, rows))
    parts.append(_levels(summary))
    return "\n".join(parts)


def _cohorts(summary: Summary) -> str:
    kinds = sorted({k for row in summary.cohorts.values() for k in row} - {"", "extraction"})
    head = ["cohort", "accounts", "groups", "extraction", "rate", *kinds]
    rows = []
    for name, rate in summary.cohort_rates.items():
        interval = f"{rate.value:.1e} ({rate.low:.1e}–{rate.high:.1e})" if rate.hits else "0"
        named = [f"{summary.cohorts[name].get(kind, 0)}" for kind in kinds]
        rows.append([name, f"{rate.trials:,}", f"{rate.units:,}", f"{rate.hits}", interval, *named])
    return _table(head, rows)


def _levels(summary: Summary) -> str:
    rows = [[f"{level:g}", f"{share:.2e}"] for level, share in realised_levels(summary)]
    if not rows:
        return ""
    return "Benign accounts with a p-value at or below a level:\n\n" + _table(
        ["nominal", "realised"], rows
    )


def _evasion(
    cases: Sequence[Case], summaries: Mapping[tuple[str, str], Summary], methods: Sequence[str]
) -> str:
    head = ["case", "what changes", *(f"`{m}` recall either / FPR / found" for m in methods)]
    rows = []
    for case in cases:
        cells = []
        for method in methods:
            summary = summaries.get((case.id, method))
            cells.append(_short(summary) if summary else "not run")
        rows.append([f"`{case.id}`", case.about, *cells])
    return _table(head, rows)


def _short(summary: Summary) -> str:
    rate = summary.recall_either
    return (
        f"{rate.value:.3f} ({_number(rate.low)}–{_number(rate.high)}) /"
        f" {summary.false_positives.value:.1e} / {summary.found} of {summary.asked}"
    )


def _null(summary: Summary) -> str:
    runs = len(summary.seeds)
    high = float(clopper_pearson(summary.detected_extraction, runs)[1])
    text = (
        f"{summary.detected_extraction} extraction campaigns in {runs} runs (at most {high:.3f} a"
        f" run, 95 %), {summary.false_positives.hits} of"
        f" {summary.false_positives.trials:,} accounts in them; {summary.detected} campaigns of any"
        f" kind, {summary.without_group} of them without one true group.\n"
    )
    return f"{text}\n{_levels(summary)}"


def _recall(rate: Rate) -> str:
    return (
        f"{rate.value:.4f} ({_number(rate.low)}–{_number(rate.high)}), worst {rate.worst_low:.4f}"
    )


def _false(rate: Rate) -> str:
    text = f"{rate.value:.1e} ({rate.hits} of {rate.trials:,})"
    if rate.hits == 0:
        return f"{text}; groups with any: at most {rate.exact_high:.1e}"
    return f"{text}, {rate.low:.1e}–{rate.high:.1e}, worst {rate.worst_high:.1e}"


def _number(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
