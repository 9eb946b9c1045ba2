from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("required", "outcome"), [("1", {"failed": 1}), ("", {"skipped": 1})])
def test_a_shared_test_may_skip_only_where_the_data_is_not_required(
    pytester, monkeypatch, required, outcome
):
    monkeypatch.setenv("STILLWATCH_REQUIRE_SHARED", required)
    pytester.makeini("[pytest]\nmarkers = shared: needs data")
    pytester.makeconftest((ROOT / "conftest.py").read_text())
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.shared
        def test_data():
            pytest.skip("no data here")

        def test_other():
            assert 1 + 1 == 2
        """
    )
    pytester.runpytest().assert_outcomes(passed=1, **outcome)
