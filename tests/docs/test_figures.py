"""The pages on statistics and results state what the code decides by."""

from pathlib import Path

import pytest

from stillwatch.detect.accounts import RISK_BANDS
from stillwatch.detect.analysis import AnalysisSettings
from stillwatch.detect.kinds import EXPLANATIONS
from stillwatch.detect.results import ACCOUNT_RESULTS, Campaign, Evidence, RunSummary

DOCS = Path(__file__).parents[2] / "docs"
STATISTICS = (DOCS / "adr/0003-statistics.md").read_text(encoding="utf-8")
RESULTS = (DOCS / "results.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["coordination", "kind", "unusual", "unlike", "shared"])
def test_a_threshold_is_stated(name):
    assert f"| `{name}` | {getattr(AnalysisSettings(), name):g} |" in STATISTICS


def test_the_explanations_are_listed_as_they_are_tested():
    rows = STATISTICS.partition("| explanation |")[2].split("\n\n")[0].splitlines()[2:]
    listed = [tuple(cell.strip() for cell in row.split("|")[1:4]) for row in rows]
    assert listed == [
        (e.what, e.kind.value, "; ".join(_in_words(way) for way in e.ways)) for e in EXPLANATIONS
    ]


def _in_words(way):
    names = [name.replace("_", " ") for name in way.predictions]
    words = f"{way.agree} of ({', '.join(names)})" if way.agree else " + ".join(names)
    return f"{words} where *{way.unless.replace('_', ' ')}* is not known" if way.unless else words


def test_every_field_of_a_result_is_explained():
    fields = [
        *ACCOUNT_RESULTS.names,
        *(f for t in (Campaign, Evidence, RunSummary) for f in t.__struct_fields__),
    ]
    assert [field for field in fields if f"`{field}`" not in RESULTS] == []


def test_the_risk_bands_are_stated():
    for low, high in RISK_BANDS.values():
        assert f"| {low:.1f} to {high:.1f} |" in RESULTS


def test_the_limits_of_kind_are_those_of_the_settings():
    kind = AnalysisSettings().kind
    assert f"At most {kind:g} for `extraction`" in RESULTS
    assert f"`rejected` (p ≤ {kind:g})" in RESULTS
