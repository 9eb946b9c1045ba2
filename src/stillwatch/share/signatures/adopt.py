"""Signatures of other members: which are taken up, and which are left out and why.

What a rival says is evidence: a signature that is taken up proposes `watch`, whatever its sender
claims of it. One that was made here stays ours, also where another member finds the same pattern.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

import msgspec

from stillwatch.share.signatures.families import Family
from stillwatch.share.signatures.life import Act, Happening, Life
from stillwatch.share.signatures.lint import lint
from stillwatch.share.signatures.model import Signature, State


class LeftOut(msgspec.Struct, frozen=True):
    """A signature that was not taken up, and why."""

    signature_id: str
    why: str


class Adoption(msgspec.Struct, frozen=True):
    """What is to be added to a folder of signatures.

    Attributes:
        new: Signatures that it does not hold.
        happenings: That they came; later ends and revocations of others.
        known: Signatures that it holds already, and of which nothing new was said.
        renewed: Signatures whose member gave a later end.
        revoked: Signatures that their member withdrew.
        left_out: Signatures under another key or with faults.
    """

    new: tuple[Signature, ...]
    happenings: tuple[Happening, ...]
    known: int
    renewed: int
    revoked: int
    left_out: tuple[LeftOut, ...]


def adopt(
    signatures: Sequence[Signature],
    revoked: Sequence[Signature],
    lives: Mapping[str, Life],
    *,
    key_id: str,
    now: datetime,
    warned: Mapping[Family, AbstractSet[str]] | None = None,
) -> Adoption:
    """Decide what to take up of a bundle.

    A later end, or a revocation, counts only from the member that the signature came from.

    Args:
        signatures: Those that hold now.
        revoked: Those that the bundle withdraws.
        lives: Where each signature is that is held, by id.
        key_id: Name of the forum's key.
        now: The clock.
        warned: Values on warning lists, by family.
    """
    new: list[Signature] = []
    came: list[Happening] = []
    left_out: list[LeftOut] = []
    known = renewed = 0
    first: dict[str, Signature] = {}
    for signature in signatures:
        first.setdefault(signature.id, signature)
    for signature in first.values():
        life = lives.get(signature.id)
        if life is None:
            why = _faults(signature, key_id, warned)
            if why:
                left_out.append(LeftOut(signature.id, why))
                continue
            new.append(signature)
        elif not _renews(signature, life):
            known += 1
            continue
        else:
            renewed += 1
        came.append(_receipt(signature, now))
    gone = {s.id: s for s in revoked if s.id in lives and _withdraws(s, lives[s.id])}
    withdrawn = [Happening(s.id, now, Act.REVOKE, str(s.created_by)) for s in gone.values()]
    return Adoption(
        new=tuple(new),
        happenings=(*came, *withdrawn),
        known=known,
        renewed=renewed,
        revoked=len(withdrawn),
        left_out=tuple(left_out),
    )


def _faults(
    signature: Signature, key_id: str, warned: Mapping[Family, AbstractSet[str]] | None
) -> str:
    if signature.key_id != key_id:
        return f"it is under the key {signature.key_id}, not {key_id}"
    if signature.created_by is None:
        return "it does not say who made it"
    return "; ".join(lint(signature, warned=warned))


def _receipt(signature: Signature, now: datetime) -> Happening:
    return Happening(
        signature_id=signature.id,
        time=now,
        act=Act.RECEIVE,
        by=str(signature.created_by),
        until=signature.valid_until,
    )


def _renews(signature: Signature, life: Life) -> bool:
    """Whether the member that it came from gives a later end."""
    theirs = life.source is not None and life.source == signature.created_by
    return (
        theirs
        and life.state is not State.REVOKED
        and life.ends is not None
        and signature.valid_until > life.ends
    )


def _withdraws(signature: Signature, life: Life) -> bool:
    """Whether it came from the member that revokes it, and is not revoked yet."""
    theirs = life.source is not None and life.source == signature.created_by
    return theirs and life.state is not State.REVOKED
