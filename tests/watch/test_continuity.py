"""Campaigns keep their ids as they grow, shrink, move, part and merge."""

from hypothesis import given
from hypothesis import strategies as st

from stillwatch.detect.continuity import Known, follow


def accounts(first, last):
    return [f"a{number}" for number in range(first, last)]


def known(name, members, **more):
    return Known(name, frozenset(members), **more)


def ids(found, before):
    names = [f"sw-{number:08x}" for number in range(len(found))]
    return follow(found, names, before)


def test_a_campaign_keeps_its_id_as_it_grows_and_shrinks():
    for members in (accounts(0, 100), accounts(0, 6), accounts(5, 12)):
        assert ids([members], [known("sw-old", accounts(0, 10))]).ids == ["sw-old"]


def test_a_campaign_is_followed_while_it_moves_to_other_accounts():
    members, name = accounts(0, 10), "sw-old"
    for step in range(1, 30):
        moved = accounts(5 * step, 5 * step + 10)
        assert ids([moved], [known(name, members)]).ids == [name]
        members = moved
    assert not set(members) & set(accounts(0, 10))


def test_the_largest_part_of_what_splits_keeps_the_id():
    found = ids([accounts(0, 4), accounts(4, 12)], [known("sw-old", accounts(0, 12))])
    assert found.ids == ["sw-00000000", "sw-old"]
    assert found.merged == {}


def test_of_what_merges_the_older_id_stays_and_parting_gives_the_other_back():
    before = [known("sw-first", accounts(0, 6)), known("sw-second", accounts(6, 20))]
    merged = ids([accounts(0, 20)], before)
    assert merged.ids == ["sw-first"]
    assert merged.merged == {"sw-second": "sw-first"}
    after = [
        known("sw-first", accounts(0, 20)),
        known("sw-second", accounts(6, 20), merged=True),
    ]
    parted = ids([accounts(0, 6), accounts(6, 20)], after)
    assert sorted(parted.ids) == ["sw-00000000", "sw-first"]
    again = ids([accounts(0, 13), accounts(13, 20)], after)
    assert again.ids == ["sw-first", "sw-second"]


def test_strangers_get_an_id_that_nobody_had():
    before = [known("sw-00000000", accounts(0, 10))]
    found = ids([accounts(50, 60), accounts(0, 10)], before)
    assert found.ids[1] == "sw-00000000"
    assert found.ids[0] not in {"sw-00000000", "sw-00000001"}
    assert ids([accounts(50, 60)], [known("sw-x", accounts(0, 10))]).ids == ["sw-00000000"]


groups = st.lists(st.integers(0, 30), min_size=1, max_size=40).map(
    lambda homes: [
        [f"a{n}" for n, home in enumerate(homes) if home % 6 == g]
        for g in range(6)
        if any(home % 6 == g for home in homes)
    ]
)


@given(groups, groups, groups)
def test_no_two_campaigns_ever_share_an_id(first, second, third):
    before: dict[str, Known] = {}
    for found in (first, second, third):
        who = ids(found, list(before.values()))
        assert len(set(who.ids)) == len(found)
        assert not set(who.ids) & set(who.merged)
        assert set(who.merged.values()) <= set(who.ids)
        for name, members in zip(who.ids, found, strict=True):
            before[name] = known(name, members)
        for name in who.merged:
            before[name] = known(name, before[name].members, merged=True)
