import numpy as np
import pytest

from stillwatch.bench.fdr import NOMINAL, realised_fdr
from stillwatch.stats.fdr import bh_adjust


def test_the_rate_is_the_mean_over_runs_of_the_false_share() -> None:
    runs = [[(0.001, True)], [(0.01, False), (0.05, True)], []]
    levels = {level.nominal: level for level in realised_fdr(runs, np.random.default_rng(0))}
    assert (levels[0.01].discoveries, levels[0.01].false) == (2, 1)
    assert levels[0.01].realised == pytest.approx(1 / 3)
    assert levels[0.05].realised == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert levels[0.05].low == 0.0
    assert levels[0.05].high == 1.0
    assert levels[0.001].runs_high == pytest.approx(0.9057, abs=1e-3)  # 1 of 3 runs
    assert realised_fdr([], np.random.default_rng(0)) == []


def test_benjamini_hochberg_realises_no_more_than_it_claims() -> None:
    """A check of the checker: 400 runs of a method that is known to hold its level."""
    rng = np.random.default_rng(1)
    runs = []
    for _ in range(400):
        p = np.r_[rng.random(40), rng.random(10) * 1e-4]
        runs.append(list(zip(bh_adjust(p), [True] * 40 + [False] * 10, strict=True)))
    levels = realised_fdr(runs, rng)
    assert [level.nominal for level in levels] == list(NOMINAL)
    for level in levels[4:]:
        assert level.low <= 0.8 * level.nominal <= level.high  # 40 of 50 are null


def test_an_anti_conservative_method_is_seen() -> None:
    rng = np.random.default_rng(2)
    runs = [[(float(rng.random() ** 2), True)] for _ in range(400)]
    level = realised_fdr(runs, rng)[4]
    assert level.low > level.nominal
