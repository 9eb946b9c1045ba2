"""Signatures of an operator found at one provider, matched at another, on simulated traffic.

The same operators work at two providers: other accounts, infrastructure, days and sizes, and other
benign traffic. Provider A makes signatures of each campaign that its scan flags, and provider B
matches them; what A does not detect counts as missed at B. A second trial tells A the operator's
accounts, as a person would who found them otherwise: it shows what signatures do by themselves.
B's labels only score.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

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
from stillwatch.share.signatures.matching import PlainIndex
from stillwatch.share.signatures.model import Rate
from stillwatch.share.signatures.tally import tally
from stillwatch.simulate import SCALES, simulate, write_traffic

OTHER: Final = 100_000
"""Provider B's seed is this much more than provider A's."""
_SUSPECT: Final = frozenset({Kind.EXTRACTION, Kind.RELAY, Kind.UNKNOWN})
_FLAGGED: Final = frozenset({Kind.EXTRACTION, Kind.RELAY})
_MADE: Final = date(2026, 3, 16)


class Trial(msgspec.Struct, frozen=True):
    """Signatures that A made of an operator, and what they match.

    Attributes:
        signatures: How many.
        covered: Of the accounts that they were made of, matched by them at A.
        families: Of the features in them.
        found: Accounts of the operator at B that were matched.
        false: Benign accounts at B that were matched.
        cohorts: Of those, by cohort.
        others: Accounts of other operators at B that were matched.
    """

    signatures: int
    covered: int
    families: list[str]
    found: int
    false: int
    cohorts: dict[str, int]
    others: int


class Outcome(msgspec.Struct, frozen=True):
    """One operator.

    Attributes:
        scenario: What happens at both providers.
        seed: Provider A's.
        operator: The operator's own seed.
        accounts: Its accounts at A that sent anything.
        detected: Of those, in a campaign that A flagged and that is mostly its.
        elsewhere: Its accounts at B.
        benign: Benign accounts at B.
        attackers: Accounts of other operators at B.
        flagged: Signatures of the campaigns that A flagged.
        told: Signatures of the operator's accounts at A, all of them and no others.
    """

    scenario: str
    seed: int
    operator: int
    accounts: int
    detected: int
    elsewhere: int
    benign: int
    attackers: int
    flagged: Trial
    told: Trial


class Row(msgspec.Struct, frozen=True):
    """A scenario over its operators; rates are of accounts."""

    scenario: str
    operators: int
    detected: Rate
    signed: int
    """Operators of whom any signature was made."""
    signatures: int
    found: Rate
    """Accounts at B that were matched, of all operators."""
    false: Rate
    """Benign accounts at B that any signature of an operator matched, summed over operators."""
    others: Rate


def measure_signatures(
    case: Case, seed: int, folder: Path, limits: Limits | None = None
) -> list[Outcome]:
    """Simulate both providers, extract at A and match at B.

    The operators of seed s are 10 s, 10 s + 1, …, as many as campaigns are certain.

    Args:
        case: What to simulate.
        seed: Provider A's seed.
        folder: An empty folder to work in.
        limits: What signatures must keep to.
    """
    count = SCALES[case.scale].campaigns[0]
    operators = [10 * seed + place for place in range(count)]
    here, there = (
        _simulated(case, number, operators, folder / name)
        for number, name in ((seed, "a"), (seed + OTHER, "b"))
    )
    result = scan([here.events_path], here.accounts_path, key=Key.public())
    rows = pq.read_table(here.fingerprints_path, columns=list(NEEDED))
    suspected = {a for c in result.campaigns if c.kind in _SUSPECT for a in c.accounts}
    elsewhere = _Elsewhere.of(there)
    outcomes = []
    for place, operator in enumerate(operators):
        name = f"campaign-{place + 1:02d}"
        members = _of(here, rows, name)
        groups = [c for c in result.campaigns if c.kind in _FLAGGED and _mostly(c, members)]
        flagged = [_extracted(rows, c.accounts, suspected, limits) for c in groups]
        told = _extracted(rows, sorted(members), suspected | members, limits)
        mine = elsewhere.campaigns[name]
        attackers = sum(map(len, elsewhere.campaigns.values())) - len(mine)
        outcomes.append(
            Outcome(
                scenario=case.scenario,
                seed=seed,
                operator=operator,
                accounts=len(members),
                detected=len(members & {a for c in groups for a in c.accounts}),
                elsewhere=len(mine),
                benign=len(elsewhere.cohorts) - attackers - len(mine),
                attackers=attackers,
                flagged=elsewhere.trial(flagged, name),
                told=elsewhere.trial([told], name),
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
    rows: pa.Table,
    accounts: Sequence[str],
    suspected: set[str],
    limits: Limits | None,
) -> Extraction:
    own = rows.filter(pc.is_in(rows["account_id"], pa.array(accounts, pa.string())))
    never = pa.array(sorted(suspected), pa.string())
    benign = rows.filter(pc.invert(pc.is_in(rows["account_id"], never)))
    origin = Origin(Key.public().id, _MADE)
    return extract(own, benign.to_batches, origin, limits=limits)


@dataclass(frozen=True)
class _Elsewhere:
    """Provider B: its log, and the truth about the accounts in it."""

    log: pa.Table
    campaigns: dict[str, set[str]]
    cohorts: dict[str, str]

    @classmethod
    def of(cls, there: Simulated) -> "_Elsewhere":
        log = pq.read_table(there.fingerprints_path, columns=list(NEEDED))
        labels = there.read_labels()
        labels = labels.filter(pc.is_in(labels["account_id"], log["account_id"].unique()))
        names = [labels[name].to_pylist() for name in ("account_id", "campaign", "cohort")]
        campaigns: defaultdict[str, set[str]] = defaultdict(set)
        for account, campaign, _ in zip(*names, strict=True):
            if campaign is not None:
                campaigns[campaign].add(account)
        return cls(log, campaigns, dict(zip(names[0], names[2], strict=True)))

    def trial(self, made: Sequence[Extraction], own: str) -> Trial:
        """Match what was made of an operator, and score."""
        signatures = list({s.id: s for e in made for s in e.signatures}.values())
        matched = tally(signatures, PlainIndex(signatures), self.log.to_batches())
        hits = {match.account_id for match in matched.matches()}
        attackers = set().union(*self.campaigns.values())
        mine = self.campaigns[own]
        false = sorted(hits - attackers)
        return Trial(
            signatures=len(signatures),
            covered=sum(extraction.covered for extraction in made),
            families=sorted({f.family.value for s in signatures for f in s.features}),
            found=len(hits & mine),
            false=len(false),
            cohorts=dict(Counter(self.cohorts[account] for account in false)),
            others=len(hits & attackers - mine),
        )


def rows_of(
    outcomes: Iterable[Outcome], trial: Callable[[Outcome], Trial] = lambda outcome: outcome.flagged
) -> list[Row]:
    """Sum one trial of the outcomes up by scenario, in the order in which they come."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(outcome.scenario, []).append(outcome)
    return [_row(scenario, group, trial) for scenario, group in groups.items()]


def _row(scenario: str, group: Sequence[Outcome], trial: Callable[[Outcome], Trial]) -> Row:
    trials = [trial(outcome) for outcome in group]
    signed = [o for o, t in zip(group, trials, strict=True) if t.signatures]
    return Row(
        scenario=scenario,
        operators=len(group),
        detected=Rate.of(sum(o.detected for o in group), sum(o.accounts for o in group)),
        signed=len(signed),
        signatures=sum(t.signatures for t in trials),
        found=Rate.of(sum(t.found for t in trials), sum(o.elsewhere for o in group)),
        false=Rate.of(sum(t.false for t in trials), sum(o.benign for o in signed)),
        others=Rate.of(sum(t.others for t in trials), sum(o.attackers for o in signed)),
    )


def page(outcomes: Sequence[Outcome]) -> str:
    """Lay both trials of all outcomes out as one table in Markdown."""
    head = (
        "| scenario | detected at A | signed | found at B | false at B | others at B |"
        " told: signed | found at B | false at B | others at B |"
    )
    lines = [head, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
    told = rows_of(outcomes, lambda outcome: outcome.told)
    for flagged, known in zip(rows_of(outcomes), told, strict=True):
        cells = [flagged.scenario, _said(flagged.detected)]
        for row in (flagged, known):
            cells += [f"{row.signed} of {row.operators}"]
            cells += [_said(rate) for rate in (row.found, row.false, row.others)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _said(rate: Rate) -> str:
    if not rate.accounts:
        return "–"
    digits = 2 if rate.share < 0.05 else 0
    return f"{rate.share:.{digits}%} ({rate.hits:,} of {rate.accounts:,})"
