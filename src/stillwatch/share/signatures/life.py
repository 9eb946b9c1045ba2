"""The life of a signature: states, what moves it between them, and how sure one may be of it.

| in state | what happens | becomes | by |
|---|---|---|---|
| draft | `test` | tested | anyone |
| tested | `publish` | published | a person |
| published | worth less than half for its age, or past its end | decaying | the clock |
| decaying | a report with confirmed hits | published | anyone |
| tested, published, decaying | too many hits judged benign | quarantined | itself |
| quarantined | `release` | tested | a person |
| any but revoked | `revoke` | revoked | a person, or the member that it came from |
| draft, expired | `receive` | received | another member |
| received | too many hits judged benign | quarantined | itself |
| received, or released and not ours | past the end that its member gave | expired | the clock |
| expired, or revoked by the member that it came from | `own` | draft | extraction here |
| revoked by a person here | | | for ever |

Nothing is stored but what happened; the state at any moment follows from it and the clock. What
does not fit the table is refused when it is added. Rules:

- Hits that someone judged, confirmed or benign, move the confidence: the mean of a Beta posterior
  of the share of hits that are right, times a half for every half-life without a confirmed hit.
- A signature is quarantined by a test that may be looked at after every report: the likelihood
  ratio of "40 % of its hits are benign" to "10 % are" is an e-process (Ville 1939), so a signature
  with at most 10 % benign hits ever reaches 20 with probability 0.05 at most.
- What a rival says is evidence: a hit proposes `watch` and nothing stronger. What came from another
  member is never published here. It ends when that member said, who may say a later end; its
  confidence begins as that of any untested one, and its age counts from its arrival at the latest.
- A member speaks for what it gave, and not for what is found here: the same pattern, extracted here
  after that member has withdrawn it, begins anew as one of our own.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from stillwatch.errors import InputError
from stillwatch.events.contracts import Verdict
from stillwatch.share.signatures.model import Signature, State


class Act(StrEnum):
    """What can happen to a signature."""

    TEST = "test"
    PUBLISH = "publish"
    REPORT = "report"
    RELEASE = "release"
    REVOKE = "revoke"
    RECEIVE = "receive"
    OWN = "own"


TABLE: Final[dict[tuple[State, Act], State]] = {
    (State.DRAFT, Act.TEST): State.TESTED,
    (State.DRAFT, Act.REPORT): State.DRAFT,
    (State.DRAFT, Act.REVOKE): State.REVOKED,
    (State.TESTED, Act.TEST): State.TESTED,
    (State.TESTED, Act.PUBLISH): State.PUBLISHED,
    (State.TESTED, Act.REPORT): State.TESTED,
    (State.TESTED, Act.REVOKE): State.REVOKED,
    (State.PUBLISHED, Act.TEST): State.PUBLISHED,
    (State.PUBLISHED, Act.REPORT): State.PUBLISHED,
    (State.PUBLISHED, Act.REVOKE): State.REVOKED,
    (State.DECAYING, Act.TEST): State.DECAYING,
    (State.DECAYING, Act.REPORT): State.DECAYING,
    (State.DECAYING, Act.REVOKE): State.REVOKED,
    (State.QUARANTINED, Act.REPORT): State.QUARANTINED,
    (State.QUARANTINED, Act.RELEASE): State.TESTED,
    (State.QUARANTINED, Act.REVOKE): State.REVOKED,
    (State.DRAFT, Act.RECEIVE): State.RECEIVED,
    (State.RECEIVED, Act.TEST): State.RECEIVED,
    (State.RECEIVED, Act.REPORT): State.RECEIVED,
    (State.RECEIVED, Act.REVOKE): State.REVOKED,
    # Another member says a later end.
    (State.RECEIVED, Act.RECEIVE): State.RECEIVED,
    (State.TESTED, Act.RECEIVE): State.TESTED,
    (State.QUARANTINED, Act.RECEIVE): State.QUARANTINED,
    (State.EXPIRED, Act.RECEIVE): State.RECEIVED,
    (State.EXPIRED, Act.REPORT): State.EXPIRED,
    (State.EXPIRED, Act.REVOKE): State.REVOKED,
    # Found here again, after the member that it came from has withdrawn it.
    (State.EXPIRED, Act.OWN): State.DRAFT,
    (State.REVOKED, Act.OWN): State.DRAFT,
}
"""What may happen in which state, and the state after it; the clock and the test come on top."""

SPEAKS: Final = frozenset({State.TESTED, State.PUBLISHED, State.DECAYING, State.RECEIVED})
"""States in which a hit means something."""
SILENT: Final = frozenset({State.QUARANTINED, State.REVOKED, State.EXPIRED})
"""States in which it is not matched."""

PERSONAL: Final = frozenset({Act.PUBLISH, Act.RELEASE, Act.REVOKE})
"""What only a person does."""

TOLERATED: Final = 0.1
"""Share of judged hits that may be benign."""
NOISY: Final = 0.4
"""Share at which a signature is found out fastest."""
ALARM: Final = math.log(20)
"""Log of the likelihood ratio at which a signature is quarantined."""

PRIOR: Final = (3.0, 1.0)
"""Beta prior of the share of hits that are right: what a measured signature is given."""
UNTESTED: Final = (1.0, 1.0)
"""Of one that nobody has tested."""
WORTH_HALF: Final = 0.5


class Happening(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of a signature's life; only added, never changed.

    `confirmed` and `benign` count hits that someone judged since the last report. `until` is the
    end that another member gave, with `receive`; `by` is then its STIX identity.
    """

    signature_id: str
    time: datetime
    act: Act
    by: str
    confirmed: int = 0
    benign: int = 0
    note: str = ""
    until: datetime | None = None


@dataclass(frozen=True)
class Life:
    """Where a signature is at a moment.

    Attributes:
        state: its state.
        confidence: 0 to 100; higher is surer that a hit is right.
        confirmed: judged hits that were right, of its whole life.
        benign: judged hits that were not.
        evidence: log likelihood ratio that it is noisy, since it was last released.
        refreshed: when it was made or last confirmed.
        why: what put it into this state, for a person.
        source: STIX identity of the member that it came from; None if it was made here.
        ends: when that member said that it ends.
        withdrawn: whether that member has revoked it or let it end.
    """

    state: State
    confidence: int
    confirmed: int
    benign: int
    evidence: float
    refreshed: datetime
    why: str
    source: str | None = None
    ends: datetime | None = None
    withdrawn: bool = False


def life_of(signature: Signature, happenings: Iterable[Happening], now: datetime) -> Life:
    """Work out where a signature is.

    Args:
        signature: whose life.
        happenings: what happened to it, in order; those of others and of later times are left out.
        now: the clock.

    Raises:
        InputError: Something happened that its state does not allow.
    """
    life = Life(State.DRAFT, 0, 0, 0, 0.0, signature.valid_from, "made by extraction")
    tested = False
    for happening in happenings:
        if happening.signature_id != signature.id or happening.time > now:
            continue
        before = _aged(life, signature, happening.time)
        life = _after(before, happening)
        tested = happening.act is Act.TEST or (tested and happening.act is not Act.OWN)
    life = _aged(life, signature, now)
    return replace(life, confidence=_confidence(life, signature, now, tested=tested))


def _after(life: Life, happening: Happening) -> Life:
    """Apply one line of the table, then the test for noise."""
    state = TABLE.get((life.state, happening.act))
    if state is None:
        raise InputError(
            f"{happening.signature_id} is {life.state.value}: {happening.act.value} is not possible"
        )
    if happening.act is Act.PUBLISH and life.source is not None:
        raise InputError(f"{happening.signature_id} is another member's: only they publish it")
    if happening.act is Act.OWN:
        if not life.withdrawn:
            raise InputError(f"{happening.signature_id} was revoked here: that holds for ever")
        return Life(state, 0, 0, 0, 0.0, happening.time, "made by extraction")
    if happening.act is Act.RECEIVE:
        return _received(life, state, happening)
    why = life.why
    if state is not life.state or happening.act is not Act.REPORT:
        why = f"{happening.act.value} by {happening.by}{_noted(happening)}"
    good, bad = happening.confirmed, happening.benign
    evidence = 0.0 if happening.act is Act.RELEASE else life.evidence
    evidence += bad * math.log(NOISY / TOLERATED) + good * math.log((1 - NOISY) / (1 - TOLERATED))
    refreshed = happening.time if good else life.refreshed
    if good and state is State.DECAYING:
        state, why = State.PUBLISHED, f"confirmed by {happening.by}"
    confirmed, benign = life.confirmed + good, life.benign + bad
    if evidence >= ALARM and state in SPEAKS:
        state = State.QUARANTINED
        why = f"{benign} of {confirmed + benign} judged hits were benign"
    return replace(
        life,
        state=state,
        confirmed=confirmed,
        benign=benign,
        evidence=evidence,
        refreshed=refreshed,
        why=why,
        withdrawn=life.withdrawn
        if state is life.state
        else state is State.REVOKED and happening.by == life.source,
    )


def _received(life: Life, state: State, happening: Happening) -> Life:
    """Note whose it is and when it ends; a quarantine stays as it was."""
    return replace(
        life,
        state=state,
        refreshed=min(life.refreshed, happening.time),
        why=life.why if state is State.QUARANTINED else f"from {happening.by}",
        source=happening.by,
        ends=happening.until,
        withdrawn=False,
    )


def _noted(happening: Happening) -> str:
    return f": {happening.note}" if happening.note else ""


def _aged(life: Life, signature: Signature, now: datetime) -> Life:
    """Let a published signature decay, and one of another member end."""
    if life.ends is not None and now >= life.ends and life.state in SPEAKS:
        why = f"past its end, from {life.source}"
        return replace(life, state=State.EXPIRED, why=why, withdrawn=True)
    if life.state is not State.PUBLISHED:
        return life
    if now >= signature.valid_until:
        return replace(life, state=State.DECAYING, why="past its end")
    if freshness(life, signature, now) < WORTH_HALF:
        return replace(life, state=State.DECAYING, why="not confirmed for a half-life")
    return life


def freshness(life: Life, signature: Signature, now: datetime) -> float:
    """Return what age leaves of a signature, 1 when fresh, half after each half-life."""
    age = max(now - life.refreshed, timedelta()) / timedelta(days=signature.half_life)
    return float(0.5**age)


def _confidence(life: Life, signature: Signature, now: datetime, *, tested: bool) -> int:
    if life.state in SILENT:
        return 0
    right, wrong = PRIOR if tested else UNTESTED
    right, wrong = right + life.confirmed, wrong + life.benign
    return round(100 * right / (right + wrong) * freshness(life, signature, now))


def lives(
    signatures: Sequence[Signature], happenings: Sequence[Happening], now: datetime
) -> dict[str, Life]:
    """Work out where each signature is."""
    own: dict[str, list[Happening]] = {}
    for happening in happenings:
        own.setdefault(happening.signature_id, []).append(happening)
    return {s.id: life_of(s, own.get(s.id, []), now) for s in signatures}


def verdict(life: Life) -> Verdict:
    """Return what a hit proposes: at most `watch`, whoever made the signature."""
    return Verdict.WATCH if life.state in SPEAKS else Verdict.ALLOW
