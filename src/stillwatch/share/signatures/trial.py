"""Try signatures on events with labels: precision, recall, false positives per cohort."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import msgspec

from stillwatch.share.signatures.model import Rate, Signature
from stillwatch.share.signatures.tally import Match
from stillwatch.share.truth import Truth


class Score(msgspec.Struct, frozen=True):
    """How right a signature, or all together, are; rates are of accounts with an event.

    `precision` counts hits that are attacks among hits, `recall` attacks that are hit among
    attacks, `false_positives` benign accounts that are hit.
    """

    signature_id: str | None
    precision: Rate
    recall: Rate
    false_positives: Rate
    cohorts: dict[str, Rate]
    campaigns: dict[str, Rate]


def trial(
    signatures: Sequence[Signature],
    matches: Sequence[Match],
    truth: Mapping[str, Truth],
    seen: Collection[str],
) -> list[Score]:
    """Score all signatures together, then each.

    Args:
        signatures: in the order in which `matches` number them.
        matches: accounts that match.
        truth: what is known of accounts; those that are not in it are left out.
        seen: accounts with an event.
    """
    known = {name: truth[name] for name in seen if name in truth}
    hit = [{m.account_id for m in matches if m.place == p} for p in range(len(signatures))]
    together = set().union(*hit)
    pairs = zip([None, *(s.id for s in signatures)], [together, *hit], strict=True)
    return [_score(name, hits & known.keys(), known) for name, hits in pairs]


def _score(name: str | None, hits: Collection[str], known: Mapping[str, Truth]) -> Score:
    attacks = {account for account, truth in known.items() if truth.attack}
    right = sum(account in attacks for account in hits)
    return Score(
        signature_id=name,
        precision=Rate.of(right, len(hits)),
        recall=Rate.of(right, len(attacks)),
        false_positives=Rate.of(len(hits) - right, len(known) - len(attacks)),
        cohorts=_rates({a: t.cohort for a, t in known.items() if not t.attack}, hits),
        campaigns=_rates({a: t.campaign for a, t in known.items() if t.attack}, hits),
    )


def _rates(groups: Mapping[str, str | None], hits: Collection[str]) -> dict[str, Rate]:
    """Rate of hits per group."""
    total = Counter(group for group in groups.values() if group)
    met = Counter(groups[account] for account in hits if account in groups)
    return {group: Rate.of(met[group], total[group]) for group in sorted(total)}
