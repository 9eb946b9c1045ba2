"""Without the extra, one line says what to install; trees and tiles need none."""

import sys

import pytest

from stillwatch.errors import ConfigError
from stillwatch.share.transparency import notes
from tests.share.transparency.logs import LOG, Log


def test_signing_names_the_extra(monkeypatch):
    log = Log(3)
    notes._ed25519.cache_clear()
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    with pytest.raises(ConfigError, match=r"cryptography: pip install 'stillwatch\[share\]'"):
        LOG.sign(b"text")
    monkeypatch.undo()
    notes._ed25519.cache_clear()
    assert log.frontier.root()
