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
    assert suite.seeds.development == [1, 2, 3, 4, 5]
    assert suite.seeds.report == [601, 602, 603, 604, 605]
    assert suite.seeds.null == [*range(3001, 3101)]
    assert suite.cases("mixed-medium")[0].scale == "medium"
    tables = {case.table for case in suite.case}
    assert tables == {"headline", "goals", "evasion", "adaptive", "null", "development"}
    goals = {case.id: case.goal for case in suite.case if case.goal is not None}
    assert goals == {
        "naive-medium": 0.99,
        "paraphrase-medium": 0.95,
        "camouflage-medium": 0.9,
        "no-shared-infrastructure-medium": 0.9,
        "few-events-medium": 0.8,
        "small-campaigns-medium": 0.8,
        "ban-and-replace-medium": 0.95,
        "all-half-medium": 0.8,
    }


def test_no_seed_of_the_report_has_been_looked_at() -> None:
    seeds = load_suite(COMMITTED).seeds
    looked_at = {*seeds.development, *seeds.spent}
    assert {*range(1, 6), *range(201, 206), *range(301, 306), *range(401, 406)} <= looked_at
    assert {*range(2001, 2101)} <= looked_at


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
