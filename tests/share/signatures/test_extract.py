import msgspec
import numpy as np
import pytest

from stillwatch.errors import InputError
from stillwatch.share.signatures.candidates import Part, part_of, values_of
from stillwatch.share.signatures.extract import Extraction, Limits, Origin, extract
from stillwatch.share.signatures.families import Family
from stillwatch.share.signatures.lint import lint
from stillwatch.share.signatures.matching import PlainIndex
from stillwatch.share.signatures.tally import tally
from tests.share.signatures.build import START, batch, event, keyed, table

ORIGIN = Origin("key", START.date(), objective="reasoning")
PEOPLE = [f"person-{n}" for n in range(2400)]


def people(share: float = 0.0, **carried):
    """Benign accounts of which a share carries something."""
    carriers = round(share * len(PEOPLE))
    return [
        event(name, hours, **(carried if place < carriers else {}))
        for place, name in enumerate(PEOPLE)
        for hours in (0.0, 30.0)
    ]


def campaign(size: int = 20, **carried):
    return [event(f"bot-{n}", hours, **carried) for n in range(size) for hours in (1.0, 2.0)]


def made(members, benign, **given) -> Extraction:
    rows = batch(*benign)
    return extract(table(*members), lambda: [rows], ORIGIN, **given)


def test_one_signature_covers_a_campaign_of_one_template():
    found = made(campaign(template=7), people())
    [signature] = found.signatures
    assert [feature.family for feature in signature.features] == [Family.TEMPLATE]
    assert signature.features[0].values == (keyed(7),)
    assert (signature.k, signature.cover, found.covered, found.could) == (20, 1.0, 20, 20)
    measuring = sum(part_of(name) is Part.MEASURE for name in PEOPLE)
    assert (signature.false_positives.hits, signature.false_positives.accounts) == (0, measuring)
    assert lint(signature) == []


def test_the_order_of_the_log_does_not_matter():
    members, benign = campaign(template=7, opening=8), people(0.001, template=7)
    rng = np.random.default_rng(3)
    shuffled = [list(rng.permutation(np.array(rows, object))) for rows in (members, benign)]
    assert made(members, benign) == made(*shuffled)


def test_two_templates_need_two_signatures_or_one_set():
    found = made(
        campaign(12, template=7) + [event(f"other-{n}", 1.0, template=9) for n in range(12)],
        people(),
    )
    assert found.covered == found.accounts == 24
    values = {v for s in found.signatures for f in s.features for v in f.values}
    assert values == {keyed(7), keyed(9)}


def test_a_popular_template_is_refused_with_numbers():
    found = made(campaign(template=7), people(0.2, template=7))
    assert found.signatures == ()
    [refusal] = [r for r in found.refusals if r.what == "template 00000000"]
    assert "20 accounts of the campaign" in refusal.why
    assert "benign accounts: " in refusal.why


def test_two_families_together_are_rare_where_each_is_common():
    few = len(PEOPLE) // 30
    benign = [event(name, h, template=7) for name in PEOPLE[:few] for h in (1.0, 2.0)]
    benign += [event(name, h, parameters=5) for name in PEOPLE[few:] for h in (1.0, 2.0)]
    found = made(campaign(template=7, parameters=5), benign)
    [signature] = found.signatures
    assert {f.family for f in signature.features} == {Family.TEMPLATE, Family.PARAMETERS}
    assert signature.false_positives.hits == 0


def test_request_parameters_alone_never_make_a_signature():
    assert made(campaign(parameters=5), people()).signatures == ()


def test_a_value_that_few_accounts_carry_never_leaves():
    rare = [event(f"bot-{n}", 3.0, template=99, opening=98) for n in range(4)]
    found = made(campaign(template=7) + rare, people())
    assert {v for s in found.signatures for f in s.features for v in f.values} == {keyed(7)}
    alone = made(campaign(4, template=7), people())
    assert alone.signatures == ()
    assert "has 4 accounts, and a value leaves only if 5 carry it" in alone.refusals[0].why
    assert all(value.members >= 5 for value in values_of(table(*campaign(template=7), *rare), 5))


@pytest.mark.parametrize(
    ("column", "private", "public"),
    [
        ("client_name", "acme-crawler", "curl"),
        ("tls_fingerprint", "Acme Ltd", "t13d1410h2_682adbec91f2_dbec91f2f993"),
    ],
)
def test_a_readable_value_that_could_name_a_customer_never_leaves(column, private, public):
    def found(text):
        return {v.value for v in values_of(table(*campaign(**{column: text})), 5)}

    assert private not in found(private)
    assert public in found(public)


def test_a_value_on_a_warning_list_never_leaves():
    found = made(campaign(template=7), people(), warned={Family.TEMPLATE: {keyed(7)}})
    assert found.signatures == ()
    assert "is on a warning list" in found.refusals[0].why


def test_what_is_rare_where_it_was_chosen_and_common_where_it_is_measured_is_refused():
    """The half that measures took no part in the choice."""
    benign = [
        event(name, 0.0, **({"template": 7} if part_of(name) is Part.MEASURE else {}))
        for name in PEOPLE
    ]
    found = made(campaign(template=7), benign)
    assert found.signatures == ()
    assert "took no part in the choice" in found.refusals[0].why


def test_the_measured_rate_recovers_the_true_one():
    """No selection bias: over many templates of equal rarity the chosen ones measure no lower."""
    rng = np.random.default_rng(5)
    true, hits, accounts = 0.003, 0, 0
    for _ in range(12):
        chosen = rng.random(len(PEOPLE)) < true
        benign = [
            event(name, 0.0, **({"template": 7} if chosen[n] else {}))
            for n, name in enumerate(PEOPLE)
        ]
        found = made(campaign(template=7), benign, limits=Limits(most=0.05))
        hits += sum(s.false_positives.hits for s in found.signatures)
        accounts += sum(s.false_positives.accounts for s in found.signatures)
    assert accounts > 10_000
    assert 0.5 * true < hits / accounts < 1.7 * true


def test_signatures_find_the_same_operator_among_other_accounts():
    found = made(campaign(template=7), people())
    elsewhere = [event(f"new-{n}", 500.0, template=7) for n in range(9)]
    others = [event(f"else-{n}", 500.0) for n in range(50)]
    patterns = found.signatures
    matched = tally(patterns, PlainIndex(patterns), [batch(*elsewhere, *others)]).matches()
    assert {m.account_id for m in matched} == {f"new-{n}" for n in range(9)}


def test_nothing_of_an_account_is_in_a_signature():
    found = made(campaign(template=7, client_name="curl"), people())
    written = msgspec.json.encode(found.signatures).decode()
    assert "bot-" not in written
    assert "person-" not in written


def test_what_cannot_be_extracted_is_refused():
    with pytest.raises(InputError, match="none of the campaign's accounts"):
        made([], people())
    with pytest.raises(InputError, match="no benign account"):
        extract(table(*campaign(template=7)), list, ORIGIN)
