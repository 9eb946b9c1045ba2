"""Without the extra, one line says what to install."""

import builtins
import subprocess
import sys

import pytest

from stillwatch.errors import ConfigError
from stillwatch.share.blind import group
from stillwatch.share.blind.identifiers import canonical


@pytest.fixture
def without(monkeypatch):
    """Make a library one that is not installed."""
    group._sodium.cache_clear()
    yield lambda name: monkeypatch.setitem(sys.modules, name, None)
    group._sodium.cache_clear()


def test_blinding_names_the_extra_that_brings_libsodium(without):
    without("rbcl")
    with pytest.raises(ConfigError, match=r"rbcl: pip install 'stillwatch\[share\]'"):
        group.multiply_base(group.small(2))


@pytest.mark.parametrize(
    ("library", "kind", "value"),
    [("idna", "email", "a@a.example"), ("phonenumbers", "phone", "+4930901820")],
)
def test_normalising_names_the_extra(without, library, kind, value):
    without(library)
    with pytest.raises(ConfigError, match=rf"{library}: pip install 'stillwatch\[share\]'"):
        canonical(kind, value)


def test_a_folder_for_temporary_files_that_holds_no_library_is_one_line(without, monkeypatch):
    without("rbcl")
    import_module = builtins.__import__

    def refuse(name, *rest):
        if name == "rbcl":
            raise OSError("failed to map segment from shared object")
        return import_module(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ConfigError, match="let TMPDIR name a folder"):
        group.multiply_base(group.small(2))


def test_importing_the_parts_loads_no_library():
    program = (
        "import sys; import stillwatch.share.blind.matching, stillwatch.share.blind.tags;"
        "print([name for name in ('rbcl', 'phonenumbers', 'idna') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"
