"""Candidates beside each other: what is believed, what is not, and what stays unknown."""

import math

import msgspec
import pytest

from stillwatch.detect.screening.entries import Entry
from stillwatch.detect.screening.matches import screen
from stillwatch.share.attribution.claims import Claim, claims, is_mailbox
from stillwatch.share.attribution.likeness import Likeness, known
from stillwatch.share.attribution.rank import UNKNOWN, Suspect, rank, suspects
from stillwatch.share.attribution.received import Received
from stillwatch.share.attribution.trace import CLAIMS, Trace, Traces
from stillwatch.share.attribution.weights import BINS, Source, Weights, shipped
from tests.share.attribution.build import accounts, recorded, traces

MEMBERS = [f"m{n}" for n in range(20)]
CROWD = [{"account_id": f"p{n}", "email_domain": "gmail.com"} for n in range(400)]


def campaign(**columns):
    """Traces and claims of a campaign whose accounts all have these columns."""
    table = accounts([*({"account_id": m, **columns} for m in MEMBERS), *CROWD])
    return traces(table, MEMBERS), claims(table, MEMBERS, [])


def ranked(seen: Traces, said: list[Claim] = (), records=(), received=()):
    given = suspects(seen, known(list(records)), list(said), list(received))
    return rank("sw-1", seen, given, shipped())


def of(found, name):
    return next(one for one in found.candidates if one.name == name)


def test_no_candidate_leaves_unknown():
    seen, _ = campaign(payment_hash="k")
    found = ranked(seen)
    assert (found.answer, found.unknown, found.candidates) == (UNKNOWN, 1.0, ())


def test_confidences_and_unknown_add_up_to_one():
    seen, said = campaign(payment_hash="k", org_name="Acme Labs")
    found = ranked(seen, said, [recorded(seen, "A"), recorded(campaign(payment_hash="x")[0], "B")])
    assert len(found.candidates) == 3
    assert sum(c.confidence for c in found.candidates) + found.unknown == pytest.approx(1)
    assert [c.rank for c in found.candidates] == [1, 2, 3]
    assert found.unknown > 0


def test_a_name_that_anybody_can_type_is_not_believed():
    """A false flag: every account claims to be of a well-known company."""
    seen, said = campaign(org_name="Acme Labs", email_domain="gmail.com")
    found = ranked(seen, said)
    assert found.answer == UNKNOWN
    assert of(found, "Acme Labs").confidence < 0.5
    assert any("which anybody can" in w.words for w in weighed(of(found, "Acme Labs")))


def weighed(candidate):
    return (*candidate.evidence, *candidate.against, *candidate.silent)


def test_a_false_flag_does_not_hide_the_operator_whose_cards_it_uses():
    before, _ = campaign(payment_hash="k", device_hash="d")
    flagged, said = campaign(
        payment_hash="k", device_hash="d", org_name="Acme Labs", email_domain="gmail.com"
    )
    found = ranked(flagged, said, [recorded(before, "Operator A")])
    assert found.answer == "Operator A"
    assert of(found, "Operator A").confidence > 2 * of(found, "Acme Labs").confidence


def test_a_recorded_operator_cannot_be_framed_by_its_name_alone():
    before, _ = campaign(payment_hash="k", device_hash="d", signup_address="192.0.2.1")
    flagged, said = campaign(
        payment_hash="z", device_hash="y", signup_address="198.51.100.1", org_name="acme LABS."
    )
    found = ranked(flagged, said, [recorded(before, "Acme Labs")])
    [one] = found.candidates
    assert one.sources == (Source.RECORDED, Source.NAMED)
    assert found.answer == UNKNOWN


def test_what_an_account_had_to_show_counts_more_than_what_it_says():
    def confidence(**columns):
        seen, said = campaign(org_name="Acme Labs", **columns)
        return of(ranked(seen, said), "Acme Labs").confidence

    named = confidence(email_domain="gmail.com")
    lookalike = confidence(email_domain="acme-labs-ai.example")
    mailbox = confidence(email_domain="mail.acme-labs.example")
    assert lookalike == named
    assert mailbox > named


def test_evidence_says_what_is_shared_and_what_is_not():
    before, _ = campaign(payment_hash="k", device_hash="d")
    seen, _ = campaign(payment_hash="k", device_hash="other")
    one = ranked(seen, [], [recorded(before, "A")]).candidates[0]
    assert one.evidence[0].likeness.trace is Trace.CARD
    assert one.evidence[0].words == "20 of 20 accounts share 1 card with it"
    assert one.against[0].words == "no account shares devices with it"
    assert one.evidence[0].weight > 0 > one.against[0].weight
    assert len(one.evidence[0].likeness.examples[0]) == 16


def test_of_several_recorded_campaigns_the_most_alike_counts_alone():
    near, _ = campaign(payment_hash="k")
    far, _ = campaign(payment_hash="z")
    alone = ranked(near, [], [recorded(near, "A", "c1")]).candidates[0]
    both = ranked(near, [], [recorded(far, "A", "c0"), recorded(near, "A", "c1")]).candidates[0]
    assert both.records == 2
    assert both.confidence == pytest.approx(alone.confidence)


def test_a_long_list_of_operators_makes_none_likelier():
    seen, _ = campaign(payment_hash="k")
    others = [recorded(campaign(payment_hash=f"x{n}")[0], f"O{n}", f"c{n}") for n in range(20)]
    few, many = (ranked(seen, [], others[:count]).unknown for count in (2, 20))
    assert many == pytest.approx(few)


def test_what_was_not_there_is_said():
    seen, _ = campaign(payment_hash="k")
    assert "card" not in ranked(seen).not_looked_at
    assert {"device", "frames", "pace"} <= set(ranked(seen).not_looked_at)


def test_countries_and_listings_weigh_nothing():
    columns = {"org_name": "Acme Labs", "email_domain": "acme-labs.example", "country": "AA"}
    rows = [{"account_id": m, **columns} for m in MEMBERS]
    here = accounts([*rows, *CROWD])
    entry = Entry("List", "7", "ACME Laboratories", domains=("acme-labs.example",))
    listed = claims(here, MEMBERS, [], screen(here.slice(0, 20), [entry]))
    elsewhere = accounts([*({**row, "country": "BB"} for row in rows), *CROWD])
    seen = traces(here, MEMBERS)
    plain = ranked(seen, claims(elsewhere, MEMBERS, []))
    found = ranked(seen, listed)
    assert of(found, "Acme Labs").listed[0].entry == "ACME Laboratories"
    assert of(found, "Acme Labs").confidence == of(plain, "Acme Labs").confidence


def test_a_domain_of_a_listed_entity_names_it_where_the_account_does_not():
    rows = [{"account_id": m, "email_domain": "acme-labs.example"} for m in MEMBERS]
    table = accounts([*rows, *CROWD])
    entry = Entry("List", "7", "ACME Laboratories", domains=("acme-labs.example",))
    assert claims(table, MEMBERS, []) == []
    [claim] = claims(table, MEMBERS, [], screen(table.slice(0, 20), [entry]))
    assert claim.name == "ACME Laboratories"
    assert {x.trace: x.carrying for x in claim.likenesses}[Trace.MAILBOX] == 20


def test_mail_services_are_no_organisations():
    table = accounts([{"account_id": m, "org_name": "gmail"} for m in MEMBERS])
    assert claims(table, MEMBERS, []) == []


def test_each_account_claims_once_as_well_as_it_can():
    rows = [
        {"account_id": "m0", "org_name": "Acme", "email_domain": "acme.example", "verified": True},
        {"account_id": "m1", "org_name": "ACME", "email_domain": "acme.example"},
        {"account_id": "m2", "org_name": "Acme"},
        {"account_id": "m3"},
        {"account_id": "p1", "org_name": "Acme"},
    ]
    [claim] = claims(accounts(rows), ["m0", "m1", "m2", "m3"], [])
    assert (claim.name, claim.elsewhere) == ("Acme", 1)
    assert [x.trace for x in claim.likenesses] == list(CLAIMS)
    assert [x.carrying for x in claim.likenesses] == [1, 1, 1]


@pytest.mark.parametrize(
    ("domain", "name", "expected"),
    [
        ("acme.example", "Acme Labs", True),
        ("acmelabs.example", "Acme Labs Ltd", True),
        ("acme-ai.example", "Acme Labs", False),
        ("labs.example", "Acme Labs", False),
        ("gmail.com", "Gmail", False),
        ("ab.example", "AB", False),
        (None, "Acme", False),
    ],
)
def test_a_mailbox_is_of_a_name_or_not(domain, name, expected):
    assert is_mailbox(domain, name) is expected


def test_campaigns_of_other_members_are_candidates():
    seen, _ = campaign(payment_hash="k")

    def one(name, share):
        hits = round(share * 20)
        return (
            Received(name, "B", f"campaign--{name}", False, ()),
            Likeness(Trace.SIGNATURE, share, hits, 20, values=1),
        )

    found = ranked(seen, received=[one("X", 1.0), one("Y", 0.0)])
    assert [c.name for c in found.candidates] == ["X", "Y"]
    assert found.candidates[0].said_by == ("B",)
    assert found.candidates[0].evidence[0].words == (
        "20 of 20 accounts match its signatures at another provider"
    )


def test_the_shipped_weights_are_sound():
    weights = shipped()
    assert set(weights.traces) == set(Trace)
    for table in weights.traces.values():
        assert len(table) == BINS
        assert table == sorted(table)
        assert all(math.isfinite(value) for value in table)
    assert 0 < weights.scale <= 1.5
    assert 0 < weights.least_unknown < 0.1
    assert {"worlds", "questions", "revision"} <= set(weights.made)
    assert msgspec.json.decode(msgspec.json.encode(weights), type=Weights) == weights


def test_more_alike_never_weighs_less():
    weights = shipped()
    for trace in Trace:
        found = [weights.of(Likeness(trace, n / 50, n, 50)) for n in range(51)]
        assert found == sorted(found)


def test_the_same_candidates_rank_the_same_in_any_order():
    seen, _ = campaign(payment_hash="k")
    given = [Suspect(name, (Source.RECORDED,), ()) for name in ("B", "A", "C")]
    one, other = (rank("s", seen, order, shipped()) for order in (given, given[::-1]))
    assert one == other
