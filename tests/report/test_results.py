import pandas as pd
import polars as pl
import pytest

from stillwatch.errors import InputError
from tests.report.build import HOSTILE_ID, build_empty, build_result


@pytest.fixture(scope="module")
def result():
    return build_result(scale=0.2)


def test_repr_says_what_was_found(result):
    lines = repr(result).splitlines()
    assert lines[0].startswith("ScanResult: 1 extraction campaign and 1 relay pool with 115 acc")
    assert "; also 1 evaluation, 1 shared application and 1 organisation" in lines[0]
    assert [line.split()[0] for line in lines[1:]] == ["c001", "c002"]
    assert lines[1].endswith("kind very strong (q 2 × 10⁻⁷)")
    assert lines[2].endswith("coordination very strong (q 1 × 10⁻¹²), extraction not asserted")
    assert repr(build_empty()).startswith("ScanResult: No coordinated group found in ")


def test_repr_without_grave_campaigns_says_so(result):
    harmless = build_empty().__class__(
        result.accounts, result.profiles, result.campaigns[2:], result.evidence, result.summary
    )
    assert "No extraction campaign or relay pool found" in repr(harmless)
    assert "1 shared application" in repr(harmless)
    assert len(repr(harmless).splitlines()) == 1


def test_notebook_view_is_compact_and_escaped(result):
    view = result._repr_html_()
    assert view.count("<tr>") == 6
    assert view.count("extraction not asserted") == 4
    assert "kind very strong (q 2 × 10⁻⁷)" in view
    assert "<script" not in view
    assert HOSTILE_ID not in view
    assert "<table" not in build_empty()._repr_html_()


def test_a_campaign_by_name(result):
    assert result.campaign("c002").kind == "relay"
    with pytest.raises(InputError, match=r"'nope'.*c001, c002"):
        result.campaign("nope")


def test_tables_go_to_other_libraries(result):
    assert pl.from_arrow(result.accounts).height == result.accounts.num_rows
    assert isinstance(result.accounts.to_pandas(), pd.DataFrame)
