"""A forum in one process: holders who made a key together, and members who ask them."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

from stillwatch.events.contracts import Kind
from stillwatch.share.blind import matching, tags, threshold
from stillwatch.share.blind.committee import Committee, Holder, Roster
from stillwatch.share.blind.eligible import CampaignAccount, Identifier, eligible
from stillwatch.share.blind.messages import Answer, Question, decode, encode
from stillwatch.share.blind.quota import Ledger, Quota
from stillwatch.share.blind.threshold import KeyShare

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PARTIES = ("hub", "ash", "birch", "cedar", "dogwood")
random = secrets.token_bytes


def make_roster(needed=3, epoch=1, parties=PARTIES):
    return Roster(
        epoch=epoch,
        threshold=needed,
        holders=tuple(Holder(n, party, party == "hub") for n, party in enumerate(parties, 1)),
    )


def make_key(roster):
    """Run the ceremony: the committee, and every holder's share by index."""
    dealings = [threshold.deal(roster, holder.index, random) for holder in roster.holders]
    deals = [dealing.deal for dealing in dealings]
    shares = {}
    for holder in roster.holders:
        sent = {dealing.deal.dealer: dealing.shares[holder.index] for dealing in dealings}
        committee, shares[holder.index] = threshold.receive(roster, deals, holder.index, sent)
    return committee, shares


@dataclass
class Forum:
    """Holders of one epoch with their ledgers; messages cross as bytes."""

    committee: Committee
    shares: dict[int, KeyShare]
    quota: Quota = field(default_factory=Quota)
    ledgers: dict[int, Ledger] = field(default_factory=dict)
    now: datetime = NOON

    @classmethod
    def found(cls, needed=3, epoch=1, **settings):
        return cls(*make_key(make_roster(needed, epoch)), **settings)

    def answer(self, index, question, sender):
        ledger = self.ledgers.get(index, Ledger(self.committee.key_id))
        reply, self.ledgers[index] = matching.answer(
            decode(encode(question), Question),
            sender=sender,
            share=self.shares[index],
            committee=self.committee,
            quota=self.quota,
            ledger=ledger,
            now=self.now,
            randomness=random,
        )
        return decode(encode(reply), Answer)

    def values(self, member, candidates, quorum=(2, 3, 5)):
        """Ask a quorum about a member's candidates."""
        sessions = matching.ask(candidates, self.committee, member, random)
        for place, session in enumerate(sessions):
            for index in quorum:
                sessions[place] = matching.accept(
                    sessions[place], self.answer(index, session.question, member)
                )
        return matching.values(sessions)

    def publish(self, member, candidates, number=0):
        return tags.publish(self.values(member, candidates), member, number, random)


def accounts(*emails, kind=Kind.EXTRACTION, campaign="c-1"):
    """Candidates of one campaign, an account for each address."""
    rows = [CampaignAccount(f"a-{n}", campaign, kind) for n in range(len(emails))]
    return eligible(rows, [Identifier(f"a-{n}", "email", mail) for n, mail in enumerate(emails)])


def mails(candidates):
    """The addresses of candidates."""
    return {candidate.identifier.rpartition(b"\0")[2].decode() for candidate in candidates}
