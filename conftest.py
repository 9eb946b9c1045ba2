"""Where the data beside the checkout is required, a `shared` test that skips has failed.

`.ci/run` sets STILLWATCH_REQUIRE_SHARED where that data is expected, so that a test cannot vanish
unseen.
"""

import os

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):  # noqa: ARG001 - pytest passes by name
    """Fail a test that skipped for want of data that must be there."""
    report = yield
    required = os.environ.get("STILLWATCH_REQUIRE_SHARED") == "1"
    if required and report.skipped and item.get_closest_marker("shared"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} needs the shared data, which this run requires"
    return report
