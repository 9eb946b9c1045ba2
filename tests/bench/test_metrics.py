import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.bench.labels import LABELS, Labels, detection_for, labels_from
from stillwatch.bench.metrics import (
    UnitCount,
    adjusted_rand,
    bcubed_f1,
    measure,
)
from stillwatch.errors import InputError


def names(*values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def truth() -> Labels:
    """Campaign A (4, extraction), pool R (2, relay), class K (3), reseller S (1), two people."""
    rows = [
        ("a1", "harvest", None, "A", "extraction", "zh", "asia"),
        ("a2", "harvest", None, "A", "extraction", "zh", "asia"),
        ("a3", "harvest", None, "A", "extraction", "en", "europe"),
        ("a4", "harvest", None, "A", "extraction", "en", "europe"),
        ("k1", "class", "k", None, "shared-app", "ar", "africa"),
        ("k2", "class", "k", None, "shared-app", "ar", "africa"),
        ("k3", "class", "k", None, "shared-app", "en", "africa"),
        ("p1", "chat", None, None, None, "en", "europe"),
        ("p2", "chat", None, None, None, "ja", "asia"),
        ("r1", "pool", None, "R", "relay", "en", "europe"),
        ("r2", "pool", None, "R", "relay", "en", "europe"),
        ("s1", "reseller", None, None, "relay", "en", "europe"),
    ]
    columns = dict(zip(LABELS.names, zip(*reversed(rows), strict=True), strict=True))
    return labels_from(pa.table({k: list(v) for k, v in columns.items()}, schema=LABELS))


def flags(**campaigns: tuple[str, str]) -> pa.Table:
    return pa.table(
        {
            "account_id": list(campaigns),
            "campaign_id": [value[0] for value in campaigns.values()],
            "kind": [value[1] for value in campaigns.values()],
            "score": [1.0] * len(campaigns),
            "p_value": pa.array([0.001] * len(campaigns), pa.float64()),
            "q_coordination": pa.array([0.01] * len(campaigns), pa.float64()),
            "q_kind": pa.nulls(len(campaigns), pa.float64()),
        }
    )


def detected():
    extraction, relay, app = ("c1", "extraction"), ("c2", "relay"), ("c3", "shared-app")
    found = flags(
        a1=extraction, a2=extraction, k1=extraction, a3=relay, r1=relay, s1=relay, k2=app, k3=app
    )
    return measure(truth(), detection_for(truth(), found))


def test_campaigns_are_counted_both_ways() -> None:
    pool_a, pool_r = detected().campaigns
    assert (pool_a.size, pool_a.as_extraction, pool_a.as_relay, pool_a.largest_part) == (4, 2, 1, 2)
    assert pool_a.found
    assert (pool_r.kind, pool_r.as_extraction, pool_r.as_relay, pool_r.found) == (
        "relay",
        0,
        1,
        True,
    )


def test_false_positives_come_by_unit_and_a_reseller_named_relay_is_none() -> None:
    assert detected().benign_units == [
        UnitCount("chat", 1, 0, 0, 2),
        UnitCount("class", 3, 1, 0, 1),
        UnitCount("reseller", 1, 0, 0, 1),
    ]


def test_counts_per_cohort_language_and_region() -> None:
    quality = detected()
    assert quality.cohorts == {
        "chat": {"": 2},
        "class": {"extraction": 1, "shared-app": 2},
        "reseller": {"relay": 1},
    }
    assert quality.languages["ar"] == {"extraction": 1, "shared-app": 1}
    assert quality.regions["asia"] == {"": 1}
    # k1, k2, k3 and s1 were given p = 0.001.
    assert quality.benign_p == [4, 4, 4, 4, 4, 4, 4, 0, 0]


def test_realised_fdr_of_campaigns() -> None:
    quality = detected()
    assert (quality.detected_extraction, quality.false_extraction) == (1, 0)
    # c2 holds one account each of A, of R and of the reseller: no unit has the majority.
    assert (len(quality.detected), quality.without_group) == (3, 1)
    first = quality.detected[0]
    assert (first.kind, first.size, first.q_coordination, first.q_kind) == (
        "extraction",
        3,
        0.01,
        None,
    )
    assert (first.attackers, first.extraction, first.largest_unit) == pytest.approx((2 / 3,) * 3)
    assert quality.detected[1].extraction == pytest.approx(1 / 3)  # c2: one of A, one of the pool
    wrong = flags(p1=("x", "extraction"), p2=("x", "extraction"), a1=("x", "extraction"))
    quality = measure(truth(), detection_for(truth(), wrong))
    assert (quality.detected_extraction, quality.false_extraction) == (1, 1)


def test_nothing_detected() -> None:
    quality = measure(truth(), detection_for(truth(), flags()))
    assert (quality.detected, quality.detected_extraction) == ([], 0)
    assert not any(campaign.found for campaign in quality.campaigns)


def test_bcubed_on_a_known_case() -> None:
    truth_, found = names("x", "x", "x", "y"), names("1", "1", "2", "2")
    precision = (1 + 1 + 0.5 + 0.5) / 4
    recall = (2 / 3 + 2 / 3 + 1 / 3 + 1) / 4
    assert bcubed_f1(truth_, found) == pytest.approx(2 * precision * recall / (precision + recall))
    assert bcubed_f1(names("x", "x"), names("", "")) == pytest.approx(2 / 3)


def test_adjusted_rand_on_a_known_case() -> None:
    # Contingency [[2, 1], [0, 3]] by hand: 4 pairs together, 6 by row, 7 by column, 15 in all.
    truth_, found = names(*"aaabbb"), names(*"112222")
    expected = 6 * 7 / 15
    assert adjusted_rand(truth_, found) == pytest.approx((4 - expected) / (6.5 - expected))
    assert adjusted_rand(names("", ""), names("", "")) == 1.0


@given(st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=1, max_size=30))
def test_a_clustering_agrees_with_itself_under_other_names(values: list[str]) -> None:
    renamed = names(*("" if value == "" else value * 2 for value in values))
    assert bcubed_f1(names(*values), renamed) == pytest.approx(1.0)
    assert adjusted_rand(names(*values), renamed) == pytest.approx(1.0)


def test_labels_of_other_traffic_and_damaged_labels_are_refused() -> None:
    with pytest.raises(InputError, match="'zz'"):
        detection_for(truth(), flags(zz=("c", "extraction")))
    table = pa.table({name: ["x"] for name in LABELS.names}, schema=LABELS)
    with pytest.raises(InputError, match="'x'"):
        labels_from(table)
    with pytest.raises(InputError, match="region"):
        labels_from(table.drop_columns(["region"]))
    with pytest.raises(InputError, match="twice"):
        labels_from(pa.concat_tables([table, table]))
