"""People's decisions: what they change, and that they follow a campaign under another id."""

from datetime import UTC, datetime

import pytest

from stillwatch.detect.judgements import (
    Decision,
    Judgement,
    apply_rulings,
    calm,
    is_quiet,
    judge,
    of_accounts,
    ruling,
)
from stillwatch.errors import InputError
from stillwatch.events.contracts import Kind
from tests.report.build import build_result

AT = datetime(2026, 3, 20, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def result():
    return build_result()


def decide(result, subject, decision, kind=None, by="Ada"):
    return judge(result, subject, decision, kind=kind, by=by, time=AT, note="checked")


def extraction(result):
    return next(c for c in result.campaigns if c.kind is Kind.EXTRACTION)


def test_a_judgement_holds_who_what_when_and_whom(result):
    campaign = extraction(result)
    said = decide(result, campaign.campaign_id, Decision.DISMISS)
    assert (said.by, said.time, said.note) == ("Ada", AT, "checked")
    assert said.accounts == campaign.accounts
    assert said.words == "dismissed by Ada on 20 Mar 2026: checked"


def test_a_dismissed_campaign_is_quiet_while_most_of_its_members_are_the_same(result):
    campaign = extraction(result)
    said = [decide(result, campaign.campaign_id, Decision.DISMISS)]
    members = campaign.accounts
    others = [f"new-{number}" for number in range(len(members))]
    assert is_quiet(ruling("sw-other", members, said))
    assert is_quiet(ruling(campaign.campaign_id, members[1:], said))
    assert not is_quiet(ruling(campaign.campaign_id, members + others, said))
    assert not is_quiet(ruling("sw-other", others, said))


def test_a_later_judgement_overrules_an_earlier_one(result):
    campaign = extraction(result)
    name, members = campaign.campaign_id, campaign.accounts
    said = [decide(result, name, Decision.DISMISS), decide(result, name, Decision.CONFIRM)]
    assert not is_quiet(ruling(name, members, said))
    assert set(of_accounts(said).values()) == {"attack"}
    assert set(of_accounts(said[::-1]).values()) == {"benign"}


def test_a_relabelled_campaign_keeps_the_kind_that_a_person_gave(result):
    campaign = extraction(result)
    said = [decide(result, campaign.campaign_id, Decision.RELABEL, Kind.EVALUATION)]
    found = [(c, result.evidence[c.campaign_id]) for c in result.campaigns]
    ruled = {c.campaign_id: c for c, _ in apply_rulings(found, said)}
    assert ruled[campaign.campaign_id].kind is Kind.EVALUATION
    assert ruled[campaign.campaign_id].reasons[0].startswith("named an evaluation by Ada")
    assert [c for name, c in ruled.items() if name != campaign.campaign_id] == [
        c for c in result.campaigns if c.campaign_id != campaign.campaign_id
    ]
    assert set(of_accounts(said).values()) == {"benign"}


def test_what_is_dismissed_is_allowed(result):
    campaign = extraction(result)
    said = [
        decide(result, campaign.campaign_id, Decision.DISMISS),
        decide(result, campaign.accounts[0], Decision.CONFIRM),
    ]
    rows = {r["account_id"]: r for r in calm(result.accounts, result.campaigns, said).to_pylist()}
    before = {row["account_id"]: row for row in result.accounts.to_pylist()}
    for account in campaign.accounts[1:]:
        assert rows[account]["verdict"] == "allow"
        assert rows[account]["reasons"][0].startswith("its campaign was dismissed by Ada")
    assert rows[campaign.accounts[0]] == before[campaign.accounts[0]]
    untouched = set(before) - set(campaign.accounts)
    assert all(rows[account] == before[account] for account in untouched)
    assert calm(result.accounts, result.campaigns, []) is result.accounts


def test_judgements_that_make_no_sense_are_refused(result):
    campaign = extraction(result)
    for subject, decision, kind, why in (
        (campaign.campaign_id, Decision.RELABEL, None, "needs --kind"),
        (campaign.campaign_id, Decision.DISMISS, Kind.RELAY, "only relabel"),
        (campaign.accounts[0], Decision.RELABEL, Kind.RELAY, "is an account"),
        ("nobody", Decision.DISMISS, None, "no campaign and no account"),
    ):
        with pytest.raises(InputError, match=why):
            decide(result, subject, decision, kind)
    with pytest.raises(ValueError, match="either"):
        Judgement(AT, "Ada", Decision.DISMISS)
