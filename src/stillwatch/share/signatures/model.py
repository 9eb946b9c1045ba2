"""What a signature is: features that an account's events carry, and what was measured of it.

A signature never holds an account, a prompt, a price or a readable value of a customer. Its id is
made from what it looks for, so that two members who find the same pattern give it the same name.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

import msgspec

from stillwatch.share.signatures.families import ASPECTS, Family, is_text, number_of
from stillwatch.stats.intervals import clopper_pearson

NAMESPACE: Final = UUID("8f2a7c1e-5b0d-5c43-9d55-2f6f0a4b7e19")
"""Of signature ids; fixed for ever."""

MODEL_EXTRACTION: Final = "AML.T0024.002"
"""MITRE ATLAS: Extract AI Model."""
SERVICE_PROXIES: Final = "AML.T0008.005"
"""MITRE ATLAS: AI Service Proxies."""

CONFIDENCE: Final = 0.95
"""Coverage of the interval of every rate."""


class State(StrEnum):
    """Where a signature is in its life; see `stillwatch.share.signatures.life`."""

    DRAFT = "draft"
    TESTED = "tested"
    PUBLISHED = "published"
    DECAYING = "decaying"
    QUARANTINED = "quarantined"
    REVOKED = "revoked"
    RECEIVED = "received"
    EXPIRED = "expired"


class Tlp(StrEnum):
    """Traffic Light Protocol 2.0: who may see it."""

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    AMBER_STRICT = "amber+strict"
    RED = "red"


class Feature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Values of one family; an event carries the feature that has at least `least` of them.

    `values` ascend. A feature of a family without a column is a shape of the account.
    """

    family: Family
    values: tuple[str, ...]
    least: int = 1

    @property
    def numbers(self) -> list[int]:
        """The values as they are compared."""
        return [number_of(self.family, value) for value in self.values]

    @property
    def words(self) -> str:
        """The feature for a person: no more than a value or two."""
        if ASPECTS[self.family].many and len(self.values) == 1:
            return f"{self.family.value} {self.values[0]}"
        if ASPECTS[self.family].many:
            return f"at least {self.least} of {len(self.values)} {self.family.value}"
        if is_text(self.family) or not ASPECTS[self.family].column:
            return f"{self.family.value} {' or '.join(self.values)}"
        more = f" or {len(self.values) - 1} others" if len(self.values) > 1 else ""
        return f"{self.family.value} {self.values[0][:8]}{more}"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an account matches: at least `events` of its events, and at least `share` of them."""

    events: int = 1
    share: float = 0.0


class Rate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Accounts that matched among those looked at, with the exact 95 % interval of the rate."""

    hits: int
    accounts: int
    low: float
    high: float

    @classmethod
    def of(cls, hits: int, accounts: int, confidence: float = CONFIDENCE) -> "Rate":
        """Work out the interval (Clopper and Pearson 1934)."""
        low, high = clopper_pearson(hits, accounts, confidence)
        return cls(hits, accounts, float(low), float(high))

    @property
    def share(self) -> float:
        """Hits per account; 0 where no account was looked at."""
        return self.hits / self.accounts if self.accounts else 0.0


class Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is looked for: events that carry all features, and a rule for accounts.

    At least one feature is of a family with a column; the others are shapes of the account.
    """

    features: tuple[Feature, ...]
    rule: Rule

    @property
    def half_life(self) -> float:
        """Days after which it is worth half: those of its most lasting feature."""
        return max(ASPECTS[feature.family].half_life for feature in self.features)

    @property
    def shapes(self) -> tuple[Feature, ...]:
        """Features of whole accounts."""
        return tuple(f for f in self.features if ASPECTS[f.family].column is None)

    @property
    def marks(self) -> tuple[Feature, ...]:
        """Features of single events."""
        return tuple(f for f in self.features if ASPECTS[f.family].column is not None)

    @property
    def words(self) -> str:
        """What it looks for, for a person."""
        share = f" and {self.rule.share:.0%} of its events" if self.rule.share else ""
        carried = " and ".join(feature.words for feature in self.features)
        events = f"{self.rule.events} event{'s' if self.rule.events > 1 else ''}"
        return f"an account with at least {events}{share} carrying {carried}"


class Signature(Pattern, frozen=True, kw_only=True):
    """A shareable detection pattern.

    Attributes:
        id: `signature--` and a UUID made of features, rule and key.
        name: A few words.
        description: What it looks for, in a sentence.
        features: An event matches that carries all of them; shapes are asked of the account.
        rule: How many of an account's events must match.
        key_id: Name of the key under which values are keyed.
        objective: What is harvested, where known.
        techniques: MITRE ATLAS ids.
        k: Accounts of one campaign that matched when it was made.
        cover: Share of that campaign's accounts.
        false_positives: Benign accounts that matched, among accounts that did not choose it.
        valid_from: When it was made.
        valid_until: When it ends unless renewed.
        tlp: Who may see it.
        created_by: Identity of the member, `identity--` and a UUID, or None.
    """

    id: str
    name: str
    description: str
    key_id: str
    k: int
    cover: float
    false_positives: Rate
    valid_from: datetime
    valid_until: datetime
    objective: str | None = None
    techniques: tuple[str, ...] = (MODEL_EXTRACTION,)
    tlp: Tlp = Tlp.AMBER
    created_by: str | None = None


def identify(pattern: Pattern, key_id: str) -> str:
    """Name a pattern after what it looks for, whatever the order of its features.

    >>> identify(Pattern((Feature(Family.TEMPLATE, ("0" * 16,)),), Rule()), "k")
    'signature--480b051a-3d1c-57dd-9390-0f4a51838c5a'
    """
    features = sorted(pattern.features, key=_order)
    content = msgspec.json.encode([features, pattern.rule, key_id], order="sorted")
    return f"signature--{uuid5(NAMESPACE, content.decode())}"


def _order(feature: Feature) -> tuple[str, tuple[str, ...], int]:
    return feature.family.value, feature.values, feature.least
