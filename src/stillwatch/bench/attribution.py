"""Attribution of simulated campaigns whose operators are known.

A world has eight operators. Each of its four traffics is scanned; five operators work in it, and
sometimes others that never come back. The first traffic is another member's: of its campaigns only
signatures are known here. The other three are one provider's at different times. Each campaign that
is found in one of these is asked about, with the campaigns of the other two recorded, those of some
operators withheld, and those of two other worlds recorded beside them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.bench.traffic import Simulated, fingerprint
from stillwatch.detect.results import Campaign, ScanResult
from stillwatch.detect.scan import scan
from stillwatch.events.contracts import Kind
from stillwatch.events.key import Key
from stillwatch.share.attribution import trace
from stillwatch.share.attribution.claims import Claim, claims
from stillwatch.share.attribution.collect import collect
from stillwatch.share.attribution.likeness import known
from stillwatch.share.attribution.rank import Suspect, suspects
from stillwatch.share.attribution.received import Received, matched
from stillwatch.share.attribution.trace import Record, Traces
from stillwatch.share.attribution.weights import Source
from stillwatch.share.signatures import families
from stillwatch.share.signatures.extract import Origin, extract
from stillwatch.simulate import simulate, write_traffic
from stillwatch.simulate.operators import FIRMS, firm, operator_of

OPERATORS: Final = 8
TRAFFICS: Final = 4
WORKING: Final = 5
"""Operators of a world, its traffics, and the operators at work in each."""
BESIDE: Final = 2
"""Other worlds whose campaigns are recorded too."""
WITHHELD: Final = 0.3
"""How often an operator's campaigns are not among the recorded ones."""
SUSPECT: Final = frozenset({Kind.EXTRACTION, Kind.RELAY, Kind.UNKNOWN})
"""Kinds of campaigns that are asked about."""
_TIME: Final = datetime(2026, 3, 16, tzinfo=UTC)
_MADE: Final = date(2026, 3, 16)
_KEYS: Final = {"log": "public", "own": "public"}
_COLUMNS: Final = tuple(dict.fromkeys((*families.NEEDED, *trace.NEEDED)))


class Question(msgspec.Struct, frozen=True):
    """One campaign, its candidates, and which of them are right.

    Attributes:
        world: seed of the world.
        place: which of its traffics.
        campaign: as the scan named it.
        operator: the operator's name; None where most of its accounts are nobody's or of several.
        accounts: as the scan found it.
        knobs: of the campaign that most accounts are of.
        flagged: whether accounts name an organisation that has nothing to do with it.
        suspects: the candidates.
        right: of each candidate, whether it is the operator.
    """

    world: int
    place: int
    campaign: str
    operator: str | None
    accounts: int
    knobs: dict[str, float]
    flagged: bool
    suspects: list[Suspect]
    right: list[bool]


@dataclass(frozen=True)
class Seen:
    """A campaign that a scan found, with what is true of it."""

    world: int
    place: int
    campaign: Campaign
    operator: int | None
    knobs: dict[str, float]
    traces: Traces
    record: Record
    claims: list[Claim]
    rows: pa.Table
    received: list[Received] = field(default_factory=list)


def name_of(operator: int) -> str:
    """What people call an operator: its organisation where it is one."""
    return operator_of(operator).organisation or f"operator {operator}"


def see(world: int, place: int, folder: Path) -> list[Seen]:
    """Simulate and scan one traffic of a world; return what was found of attacks."""
    rng = np.random.default_rng([world, place, 77])
    working = [world * 100 + int(n) for n in rng.permutation(OPERATORS)[:WORKING]]
    seed = 1_000_000 + world * 10 + place
    traffic = simulate("mixed", seed=seed, operators=working, returning=True)
    made = Simulated(folder, write_traffic(traffic, folder))
    fingerprint(made.events_path, made.fingerprints_path)
    result = scan(str(made.fingerprints_path), str(made.accounts_path))
    operators = {f"campaign-{n + 1:02d}": operator for n, operator in enumerate(working)}
    return _found(made, result, operators, world, place)


def _found(
    made: Simulated, result: ScanResult, operators: dict[str, int], world: int, place: int
) -> list[Seen]:
    log = pq.read_table(made.fingerprints_path, columns=list(_COLUMNS))
    accounts = pq.read_table(made.accounts_path)
    labels = made.read_labels()
    columns = ("account_id", "campaign")
    home = dict(zip(*(labels[name].to_pylist() for name in columns), strict=True))
    knobs = {
        row["campaign"]: {k: v for k, v in row.items() if isinstance(v, float)}
        for row in labels.filter(pc.is_valid(labels["campaign"])).to_pylist()
    }
    groups = [c for c in result.campaigns if c.kind in SUSPECT]
    suspected = {account for c in groups for account in c.accounts}
    benign = log.filter(pc.invert(pc.is_in(log["account_id"], pa.array(sorted(suspected)))))
    found = []
    for campaign in groups:
        attackers = Counter(c for a in campaign.accounts if (c := home[a]) is not None)
        if 2 * attackers.total() < campaign.size:
            continue  # mostly benign accounts: no operator is asked for
        most, count = attackers.most_common(1)[0]
        own = log.filter(pc.is_in(log["account_id"], pa.array(campaign.accounts)))
        traces = collect(
            own, benign.to_batches, accounts, campaign.accounts, suspected,
            sign=Key.public().sign, keys=_KEYS,
        )  # fmt: skip
        operator = operators.get(most) if 2 * count > campaign.size else None
        name = "nobody" if operator is None else name_of(operator)
        found.append(
            Seen(
                world, place, campaign, operator, knobs[most], traces,
                trace.record(
                    traces, operator=name, campaign=campaign.campaign_id, by="truth", time=_TIME
                ),
                claims(accounts, campaign.accounts, suspected),
                own.select(list(families.NEEDED)),
                _signed(own, benign, campaign, world) if place == 0 else [],
            )
        )  # fmt: skip
    return found


def _signed(own: pa.Table, benign: pa.Table, campaign: Campaign, world: int) -> list[Received]:
    """The campaign as another member shares it, if a signature could be made."""
    origin = Origin(Key.public().id, _MADE, campaign.objective, campaign.kind is Kind.RELAY)
    columns = list(families.NEEDED)
    made = extract(own.select(columns), benign.select(columns).to_batches, origin)
    name = f"campaign {campaign.campaign_id} of member {world}"
    signatures = tuple(made.signatures)
    return [Received(name, "B", campaign.campaign_id, False, signatures)] if signatures else []


def questions(seen: Sequence[Seen]) -> list[Question]:
    """Ask about every campaign of the provider's own traffics."""
    worlds = sorted({one.world for one in seen})
    asked = []
    for one in (s for s in seen if s.place > 0):
        at = worlds.index(one.world)
        beside = {worlds[(at + n) % len(worlds)] for n in range(1, BESIDE + 1)} - {one.world}
        rng = np.random.default_rng([one.world, one.place, 78])
        drawn = rng.random(OPERATORS)
        withheld = {one.world * 100 + n for n in range(OPERATORS) if drawn[n] < WITHHELD}
        records = [
            s.record
            for s in seen
            if s.place > 0
            and s.operator is not None
            and (s.world in beside or (s.world == one.world and s.place != one.place))
            and s.operator not in withheld
        ]
        theirs = [
            (received, s.operator)
            for s in seen
            if s.place == 0 and (s.world in beside or s.world == one.world)
            for received in s.received
        ]
        asked.append(_question(one, records, theirs))
    return asked


def _question(
    one: Seen, records: list[Record], theirs: Sequence[tuple[Received, int | None]]
) -> Question:
    campaigns = [received for received, _ in theirs]
    likenesses = matched(campaigns, one.rows.to_batches(), one.campaign.accounts)
    given = suspects(
        one.traces, known(records), one.claims, list(zip(campaigns, likenesses, strict=True))
    )
    name = None if one.operator is None else name_of(one.operator)
    same = {r.name for r, operator in theirs if operator is not None and operator == one.operator}
    firms = {firm(number) for number in range(FIRMS)}
    return Question(
        world=one.world,
        place=one.place,
        campaign=one.campaign.campaign_id,
        operator=name,
        accounts=one.campaign.size,
        knobs=one.knobs,
        flagged=any(claim.name in firms for claim in one.claims),
        suspects=given,
        right=[s.name == name or s.name in same for s in given],
    )


def sources_of(question: Question) -> set[Source]:
    """Where the right candidates come from."""
    pairs = zip(question.suspects, question.right, strict=True)
    return {source for suspect, right in pairs if right for source in suspect.sources}
