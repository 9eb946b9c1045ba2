import io
from dataclasses import replace

import msgspec
import pytest
from rich.console import Console

from stillwatch.detect.explain import Explanation, explain
from stillwatch.detect.report import terminal
from stillwatch.errors import InputError
from tests.report.build import SIGNALS, build_result


@pytest.fixture(scope="module")
def result():
    return build_result(scale=0.2)


def printed(explanation):
    console = Console(width=90, file=io.StringIO(), color_system=None)
    console.print(terminal.explanation(explanation))
    return console.file.getvalue()


def test_a_member_has_evidence_on_both_sides(result):
    explanation = explain(result, "acct-000007")
    assert (explanation.campaign_id, explanation.kind) == ("c001", "extraction")
    assert explanation.evidence_for[0].startswith("Member of c001, an extraction campaign of 82")
    carried = {feature.label for feature in explanation.features if feature.carried}
    assert carried
    assert all(any(label in line for line in explanation.evidence_for) for label in carried)
    assert (
        "coordination very strong (q 1 × 10⁻¹²), kind very strong (q 2"
        in (explanation.evidence_for[0])
    )
    assert any(
        x.startswith("An organisation: not ruled out as what the campaign is (p 0.09)")
        for x in explanation.evidence_against
    )


def test_a_member_of_a_relay_pool_is_told_that_extraction_is_not_asserted(result):
    member = explain(result, result.campaign("c002").accounts[0])
    assert member.evidence_for[0].endswith(", extraction not asserted.")


def test_an_explanation_that_has_words_is_named_by_them(result):
    named = [
        msgspec.structs.replace(a, what="one customer with several accounts")
        for a in result.evidence["c001"].alternatives
    ]
    evidence = msgspec.structs.replace(result.evidence["c001"], alternatives=named)
    found = explain(replace(result, evidence={"c001": evidence}), "acct-000007")
    assert any(
        x.startswith("One customer with several accounts: not ruled out")
        for x in found.evidence_against
    )


def test_every_signal_is_unusual_ordinary_or_missing(result):
    for account in ("acct-000007", "user-000011"):
        found = explain(result, account)
        named = [finding.signal for finding in found.unusual + found.ordinary]
        missing = [line.split(":")[0] for line in found.missing]
        assert sorted(named + [name for name in missing if name in SIGNALS]) == sorted(SIGNALS)
        assert all(finding.p_value <= 0.01 for finding in found.unusual)
        assert all(finding.p_value > 0.01 for finding in found.ordinary)
        assert "output_harvest: off, the log has no completions." in found.missing


def test_an_account_in_no_campaign(result):
    explanation = explain(result, "user-000011")
    assert explanation.campaign_id is None
    assert explanation.features == []
    assert explanation.evidence_against[0] == "In no campaign."


def test_profiles_may_lack_what_is_optional(result):
    bare = replace(result, profiles=result.profiles.select(["account_id"]))
    explanation = explain(bare, "acct-000007")
    assert {feature.carried for feature in explanation.features} == {None}
    assert any("is not recorded" in line for line in explanation.missing)
    none = replace(result, profiles=result.profiles.slice(0, 0))
    assert "The account has no profile." in explain(none, "acct-000007").missing


def test_unknown_account(result):
    with pytest.raises(InputError, match="No account is called 'nobody'"):
        explain(result, "nobody")


def test_explanation_as_json_and_text(result):
    explanation = explain(result, "acct-000007")
    encoded = msgspec.json.encode(explanation)
    assert msgspec.json.decode(encoded, type=Explanation) == explanation
    text = printed(explanation)
    assert [h for h in ("For a campaign", "Against", "Missing") if h in text.splitlines()] == [
        "For a campaign",
        "Against",
        "Missing",
    ]


def test_text_is_not_markup(result):
    hostile = msgspec.structs.replace(explain(result, "user-000011"), account_id="[red]x[/nope]")
    assert "[red]x[/nope]" in printed(hostile)
