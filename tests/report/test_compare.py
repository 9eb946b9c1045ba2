from dataclasses import replace

import msgspec
from rich.console import Console

from stillwatch.detect.compare import Change, Comparison, compare
from stillwatch.detect.report import terminal
from tests.report.build import build_empty, build_result


def with_members(name, members, base=None):
    """A result with one campaign of those members."""
    base = base or build_result(scale=0.05)
    campaign = msgspec.structs.replace(
        base.campaigns[0], campaign_id=name, accounts=sorted(members), size=len(members)
    )
    return replace(base, campaigns=(campaign,))


def members(first, last):
    return [f"a{i:04d}" for i in range(first, last)]


def only(comparison):
    (change,) = comparison.changes
    return change


def test_names_do_not_matter_members_do():
    change = only(compare(with_members("x", members(0, 130)), with_members("y", members(0, 100))))
    assert (change.change, change.campaign_id, change.previous_id) == (Change.GROWN, "x", "y")
    assert (change.kept, change.joined, change.left) == (100, 30, 0)
    assert change.jaccard == round(100 / 130, 4)


def test_shrunk_and_steady():
    before = with_members("y", members(0, 100))
    assert only(compare(with_members("x", members(0, 60)), before)).change is Change.SHRUNK
    replaced = only(compare(with_members("x", members(2, 102)), before))
    assert (replaced.change, replaced.joined, replaced.left) == (Change.STEADY, 2, 2)


def test_a_campaign_that_grew_tenfold_is_found_by_containment():
    grown = compare(with_members("x", members(0, 1000)), with_members("y", members(0, 90)))
    assert only(grown).change is Change.GROWN


def test_slight_overlap_is_no_match():
    comparison = compare(with_members("x", members(0, 100)), with_members("y", members(90, 190)))
    assert [change.change for change in comparison.changes] == [Change.NEW, Change.GONE]
    assert comparison.changes[1].left == 100


def test_matching_is_one_to_one_by_greatest_overlap():
    base = build_result(scale=0.05)
    large = with_members("large", members(0, 70), base).campaigns
    small = with_members("small", members(70, 100), base).campaigns
    split = compare(
        replace(base, campaigns=small + large), with_members("y", members(0, 100), base)
    )
    assert [(c.campaign_id, c.change) for c in split.changes] == [
        ("small", Change.NEW),
        ("large", Change.SHRUNK),
    ]


def test_against_itself_all_is_steady_and_against_nothing_all_is_new():
    result = build_result(scale=0.2)
    assert {c.change for c in compare(result, result).changes} == {Change.STEADY}
    assert {c.change for c in compare(result, build_empty()).changes} == {Change.NEW}
    assert {c.change for c in compare(build_empty(), result).changes} == {Change.GONE}


def test_comparison_survives_json_and_prints():
    comparison = compare(build_result(scale=0.2), build_empty())
    encoded = msgspec.json.encode(comparison)
    assert msgspec.json.decode(encoded, type=Comparison) == comparison
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(terminal.comparison(comparison))
    console.print(terminal.comparison(compare(build_empty(), build_empty())))
    text = console.export_text()
    console.file.close()
    assert text.count("new ") == 5
    assert "No campaign now and none before." in text
