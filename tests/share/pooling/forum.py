"""A forum for tests: members who commit to tags and publish factors."""

import random
from datetime import UTC, date, datetime, timedelta
from hashlib import sha512

import msgspec

from stillwatch.share.pooling.commitment import Committed, commit_to, pooling_tag
from stillwatch.share.pooling.finding import Contribution
from stillwatch.share.pooling.pool import Pool, Publication, commit, publish
from stillwatch.share.pooling.rules import Rules, Window

OPENS = datetime(2026, 11, 1, tzinfo=UTC)
STARTS = OPENS + timedelta(days=1)
DURING = STARTS + timedelta(days=3)
CLOSES = STARTS + timedelta(days=7)
DAY = date(2026, 11, 4)
NAMES = ("ash", "birch", "cedar", "dogwood", "elm")
# With so few tags a discovery needs 16 / (0.05 x rank): 320 alone.
STRONG, WEAK = 1024.0, 4.0


def window(names=NAMES, rules=None, **changes) -> Window:
    base = Window(b"w" * 32, b"k" * 32, tuple(names), OPENS, STARTS, CLOSES, rules or Rules())
    return msgspec.structs.replace(base, **changes)


def tag(of: Window, name: str) -> bytes:
    return pooling_tag(of, sha512(name.encode()).digest())


class Forum:
    """Members that each test named features, and the hub's pool."""

    def __init__(self, of: Window, tested: dict[str, list[str]], *, seed: int = 1) -> None:
        self.window = of
        self.pool = Pool(of)
        self.opened: dict[str, Committed] = {}
        for member, features in tested.items():
            # Of its own, so that what one member commits to changes nothing at another.
            source = random.Random(f"{seed} {member}")
            tags = [tag(of, feature) for feature in features]
            self.opened[member] = commit_to(of, member, tags, source.randbytes)
            committed = self.opened[member].commitment
            self.pool = commit(self.pool, committed, sender=member, now=OPENS)

    def contribution(self, member: str, feature: str, factor: float, **changes) -> Contribution:
        name = tag(self.window, feature)
        base = Contribution(name, factor, 8, DAY, DAY, self.opened[member].proofs[name])
        return msgspec.structs.replace(base, **changes)

    def send(self, member: str, *said: Contribution, now: datetime = DURING):
        publication = Publication(self.window.id, member, said)
        self.pool, refused = publish(self.pool, publication, sender=member, now=now)
        return [one.reason for one in refused]

    def say(self, member: str, **factors: float):
        return self.send(member, *(self.contribution(member, f, e) for f, e in factors.items()))
