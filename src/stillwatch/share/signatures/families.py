"""The families of features that may leave a provider, and how fingerprints carry them.

What is not listed here cannot be put into a signature: no address, network, payment, device, mail
domain, conversation, end user or API key. Those have few possible values, or name a person.
"""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

U64s = NDArray[np.uint64]
Bools = NDArray[np.bool_]


class Family(StrEnum):
    """One sort of feature; names are permanent, for they stand in signatures."""

    TEMPLATE = "template"
    OPENING = "opening"
    CLOSING = "closing"
    SYSTEM = "system"
    BANDS = "bands"
    PASSAGES = "passages"
    VOCABULARY = "vocabulary"
    PARAMETERS = "parameters"
    TLS = "tls"
    CLIENT = "client"
    MARKERS = "markers"
    COMPLETION_MARKERS = "completion-markers"
    LIFE = "life"
    RAMP = "ramp"
    PACE = "pace"
    RHYTHM = "rhythm"


@dataclass(frozen=True)
class Aspect:
    """How a family is carried.

    Attributes:
        column: fingerprint column; None for a shape of a whole account.
        keyed: hexadecimal digits of a keyed hash; 0 where the value is readable.
        many: whether an event carries several values.
        alone: whether a feature of the family can make a signature without another.
        half_life: days after which an unconfirmed feature is worth half.
    """

    column: str | None
    keyed: int
    many: bool
    alone: bool
    half_life: float


ASPECTS: Final[dict[Family, Aspect]] = {
    # How an operator asks is dear to change; single questions, which passages come from, run out.
    Family.TEMPLATE: Aspect("template", 16, False, True, 90.0),
    Family.OPENING: Aspect("opening", 16, False, True, 60.0),
    Family.CLOSING: Aspect("closing", 16, False, True, 60.0),
    Family.SYSTEM: Aspect("system", 16, False, True, 90.0),
    Family.BANDS: Aspect("bands", 16, True, True, 60.0),
    Family.PASSAGES: Aspect("passages", 8, True, True, 30.0),
    Family.VOCABULARY: Aspect("sketch", 8, True, True, 60.0),
    # What a release of a client, or one line of configuration, changes.
    Family.PARAMETERS: Aspect("parameters", 16, False, False, 30.0),
    Family.TLS: Aspect("tls_fingerprint", 0, False, False, 30.0),
    Family.CLIENT: Aspect("client_name", 0, False, False, 30.0),
    Family.MARKERS: Aspect("markers", 0, False, False, 90.0),
    Family.COMPLETION_MARKERS: Aspect("completion_markers", 0, False, False, 90.0),
    Family.LIFE: Aspect(None, 0, False, False, 30.0),
    Family.RAMP: Aspect(None, 0, False, False, 30.0),
    Family.PACE: Aspect(None, 0, False, False, 30.0),
    Family.RHYTHM: Aspect(None, 0, False, False, 30.0),
}
"""Every family; those of content can stand alone, all others only narrow them down."""

NEEDED: Final = (
    "account_id",
    "time",
    *(aspect.column for aspect in ASPECTS.values() if aspect.column is not None),
)
"""Columns of fingerprints that signatures read."""


def number_of(family: Family, value: str) -> int:
    """Return the 64-bit number by which a value of a signature is compared.

    >>> number_of(Family.TEMPLATE, "00000000000000ff")
    255
    """
    if ASPECTS[family].keyed or family in {Family.MARKERS, Family.COMPLETION_MARKERS}:
        return int(value, 16)
    return int.from_bytes(blake2b(value.encode(), digest_size=8).digest(), "little")


CLIENTS: Final = (
    "aiohttp", "anthropic/python", "axios", "curl", "go-http-client", "httpx", "java-http-client",
    "langchain", "litellm", "llama-index", "mozilla", "node", "node-fetch", "okhttp",
    "openai-node", "openai-python", "openai/js", "openai/python", "python-httpx",
    "python-requests", "python-urllib", "reqwest", "ruby", "undici", "vllm", "wget",
)  # fmt: skip
"""Public client software: a name that is not here could be that of a customer."""

READABLE: Final[dict[Family, str]] = {
    Family.TLS: "[tqd][0-9]{2}[di][0-9]{4}[0-9a-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}",
    Family.CLIENT: "|".join(CLIENTS),
}
"""Families whose values are readable, and the shape of those that may stand in a signature."""


def value_of(family: Family, number: int) -> str:
    """Write a number of a keyed family, or a mix of markers, as it stands in a signature.

    >>> value_of(Family.VOCABULARY, 255), value_of(Family.MARKERS, 255)
    ('000000ff', 'ff')
    """
    return f"{number:0{ASPECTS[family].keyed}x}"


def is_text(family: Family) -> bool:
    """Whether values of a family are readable names."""
    return family in READABLE


def carried(batch: pa.RecordBatch, family: Family) -> tuple[U64s, Bools]:
    """Return the numbers that each event carries of a family.

    Args:
        batch: fingerprints with at least the family's column.
        family: one that has a column.

    Returns:
        Numbers and which of them are there, both of shape (events, width); an event's numbers
        differ from each other.
    """
    column = batch.column(ASPECTS[family].column)
    if ASPECTS[family].many:
        width = column.type.list_size
        numbers = np.asarray(column.flatten()).astype(np.uint64).reshape(-1, width)
        return numbers, numbers != 0
    if is_text(family):
        encoded = column.dictionary_encode()
        known = [number_of(family, text) for text in encoded.dictionary.to_pylist()]
        column = pa.array(known, pa.uint64()).take(encoded.indices)
    there = np.asarray(pc.is_valid(column))
    values = np.asarray(pc.fill_null(column.cast(pa.uint64()), 0), np.uint64)
    return values.reshape(-1, 1), there.reshape(-1, 1)
