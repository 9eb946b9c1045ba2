"""What is read of a campaign, what is kept of it, and how alike two are."""

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from stillwatch.share.attribution.collect import pace_of
from stillwatch.share.attribution.likeness import known, likenesses
from stillwatch.share.attribution.trace import OF_EVENTS, Trace
from tests.share.attribution.build import accounts, events, recorded, traces

MEMBERS = [f"m{n}" for n in range(10)]


def people(count=400, **columns):
    return [{"account_id": f"p{n}", "email_domain": "gmail.com", **columns} for n in range(count)]


def alike(seen, *records):
    """Likenesses with each record, by trace."""
    return [{x.trace: x for x in likenesses(seen, one)} for one in known(records)]


def with_cards(cards):
    rows = [{"account_id": m, "payment_hash": c} for m, c in zip(MEMBERS, cards, strict=True)]
    return accounts([*rows, *people()])


def test_shared_cards_are_counted_by_accounts():
    before = recorded(traces(with_cards(["k1", "k2"] * 5), MEMBERS), "A")
    seen = traces(with_cards(["k1"] * 4 + ["other"] * 6), MEMBERS)
    [found] = alike(seen, before)
    card = found[Trace.CARD]
    assert (card.carrying, card.accounts, card.values) == (4, 10, 1)
    assert card.share == pytest.approx(0.4)
    assert (card.benign, card.others) == (0, 0)


def test_a_value_that_benign_accounts_carry_says_less_and_a_popular_one_nothing():
    def shares(count):
        rows = [{"account_id": m, "payment_hash": "k"} for m in MEMBERS]
        crowd = people()
        for row in crowd[:count]:
            row["payment_hash"] = "k"
        seen = traces(accounts([*rows, *crowd]), MEMBERS)
        before = recorded(traces(accounts([*rows, *people()]), MEMBERS), "A")
        return alike(seen, before)[0][Trace.CARD].share

    assert shares(0) == 1
    assert 0 < shares(2) < 0.5
    assert shares(4) == 0  # one in a hundred


def test_what_several_operators_carry_is_divided_among_them():
    same = traces(with_cards(["k"] * 10), MEMBERS)
    records = [recorded(same, name, f"c{name}") for name in ("A", "B", "C", "A")]
    first, *_ = alike(same, *records)
    assert first[Trace.CARD].share == pytest.approx(1 / 3)
    assert first[Trace.CARD].others == 2


def test_records_under_another_key_are_not_compared():
    seen = traces(with_cards(["k"] * 10), MEMBERS)
    before = recorded(traces(with_cards(["k"] * 10), MEMBERS, keys={"own": "new"}), "A")
    assert alike(seen, before) == [{}]


def test_mail_services_and_autonomous_systems_are_no_trace():
    rows = [
        {"account_id": m, "email_domain": "gmail.com", "signup_asn": 7, "country": "XX"}
        for m in MEMBERS
    ]
    assert traces(accounts([*rows, *people()]), MEMBERS).carried == {}


def test_sign_ups_are_compared_by_network():
    here = [{"account_id": m, "signup_address": f"192.0.2.{n}"} for n, m in enumerate(MEMBERS)]
    there = [
        {"account_id": m, "signup_address": f"192.0.2.{n + 99}"} for n, m in enumerate(MEMBERS)
    ]
    seen, before = (traces(accounts([*rows, *people()]), MEMBERS) for rows in (here, there))
    [found] = alike(seen, recorded(before, "A"))
    assert found[Trace.SIGNUP].share == 1


def rows_of(name, value, count=2):
    column = {"passages": [value, value + 1, 0, 0, 0, 0, 0, 0]}.get(name, value)
    return [{"account_id": m, name: column} for m in MEMBERS for _ in range(count)]


@pytest.mark.parametrize("trace", list(OF_EVENTS))
def test_each_trace_of_events_is_found_in_its_columns(trace):
    for column in OF_EVENTS[trace]:
        value = 77
        benign = events([{"account_id": f"p{n}", "template": 5} for n in range(300)])
        here = traces(None, MEMBERS, events(rows_of(column, value)), benign)
        other = traces(None, MEMBERS, events(rows_of(column, value + 9)), benign)
        same, apart = alike(here, recorded(here, "A"), recorded(other, "B", "d"))
        assert same[trace].share == 1
        assert apart[trace].share == 0


def test_a_prompt_of_one_account_is_not_recorded():
    rows = [{"account_id": m, "template": 1000 + n} for n, m in enumerate(MEMBERS)]
    rows += [{"account_id": m, "template": 5} for m in MEMBERS]
    kept = recorded(traces(None, MEMBERS, events(rows), events(people_events())), "A")
    assert kept.values[Trace.FRAMES] == [f"{5:016x}"]


def people_events():
    return [{"account_id": f"p{n}", "template": 10**6 + n} for n in range(300)]


def test_nothing_that_identifies_anyone_is_kept_in_clear():
    planted = "zyzzyva-7713"
    rows = [
        {
            "account_id": m,
            "payment_hash": planted,
            "device_hash": planted,
            "email_domain": f"{planted}.example",
            "signup_address": "198.51.100.7",
        }
        for m in MEMBERS
    ]
    seen = traces(accounts([*rows, *people()]), MEMBERS)
    assert set(seen.carried) == {Trace.CARD, Trace.DEVICE, Trace.MAIL, Trace.SIGNUP}
    kept = recorded(seen, "A")
    told = likenesses(seen, known([kept])[0])
    for written in (msgspec.json.encode(kept), msgspec.json.encode(told)):
        for canary in (planted, "198.51.100", *MEMBERS):
            assert canary.encode() not in written


def test_country_language_and_hour_change_nothing():
    def seen(country, script, hours):
        table = events(rows_of("template", 3))
        moved = pa.compute.add(table["time"], pa.scalar(hours * 3_600_000_000, pa.duration("us")))
        table = table.set_column(table.column_names.index("time"), "time", moved)
        for name, value in (("script", pa.array([script] * len(table), pa.uint8())),
                            ("country", pa.array([country] * len(table)))):  # fmt: skip
            table = table.set_column(table.column_names.index(name), name, value)
        rows = [{"account_id": m, "country": country, "payment_hash": "k"} for m in MEMBERS]
        return traces(accounts([*rows, *people(country=country)]), MEMBERS, table)

    one, other = seen("AA", 1, 0), seen("BB", 6, 9)
    assert msgspec.json.encode(recorded(one, "A")) == msgspec.json.encode(recorded(other, "A"))


def test_pace_is_of_gaps_within_accounts():
    rows = [{"account_id": "a"}, {"account_id": "a"}, {"account_id": "b"}, {"account_id": "a"}]
    pace = pace_of(events(rows))
    assert pace.gap == pytest.approx(np.log1p([60, 120]).mean())
    assert pace.talk == 0
    assert pace_of(events(rows[2:3])) is None
