"""Published sets: what a member says it has seen, readable only by who asks about the same account.

A tag is a hash of the function's value with the owner, the set and the key. So a tag that is copied
from another member's set fits nothing, and two sets tell neither the hub nor anyone else what they
have in common. Padding is random and looks the same. A set is never changed: what comes later in an
epoch goes into a further set, because two versions of one set would tell the padding apart.
"""

from collections.abc import Iterable
from hashlib import sha512
from typing import Final

import msgspec

from stillwatch.errors import InputError, IntegrityError
from stillwatch.share.blind.committee import Committee
from stillwatch.share.blind.eligible import Candidate
from stillwatch.share.blind.group import Randomness
from stillwatch.share.blind.matching import Values
from stillwatch.share.blind.messages import MAX_TAGS, TAG_BYTES, TagSet

MIN_TAGS: Final = 1024
"""Tags of the smallest set."""
_TAG: Final = b"stillwatch/blind/tag/1"


def publish(values: Values, owner: str, number: int, randomness: Randomness) -> TagSet:
    """Make the set that a member publishes of its campaign accounts.

    Args:
        values: Of the accounts, under the epoch's key.
        owner: The member's name.
        number: Of the set: 0 for the epoch's first, then 1, …; never used twice.
        randomness: Source of the padding.

    Raises:
        InputError: There are more accounts than a set can have.
    """
    size = max(MIN_TAGS, 1 << (len(values.of) - 1).bit_length())
    if size > MAX_TAGS:
        raise InputError(f"A set has {MAX_TAGS} tags at most: publish several with other numbers.")
    head = _head(values.committee, owner, number)
    tags = {_tag(head, value) for value in values.of.values()}
    while len(tags) < size:
        tags.add(randomness(TAG_BYTES))
    committee = values.committee
    return TagSet(committee.roster.epoch, committee.key_id, owner, number, tuple(sorted(tags)))


def check(published: TagSet, committee: Committee, sender: str) -> None:
    """Check a set: the hub before it stores it, and a member before it reads it.

    The hub also keeps the first set under a number and refuses another.

    Raises:
        IntegrityError: It bears another name than its sender's, is of another key, or is not
            sorted and padded as `publish` does.
    """
    size = len(published.tags)
    for right, message in (
        (published.owner == sender, "A set bears another name than its sender's."),
        (
            published.key_id == committee.key_id and published.epoch == committee.roster.epoch,
            "A set is of another key than this epoch's: its owner must publish it anew.",
        ),
        (
            size >= MIN_TAGS and size & (size - 1) == 0,
            f"A set is not padded to a power of two of at least {MIN_TAGS}.",
        ),
        (
            all(a < b for a, b in zip(published.tags, published.tags[1:], strict=False)),
            "The tags of a set do not ascend.",
        ),
    ):
        if not right:
            raise IntegrityError(message)


def intersect(values: Values, sets: Iterable[TagSet]) -> dict[Candidate, list[str]]:
    """Find which of a member's candidates others have seen; sent to nobody.

    Args:
        values: Of the member's candidates.
        sets: What others published, which `check` accepted; any number of each owner.

    Returns:
        The owners, sorted, by candidate; candidates that nobody has seen are left out.

    Raises:
        IntegrityError: A set is of another key.
    """
    seen: dict[Candidate, set[str]] = {}
    for published in sets:
        if published.key_id != values.committee.key_id:
            raise IntegrityError(
                f"The set of {published.owner} is of another key: its owner must publish it anew."
            )
        tags = frozenset(published.tags)
        head = _head(values.committee, published.owner, published.number)
        for candidate, value in values.of.items():
            if _tag(head, value) in tags:
                seen.setdefault(candidate, set()).add(published.owner)
    return {candidate: sorted(owners) for candidate, owners in seen.items()}


def _head(committee: Committee, owner: str, number: int) -> bytes:
    return _TAG + msgspec.msgpack.encode((committee.key_id, owner, number))


def _tag(head: bytes, value: bytes) -> bytes:
    return sha512(head + value).digest()[:TAG_BYTES]
