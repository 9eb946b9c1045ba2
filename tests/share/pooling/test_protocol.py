"""Every refusal, and what a window goes through."""

import random
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from stillwatch.errors import ConfigError, InputError, PeerError
from stillwatch.share.blind.messages import decode, encode
from stillwatch.share.pooling.commitment import Proof, commit_to, opens, pooling_tag
from stillwatch.share.pooling.pool import Pool, Publication, Reason, View, commit, publish, release
from stillwatch.share.pooling.rules import Independence, Phase, Rules, Window, check_next
from tests.share.pooling.forum import (
    CLOSES,
    DAY,
    DURING,
    NAMES,
    OPENS,
    STARTS,
    STRONG,
    WEAK,
    Forum,
    tag,
    window,
)

SECOND = timedelta(seconds=1)


@pytest.fixture
def forum() -> Forum:
    return Forum(window(), {name: ["opening", "network"] for name in NAMES})


def test_a_window_finds_what_several_members_see(forum):
    for name in NAMES:
        assert forum.say(name, opening=STRONG, network=WEAK) == []
    view = release(forum.pool, "ash", now=CLOSES)
    (told,) = view.discoveries
    assert told.tag == tag(forum.window, "opening")
    assert (told.evidence, told.others, told.accounts) == (1024, 4, 32)
    assert (told.first, told.last) == (DAY, DAY)


def test_the_days_of_the_others_are_joined_and_ones_own_left_out(forum):
    for at, name in enumerate(NAMES):
        day = date(2026, 11, 3 + at)
        forum.send(name, forum.contribution(name, "opening", STRONG, first=day, last=day))
    (told,) = release(forum.pool, "ash", now=CLOSES).discoveries
    assert (told.first, told.last) == (date(2026, 11, 4), date(2026, 11, 7))


@pytest.mark.parametrize(
    ("now", "phase"),
    [
        (OPENS - SECOND, Phase.BEFORE),
        (OPENS, Phase.COMMITTING),
        (STARTS, Phase.PUBLISHING),
        (CLOSES, Phase.CLOSED),
    ],
)
def test_each_phase_takes_its_message_alone(now, phase):
    forum = Forum(window(), {"ash": ["opening"]})
    assert forum.window.phase(now) is phase
    fresh = commit_to(forum.window, "birch", [b"t" * 16], random.Random(1).randbytes).commitment
    said = forum.contribution("ash", "opening", WEAK)
    attempts = {
        Phase.COMMITTING: lambda: commit(forum.pool, fresh, sender="birch", now=now),
        Phase.PUBLISHING: lambda: forum.send("ash", said, now=now),
        Phase.CLOSED: lambda: release(forum.pool, "ash", now=now),
    }
    for asked, attempt in attempts.items():
        if asked is phase:
            attempt()
        else:
            with pytest.raises(PeerError, match="window is"):
                attempt()


def test_a_commitment_is_made_once_and_in_ones_own_name(forum):
    one = forum.opened["ash"].commitment
    with pytest.raises(PeerError, match="committed already"):
        commit(forum.pool, one, sender="ash", now=OPENS)
    empty = Pool(forum.window)
    with pytest.raises(PeerError, match="another name"):
        commit(empty, one, sender="birch", now=OPENS)
    other = msgspec.structs.replace(one, window=b"v" * 32)
    with pytest.raises(PeerError, match="another window"):
        commit(empty, other, sender="ash", now=OPENS)
    stranger = msgspec.structs.replace(one, member="zelkova")
    with pytest.raises(PeerError, match="no member"):
        commit(empty, stranger, sender="zelkova", now=OPENS)


@pytest.mark.parametrize("size", [24, 2048])
def test_a_commitment_of_another_size_than_allowed_is_refused(forum, size):
    wrong = msgspec.structs.replace(forum.opened["ash"].commitment, size=size)
    with pytest.raises(PeerError, match="at most 1024"):
        commit(Pool(forum.window), wrong, sender="ash", now=OPENS)


def test_who_has_not_committed_publishes_nothing():
    forum = Forum(window(), {"ash": ["opening"]})
    said = Publication(forum.window.id, "birch", (forum.contribution("ash", "opening", WEAK),))
    with pytest.raises(PeerError, match="has not committed"):
        publish(forum.pool, said, sender="birch", now=DURING)


def test_a_tag_that_was_not_committed_to_is_refused(forum):
    said = forum.contribution("ash", "opening", STRONG, tag=tag(forum.window, "guess"))
    assert forum.send("ash", said) == [Reason.UNCOMMITTED]
    assert not forum.pool.published["ash"]


def test_anothers_opening_does_not_open_ones_own_commitment(forum):
    assert forum.send("birch", forum.contribution("ash", "opening", STRONG)) == [Reason.UNCOMMITTED]


def test_there_is_no_second_try(forum):
    assert forum.say("ash", opening=WEAK) == []
    assert forum.say("ash", opening=STRONG, network=WEAK) == [Reason.REPEATED]
    assert forum.pool.published["ash"][tag(forum.window, "opening")].factor == WEAK
    assert tag(forum.window, "network") in forum.pool.published["ash"]


@pytest.mark.parametrize("factor", [2048.0, float("inf")])
def test_a_factor_over_the_cap_is_refused(forum, factor):
    assert forum.say("ash", opening=factor) == [Reason.OVER_CAP]


@pytest.mark.parametrize("factor", [3.0, 0.5, -1.0, float("nan"), -float("inf")])
def test_a_factor_off_the_scale_is_refused(forum, factor):
    assert forum.say("ash", opening=factor) == [Reason.OFF_SCALE]


@pytest.mark.parametrize("accounts", [2, 0, -4, 5])
def test_too_few_accounts_or_an_exact_count_are_refused(forum, accounts):
    said = forum.contribution("ash", "opening", WEAK, accounts=accounts)
    assert forum.send("ash", said) == [Reason.TOO_FEW]


@pytest.mark.parametrize(
    "days",
    [
        {"first": date(2026, 11, 1)},
        {"last": date(2026, 11, 10)},
        {"first": DAY + timedelta(days=1)},
    ],
)
def test_days_outside_the_window_are_refused(forum, days):
    assert forum.send("ash", forum.contribution("ash", "opening", WEAK, **days)) == [
        Reason.OUT_OF_WINDOW
    ]


def test_a_stranger_is_told_nothing(forum):
    with pytest.raises(PeerError, match="no member"):
        release(forum.pool, "zelkova", now=CLOSES)


def test_messages_go_over_the_wire_and_come_back(forum):
    forum.say("ash", opening=WEAK)
    (kept,) = forum.pool.published["ash"].values()
    said = Publication(forum.window.id, "ash", (kept,))
    for message, kind in (
        (said, Publication),
        (forum.opened["ash"].commitment, type(forum.opened["ash"].commitment)),
        (release(forum.pool, "ash", now=CLOSES), View),
        (forum.window, Window),
    ):
        assert decode(encode(message), kind) == message


def test_every_leaf_of_a_commitment_opens_and_no_other():
    of = window()
    tags = [bytes([n]) * 16 for n in range(21)]
    made = commit_to(of, "ash", tags, random.Random(3).randbytes)
    assert made.commitment.size == 32
    assert made.proofs.keys() == set(tags)
    for name, proof in made.proofs.items():
        assert opens(made.commitment, name, proof)
        assert not opens(made.commitment, b"x" * 16, proof)
        moved = msgspec.structs.replace(proof, place=proof.place ^ 1)
        assert not opens(made.commitment, name, moved)
        longer = msgspec.structs.replace(proof, path=(*proof.path, b"0" * 32))
        assert not opens(made.commitment, name, longer)
        beyond = msgspec.structs.replace(proof, place=proof.place + 32)
        assert not opens(made.commitment, name, beyond)
        smaller = msgspec.structs.replace(made.commitment, size=16)
        assert not opens(smaller, name, proof)


def test_a_node_does_not_pass_for_a_leaf():
    made = commit_to(window(), "ash", [b"t" * 16], random.Random(3).randbytes)
    (proof,) = made.proofs.values()
    assert not opens(made.commitment, b"t" * 16, Proof(0, proof.salt, proof.path[1:]))


@pytest.mark.parametrize("count", [0, 1025])
def test_a_member_commits_to_some_tags_and_not_too_many(count):
    tags = [n.to_bytes(16, "big") for n in range(count)]
    with pytest.raises(InputError, match="1 to 1024 tags"):
        commit_to(window(), "ash", tags, random.Random(1).randbytes)


def test_a_tag_is_not_made_of_a_value_that_could_be_guessed():
    with pytest.raises(InputError, match="blind-matching key"):
        pooling_tag(window(), b"opening")


def test_tags_of_two_windows_and_of_two_keys_have_nothing_in_common():
    made = {tag(of, "opening") for of in (window(), window(id=b"v" * 32), window(key_id=b"l" * 32))}
    assert len(made) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"level": 0.0},
        {"level": float("nan")},
        {"cap": 1000.0},
        {"cap": 1.0},
        {"cap": float("inf")},
        {"floor": 1.0},
        {"floor": -0.1},
        {"contributors": 2, "liars": 0},
        {"liars": 2},
        {"liars": -1},
        {"fewest": 5},
        {"most_tags": 8},
    ],
)
def test_rules_that_protect_nothing_are_refused(wrong):
    with pytest.raises(ConfigError):
        Rules(**wrong)


WORD = Independence(NAMES, "Ada", "no customer in common", CLOSES)


@pytest.mark.parametrize(
    "wrong",
    [
        {"members": NAMES[:2]},
        {"members": NAMES[::-1]},
        {"members": ("ash", *NAMES)},
        {"starts": OPENS},
        {"closes": STARTS},
        {"opens": datetime(2026, 11, 1)},  # noqa: DTZ001 - that is what is wrong
        {"independence": WORD},  # the floor is 0
        {
            "independence": msgspec.structs.replace(WORD, members=NAMES[:3]),
            "rules": Rules(floor=0.5),
        },
        {
            "independence": msgspec.structs.replace(WORD, until=DURING.astimezone(UTC)),
            "rules": Rules(floor=0.5),
        },
    ],
)
def test_windows_that_break_a_rule_are_refused(wrong):
    with pytest.raises(ConfigError):
        window(**wrong)


def test_the_next_window_tests_other_traffic():
    later = {"opens": STARTS, "starts": CLOSES, "closes": CLOSES + timedelta(days=7)}
    check_next(window(), window(id=b"v" * 32, **later))  # it may open before the last closes
    check_next(window(), window(("oak", "pine", "yew"), id=b"v" * 32))
    with pytest.raises(ConfigError, match="used before"):
        check_next(window(), window(**later))
    with pytest.raises(ConfigError, match="same traffic twice"):
        check_next(window(), window(("ash", "pine", "yew"), id=b"v" * 32))


def test_factors_are_multiplied_only_where_someone_vouched():
    rules = Rules(floor=0.5)
    tested = {name: ["opening"] for name in NAMES}
    told = []
    for word in (None, WORD):
        forum = Forum(window(rules=rules, independence=word), tested)
        for name in NAMES:
            forum.say(name, opening=16.0)
        told.append(release(forum.pool, "ash", now=CLOSES).discoveries)
    assert told[0] == ()
    assert told[1][0].evidence == 16**3  # four others, without the largest


def test_one_silent_member_does_not_veto():
    for word, floor in ((None, 0.0), (WORD, 0.5)):
        forum = Forum(
            window(rules=Rules(floor=floor), independence=word),
            {name: ["opening"] for name in NAMES},
        )
        for name in NAMES[:4]:
            forum.say(name, opening=STRONG)
        assert len(release(forum.pool, "ash", now=CLOSES).discoveries) == 1


def test_a_silent_member_counts_as_the_floor_and_not_as_one():
    """Without the largest of 1024, 1024, 0.5 and 0.5 it is 256; a discovery needs 320."""
    forum = Forum(
        window(rules=Rules(floor=0.5), independence=WORD), {name: ["opening"] for name in NAMES}
    )
    for name in NAMES[:3]:
        forum.say(name, opening=STRONG)
    assert release(forum.pool, "ash", now=CLOSES).discoveries == ()
    forum.say("dogwood", opening=2.0)
    assert len(release(forum.pool, "ash", now=CLOSES).discoveries) == 1


def test_a_commitment_that_is_copied_opens_nothing():
    """Who sends another's root as its own cannot use what the other then shows."""
    forum = Forum(window(), {"ash": ["opening"]})
    copied = msgspec.structs.replace(forum.opened["ash"].commitment, member="birch")
    forum.pool = commit(forum.pool, copied, sender="birch", now=OPENS)
    assert forum.say("ash", opening=WEAK) == []
    said = forum.contribution("ash", "opening", WEAK)
    assert forum.send("birch", said) == [Reason.UNCOMMITTED]
