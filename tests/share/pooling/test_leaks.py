"""What a member cannot learn: its view is the same, byte for byte."""

import itertools

import pytest

from stillwatch.share.blind.messages import encode
from stillwatch.share.pooling.pool import release
from stillwatch.share.pooling.rules import Rules
from tests.share.pooling.forum import CLOSES, DAY, NAMES, STRONG, WEAK, Forum, window

LIAR, PARTNER, HOLDER = "ash", "birch", "cedar"


def view(forum: Forum, member: str) -> bytes:
    return encode(release(forum.pool, member, now=CLOSES))


def heard(claims: dict[str, float], others: dict[str, float], **options) -> bytes:
    """What the liar sees when members say of a guessed feature what they say."""
    said = {**others, **claims}
    forum = Forum(window(**options), {name: ["guess", "other"] for name in said})
    for name, factor in said.items():
        forum.say(name, guess=factor)
    return view(forum, LIAR)


@pytest.mark.parametrize("factor", [1.0, WEAK, STRONG])
def test_a_claim_at_the_cap_does_not_show_one_other_holder(factor):
    assert heard({LIAR: STRONG}, {HOLDER: factor}) == heard({LIAR: STRONG}, {})


def test_a_claim_does_not_show_several_holders_below_the_level():
    holders = {"birch": WEAK, "cedar": 16.0, "dogwood": 64.0, "elm": 16.0}
    empty = heard({LIAR: STRONG}, {})
    for count in range(len(holders) + 1):
        for some in itertools.combinations(holders.items(), count):
            assert heard({LIAR: STRONG}, dict(some)) == empty


def test_the_same_holders_above_the_level_are_told_so_the_test_can_fail():
    holders = {"birch": STRONG, "cedar": STRONG, "dogwood": STRONG}
    assert heard({LIAR: STRONG}, holders) != heard({LIAR: STRONG}, {})


@pytest.mark.parametrize("others", [{}, {"birch": STRONG, "cedar": STRONG, "dogwood": STRONG}])
def test_a_claim_of_any_height_shows_the_same(others):
    assert len({heard({LIAR: claim}, others) for claim in (0.0, 1.0, WEAK, STRONG)}) == 1


def test_a_pair_of_liars_sees_no_holder_below_the_level():
    """The partner's claim is the largest of the others', and so left out."""
    claims = {LIAR: STRONG, PARTNER: STRONG}
    for holders in ({HOLDER: 64.0}, {HOLDER: 64.0, "dogwood": WEAK}, {HOLDER: 1.0, "elm": 1.0}):
        assert heard(claims, holders) == heard(claims, {})


def test_a_pair_sees_one_strong_holder_unless_a_fourth_contributor_is_asked_for():
    """What three contributors do not hide from a pair, and four do."""
    claims, alone = {LIAR: STRONG, PARTNER: STRONG}, {HOLDER: STRONG}
    assert heard(claims, alone) != heard(claims, {})
    rules = Rules(contributors=4)
    assert heard(claims, alone, rules=rules) == heard(claims, {}, rules=rules)


def test_three_liars_are_more_than_one_tolerated_and_two_tolerated_stop_them():
    """One liar beyond `Rules.liars` and the one that looks: what the rules do not promise."""
    claims = {LIAR: STRONG, PARTNER: STRONG, "dogwood": STRONG}
    assert heard(claims, {HOLDER: 64.0, "elm": 64.0}) != heard(claims, {})
    rules = Rules(liars=2, contributors=4)
    assert heard(claims, {HOLDER: 64.0, "elm": 64.0}, rules=rules) == heard(claims, {}, rules=rules)


def test_who_publishes_nothing_is_told_nothing():
    forum = Forum(window(), {name: ["guess"] for name in NAMES})
    for name in NAMES[1:]:
        forum.say(name, guess=STRONG)
    assert release(forum.pool, LIAR, now=CLOSES).discoveries == ()
    assert len(release(forum.pool, "elm", now=CLOSES).discoveries) == 1


def test_which_members_see_a_tag_makes_no_difference():
    views = set()
    for some in itertools.combinations(NAMES[1:], 3):
        views.add(heard({LIAR: WEAK}, dict.fromkeys(some, STRONG)))
    assert len(views) == 1


def test_a_view_names_nobody_else_and_no_exact_count():
    forum = Forum(window(), {name: ["guess"] for name in NAMES})
    for name, accounts in zip(NAMES, (4, 4, 8, 8, 16), strict=True):
        forum.send(name, forum.contribution(name, "guess", STRONG, accounts=accounts))
    (told,) = release(forum.pool, LIAR, now=CLOSES).discoveries
    assert (told.others, told.accounts) == (4, 32)  # of 4 + 8 + 8 + 16
    assert not any(name.encode() in view(forum, LIAR) for name in NAMES[1:])


@pytest.mark.parametrize("accounts", [4, 8, 4096])
def test_counts_below_the_level_do_not_show(accounts):
    forum = Forum(window(), {name: ["guess"] for name in NAMES})
    forum.say(LIAR, guess=STRONG)
    said = forum.contribution("birch", "guess", 64.0, accounts=accounts, last=DAY)
    forum.send("birch", said)
    assert view(forum, LIAR) == heard({LIAR: STRONG}, {})


def test_how_many_tags_others_commit_to_costs_nobody_and_shows_nobody():
    views = []
    for extra in (0, 900):
        tested = {name: ["guess"] for name in NAMES}
        tested["elm"] += [f"f{n}" for n in range(extra)]
        forum = Forum(window(), tested)
        for name in NAMES:
            forum.say(name, guess=STRONG)
        views.append(view(forum, LIAR))
        assert len(release(forum.pool, LIAR, now=CLOSES).discoveries) == 1
        assert len(release(forum.pool, "elm", now=CLOSES).discoveries) == (extra == 0)
    assert views[0] == views[1]


def test_three_others_are_told_as_two():
    forum = Forum(window(), {name: ["guess"] for name in NAMES})
    for name in NAMES[:4]:
        forum.say(name, guess=STRONG)
    (told,) = release(forum.pool, LIAR, now=CLOSES).discoveries
    assert (told.others, told.accounts) == (2, 16)  # of 3 and 24
