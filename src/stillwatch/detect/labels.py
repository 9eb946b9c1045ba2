"""What a feature is called for a person: readable where it is harmless, a keyed hash otherwise."""

from collections.abc import Mapping
from datetime import UTC, datetime

from stillwatch.detect.features import Family
from stillwatch.detect.lifecycle import SLOT_SECONDS

NAMES: dict[Family, str] = {
    Family.TEMPLATE: "prompt template",
    Family.OPENING: "prompt opening",
    Family.CLOSING: "prompt closing",
    Family.SYSTEM: "system prompt",
    Family.CONTENT: "same prompt",
    Family.PARAMETERS: "request parameters",
    Family.CLIENT: "client",
    Family.TLS: "TLS fingerprint",
    Family.NETWORK: "network",
    Family.ADDRESS: "address",
    Family.CONVERSATION: "conversation",
    Family.END_USER: "end user",
    Family.PAYMENT: "payment",
    Family.DEVICE: "device",
    Family.EMAIL_DOMAIN: "mail domain",
    Family.SIGNUP_NETWORK: "sign-up network",
    Family.ORGANISATION: "organisation",
    Family.SIGNUP_TIME: "signed up",
    Family.FIRST_SEEN: "first seen",
    Family.LAST_SEEN: "last seen",
    Family.API_KEY: "API key",
    Family.WORDS: "word",
    Family.MODEL_MOVE: "began with a model",
}

MOMENTS = frozenset({Family.SIGNUP_TIME, Family.FIRST_SEEN, Family.LAST_SEEN, Family.MODEL_MOVE})
"""Families whose values are moments and not hashes."""

Readable = Mapping[tuple[Family, int], str]
"""Readable texts of feature values, where there are any."""


def value_text(family: Family, value: int, readable: Readable) -> str:
    """Return a feature value for a person: its text, its moment, or its hash in hexadecimal."""
    if (text := readable.get((family, value))) is not None:
        return text
    if family in MOMENTS:
        slot = value // 1024 if family is Family.MODEL_MOVE else value
        return f"{datetime.fromtimestamp(slot * SLOT_SECONDS, UTC):%Y-%m-%d %H:%M}"
    return f"{value:016x}"


def label(family: Family, value: int, readable: Readable) -> str:
    """Return family and value in words."""
    text = value_text(family, value, readable)
    hashed = len(text) == 16 and (family, value) not in readable and family not in MOMENTS
    return f"{NAMES[family]} {text[:8] if hashed else text}"
