"""What the README tells an outsider to do works: a method and a scenario of one's own."""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.bench.labels import LABELS
from stillwatch.bench.measure import measured
from stillwatch.bench.methods import ENTRY_POINTS, known_methods
from stillwatch.bench.quality import run_quality
from stillwatch.bench.suite import Case
from stillwatch.bench.traffic import Simulated
from stillwatch.errors import ConfigError

README = (Path(__file__).parents[2] / "benchmarks" / "README.md").read_text(encoding="utf-8")
CODE = re.search(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[1]
ENTRY = re.search(r"^```toml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[1]


def install(folder: Path, code: str) -> None:
    """A package as pip would leave it, with the entry point that the README shows."""
    group, line = ENTRY.splitlines()[:2]
    assert group == f'[project.entry-points."{ENTRY_POINTS}"]'
    (folder / "your_package.py").write_text(code)
    info = folder / "your_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: your-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\n{line.replace(chr(34), '')}\n")


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(__import__("sys").modules, "your_package", raising=False)
    return folder


def make(case: Case, seed: int, prompts: Path | None, folder: Path) -> Simulated:
    assert (case.id, seed, prompts) == ("tiny", 1, None)
    rows = [
        {"account_id": "a", "cohort": "x", "campaign": "c", "kind": "extraction"},
        {"account_id": "b", "cohort": "x"},
    ]
    rows = [row | {"language": "en", "region": "europe"} for row in rows]
    pq.write_table(pa.Table.from_pylist(rows, schema=LABELS), folder / "labels.parquet")
    sent = ["a"] * 600 + ["b"] * 20
    pq.write_table(pa.table({"account_id": sent}), folder / "fingerprints.parquet")
    return Simulated(folder, len(sent))


def test_the_method_of_the_readme_is_found_and_measured(package, tmp_path) -> None:
    install(package, CODE)
    method = known_methods()["busiest"]
    case = Case("tiny", "mixed", "small", "headline", "two accounts")
    (run,) = run_quality([case], [1], [method], tmp_path / "r", isolate=measured, make=make)
    assert run.quality.campaigns[0].as_extraction == 1
    assert run.quality.cohorts == {"x": {"": 1}}


def test_a_name_that_is_taken_is_refused(package) -> None:
    install(package, CODE.replace('"busiest"', '"lsh"'))
    with pytest.raises(ConfigError, match="Two methods are called 'lsh'"):
        known_methods()
