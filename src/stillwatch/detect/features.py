"""Account features: which account carries which value, by family.

A family is one aspect of behaviour (an opening, a network, a payment). Formation of clusters reads
some families, the test of a cluster reads the others; `detect.formation` says which.
"""

from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect.numbering import numbered


class Line(StrEnum):
    """A line of evidence: families that one change of tactics would alter together."""

    CONTENT = "content"
    CLIENT = "client"
    NETWORK = "network"
    IDENTITY = "identity"
    LIFECYCLE = "lifecycle"
    PACE = "pace"


class Family(IntEnum):
    """Aspects of behaviour; the order is permanent (values stand in stored profiles)."""

    TEMPLATE = 0
    OPENING = 1
    CLOSING = 2
    SYSTEM = 3
    CONTENT = 4
    PARAMETERS = 5
    CLIENT = 6
    TLS = 7
    NETWORK = 8
    ADDRESS = 9
    CONVERSATION = 10
    END_USER = 11
    PAYMENT = 12
    DEVICE = 13
    EMAIL_DOMAIN = 14
    SIGNUP_NETWORK = 15
    ORGANISATION = 16
    SIGNUP_TIME = 17
    FIRST_SEEN = 18
    LAST_SEEN = 19
    API_KEY = 20
    WORDS = 21
    MODEL_MOVE = 22


LINE_OF: Final[dict[Family, Line]] = {
    Family.TEMPLATE: Line.CONTENT,
    Family.OPENING: Line.CONTENT,
    Family.CLOSING: Line.CONTENT,
    Family.SYSTEM: Line.CONTENT,
    Family.CONTENT: Line.CONTENT,
    Family.PARAMETERS: Line.CLIENT,
    Family.CLIENT: Line.CLIENT,
    Family.TLS: Line.CLIENT,
    Family.NETWORK: Line.NETWORK,
    Family.ADDRESS: Line.NETWORK,
    Family.CONVERSATION: Line.NETWORK,
    Family.END_USER: Line.NETWORK,
    Family.API_KEY: Line.NETWORK,
    Family.PAYMENT: Line.IDENTITY,
    Family.DEVICE: Line.IDENTITY,
    Family.EMAIL_DOMAIN: Line.IDENTITY,
    Family.SIGNUP_NETWORK: Line.IDENTITY,
    Family.ORGANISATION: Line.IDENTITY,
    Family.SIGNUP_TIME: Line.LIFECYCLE,
    Family.FIRST_SEEN: Line.LIFECYCLE,
    Family.LAST_SEEN: Line.LIFECYCLE,
    Family.WORDS: Line.CONTENT,
    Family.MODEL_MOVE: Line.LIFECYCLE,
}

FINGERPRINT_FAMILIES: Final[dict[Family, str]] = {
    Family.TEMPLATE: "template",
    Family.OPENING: "opening",
    Family.CLOSING: "closing",
    Family.SYSTEM: "system",
    Family.CONTENT: "content",
    Family.PARAMETERS: "parameters",
    Family.CLIENT: "client",
    Family.TLS: "tls_fingerprint",
    Family.NETWORK: "network",
    Family.ADDRESS: "address",
    Family.CONVERSATION: "conversation",
    Family.END_USER: "end_user",
    Family.API_KEY: "api_key",
}
"""Families that come from fingerprint columns."""


@dataclass(frozen=True)
class FamilyCounts:
    """Which account carries which value of one family, and in how many events.

    Rows are unique in (account, value) and sorted by account, then value. A log has hundreds of
    millions of rows, so values are numbered once, and what reads them counts numbers.

    Attributes:
        account: account codes, int32, shape (rows,).
        number: number of each row's value in `values`, int32.
        values: distinct feature values, uint64, ascending.
        count: events of the account with the value, int32.
        held_out: how many of those events lie in the held-out half, int32.
    """

    account: NDArray[np.int32]
    number: NDArray[np.int32]
    values: NDArray[np.uint64]
    count: NDArray[np.int32]
    held_out: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        account: NDArray[np.int32],
        value: NDArray[np.uint64] | NDArray[np.uint32],
        count: NDArray[np.int32],
        held_out: NDArray[np.int32],
    ) -> Self:
        """Number the values of rows that are unique and sorted."""
        values, number = numbered(value)
        return cls(account, number, values, count, held_out)

    @property
    def value(self) -> NDArray[np.uint64]:
        """Value of each row."""
        return self.values[self.number]

    @property
    def carriers(self) -> NDArray[np.int64]:
        """How many accounts carry each value."""
        return np.bincount(self.number, minlength=self.values.size)

    def half(self, *, held_out: bool) -> Self:
        """Return only what the held-out half (or the other) shows, with the same numbers."""
        counts = self.held_out if held_out else self.count - self.held_out
        keep = counts > 0
        kept = counts[keep]
        return replace(
            self,
            account=self.account[keep],
            number=self.number[keep],
            count=kept,
            held_out=kept if held_out else kept * 0,
        )

    def only(self, wanted: NDArray[np.bool_]) -> Self:
        """Return the rows of some values, numbered anew; `wanted` is of the shape of `values`."""
        keep = wanted[self.number]
        number = (np.cumsum(wanted, dtype=np.int32) - 1)[self.number[keep]]
        return replace(
            self,
            account=self.account[keep],
            number=number,
            values=self.values[wanted],
            count=self.count[keep],
            held_out=self.held_out[keep],
        )


Features = dict[Family, FamilyCounts]
"""All families of one scan."""


AT_ONCE: Final = 1 << 22
"""Rows that are looked at together where an intermediate result of all would be large."""


def spans(first: NDArray[np.int64], members: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the row numbers of accounts whose rows begin at `first`, account after account."""
    begin = first[members]
    length = first[members + 1] - begin
    ends = np.cumsum(length)
    rows = np.arange(ends[-1] if ends.size else 0) + np.repeat(begin - (ends - length), length)
    return np.asarray(rows, np.int64)
