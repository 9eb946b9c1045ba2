import pytest

from stillwatch.cli.main import main
from stillwatch.detect.store import write_result
from tests.report.build import build_result


@pytest.fixture
def provider(tmp_path, monkeypatch):
    """A working directory with a key and a result, whose campaign c001 is of kind extraction."""
    monkeypatch.delenv("STILLWATCH_KEY_FILE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    write_result(build_result(), tmp_path / "result")
    assert main(["key", "new", "provider.key"]) == 0
    return tmp_path
