"""From a campaign to the fewest signatures that cover it, or to the reasons why none may leave.

1. Values that at least k accounts of the campaign carry, without those on a warning list.
2. Benign accounts are split by a hash of their names. A quarter scouts: it says how rare each value
   is, and from rare ones patterns are made. A quarter chooses a rule for each, and which are kept:
   a set of values that scouts lack is not as rare among others.
3. A greedy cover takes the pattern that adds most accounts until 95 % of what any could cover is
   covered (Chvátal 1979: within a logarithmic factor of the fewest).
4. The remaining half measures the false positives of what was chosen. It took no part before, so
   nothing flatters the rate. What passes the limit is refused, with the numbers.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.errors import InputError
from stillwatch.share.signatures.candidates import (
    Part,
    Value,
    part_of,
    patterns_of,
    prevalence,
    values_of,
)
from stillwatch.share.signatures.choice import Candidate, Counted, candidates_of, choose
from stillwatch.share.signatures.families import Family
from stillwatch.share.signatures.index import PlainIndex
from stillwatch.share.signatures.model import (
    CONFIDENCE,
    MODEL_EXTRACTION,
    SERVICE_PROXIES,
    Feature,
    Pattern,
    Rate,
    Signature,
    identify,
)
from stillwatch.share.signatures.tally import Tally

LIFE_DAYS: Final = 180
"""How long a signature holds unless renewed."""
MOST_MEASURED: Final = 50_000
"""Benign accounts that measure; more would tell other members how many customers there are."""
TRIES: Final = 5
"""How often a choice is measured."""
TOLD: Final = 16
"""Refusals that are told."""
TOLD_EACH: Final = 2
"""Of those, single values of a family that are too common: those of most accounts."""

Log = Callable[[], Iterable[pa.RecordBatch]]
"""Fingerprints that can be read more than once."""


@dataclass(frozen=True)
class Limits:
    """What a signature must keep to.

    Attributes:
        k: accounts of the campaign that must carry each value.
        most: largest upper limit of the false-positive rate, 0..1.
        cover: share of what could be covered at which the choice ends.
        signatures: most that are chosen.
    """

    k: int = 5
    most: float = 0.01
    cover: float = 0.95
    signatures: int = 8


@dataclass(frozen=True)
class Origin:
    """What is said of a signature besides its pattern.

    Attributes:
        key_id: name of the key of the fingerprints.
        made: the day, for its validity; a moment would help to tell who made it.
        objective: what the campaign harvests.
        relay: whether the campaign is a relay pool.
        created_by: identity of the member.
    """

    key_id: str
    made: date
    objective: str | None = None
    relay: bool = False
    created_by: str | None = None


@dataclass(frozen=True)
class Refusal:
    """A feature or pattern that does not leave, and why, with numbers."""

    what: str
    why: str


@dataclass(frozen=True)
class Extraction:
    """What came of a campaign.

    Attributes:
        signatures: chosen and measured, those that add most accounts first.
        refusals: what would have covered much and may not leave.
        accounts: of the campaign.
        covered: of those, matched by any of the signatures.
        could: of those, matched by any pattern that passed.
        false_positives: of all signatures together, among benign accounts that measure.
    """

    signatures: tuple[Signature, ...]
    refusals: tuple[Refusal, ...]
    accounts: int
    covered: int
    could: int
    false_positives: Rate


def extract(
    campaign: pa.Table,
    benign: Log,
    origin: Origin,
    *,
    warned: Mapping[Family, AbstractSet[str]] | None = None,
    limits: Limits | None = None,
) -> Extraction:
    """Make the signatures of a campaign.

    Args:
        campaign: fingerprints of its accounts, with the columns `NEEDED`.
        benign: fingerprints of ordinary accounts, under the same key; read twice.
        origin: what else is said of the signatures.
        warned: values on warning lists, by family.
        limits: what a signature must keep to.

    Raises:
        InputError: The campaign has no event, or there are no benign accounts.
    """
    limits = limits or Limits()
    if not campaign.num_rows:
        raise InputError("the events hold none of the campaign's accounts: give the log it is from")
    accounts = campaign["account_id"].unique()
    listed, common = _split(values_of(campaign, limits.k), warned or {})
    common, scouts = prevalence(common, benign())
    if not scouts:
        raise InputError("no benign account is left to measure false positives: give --reference")
    tried = patterns_of(common, campaign, members=len(accounts), benign=scouts)
    refusals = _too_small(len(accounts), limits) + [_on_list(value, limits) for value in listed]
    counted = _count(tried, campaign, benign)
    kept, noisy, could = _kept(counted, limits)
    union = _union(kept, counted)
    made = tuple(_signature(chosen, rate, counted, origin) for chosen, rate in kept)
    return Extraction(
        signatures=made,
        refusals=tuple((noisy + refusals + _common(common, scouts, limits, kept))[:TOLD]),
        accounts=len(accounts),
        covered=int((union & counted.members).sum()),
        could=could,
        false_positives=counted.rate(union, counted.measuring),
    )


def _split(
    values: Sequence[Value], warned: Mapping[Family, AbstractSet[str]]
) -> tuple[list[Value], list[Value]]:
    """Values on a warning list, and the others."""
    listed = [v for v in values if v.value in warned.get(v.family, ())]
    return listed, [v for v in values if v.value not in warned.get(v.family, ())]


def _count(tried: Sequence[Pattern], campaign: pa.Table, benign: Log) -> Counted:
    """Count every pattern in the campaign's and the benign traffic."""
    tally = Tally(tried, PlainIndex(tried), shapes=True)
    for batch in campaign.combine_chunks().to_batches():
        tally.add(batch)
    members = len(tally.accounts)
    for batch in benign():
        tally.add(batch)
    names = list(tally.accounts)
    member = np.arange(len(names)) < members
    part = np.where(member, -1, [part_of(name) for name in names])
    measuring = np.flatnonzero(part == Part.MEASURE)
    part[measuring[MOST_MEASURED:]] = -1
    return Counted.of(
        tried,
        tally,
        members=member,
        choosing=part == Part.CHOOSE,
        measuring=part == Part.MEASURE,
    )


Kept = tuple[Candidate, Rate]


def _kept(counted: Counted, limits: Limits) -> tuple[list[Kept], list[Refusal], int]:
    """Choose and measure; what fails is refused, and the rest chosen from anew, a few times.

    The limit is asked of an interval that holds for all tries at once (Bonferroni).
    """
    left = candidates_of(counted, limits.most, limits.k)
    kept: list[Kept] = []
    refused: list[Refusal] = []
    could = choose(counted, left, limits.cover, limits.signatures).could
    for _ in range(TRIES):
        choice = choose(counted, left, limits.cover, limits.signatures)
        rates = [counted.rate(chosen.matched, counted.measuring) for chosen in choice.chosen]
        pairs = list(zip(choice.chosen, rates, strict=True))
        kept = [pair for pair in pairs if _upper(pair[1]) <= limits.most]
        noisy = [pair for pair in pairs if _upper(pair[1]) > limits.most]
        refused += [_noisy(chosen.pattern, rate, limits) for chosen, rate in noisy]
        if not noisy:
            break
        failed = {chosen.pattern for chosen, _ in noisy}
        left = [candidate for candidate in left if candidate.pattern not in failed]
    return kept, refused, could


def _upper(rate: Rate) -> float:
    return Rate.of(rate.hits, rate.accounts, 1 - (1 - CONFIDENCE) / TRIES).high


def _noisy(pattern: Pattern, rate: Rate, limits: Limits) -> Refusal:
    why = (
        f"matches {rate.hits:,} of {rate.accounts:,} benign accounts that took no part in the "
        f"choice: up to {_upper(rate):.2%}, and the limit is {limits.most:.2%}"
    )
    return Refusal(pattern.words, why)


def _union(kept: Sequence[Kept], counted: Counted) -> NDArray[np.bool_]:
    union = np.zeros(len(counted.members), bool)
    for chosen, _ in kept:
        union |= chosen.matched
    return union


def _signature(chosen: Candidate, rate: Rate, counted: Counted, origin: Origin) -> Signature:
    pattern, matched = chosen.pattern, chosen.matched & counted.members
    families = " and ".join(dict.fromkeys(f.family.value for f in pattern.features))
    begin = datetime.combine(origin.made, time(), UTC)
    return Signature(
        id=identify(pattern, origin.key_id),
        name=f"{origin.objective or 'harvest'}: {families}",
        description=pattern.words,
        features=pattern.features,
        rule=pattern.rule,
        key_id=origin.key_id,
        k=int(matched.sum()),
        cover=float(matched.sum() / counted.members.sum()),
        false_positives=rate,
        valid_from=begin,
        valid_until=begin + timedelta(days=LIFE_DAYS),
        objective=origin.objective,
        techniques=(MODEL_EXTRACTION, SERVICE_PROXIES) if origin.relay else (MODEL_EXTRACTION,),
        created_by=origin.created_by,
    )


def _too_small(accounts: int, limits: Limits) -> list[Refusal]:
    if accounts >= limits.k:
        return []
    why = f"has {accounts} accounts, and a value leaves only if {limits.k} carry it"
    return [Refusal("the campaign", why)]


def _on_list(value: Value, limits: Limits) -> Refusal:
    why = f"is on a warning list; {value.members} accounts carry it, and {limits.k} would do"
    return Refusal(Feature(value.family, (value.value,)).words, why)


def _common(
    values: Sequence[Value], scouts: int, limits: Limits, kept: Sequence[Kept]
) -> list[Refusal]:
    """Single values that many accounts of the campaign carry, and too many others."""
    used = {v for chosen, _ in kept for f in chosen.pattern.features for v in f.values}
    told: dict[Family, list[Refusal]] = {}
    for value in sorted(values, key=lambda v: -v.members):
        common = value.benign > limits.most * scouts and value.value not in used
        if not common or len(told.get(value.family, [])) == TOLD_EACH:
            continue
        why = (
            f"is carried by {value.members:,} accounts of the campaign and by {value.benign:,} of "
            f"{scouts:,} benign accounts: {value.benign / scouts:.2%}, and the limit is "
            f"{limits.most:.2%}"
        )
        refusal = Refusal(Feature(value.family, (value.value,)).words, why)
        told.setdefault(value.family, []).append(refusal)
    return [refusal for refusals in told.values() for refusal in refusals]
