import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import stillwatch

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/stillwatch"
MODULES = sorted(SOURCE.rglob("*.py"))


def test_the_package_opens_lazily():
    program = "import sys, stillwatch; stillwatch.__version__; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"False"


def test_public_names_are_listed_and_found():
    assert dir(stillwatch) == ["ScanResult", "__version__", "scan"]
    assert callable(stillwatch.scan)
    assert stillwatch.ScanResult.__name__ == "ScanResult"
    with pytest.raises(AttributeError, match="no attribute 'harvest'"):
        _ = stillwatch.harvest


def test_modules_are_short():
    """About 400 lines at most; the median near 100 reads best."""
    lengths = {str(p.relative_to(SOURCE)): len(p.read_text().splitlines()) for p in MODULES}
    assert {name: n for name, n in lengths.items() if n > 400} == {}


def test_every_lint_exception_has_its_reason():
    rows = (ROOT / "pyproject.toml").read_text().splitlines()
    start = rows.index("ignore = [")
    for row in rows[start + 1 : rows.index("]", start)]:
        assert "#" in row, row


def test_versions_are_pinned_without_addresses():
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    names = {pin.split("==")[0].lower() for pin in pins if not pin.startswith("#")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["dev"], *extras["spark"]]
    assert {w.split(">")[0].split("<")[0].split("=")[0].lower() for w in wanted} <= names
    assert not [pin for pin in pins if "/" in pin or " @ " in pin]
