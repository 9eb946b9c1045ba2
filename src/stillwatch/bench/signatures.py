"""Signatures of an operator found at one provider, matched at another, on simulated traffic.

The same operators work at two providers: other accounts, infrastructure, days and sizes, and other
benign traffic. Provider A scans its log, makes signatures of each campaign that it flags, and
provider B matches them. B's labels only score. What A does not detect has no signature and counts
as missed at B.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.bench.suite import Case
from stillwatch.bench.traffic import Simulated, fingerprint
from stillwatch.detect.results import Campaign
from stillwatch.detect.scan import scan
from stillwatch.events.contracts import Kind
from stillwatch.events.key import Key
from stillwatch.share.signatures.extract import Extraction, Limits, Origin, extract
from stillwatch.share.signatures.families import NEEDED
from stillwatch.share.signatures.index import PlainIndex
from stillwatch.share.signatures.model import Rate, Signature
from stillwatch.share.signatures.tally import tally
from stillwatch.simulate import simulate, write_traffic

OPERATORS: Final = 3
"""Operators that work at both providers; those of seed s are 10 s, 10 s + 1, …"""
OTHER: Final = 100_000
"""Provider B's seed is this much more than provider A's."""
_SUSPECT: Final = frozenset({Kind.EXTRACTION, Kind.RELAY, Kind.UNKNOWN})
_FLAGGED: Final = frozenset({Kind.EXTRACTION, Kind.RELAY})
_MADE: Final = date(2026, 3, 16)


class Outcome(msgspec.Struct, frozen=True):
    """One operator.

    Attributes:
        scenario: What happens at both providers.
        seed: Provider A's.
        operator: The operator's own seed.
        accounts: Its accounts at A that sent anything.
        detected: Of those, in a campaign that A flagged and that is mostly its.
        signatures: Made of these campaigns.
        covered: Of `detected`, matched by them at A.
        families: Of the features in them.
        elsewhere: Its accounts at B.
        found: Of those, matched.
        benign: Benign accounts at B.
        false: Of those, matched.
        cohorts: Of those, by cohort.
        attackers: Accounts of other operators at B.
        others: Of those, matched.
    """

    scenario: str
    seed: int
    operator: int
    accounts: int
    detected: int
    signatures: int
    covered: int
    families: list[str]
    elsewhere: int
    found: int
    benign: int
    false: int
    cohorts: dict[str, int]
    attackers: int
    others: int


class Row(msgspec.Struct, frozen=True):
    """A scenario over its operators; rates are of accounts."""

    scenario: str
    operators: int
    signed: int
    """Operators of whom any signature was made."""
    signatures: int
    detected: Rate
    found: Rate
    """Accounts at B that were matched, of all operators."""
    found_signed: Rate
    """Of the operators of whom a signature was made."""
    false: Rate
    """Benign accounts at B that any signature of the run matched; per operator, summed."""
    others: Rate


def measure_signatures(
    case: Case, seed: int, folder: Path, limits: Limits | None = None
) -> list[Outcome]:
    """Simulate both providers, extract at A and match at B.

    Args:
        case: What to simulate.
        seed: Provider A's seed.
        folder: An empty folder to work in.
        limits: What signatures must keep to.
    """
    operators = [10 * seed + place for place in range(OPERATORS)]
    here, there = (
        _simulated(case, number, operators, folder / name)
        for number, name in ((seed, "a"), (seed + OTHER, "b"))
    )
    result = scan([here.events_path], here.accounts_path, key=Key.public())
    rows = pq.read_table(here.fingerprints_path, columns=list(NEEDED))
    suspected = [a for c in result.campaigns if c.kind in _SUSPECT for a in c.accounts]
    benign = rows.filter(pc.invert(pc.is_in(rows["account_id"], pa.array(suspected, pa.string()))))
    log = pq.read_table(there.fingerprints_path, columns=list(NEEDED))
    outcomes = []
    for place, operator in enumerate(operators):
        members = _of(here, rows, f"campaign-{place + 1:02d}")
        groups = [c for c in result.campaigns if c.kind in _FLAGGED and _mostly(c, members)]
        made = [_extracted(c, rows, benign, limits) for c in groups]
        signatures = list({s.id: s for e in made for s in e.signatures}.values())
        detected = members & {a for c in groups for a in c.accounts}
        outcomes.append(
            Outcome(
                scenario=case.scenario,
                seed=seed,
                operator=operator,
                accounts=len(members),
                detected=len(members & {a for c in groups for a in c.accounts}),
                signatures=len(signatures),
                covered=sum(extraction.covered for extraction in made),
                families=sorted({f.family.value for s in signatures for f in s.features}),
                **_elsewhere(there, log, signatures, f"campaign-{place + 1:02d}"),
            )
        )
    return outcomes


def _simulated(case: Case, seed: int, operators: Sequence[int], folder: Path) -> Simulated:
    traffic = simulate(case.scenario, scale=case.scale, seed=seed, operators=operators)
    made = Simulated(folder, write_traffic(traffic, folder))
    fingerprint(made.events_path, made.fingerprints_path)
    return made


def _of(made: Simulated, rows: pa.Table, campaign: str) -> set[str]:
    """Accounts of a true campaign that sent anything."""
    labels = made.read_labels()
    own = labels.filter(pc.equal(labels["campaign"], campaign))["account_id"].to_pylist()
    return set(own) & set(rows["account_id"].unique().to_pylist())


def _mostly(campaign: Campaign, members: set[str]) -> bool:
    return 2 * len(members.intersection(campaign.accounts)) > len(campaign.accounts)


def _extracted(
    campaign: Campaign, rows: pa.Table, benign: pa.Table, limits: Limits | None
) -> Extraction:
    own = rows.filter(pc.is_in(rows["account_id"], pa.array(campaign.accounts)))
    origin = Origin(Key.public().id, _MADE, campaign.objective, campaign.kind is Kind.RELAY)
    return extract(own, benign.to_batches, origin, limits=limits)


def _elsewhere(
    there: Simulated, log: pa.Table, signatures: Sequence[Signature], own: str
) -> dict[str, Any]:
    """Match at provider B and score: the fields of an outcome that are about B."""
    matched = tally(signatures, PlainIndex(signatures), log.to_batches())
    hits = {match.account_id for match in matched.matches()}
    labels = there.read_labels()
    labels = labels.filter(pc.is_in(labels["account_id"], pa.array(list(matched.accounts))))
    columns = [labels[name].to_pylist() for name in ("account_id", "campaign", "cohort")]
    campaigns: dict[str | None, set[str]] = {}
    cohorts = {}
    for account, campaign, cohort in zip(*columns, strict=True):
        campaigns.setdefault(campaign, set()).add(account)
        cohorts[account] = cohort
    benign, mine = campaigns.pop(None, set()), campaigns.pop(own, set())
    others = set().union(*campaigns.values())
    return {
        "elsewhere": len(mine),
        "found": len(hits & mine),
        "benign": len(benign),
        "false": len(hits & benign),
        "cohorts": dict(Counter(cohorts[account] for account in sorted(hits & benign))),
        "attackers": len(others),
        "others": len(hits & others),
    }


def rows_of(outcomes: Iterable[Outcome]) -> list[Row]:
    """Sum outcomes up by scenario, in the order in which they come."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(outcome.scenario, []).append(outcome)
    return [_row(scenario, group) for scenario, group in groups.items()]


def _row(scenario: str, group: Sequence[Outcome]) -> Row:
    def rate(part: str, whole: str, among: Sequence[Outcome] = group) -> Rate:
        return Rate.of(sum(getattr(o, part) for o in among), sum(getattr(o, whole) for o in among))

    signed = [outcome for outcome in group if outcome.signatures]
    return Row(
        scenario=scenario,
        operators=len(group),
        signed=len(signed),
        signatures=sum(outcome.signatures for outcome in group),
        detected=rate("detected", "accounts"),
        found=rate("found", "elsewhere"),
        found_signed=rate("found", "elsewhere", signed),
        false=rate("false", "benign", signed),
        others=rate("others", "attackers", signed),
    )


def page(rows: Sequence[Row]) -> str:
    """Lay rows out as a table in Markdown."""
    head = (
        "| scenario | operators | signed | signatures | detected at A | found at B |"
        " found at B, of signed | false at B | other attackers at B |"
    )
    lines = [head, "|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for row in rows:
        rates = (row.detected, row.found, row.found_signed, row.false, row.others)
        cells = [row.scenario, str(row.operators), str(row.signed), str(row.signatures)]
        lines.append(f"| {' | '.join([*cells, *map(_said, rates)])} |")
    return "\n".join(lines)


def _said(rate: Rate) -> str:
    if not rate.accounts:
        return "–"
    digits = 2 if rate.share < 0.05 else 0
    return f"{rate.share:.{digits}%} ({rate.hits:,} of {rate.accounts:,})"
