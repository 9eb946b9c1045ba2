"""Fixtures for every area."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Directory of real data beside the checkout; tests that need it are skipped without it."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    directory = Path(os.environ.get("STILLWATCH_DATA", beside))
    if not directory.is_dir():
        pytest.skip(f"no data directory at {directory}; set STILLWATCH_DATA")
    return directory
