"""Words that detection proposes and enforcement decides on: kinds, verdicts, exemptions."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What a campaign is; coordination alone does not make one `EXTRACTION`."""

    EXTRACTION = "extraction"
    RELAY = "relay"
    EVALUATION = "evaluation"
    SHARED_APP = "shared-app"
    ORGANISATION = "organisation"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """A proposal for an account, mildest first; see `VERDICT_ORDER`."""

    ALLOW = "allow"
    WATCH = "watch"
    THROTTLE = "throttle"
    CHALLENGE = "challenge"
    DEGRADE = "degrade"
    BLOCK = "block"


VERDICT_ORDER: tuple[Verdict, ...] = tuple(Verdict)
"""Verdicts from mildest to harshest."""


class Exemption(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A registered reason not to act on an organisation or account.

    Exactly one of `account_id` and `org_id` names the subject. `expires` is timezone-aware; an
    expired exemption no longer holds.
    """

    reason: str
    expires: datetime
    account_id: str | None = None
    org_id: str | None = None
