"""Account identity derived from API keys; raw keys are masked as soon as they are read."""

import hashlib
import hmac
import re

from stillwatch.errors import ConfigError

DIGITS = 24
"""Hexadecimal digits kept of a derived identifier: 96 bits, no collision below 10^14 accounts."""

_MIN_KEY = 16
# The prefixes that vendors print on their keys, or any long word of mixed letters and digits that
# is not already a hexadecimal digest.
_VENDOR_SECRET = re.compile(
    r"(?i:bearer\s+)?(sk-|sk_|pk-|rk_|gsk_|xai-|hf_|AIza|AKIA|ya29\.|eyJ|key-)[\w.\-]{8,}"
)
_LONG_WORD = re.compile(r"(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])[A-Za-z0-9_\-]{32,}")


class Identity:
    """Derives account and key identifiers from API keys by keyed HMAC-SHA256.

    The same key gives the same identifiers in every run, so keep it as long as results are to be
    compared, and keep it secret: whoever has it can confirm a guessed API key.

    Args:
        key: secret bytes, at least 16.

    Raises:
        ConfigError: the key is shorter than 16 bytes.

    >>> Identity(b"a key of some length").account_id("sk-live-1234567890")
    'acct_1b578263da41a1966ed10b71'
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < _MIN_KEY:
            raise ConfigError(
                f"the identity key has {len(key)} bytes; give at least {_MIN_KEY} random bytes"
            )
        self._key = key

    def account_id(self, api_key: str) -> str:
        """`acct_` and 24 hexadecimal digits, the same for every request with this API key."""
        return f"acct_{self._digest(api_key)}"

    def key_id(self, api_key: str) -> str:
        """`key_` and 24 hexadecimal digits that stand for this API key."""
        return f"key_{self._digest(api_key)}"

    def _digest(self, value: str) -> str:
        return hmac.new(self._key, value.encode(), hashlib.sha256).hexdigest()[:DIGITS]


def looks_like_secret(value: str) -> bool:
    """Whether a value has the form of a raw API key rather than of an identifier or a digest.

    >>> looks_like_secret("sk-proj-Zm9vYmFyYmF6cXV4")
    True
    >>> looks_like_secret("88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b")
    False
    """
    return bool(_VENDOR_SECRET.fullmatch(value) or _LONG_WORD.fullmatch(value))


def mask_key(value: str, identity: Identity | None) -> str:
    """An identifier safe to keep: a raw API key becomes a digest, anything else stays.

    Without an `Identity` the digest has no key. That is sound only because what looks like a
    secret here is long and random, so that nobody can guess it.
    """
    if not looks_like_secret(value):
        return value
    if identity is not None:
        return identity.key_id(value)
    return f"key_{hashlib.sha256(value.encode()).hexdigest()[:DIGITS]}"
