import numpy as np
import pyarrow as pa
import pytest

from stillwatch.bench.labels import LABELS, Labels, labels_from
from stillwatch.bench.ranking import (
    BINS,
    NO_UNIT,
    Scores,
    average_precision,
    keep_scores,
    least_benign,
    recall_at,
)


def labels(benign: int, attack: int, group: int = 0) -> Labels:
    """Benign accounts, the first `group` of them in one class, then attackers of one campaign."""
    rows = [{"group": "class"} if i < group else {} for i in range(benign)]
    rows += [{"campaign": "c", "kind": "extraction"} for _ in range(attack)]
    rows = [
        {"account_id": f"{i:06d}", "cohort": "x", "language": "en", "region": "europe"} | row
        for i, row in enumerate(rows)
    ]
    return labels_from(pa.Table.from_pylist(rows, schema=LABELS))


def test_recall_is_that_above_the_limit() -> None:
    """Of 1000 benign accounts one may exceed the limit: the second highest score is the limit."""
    score = np.r_[np.arange(1000.0), [998.0, 998.5, 2000.0, 5.0]]
    found = recall_at([keep_scores(score, labels(1000, 4))], 1e-3, np.random.default_rng(0))
    assert found is not None
    assert found.value == pytest.approx(2 / 4)  # a tie with the limit is no recall
    assert found.low <= found.value <= found.high


def test_the_limit_is_pooled_over_runs() -> None:
    """The second run's benign accounts use up what the rate allows, and the first run pays."""
    quiet = keep_scores(np.r_[np.zeros(1000), np.full(4, 5.0)], labels(1000, 4))
    loud = keep_scores(np.r_[np.full(10, 9.0), np.zeros(990)], labels(1000, 0))
    rng = np.random.default_rng(0)
    alone, pooled = recall_at([quiet], 1e-3, rng), recall_at([quiet, loud], 1e-3, rng)
    assert alone is not None
    assert pooled is not None
    assert (alone.value, pooled.value) == (1.0, 0.0)
    assert pooled.high == 1.0  # a resample may leave the loud run out


def test_a_class_that_stands_or_falls_together_widens_the_interval() -> None:
    score = np.r_[np.full(100, 2.0), np.zeros(9900), np.linspace(1, 3, 200)]
    rng = np.random.default_rng(0)
    grouped = recall_at([keep_scores(score, labels(10_000, 200, group=100))], 0.0101, rng)
    lone = recall_at([keep_scores(score, labels(10_000, 200))], 0.0101, rng)
    assert grouped is not None
    assert lone is not None
    assert grouped.value == lone.value == 1.0
    assert grouped.low == pytest.approx(0.5)  # drawn twice, the class is above the limit


def test_a_rate_that_was_not_seen_often_enough_is_not_given() -> None:
    assert least_benign(1e-5) == 1_000_000
    scores = [keep_scores(np.r_[np.zeros(1000), 1.0], labels(1000, 1))]
    assert recall_at(scores, 1e-5, np.random.default_rng(0)) is None
    assert recall_at(scores, 1e-4, np.random.default_rng(0)) is not None
    assert (
        recall_at([keep_scores(np.zeros(9), labels(9, 0))], 1e-3, np.random.default_rng(0)) is None
    )


def test_precision_is_reweighted_to_the_prevalence() -> None:
    """By hand: limits 4, 2 and 1 with TPR 1/3, 2/3, 1 and FPR 0, 1, 1."""
    scores = [keep_scores(np.array([3.0, 2.0, 4.0, 2.0, 1.0]), labels(2, 3))]
    for share in (0.6, 0.01):
        by_hand = [
            t * share / (t * share + f * (1 - share)) for t, f in ((1 / 3, 0), (2 / 3, 1), (1, 1))
        ]
        assert average_precision(scores, share) == pytest.approx(sum(by_hand) / 3)
    assert average_precision([keep_scores(np.zeros(3), labels(3, 0))], 0.01) is None


def test_average_precision_does_not_depend_on_how_many_attackers_were_simulated() -> None:
    rng = np.random.default_rng(1)
    benign, attack = rng.normal(size=5000), rng.normal(2.0, 1.0, size=300)
    few = [keep_scores(np.r_[benign, attack[:100]], labels(5000, 100))]
    many = [keep_scores(np.r_[benign, np.tile(attack[:100], 5)], labels(5000, 500))]
    assert average_precision(few, 0.01) == pytest.approx(average_precision(many, 0.01))


def test_scores_are_kept_compactly_and_lose_little() -> None:
    rng = np.random.default_rng(2)
    benign, attack = rng.normal(size=20_000), rng.normal(1.5, 1.0, size=500)
    kept = keep_scores(np.r_[benign, attack], labels(20_000, 500))
    assert len(kept.benign) <= 0.02 * 20_000 + BINS
    assert sum(count for _, _, count in kept.benign) == 20_000
    assert sum(count for unit, _, count in kept.benign if unit != NO_UNIT) == 400
    exact = Scores([(i, s, 1) for i, s in enumerate(benign)], [(0, s, 1) for s in attack])
    assert average_precision([kept], 0.01) == pytest.approx(
        average_precision([exact], 0.01), rel=0.01
    )
