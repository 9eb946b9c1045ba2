from pathlib import Path

import pytest

from stillwatch.bench.suite import load_suite
from stillwatch.errors import ConfigError, InputError

COMMITTED = Path(__file__).parents[2] / "benchmarks" / "quality" / "scenarios.toml"

MINIMAL = """
[seeds]
development = [1]
report = [{report}]
null = []

[[case]]
id = "a"
scenario = "mixed"
scale = "small"
table = "headline"
about = "x"
"""


def test_the_committed_suite_has_the_promised_cases_and_seeds() -> None:
    suite = load_suite(COMMITTED)
    assert suite.seeds.development == [*range(1, 6), *range(201, 206), *range(301, 306)]
    assert suite.seeds.report == [401, 402, 403, 404, 405]
    assert len(suite.seeds.null) == 100
    assert suite.cases("mixed-medium")[0].scale == "medium"
    assert {case.table for case in suite.case} == {"headline", "evasion", "null"}


def test_an_unknown_case_is_named_with_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "suite.toml"
    path.write_text(MINIMAL.format(report=2))
    with pytest.raises(InputError, match="'b'; use one of a"):
        load_suite(path).cases("b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MINIMAL.format(report=1), "development and for the report"),
        (
            MINIMAL.format(report=2) + MINIMAL.partition("[[case]]")[2].join(["[[case]]", ""]),
            "twice",
        ),
        ("[seeds]\n", "no benchmark suite"),
        ("not toml", "no benchmark suite"),
    ],
)
def test_a_damaged_suite_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "suite.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_suite(path)
