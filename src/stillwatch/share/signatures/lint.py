"""Faults of a signature that a program can find before anyone else sees it."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from stillwatch.share.signatures.families import ASPECTS, Family, is_text
from stillwatch.share.signatures.model import Feature, Signature, identify
from stillwatch.share.signatures.shapes import BINS

LONGEST_TEXT: Final = 400
"""Characters of a name or description."""
LONGEST_VALUE: Final = 80
"""Characters of a readable value: the name of a client or a TLS fingerprint."""
LEAST_K: Final = 5

_KEYED: Final = re.compile(r"[0-9a-f]+")
_READABLE: Final = re.compile(r"[a-z0-9._/+-]+")
_ATLAS: Final = re.compile(r"AML\.T\d{4}(\.\d{3})?")
_IDENTITY: Final = re.compile(r"identity--[0-9a-f-]{36}")
_PRIVATE: Final = re.compile(r"@|\b\d{1,3}(\.\d{1,3}){3}\b|https?://|[$€£]\s?\d")
"""What looks like an address of a person or machine, or a price."""


def lint(
    signature: Signature,
    *,
    warned: Mapping[Family, AbstractSet[str]] | None = None,
    k: int = LEAST_K,
) -> list[str]:
    """List what is wrong with a signature, each fault in one line; empty where nothing is.

    Args:
        signature: what is checked.
        warned: values on warning lists, by family.
        k: accounts that must have carried it.
    """
    faults = [fault for feature in signature.features for fault in _feature(feature, warned or {})]
    if not any(ASPECTS[f.family].alone for f in signature.features):
        faults.append("none of its features can stand alone: add one of content")
    if signature.id != identify(signature, signature.key_id):
        faults.append("its id is not that of its content: extract it again")
    if not 0 <= signature.rule.share <= 1 or signature.rule.events < 1:
        faults.append("its rule needs at least one event and a share from 0 to 1")
    faults += _figures(signature, k)
    if signature.valid_until <= signature.valid_from:
        faults.append("it ends before it begins")
    faults += [f"{t} is no MITRE ATLAS id" for t in signature.techniques if not _ATLAS.fullmatch(t)]
    if signature.created_by and not is_identity(signature.created_by):
        faults.append("created_by is no identity of STIX 2.1")
    for text in (signature.name, signature.description, signature.objective or ""):
        if len(text) > LONGEST_TEXT or _PRIVATE.search(text):
            faults.append("its words are long, or hold an address, a link or a price")
        if not text.isprintable():
            faults.append("its words hold a character that does not print: a terminal may obey it")
    return faults


def is_identity(text: str) -> bool:
    """Whether a text is the id of a STIX identity."""
    return bool(_IDENTITY.fullmatch(text))


def _figures(signature: Signature, k: int) -> list[str]:
    rate = signature.false_positives
    faults = []
    if signature.k < k:
        faults.append(f"{signature.k} accounts carried it and {k} must: it may single someone out")
    if not rate.accounts:
        faults.append("its false positives were never measured: test it on benign traffic")
    if not (0 <= rate.hits <= rate.accounts and 0 <= rate.low <= rate.high <= 1):
        faults.append("its rate of false positives is impossible: measure it again")
    if not 0 <= signature.cover <= 1:
        faults.append("its cover is no share: it needs a number from 0 to 1")
    return faults


def _feature(feature: Feature, warned: Mapping[Family, AbstractSet[str]]) -> list[str]:
    name, aspect = feature.family.value, ASPECTS[feature.family]
    faults = []
    if not feature.values or list(feature.values) != sorted(set(feature.values)):
        faults.append(f"the values of {name} must ascend, without repeats")
    if not 1 <= feature.least <= len(feature.values):
        faults.append(f"{name} asks for {feature.least} of {len(feature.values)} values")
    if feature.least > 1 and not aspect.many:
        faults.append(f"an event carries one {name}: at least {feature.least} cannot be asked for")
    if not all(_is_value(feature.family, value) for value in feature.values):
        faults.append(f"{name} holds a value that no fingerprint has")
    listed = set(feature.values) & set(warned.get(feature.family, ()))
    if listed:
        faults.append(f"{len(listed)} values of {name} are on a warning list")
    return faults


def _is_value(family: Family, value: str) -> bool:
    aspect = ASPECTS[family]
    if aspect.column is None:
        return value in BINS[family]
    if is_text(family):
        return len(value) <= LONGEST_VALUE and bool(_READABLE.fullmatch(value.replace("_", "")))
    right = len(value) == aspect.keyed or not aspect.keyed
    return right and bool(_KEYED.fullmatch(value))
