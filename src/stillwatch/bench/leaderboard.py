"""The committed tables: Markdown from summaries."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from stillwatch.bench.quality import Run
from stillwatch.bench.ranking import PREVALENCES, RATES, least_benign
from stillwatch.bench.suite import Case, Suite
from stillwatch.bench.summary import SMALLEST_ASKED, Rate, Summary, realised_levels, summarise
from stillwatch.stats.intervals import clopper_pearson

MAIN_METHOD = "stillwatch"
GOAL_FPR = 1e-4
"""Share of benign accounts named `extraction` at which a goal of recall counts as met."""

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
* **score** rows ignore the flags: the limit that lets so many benign accounts through is set on the
  pooled benign scores of all seeds. Average precision is re-weighted to a provider's prevalence.
* A **goal** is met where recall, either, reaches it while at most 1e-4 of the benign accounts are
  named `extraction`. Goals were stated before they were measured.
* `thresholds`, `isolation-forest`, `prada` and `mmd`, pooled too, set their limits on the benign
  accounts of the very run that is measured: an upper bound, which no provider can reach.
* **Realised FDR** counts what was asserted: `stillwatch` asserts no campaign of a larger
  `q_coordination` than its settings allow, so larger levels add none. All candidates are tested in
  [../../docs/calibration.md](../../docs/calibration.md).
* `+` after a commit: files had been changed since.
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
    for name, title, table in (
        ("goals", "## One evasion at a time, against its goal\n", _goals),
        ("evasion", "## One evasion at a time, at a smaller scale\n", _evasion),
        ("adaptive", "## Operators who know how the detector works\n", _evasion),
    ):
        chosen = [
            case
            for case in cases
            if case.table == name and any((case.id, m) in summaries for m in methods)
        ]
        if chosen:
            parts += [title, table(chosen, summaries, methods)]
    for case in cases:
        if case.table == "null" and (case.id, MAIN_METHOD) in summaries:
            parts += [f"## `{case.id}`: {case.about}\n", _null(summaries[case.id, MAIN_METHOD])]
    return "\n".join(parts)


def _seeds(summary: Summary) -> str:
    benign = summary.false_positives.trials
    attack = summary.recall_either.trials
    seeds = ", ".join(map(str, summary.seeds))
    prompts = "real prompts" if summary.real_prompts else "the simulator's own grammar"
    return (
        f"Commit {_listed(summary.commits)}; seeds {seeds}; {prompts}; {summary.events:,} events,"
        f" {benign:,} benign and {attack:,} attacking accounts in all.\n"
    )


def _listed(commits: Sequence[str]) -> str:
    return ", ".join(commits) or "unknown"


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
        *_score_rows(),
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


def _score_rows() -> list[tuple[str, Callable[[Summary], str]]]:
    recalls = [
        (f"score: recall at FPR {rate:g}", partial(_score_recall, place=place))
        for place, rate in enumerate(RATES)
    ]
    precisions = [
        (f"score: average precision at prevalence {100 * share:g} %", partial(_at, place=place))
        for place, share in enumerate(PREVALENCES)
    ]
    return [*recalls, *precisions]


def _score_recall(summary: Summary, place: int) -> str:
    found = summary.recall_at[place]
    if found is not None:
        return f"{found.value:.3f} ({found.low:.3f}–{found.high:.3f})"
    needed = least_benign(RATES[place])
    return f"n/a: {summary.false_positives.trials:,} benign accounts, {needed:,} needed"


def _at(summary: Summary, place: int) -> str:
    return _number(summary.average_precision[place])


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
    parts += [_levels(summary), _fdr(summary)]
    return "\n".join(parts)


def _fdr(summary: Summary) -> str:
    """Realised against nominal FDR of the campaigns of every method that claims q-values."""
    parts = []
    for title, levels in (
        (
            "coordinated (false: no campaign or benign group has the majority)",
            summary.fdr_coordination,
        ),
        ("extraction (false: no majority of extraction accounts)", summary.fdr_kind),
    ):
        rows = [
            [
                f"{level.nominal:g}",
                f"{level.discoveries:,}",
                f"{level.false:,}",
                f"{level.realised:.4f} ({level.low:.4f}–{level.high:.4f})",
                f"{level.runs_high:.4f}",
            ]
            for level in levels
        ]
        if rows:
            head = ["nominal FDR", "discoveries", "false", "realised", "runs with any, at most"]
            parts += [f"Campaigns called {title}:\n", _table(head, rows)]
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


def _goals(
    cases: Sequence[Case], summaries: Mapping[tuple[str, str], Summary], methods: Sequence[str]
) -> str:
    """The goal of each case beside what was measured; a goal of recall holds at FPR 1e-4."""
    others = [method for method in methods if method != MAIN_METHOD]
    head = ["case", "what changes", "seeds", "goal", f"`{MAIN_METHOD}` recall either / FPR / found"]
    rows = []
    for case in cases:
        main = summaries.get((case.id, MAIN_METHOD))
        cells = [_short(main) if main else "not run", _met(case, main)]
        cells += [
            _short(other) if (other := summaries.get((case.id, m))) else "not run" for m in others
        ]
        goal = "–" if case.goal is None else f"{case.goal:g}"
        seeds = str(len(main.seeds)) if main else "0"
        rows.append([f"`{case.id}`", case.about, seeds, goal, *cells])
    return _table([*head, "goal met", *(f"`{m}`" for m in others)], rows)


def _met(case: Case, summary: Summary | None) -> str:
    if case.goal is None or summary is None:
        return "–"
    few = summary.false_positives.value <= GOAL_FPR
    return "yes" if few and summary.recall_either.value >= case.goal else "no"


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
    return f"{text}\n{_levels(summary)}\n{_fdr(summary)}"


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
