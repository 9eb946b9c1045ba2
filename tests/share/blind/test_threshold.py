"""A key that nobody has: it equals a whole one, and a wrong part is caught and named."""

import itertools
from functools import reduce

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.errors import ConfigError, InputError, IntegrityError
from stillwatch.share.blind import group, threshold, voprf
from stillwatch.share.blind.committee import Holder, Roster
from tests.share.blind.forum import make_key, make_roster, random


def whole_key(shares, needed):
    """What only a quorum that breaks its promise could compute: the secret, for comparison."""
    quorum = sorted(shares)[:needed]
    weights = [threshold._weight_at_zero(index, quorum) for index in quorum]
    return reduce(
        group.add_scalars,
        [group.multiply_scalars(w, shares[i].secret) for w, i in zip(weights, quorum, strict=True)],
    )


@pytest.fixture(scope="module")
def made():
    return make_key(make_roster())


def blinded(*inputs):
    hidden = voprf.blind(inputs, random)
    return hidden, [one.element for one in hidden]


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=3), st.permutations([1, 2, 3, 4, 5]))
@settings(max_examples=15, deadline=None)
def test_any_quorum_gives_what_the_whole_key_gives(made, inputs, order):
    committee, shares = made
    key = whole_key(shares, 3)
    assert group.multiply_base(key) == committee.public
    hidden, elements = blinded(*inputs)
    parts = {}
    for index in order[:3]:
        part = threshold.evaluate(shares[index], elements, random)
        threshold.check_part(committee, index, elements, part)
        parts[index] = part.elements
    products = threshold.combine(committee, parts)
    assert products == voprf.multiply_all(key, elements)
    assert voprf.unblind(inputs, hidden, products) == [voprf.value(key, text) for text in inputs]


@pytest.mark.parametrize(("needed", "holders"), [(3, 3), (4, 5), (5, 7)])
def test_larger_thresholds_and_rosters_work(needed, holders):
    roster = make_roster(needed, parties=tuple(f"p{n}" for n in range(holders)))
    committee, shares = make_key(roster)
    key = whole_key(shares, needed)
    _, elements = blinded(b"x")
    last = sorted(shares)[-needed:]
    parts = {i: voprf.multiply_all(shares[i].secret, elements) for i in last}
    assert threshold.combine(committee, parts) == voprf.multiply_all(key, elements)


def test_the_hub_and_one_member_cannot_evaluate(made):
    committee, shares = made
    key = whole_key(shares, 3)
    _, elements = blinded(b"x")
    right = voprf.multiply_all(key, elements)
    for member in (2, 3, 4, 5):
        parts = {i: voprf.multiply_all(shares[i].secret, elements) for i in (1, member)}
        with pytest.raises(InputError, match="2 of 3 answers"):
            threshold.combine(committee, parts)
        # Not even by combining what they have as if two were enough.
        quorum = (1, member)
        weights = [threshold._weight_at_zero(index, quorum) for index in quorum]
        guess = group.weighted_sum(weights, [parts[index][0] for index in quorum])
        assert guess != right[0]


def test_fewer_shares_than_the_threshold_fit_every_key():
    """Two shares of three say nothing: for any key there is a third share that makes it."""
    _, shares = make_key(make_roster())
    claimed = group.random_scalar(random)
    weights = {index: threshold._weight_at_zero(index, (1, 2, 3)) for index in (1, 2, 3)}
    known = reduce(
        group.add_scalars,
        [group.multiply_scalars(weights[index], shares[index].secret) for index in (1, 2)],
    )
    inverse = group.invert_all([weights[3]])[0]
    third = group.multiply_scalars(group.subtract_scalars(claimed, known), inverse)
    total = group.add_scalars(known, group.multiply_scalars(weights[3], third))
    assert total == claimed


@pytest.mark.parametrize(
    ("needed", "holders", "words"),
    [
        (2, [(1, "a", False), (2, "b", False)], "under 3"),
        (1, [(1, "a", False)], "under 3"),
        (3, [(1, "hub", True), (2, "hub-2", True), (3, "b", False)], "hub holds more than one"),
        (3, [(1, "a", False), (2, "a", False), (3, "b", False)], "party holds more than one"),
        (3, [(1, "Ash", False), (2, "ash", False), (3, "b", False)], "party holds more than one"),
        (3, [(1, "a", False), (2, "b", False)], "from 3"),
        (3, [(2, "a", False), (1, "b", False), (3, "c", False)], "ascend"),
        (3, [(0, "a", False), (1, "b", False), (3, "c", False)], "between 1 and 255"),
        (3, [(1, "a", False), (1, "b", False), (3, "c", False)], "differ"),
    ],
)
def test_a_roster_that_breaks_a_rule_is_refused(needed, holders, words):
    with pytest.raises(ConfigError, match=words):
        Roster(1, needed, tuple(Holder(*holder) for holder in holders))


def test_a_roster_from_the_wire_is_held_to_the_same_rules():
    data = msgspec.msgpack.encode(make_roster()).replace(b"\xa9threshold\x03", b"\xa9threshold\x02")
    with pytest.raises(ConfigError, match="under 3"):
        msgspec.msgpack.decode(data, type=Roster)


def test_a_wrong_part_is_caught_and_its_party_named(made):
    committee, shares = made
    _, elements = blinded(b"x", b"y")
    right = threshold.evaluate(shares[4], elements, random)
    others = threshold.evaluate(shares[5], elements, random)
    swapped = right._replace(elements=right.elements[::-1])
    for part in (others, swapped, right._replace(proof=others.proof)):
        with pytest.raises(IntegrityError, match="answer of cedar is wrong"):
            threshold.check_part(committee, 4, elements, part)


def test_a_holder_that_does_not_exist_is_refused(made):
    with pytest.raises(InputError, match="index 9"):
        made[0].public_share(9)


def dealt(roster):
    dealings = [threshold.deal(roster, holder.index, random) for holder in roster.holders]
    return dealings, [dealing.deal for dealing in dealings]


def test_a_wrong_share_is_a_complaint_that_names_its_dealer():
    roster = make_roster()
    dealings, deals = dealt(roster)
    sent = {dealing.deal.dealer: dealing.shares[2] for dealing in dealings}
    for wrong in (dealings[2].shares[3], group.ZERO, b"\xff" * 32, b"short"):
        with pytest.raises(IntegrityError, match="birch dealt to holder 2 does not fit"):
            threshold.receive(roster, deals, 2, {**sent, 3: wrong})
    # The dealer answers the complaint with the right share, which everyone can check.
    assert threshold.check_share(roster, deals[2], 2, sent[3]) == sent[3]


def test_a_missing_share_or_deal_is_refused():
    roster = make_roster()
    dealings, deals = dealt(roster)
    sent = {dealing.deal.dealer: dealing.shares[2] for dealing in dealings}
    with pytest.raises(InputError, match="share of a dealer is missing"):
        threshold.receive(roster, deals, 2, {n: share for n, share in sent.items() if n != 4})
    for wrong in (deals[1:], [*deals, deals[0]]):
        with pytest.raises(InputError, match="dealt once"):
            threshold.agree(roster, wrong)


def test_a_deal_without_possession_of_its_secret_is_refused():
    """A last dealer who cancels the others, to be left with a key of its own, cannot prove it."""
    roster = make_roster()
    _, deals = dealt(roster)
    others = reduce(group.add, [group.Element(deal.commitments[0]) for deal in deals[:4]])
    minus_one = group.small(-1)
    own = group.multiply_base(group.small(42))
    cancelling = group.add(own, group.multiply(minus_one, others))
    rogue = msgspec.structs.replace(deals[4], commitments=(cancelling, *deals[4].commitments[1:]))
    with pytest.raises(IntegrityError, match="deal of dogwood is wrong"):
        threshold.agree(roster, [*deals[:4], rogue])


@pytest.mark.parametrize(
    "change",
    [
        lambda deal: {"commitments": deal.commitments[:2]},
        lambda _: {"commitments": ()},
        lambda deal: {"commitments": (*deal.commitments, deal.commitments[0])},
        lambda deal: {"commitments": (*deal.commitments[:2], group.ZERO)},
        lambda deal: {"commitments": (*deal.commitments[:2], b"\xff" * 32)},
        lambda _: {"possession": bytes(64)},
        lambda deal: {"possession": deal.possession[:32] + b"\xff" * 32},
    ],
)
def test_a_malformed_deal_is_refused_by_name(change):
    roster = make_roster()
    _, deals = dealt(roster)
    wrong = msgspec.structs.replace(deals[1], **change(deals[1]))
    with pytest.raises(IntegrityError, match="deal of ash is wrong"):
        threshold.check_deal(roster, wrong)


def test_a_deal_of_another_epoch_or_roster_cannot_be_used_again():
    _, deals = dealt(make_roster())
    for other in (make_roster(epoch=2), make_roster(parties=("hub", "x", "y", "z", "w"))):
        with pytest.raises(IntegrityError, match="is wrong"):
            threshold.agree(other, deals)


def test_who_saw_another_deal_has_another_key_id():
    roster = make_roster()
    _, deals = dealt(roster)
    again = threshold.deal(roster, 3, random).deal
    first = threshold.agree(roster, deals)
    assert threshold.agree(roster, deals[::-1]) == first
    assert threshold.agree(roster, [*deals[:2], again, *deals[3:]]).key_id != first.key_id


def test_secrets_are_not_in_the_text_of_a_share(made):
    _, shares = made
    for share, other in itertools.pairwise(shares.values()):
        assert repr(share.secret) not in repr(share)
        assert share.secret != other.secret
