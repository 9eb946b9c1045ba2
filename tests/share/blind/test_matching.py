"""Members find the accounts they have in common and nothing else; who cheats is refused."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.detect.results import Campaign
from stillwatch.errors import ConfigError, InputError, IntegrityError, PeerError
from stillwatch.events.contracts import Kind
from stillwatch.share.blind import group, matching, tags
from stillwatch.share.blind.eligible import (
    CampaignAccount,
    Candidate,
    Identifier,
    campaign_accounts,
    eligible,
)
from stillwatch.share.blind.matching import State
from stillwatch.share.blind.messages import (
    BATCH,
    Answer,
    Question,
    TagSet,
    decode,
    digest,
    encode,
)
from stillwatch.share.blind.quota import Ledger, Quota
from tests.share.blind.forum import NOON, PARTIES, Forum, accounts, mails, make_roster, random


@pytest.fixture(scope="module")
def ash():
    return accounts("x@a.example", "y@a.example", "only-ash@a.example")


@pytest.fixture(scope="module")
def birch():
    return accounts("Y@A.example", "x@a.example", "only-birch@b.example")


@pytest.fixture(scope="module")
def forum():
    return Forum.found()


@pytest.fixture(scope="module")
def ash_values(forum, ash):
    return forum.values("ash", ash)


@pytest.fixture(scope="module")
def session(forum, ash):
    return matching.ask(ash, forum.committee, "ash", random)[0]


def test_members_find_what_they_have_in_common_and_nothing_else(forum, ash_values, birch):
    published = [forum.publish("birch", birch), forum.publish("cedar", accounts("y@a.example"))]
    found = tags.intersect(ash_values, published)
    assert {(*mails([one]), *owners) for one, owners in found.items()} == {
        ("x@a.example", "birch"),
        ("y@a.example", "birch", "cedar"),
    }


def test_any_quorum_gives_the_same_values(forum, ash, ash_values):
    assert dict(forum.values("ash", ash, quorum=(1, 4, 2)).of) == dict(ash_values.of)


@given(st.sets(st.integers(0, 12), min_size=1), st.sets(st.integers(0, 12), min_size=1))
@settings(max_examples=8, deadline=None)
def test_the_intersection_is_that_of_the_sets(forum, left, right):
    both = [accounts(*(f"u{n}@a.example" for n in numbers)) for numbers in (left, right)]
    generous = Forum(forum.committee, forum.shares)
    found = tags.intersect(generous.values("ash", both[0]), [generous.publish("birch", both[1])])
    assert mails(found) == {f"u{n}@a.example" for n in left & right}


def campaign(name, kind, *members):
    return Campaign(
        campaign_id=name,
        kind=kind,
        accounts=list(members),
        size=len(members),
        events=1,
        first_seen=NOON,
        last_seen=NOON,
        q_coordination=0.01,
        q_kind=0.01,
        objective=None,
        carries=[],
        value=None,
        reasons=[],
        indicators=[],
    )


CAMPAIGNS = [
    campaign("c-1", Kind.EXTRACTION, "a-1", "a-2"),
    campaign("c-2", Kind.RELAY, "a-3"),
    campaign("c-3", Kind.ORGANISATION, "a-4"),
    campaign("c-4", Kind.UNKNOWN, "a-5"),
]


def mail(account):
    return Identifier(account, "email", f"{account}@a.example")


def test_accounts_of_extraction_and_relay_campaigns_are_eligible():
    chosen = eligible(campaign_accounts(CAMPAIGNS), [mail("a-1"), mail("a-3")])
    assert {(one.account_id, one.campaign_id) for one in chosen} == {("a-1", "c-1"), ("a-3", "c-2")}


@pytest.mark.parametrize("account", ["a-4", "a-5", "customer"])
def test_accounts_of_other_campaigns_or_of_none_are_refused(account):
    with pytest.raises(InputError, match="1 accounts are in no extraction or relay campaign"):
        eligible(campaign_accounts(CAMPAIGNS), [mail("a-1"), mail(account)])


def test_exempt_accounts_are_refused():
    with pytest.raises(InputError, match="are left out"):
        eligible(campaign_accounts(CAMPAIGNS), [mail("a-1"), mail("a-2")], without={"a-2"})


def test_an_identifier_that_two_accounts_share_is_asked_once():
    both = [Identifier(account, "email", "one@a.example") for account in ("a-3", "a-1")]
    (chosen,) = eligible(campaign_accounts(CAMPAIGNS), both)
    assert chosen.account_id == "a-1"


def test_identifiers_are_not_in_texts(ash, session, ash_values):
    texts = [repr(ash), repr(ash[0]), repr(session), repr(ash_values), repr(mail("a-1"))]
    assert not any("example" in text for text in texts)
    assert session.opening.rows[0].blind.hex() not in repr(session)


def test_a_question_shows_neither_identifiers_nor_their_number(forum, ash, session):
    wire = encode(session.question)
    assert b"example" not in wire
    assert len(session.question.elements) == matching.MIN_PADDED
    again = matching.ask(ash, forum.committee, "ash", random)[0]
    assert not set(again.question.elements) & set(session.question.elements)


@given(st.integers(1, 10 * BATCH))
def test_padding_rounds_up_and_at_most_doubles(count):
    size = matching.padded(count)
    assert count <= size <= max(matching.MIN_PADDED, 2 * count)
    assert size % min(size, BATCH) == 0


def test_many_accounts_are_asked_in_batches(forum):
    many = accounts(*(f"u{n}@a.example" for n in range(BATCH + 5)))
    sessions = matching.ask(many, forum.committee, "ash", random)
    assert [len(one.question.elements) for one in sessions] == [BATCH, BATCH]
    asked = [matching.audit(one.question, one.opening) for one in sessions]
    assert sorted(asked[0] + asked[1]) == sorted(many)
    assert all(len(part) > BATCH // 4 for part in asked)  # padding is spread over all batches


def test_nothing_to_ask_is_an_error(forum):
    with pytest.raises(InputError, match="No account"):
        matching.ask(eligible([], []), forum.committee, "ash", random)


# The session's states.


def test_a_session_is_answered_by_the_last_answer_needed(forum, session):
    states = [session.state]
    for index in (5, 1, 3):
        session = matching.accept(session, forum.answer(index, session.question, "ash"))
        states.append(session.state)
    assert states == [State.ASKED, State.ASKED, State.ASKED, State.ANSWERED]


def test_a_session_without_enough_answers_has_no_values(forum, session):
    for index in (1, 2):
        session = matching.accept(session, forum.answer(index, session.question, "ash"))
    with pytest.raises(InputError, match="2 of 3 answers"):
        matching.values([session])


def test_a_session_takes_no_answer_beyond_those_that_it_needs(forum, session):
    for index in (1, 2, 3):
        session = matching.accept(session, forum.answer(index, session.question, "ash"))
    with pytest.raises(PeerError, match="no further answer"):
        matching.accept(session, forum.answer(4, session.question, "ash"))


def test_a_holder_counts_once(forum, session):
    reply = forum.answer(2, session.question, "ash")
    session = matching.accept(session, reply)
    with pytest.raises(PeerError, match="answered already"):
        matching.accept(session, reply)
    with pytest.raises(IntegrityError, match="answer of birch is wrong"):
        matching.accept(session, msgspec.structs.replace(reply, holder=3))


# Dishonest holders.


@pytest.mark.parametrize("fault", ["swapped", "other key", "identity", "not canonical", "proof"])
def test_a_wrong_answer_is_refused_and_its_holder_named(forum, session, fault):
    right = forum.answer(4, session.question, "ash")
    first, *others = right.elements
    wrong = {
        "swapped": {"elements": (others[0], first, *others[1:])},
        "other key": {"elements": (group.multiply(group.small(2), first), *others)},
        "identity": {"elements": (group.ZERO, *others)},
        "not canonical": {"elements": (b"\xff" * 32, *others)},
        "proof": {"proof": right.proof[32:] + right.proof[:32]},
    }[fault]
    with pytest.raises(IntegrityError, match="answer of cedar is wrong: ask another holder"):
        matching.accept(session, msgspec.structs.replace(right, **wrong))


def test_an_answer_to_another_question_is_refused(forum, ash, session):
    other = matching.ask(ash, forum.committee, "ash", random)[0]
    with pytest.raises(PeerError, match="another question"):
        matching.accept(session, forum.answer(2, other.question, "ash"))
    mislabelled = msgspec.structs.replace(
        forum.answer(2, session.question, "ash"), key_id=bytes(32)
    )
    with pytest.raises(PeerError, match="of another key"):
        matching.accept(session, mislabelled)


# Dishonest members.


def test_a_question_under_anothers_name_is_refused(forum, session):
    with pytest.raises(PeerError, match="another name"):
        forum.answer(2, session.question, "birch")


def test_a_question_without_the_word_of_its_asker_is_no_question(session):
    fields = msgspec.structs.asdict(session.question) | {"type": "question/1"}
    del fields["attestation"]
    with pytest.raises(PeerError, match="attestation"):
        decode(msgspec.msgpack.encode(fields), Question)


def test_a_question_that_vouches_for_another_number_is_refused(forum, session):
    less = msgspec.structs.replace(session.question.attestation, elements=1)
    question = msgspec.structs.replace(session.question, attestation=less)
    with pytest.raises(PeerError, match="vouches for another number"):
        forum.answer(2, question, "ash")


def raw(session, **changes):
    """A question that no honest member sends, as bytes."""
    return encode(msgspec.structs.replace(session.question, **changes))


def test_an_oversize_batch_a_bad_size_and_junk_are_refused_before_they_are_looked_at(session):
    elements = tuple(group.multiply_base(group.small(n)) for n in range(1, BATCH + 2))
    junk = [
        raw(session, elements=elements),
        raw(session, elements=()),
        raw(session, elements=(b"short",)),
        raw(session, asker="a" * 65),
        encode(session.question)[:-1],
        b"",
        b"{}",
        encode(session.opening),
        encode(session.question).replace(b"\xa3ash", b"\xa3\xff\xfe\xfd"),
    ]
    for data in junk:
        with pytest.raises(PeerError, match="no valid Question"):
            decode(data, Question)
    with pytest.raises(PeerError, match="not read"):
        decode(bytes(2**27 + 1), TagSet)


@pytest.mark.parametrize("bad", [group.ZERO, b"\xff" * 32])
def test_an_element_that_is_none_is_refused(forum, session, bad):
    elements = tuple(sorted([bad, *session.question.elements[1:]]))
    with pytest.raises(IntegrityError, match="RFC 9496"):
        forum.answer(2, msgspec.structs.replace(session.question, elements=elements), "ash")


def test_elements_that_do_not_ascend_are_refused(forum, session):
    for elements in (session.question.elements[::-1], session.question.elements[:1] * 64):
        question = msgspec.structs.replace(session.question, elements=elements)
        with pytest.raises(PeerError, match="ascend"):
            forum.answer(2, question, "ash")


def test_a_tag_copied_from_another_member_fits_nothing(forum, ash_values, birch):
    copied = msgspec.structs.replace(forum.publish("birch", birch), owner="cedar")
    assert tags.intersect(ash_values, [copied]) == {}


def test_two_sets_do_not_tell_what_they_have_in_common(forum, ash):
    first, second = forum.publish("ash", ash), forum.publish("birch", ash)
    further = forum.publish("ash", ash, number=1)
    assert not set(first.tags) & (set(second.tags) | set(further.tags))
    assert len(first.tags) == len(second.tags) == tags.MIN_TAGS
    assert first.tags == tuple(sorted(first.tags))


def test_a_set_that_is_not_as_published_is_refused(forum, ash):
    right = forum.publish("ash", ash)
    tags.check(right, forum.committee, "ash")
    for changes, words in (
        ({"owner": "birch"}, "another name"),
        ({"key_id": bytes(32)}, "another key"),
        ({"epoch": 9}, "another key"),
        ({"tags": right.tags[:-1]}, "not padded"),
        ({"tags": right.tags[:2]}, "not padded"),
        ({"tags": right.tags[::-1]}, "ascend"),
        ({"tags": right.tags[:1] * len(right.tags)}, "ascend"),
    ):
        with pytest.raises(IntegrityError, match=words):
            tags.check(msgspec.structs.replace(right, **changes), forum.committee, "ash")


def test_an_audit_shows_what_was_asked(ash, session):
    assert sorted(matching.audit(session.question, session.opening)) == sorted(ash)


def test_an_audit_catches_an_asker_who_shows_other_accounts_than_it_asked_about(session):
    other = Candidate("c-1", "a-9", b"another")
    rows = list(session.opening.rows)
    place = next(n for n, row in enumerate(rows) if row.campaign_id)
    rows[place] = msgspec.structs.replace(
        rows[place], account_id=other.account_id, identifier=other.identifier
    )
    shown = msgspec.structs.replace(session.opening, rows=tuple(rows))
    with pytest.raises(IntegrityError, match="not the one that the question commits to"):
        matching.audit(session.question, shown)
    # Committing to the false rows beforehand does not help either: the elements are others.
    word = msgspec.structs.replace(session.question.attestation, commitment=matching._commit(shown))
    question = msgspec.structs.replace(session.question, attestation=word)
    with pytest.raises(IntegrityError, match="other accounts than were asked about"):
        matching.audit(question, shown)


def test_an_audit_shows_accounts_that_were_passed_off_as_padding(forum):
    customer = eligible(
        [CampaignAccount("a-1", "c-1", Kind.RELAY), CampaignAccount("b", "", Kind.RELAY)],
        [mail("a-1"), Identifier("b", "email", "customer@a.example")],
    )
    session = matching.ask(customer, forum.committee, "ash", random)[0]
    with pytest.raises(IntegrityError, match="another number of campaigns"):
        matching.audit(session.question, session.opening)


# Rotation.


def test_under_a_new_key_every_set_is_made_anew(forum, ash, birch):
    old = {"ash": forum.publish("ash", ash), "birch": forum.publish("birch", birch)}
    later = Forum.found(epoch=2)
    new = {"ash": later.publish("ash", ash), "birch": later.publish("birch", birch)}
    for member, published in new.items():
        assert not set(published.tags) & set(old[member].tags)
    found = tags.intersect(later.values("ash", ash), [new["birch"]])
    assert mails(found) == {"x@a.example", "y@a.example"}
    with pytest.raises(IntegrityError, match="set of birch is of another key"):
        tags.intersect(later.values("ash", ash), [old["birch"]])


def test_a_question_of_an_old_epoch_is_refused(forum, session):
    later = Forum.found(epoch=2)
    with pytest.raises(PeerError, match="another key than this epoch's"):
        later.answer(2, session.question, "ash")
    with pytest.raises(PeerError, match="another key than this epoch's"):
        forum.answer(2, msgspec.structs.replace(session.question, epoch=7), "ash")
    disguised = msgspec.structs.replace(session.question, epoch=2)
    with pytest.raises(PeerError, match="another key than this epoch's"):
        later.answer(2, disguised, "ash")


def test_an_answer_of_an_old_epoch_is_refused(forum, session):
    later = Forum.found(epoch=2)
    renamed = msgspec.structs.replace(session.question, epoch=2, key_id=later.committee.key_id)
    reply = later.answer(2, renamed, "ash")
    with pytest.raises(PeerError, match="of another key"):
        matching.accept(session, reply)
    relabelled = msgspec.structs.replace(
        reply, key_id=forum.committee.key_id, question=digest(session.question)
    )
    with pytest.raises(IntegrityError, match="answer of ash is wrong"):
        matching.accept(session, relabelled)


def test_values_of_two_keys_do_not_mix(forum, ash):
    sessions = [
        matching.ask(ash, one.committee, "ash", random)[0] for one in (forum, Forum.found(epoch=2))
    ]
    with pytest.raises(InputError, match="several keys"):
        matching.values(sessions)


# Quotas.


def test_a_quota_counts_all_elements_and_refuses_the_next_question(ash):
    forum = Forum.found(quota=Quota(epoch=130, burst=130))
    ask = matching.ask(ash, forum.committee, "ash", random)
    for _ in range(2):
        forum.answer(2, ask[0].question, "ash")  # a replay is paid for, too
    before = forum.ledgers[2]
    with pytest.raises(PeerError, match="ash has no quota left"):
        forum.answer(2, ask[0].question, "ash")
    assert forum.ledgers[2] == before
    forum.answer(3, ask[0].question, "ash")  # another holder keeps its own account


def test_a_burst_comes_back_by_the_hour():
    quota = Quota(epoch=1000, burst=100, hourly=50)
    ledger = Ledger(b"k").spend(quota, "ash", 100, NOON)
    with pytest.raises(PeerError, match=r"ask again in 1\.0 hours"):
        ledger.spend(quota, "ash", 50, NOON)
    assert ledger.spend(quota, "birch", 100, NOON).spent["birch"].total == 100
    ledger = ledger.spend(quota, "ash", 50, NOON + timedelta(hours=1))
    with pytest.raises(PeerError, match="too fast"):
        ledger.spend(quota, "ash", 1, NOON - timedelta(days=9))
    assert ledger.spent["ash"].total == 150
    early = Ledger(b"k").spend(quota, "ash", 50, NOON)
    assert early.spend(quota, "ash", 50, NOON - timedelta(days=9)).spent["ash"].at == NOON


@given(st.lists(st.tuples(st.integers(0, 7200), st.integers(1, 300)), max_size=30))
def test_no_order_of_questions_gets_more_than_the_quota(steps):
    quota = Quota(epoch=1500, burst=400, hourly=100)
    ledger, now, served = Ledger(b"k"), datetime(2026, 1, 1, tzinfo=UTC), 0
    begun = now
    for seconds, elements in steps:
        now += timedelta(seconds=seconds)
        try:
            ledger = ledger.spend(quota, "ash", elements, now)
        except PeerError:
            continue
        served += elements
        hours = (now - begun).total_seconds() / 3600
        assert served <= min(quota.epoch, quota.burst + hours * quota.hourly + 1e-6)


@pytest.mark.parametrize(
    ("parties", "expected"),
    [(["elm"], 500), (["ash"], 600), (["hub", "ash"], 1800), (["elm", "fir"], 1000)],
)
def test_asking_holders_in_turn_gets_what_reach_says(parties, expected):
    """Every question goes to those with most quota left, until too few have any."""
    quota = Quota(epoch=300, burst=300)
    others = [party for party in PARTIES if party not in parties]
    needed = 3 - (len(PARTIES) - len(others))
    left = dict.fromkeys(others, quota.epoch * len(parties))
    served = 0
    while True:
        quorum = sorted(left, key=left.__getitem__, reverse=True)[:needed]
        if min(left[holder] for holder in quorum) == 0:
            break
        for holder in quorum:
            left[holder] -= 1
        served += 1
    assert served == quota.reach(make_roster(), parties) == expected


def test_no_quota_holds_a_quorum():
    with pytest.raises(InputError, match="quorum"):
        Quota().reach(make_roster(), ["ash", "birch", "cedar"])


@pytest.mark.parametrize(
    "wrong", [{"burst": 0}, {"epoch": 10, "burst": 20}, {"hourly": 0}, {"hourly": float("inf")}]
)
def test_a_quota_without_a_limit_is_refused(wrong):
    with pytest.raises(ConfigError, match="quota"):
        Quota(**wrong)


# Bytes from elsewhere.


@given(st.binary(max_size=300))
def test_junk_is_never_more_than_a_refused_message(data):
    for kind in (Question, Answer, TagSet):
        with pytest.raises(PeerError, match="no valid"):
            decode(data, kind)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_question_changed_on_the_way_is_refused_or_evaluated_as_it_stands(forum, session, data):
    wire = bytearray(encode(session.question))
    for _ in range(data.draw(st.integers(1, 3))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    try:
        question = decode(bytes(wire), Question)
        reply = Forum(forum.committee, forum.shares).answer(2, question, "ash")
    except (PeerError, IntegrityError):
        return
    assert question == session.question or reply.question != digest(session.question)


# Sizes.


def test_a_set_larger_than_its_limit_is_refused(ash_values, monkeypatch):
    monkeypatch.setattr(tags, "MAX_TAGS", 512)
    with pytest.raises(InputError, match="512 tags at most"):
        tags.publish(ash_values, "ash", 0, random)


def test_messages_come_back_as_they_were(forum, ash, session):
    reply = forum.answer(2, session.question, "ash")
    published = forum.publish("ash", ash)
    for message, kind in ((session.question, Question), (reply, Answer), (published, TagSet)):
        assert decode(encode(message), kind) == message
    assert digest(session.question) != digest(reply)


def test_real_tags_lie_anywhere_among_the_padding(forum):
    """Two versions of a set, which no member publishes, tell which tags are real: those in both."""
    values = forum.values("ash", accounts(*(f"u{n}@a.example" for n in range(600))))
    published = tags.publish(values, "ash", 0, random)
    real = set(published.tags) & set(tags.publish(values, "ash", 0, random).tags)
    assert len(real) == 600
    places = [place for place, tag in enumerate(published.tags) if tag in real]
    assert abs(sum(places) / 600 - 511.5) < 60  # five standard deviations
