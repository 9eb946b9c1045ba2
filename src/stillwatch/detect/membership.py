"""Who belongs: members must carry what makes the cluster special; others who do may join.

After the test, a cluster's enriched features are a profile. Members that match too little of it
leave, so that a bystander who was linked by accident is not accused; accounts that match nearly all
of it join, and are reported as untested.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stillwatch.detect import enrichment
from stillwatch.detect.enrichment import Coded, Enriched
from stillwatch.detect.features import LINE_OF, Family, Line
from stillwatch.detect.marks import Marks, Room
from stillwatch.detect.workers import THREADS

REMEMBERED = 0.4
"""Part of the least member's nats from which on an account's nats are kept: nobody asks for less
than half of the median member's."""


@dataclass(frozen=True)
class MembershipSettings:
    """Thresholds of membership.

    Attributes:
        log_p: features with a larger natural log of p are not part of a profile.
        lift: smallest lift of a profile feature.
        share: smallest share of members that carry it.
        stay: least nats, and least part of the median member's nats, to stay.
        core: share of members from which on a feature is of the profile's core, and least part of
            the median member's nats of the core to stay: a firm that shares the campaign's subject
            and a card of its own matches the profile by the card.
        join: least part of the median member's nats to join.
        firm: share of members from which on a line of evidence is firm; who stays matches two of
            the firm lines, or as much as the median member; who joins matches all of them.
        beside: share of members that match a line other than the content from which on nobody
            belongs by the content alone.
        growth: most accounts that may join per tested one; a profile that fits more is not telling.
        alike: least part of a profile that the members of another group must match, both ways, for
            the two to be one.
    """

    log_p: float = -14.0
    lift: float = 5.0
    share: float = 0.1
    stay: tuple[float, float] = (5.0, 0.35)
    core: tuple[float, float] = (0.4, 0.2)
    join: float = 0.6
    firm: float = 0.5
    beside: float = 0.2
    growth: float = 3.0
    alike: float = 0.6


@dataclass(frozen=True)
class Nats:
    """How much of a profile each account matches; those that match next to nothing are left out.

    A log has thousands of groups and hundreds of thousands of accounts, most of them strangers.

    Attributes:
        account: account codes, int32, ascending.
        value: nats of each, float32.
        size: accounts in all.
    """

    account: NDArray[np.int32]
    value: NDArray[np.float32]
    size: int

    def __getitem__(self, accounts: NDArray[np.int64] | np.integer | int) -> NDArray[np.float32]:
        """Return the nats of some accounts, 0 of those left out."""
        if not self.account.size:
            return np.zeros(np.shape(accounts), np.float32)
        place = np.minimum(np.searchsorted(self.account, accounts), self.account.size - 1)
        return np.where(self.account[place] == accounts, self.value[place], np.float32(0))


@dataclass(frozen=True)
class Group:
    """A cluster's members after its profile was applied.

    Attributes:
        tested: members that were in the tested cluster and stayed, ascending.
        joined: accounts that joined by matching the profile, ascending.
        nats: how much of the profile the accounts of the population match.
        rows: the profile: features that mark the members, over all families.
    """

    tested: NDArray[np.int64]
    joined: NDArray[np.int64]
    nats: Nats
    rows: Enriched

    @cached_property
    def members(self) -> NDArray[np.int64]:
        """All members, ascending."""
        return np.union1d(self.tested, self.joined)


def settle(
    coded: Mapping[Family, Coded],
    clusters: list[NDArray[np.int64]],
    cohort: NDArray[np.int64],
    settings: MembershipSettings,
) -> list[Group]:
    """Apply each cluster's profile to its members and to everybody else.

    Args:
        coded: all families.
        clusters: members of each cluster; no account may be in two.
        cohort: cohort per account.
        settings: thresholds.
    """
    label = np.full(cohort.shape[0], -1, np.int32)
    for number, members in enumerate(clusters):
        label[members] = number
    rows = enrichment.test(coded, label, cohort)
    marked = (
        (rows.log_p <= settings.log_p)
        & (rows.lift >= settings.lift)
        & (rows.share >= settings.share)
    )
    rows = rows.where(marked)
    profiles = rows.by_cluster(len(clusters))
    rooms = [Room.of(cohort.shape[0]) for _ in range(THREADS)]

    def share(k: int) -> list[Group]:
        mine = zip(clusters[k::THREADS], profiles[k::THREADS], strict=True)
        return [_apply(coded, members, profile, rooms[k], settings) for members, profile in mine]

    with ThreadPoolExecutor(THREADS) as pool:
        shares = list(pool.map(share, range(THREADS)))
    return [shares[k % THREADS][k // THREADS] for k in range(len(clusters))]


def _apply(
    coded: Mapping[Family, Coded],
    members: NDArray[np.int64],
    rows: Enriched,
    room: Room,
    settings: MembershipSettings,
) -> Group:
    accounts = room.weight.size
    who, nats, lines = match(coded, rows, members, room)
    inside = np.zeros(accounts, bool)
    inside[members] = True
    core = _of(coded, rows.where(rows.share >= settings.core[0]), members)
    inside = inside[who]
    typical = float(np.median(nats[inside])) if members.size else 0.0
    firm = _firm(lines, inside, settings)
    matched = lines[:, firm].sum(axis=1)
    least, part = settings.stay
    # Where most members are marked by a second line, one line alone must be matched in full.
    enough = (matched >= min(2, firm.sum())) | (nats >= typical)
    apart = _beside_content(lines, inside, settings)
    stays = inside & (nats >= max(least, part * typical)) & enough & apart
    stays[inside] &= core >= settings.core[1] * (np.median(core) if members.size else 0.0)
    needed = max(np.log(accounts) + 2.0, settings.join * typical)
    joins = ~inside & (nats >= needed) & (matched >= max(1, firm.sum())) & apart
    if joins.sum() > settings.growth * stays.sum():
        joins[:] = False
    kept = nats >= REMEMBERED * nats[stays | joins].min(initial=np.inf)
    known = Nats(who[kept].astype(np.int32), nats[kept], accounts)
    return Group(who[stays], who[joins], known, rows)


def _firm(
    lines: NDArray[np.bool_], inside: NDArray[np.bool_], settings: MembershipSettings
) -> NDArray[np.bool_]:
    """Return the lines of evidence in which enough members match the profile."""
    if not inside.any():
        return np.zeros(lines.shape[1], bool)
    return np.asarray(lines[inside].mean(axis=0) >= settings.firm)


def _beside_content(
    lines: NDArray[np.bool_], inside: NDArray[np.bool_], settings: MembershipSettings
) -> NDArray[np.bool_]:
    """Return who matches a line other than the content, or everybody where few members do.

    People who share an operation's subjects match its content, and nothing else of it.
    """
    found = np.asarray(np.delete(lines, list(Line).index(Line.CONTENT), axis=1).any(axis=1))
    few = found[inside].sum() < settings.beside * inside.sum()
    return np.ones(found.size, bool) if few else found


def match(
    coded: Mapping[Family, Coded],
    rows: Enriched,
    members: NDArray[np.int64],
    room: Room,
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]:
    """Return how many nats of a profile accounts match, and in which lines of evidence.

    Args:
        coded: all families.
        rows: the profile.
        members: accounts that are returned even if they match nothing.
        room: for all accounts.

    Returns:
        Accounts that match anything, and members, ascending; the nats of each; and whether each
        line adds more than one nat, shape (these accounts, lines).
    """
    found = []
    seen = np.zeros(room.weight.size, bool)
    seen[members] = True
    for family in map(Family, np.unique(rows.family).tolist()):
        account, nats = Marks.of(coded[family], rows).matched(room)
        seen[account] = True
        found.append((family, account, nats))
    who = np.flatnonzero(seen)
    place = np.empty(seen.size, np.int32)
    place[who] = np.arange(who.size)
    total = np.zeros(who.size, np.float32)
    order = list(Line)
    lines = np.zeros((who.size, len(order)), bool)
    for family, account, nats in found:
        total[place[account]] += nats
        lines[place[account], order.index(LINE_OF[family])] |= nats > 1.0
    return who, total, lines


def _of(
    coded: Mapping[Family, Coded], rows: Enriched, members: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return how many nats of a profile some accounts match; see `match`."""
    total = np.zeros(members.size, np.float32)
    for family in map(Family, np.unique(rows.family).tolist()):
        total += Marks.of(coded[family], rows).matched_by(members)
    return total


def unite(
    coded: Mapping[Family, Coded],
    groups: list[Group],
    cohort: NDArray[np.int64],
    settings: MembershipSettings,
    *,
    smallest: int,
) -> list[Group]:
    """Give every account to the group it matches best, and make one group of those that are alike.

    Two views see one operation twice, and infrastructure sees it in pieces. Groups are one where
    the members of each match at least `alike` of the other's profile in the median: a shared
    subject is not enough for that, the same prompts are.

    Args:
        coded: all families.
        groups: groups of both views.
        cohort: cohort per account.
        settings: thresholds.
        smallest: smaller groups are dropped.
    """
    pieces = _assign(groups, cohort.shape[0], smallest)
    families = _alike(pieces, settings.alike)
    trials = [np.unique(np.concatenate([part.members for part in family])) for family in families]
    settled = settle(coded, trials, cohort, settings)
    tested = np.zeros(cohort.shape[0], bool)
    for group in groups:
        tested[group.tested] = True
    whole = [_relabel(group, tested) for group in settled]
    return _assign(whole, cohort.shape[0], smallest)


def _relabel(group: Group, tested: NDArray[np.bool_]) -> Group:
    """Tell members that were in some tested cluster from those that only joined."""
    members = group.members
    return Group(members[tested[members]], members[~tested[members]], group.nats, group.rows)


def _matches(pieces: list[Group], least: float) -> NDArray[np.bool_]:
    """Return, as [a, b], whether most members of b match at least `least` of a's profile.

    No account may be in two pieces.
    """
    if not pieces:
        return np.zeros((0, 0), bool)
    home = np.full(pieces[0].nats.size, -1, np.int32)
    for number, piece in enumerate(pieces):
        home[piece.members] = number
    sizes = np.array([piece.members.size for piece in pieces])
    found = np.zeros((len(pieces), len(pieces)), bool)
    for a, piece in enumerate(pieces):
        typical = float(np.median(piece.nats[piece.members]))
        matched = piece.nats.value >= least * max(typical, 1.0)
        homes = home[piece.nats.account[matched]]
        found[a] = np.bincount(homes[homes >= 0], minlength=len(pieces)) >= 0.5 * sizes
    return found


def _alike(pieces: list[Group], least: float) -> list[list[Group]]:
    """Return the pieces in lists of those that match each other, directly or through others."""
    root = list(range(len(pieces)))

    def find(k: int) -> int:
        while root[k] != k:
            k = root[k]
        return k

    matches = _matches(pieces, least)
    for a, b in np.argwhere(np.triu(matches & matches.T, 1)):
        root[find(int(b))] = find(int(a))
    united: dict[int, list[Group]] = {}
    for k, piece in enumerate(pieces):
        united.setdefault(find(k), []).append(piece)
    return list(united.values())


def _assign(groups: list[Group], accounts: int, smallest: int) -> list[Group]:
    best = np.full(accounts, -1, np.int64)
    most = np.zeros(accounts, np.float32)
    for number, group in enumerate(groups):
        members = group.members
        better = members[group.nats[members] > most[members]]
        best[better] = number
        most[better] = group.nats[better]
    final = []
    for number, group in enumerate(groups):
        tested = group.tested[best[group.tested] == number]
        joined = group.joined[best[group.joined] == number]
        if tested.size + joined.size >= smallest:
            final.append(Group(tested, joined, group.nats, group.rows))
    return final
