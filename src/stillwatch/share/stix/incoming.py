"""Bundles of others: what is understood enters at verdict `watch`, all else is kept as it came.

What a rival says is evidence, not an order. Nothing here raises because of an object that it does
not know, and nothing makes a verdict harsher than `watch`.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from stillwatch.errors import InputError
from stillwatch.events.contracts import Verdict
from stillwatch.share.signatures.model import Signature
from stillwatch.share.stix import campaign, extension, sigma
from stillwatch.share.stix.bundle import Stix, objects_of
from stillwatch.share.stix.disclosure import Disclosure
from stillwatch.share.stix.indicators import signature_of

_UNSAFE: Final = "a Sigma rule holds what the allow-list does not know: it is kept, not read"
ENTRY: Final = Verdict.WATCH
"""The verdict at which anything of another member enters."""


class Skipped(msgspec.Struct, frozen=True):
    """An object of ours that could not be read, and why; it is kept in the bundle."""

    id: str
    why: str


class Incoming(msgspec.Struct, frozen=True):
    """What a bundle says that can be acted on.

    `rules` are Sigma rules, as YAML that is also JSON. `revoked` are signatures that their member
    withdraws. `kept` counts, by type, all objects; those that were read are among them.
    """

    campaigns: tuple[Disclosure, ...]
    signatures: tuple[Signature, ...]
    rules: tuple[str, ...]
    expired: int
    skipped: tuple[Skipped, ...]
    kept: dict[str, int]
    revoked: tuple[Signature, ...] = ()
    verdict: Verdict = ENTRY


def understand(bundle: Stix, now: datetime) -> Incoming:
    """Read campaigns and signatures of a bundle; what is past its time is left out.

    What any version of an object revokes is revoked: earlier versions beside it do not count.

    Args:
        bundle: Any STIX bundle.
        now: The time that decides what has expired.
    """
    things = objects_of(bundle)
    gone = {str(one.get("id")) for one in things if one.get("revoked") is True}
    live = [one for one in things if str(one.get("id")) not in gone]
    signatures, skipped = _signatures(live)
    revoked, unread = _signatures([one for one in things if one.get("revoked") is True])
    skipped += unread
    campaigns, more = _campaigns(live)
    rules = [one for one in live if one.get("pattern_type") == "sigma"]
    safe: list[Stix] = []
    unsafe: list[Stix] = []
    for one in rules:
        (unsafe if sigma.refusals(str(one.get("pattern", ""))) else safe).append(one)
    more += [Skipped(str(one.get("id", "")), _UNSAFE) for one in unsafe]
    valid = [s for s in signatures if s.valid_until > now]
    current = [c for c in campaigns if c.expires > now]
    return Incoming(
        campaigns=tuple(current),
        signatures=tuple(valid),
        rules=tuple(one["pattern"] for one in safe),
        expired=len(signatures) + len(campaigns) - len(valid) - len(current),
        skipped=(*skipped, *more),
        revoked=tuple(revoked),
        kept=dict(sorted(Counter(str(one.get("type", "")) for one in things).items())),
    )


def _signatures(things: Sequence[Stix]) -> tuple[list[Signature], list[Skipped]]:
    read, skipped = [], []
    for one in things:
        if one.get("type") != "indicator" or one.get("pattern_type") == "sigma":
            continue
        try:
            read.append(signature_of(one))
        except InputError as error:
            skipped.append(Skipped(str(one.get("id", "")), str(error)))
    return read, skipped


def _campaigns(things: Sequence[Stix]) -> tuple[list[Disclosure], list[Skipped]]:
    read, skipped = [], []
    bundled = campaign.Bundled(things)
    for one in things:
        if one.get("type") != "campaign" or extension.of(one) is None:
            continue
        try:
            read.append(campaign.disclosure(one, bundled))
        except InputError as error:
            skipped.append(Skipped(str(one.get("id", "")), str(error)))
    return read, skipped
