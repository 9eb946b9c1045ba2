"""Factors are e-values whatever members keep to themselves, and lists keep their rate."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stillwatch.errors import InputError
from stillwatch.share.pooling.evidence import discovered, evidence, supporters
from stillwatch.share.pooling.finding import Finding, bounded, contribution, factor
from stillwatch.share.pooling.rules import Rules
from stillwatch.stats.evalues import enrichment_e
from tests.share.pooling.forum import DAY, STRONG, Forum, tag, window

SIZE, REST = 40, 2000


@pytest.mark.parametrize("floor", [0.0, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("total", [3, 60, 400])
def test_a_factor_is_an_e_value_and_so_is_what_is_left_of_it_in_silence(floor, total):
    """Exact over all counts, where a member hides all that is below a threshold."""
    rules = Rules(floor=floor)
    k = np.arange(min(SIZE, total) + 1)
    null = stats.hypergeom.pmf(k, SIZE + REST, total, SIZE)
    factors = bounded(enrichment_e(k, SIZE, total - k, REST), rules)
    assert np.all((factors >= floor) & (factors <= rules.cap))
    assert factors @ null <= 1 + 1e-9
    for least in (0, 1, 2, 16, 1024):
        posted = np.where(factors >= least, factors, rules.floor)
        assert posted @ null <= 1 + 1e-9


def test_absent_as_one_would_be_no_e_value():
    """Why the floor is needed: the same members, absent factors counted as 1."""
    k = np.arange(61)
    null = stats.hypergeom.pmf(k, SIZE + REST, 60, SIZE)
    factors = bounded(enrichment_e(k, SIZE, 60 - k, REST), Rules())
    assert np.where(factors > 2, factors, 1.0) @ null > 1.2


@given(st.floats(0, 1e12), st.sampled_from([0.0, 0.5]))
def test_factors_are_on_the_scale(e, floor):
    rules = Rules(floor=floor)
    value = float(bounded(e, rules))
    assert value == floor or (value >= 1 and np.log2(value).is_integer())
    assert value <= max(floor + (1 - floor) * e, floor)


FACTORS = st.integers(3, 6).flatmap(
    lambda members: st.lists(
        st.lists(st.sampled_from([0.0, 1.0, 2.0, 64.0, 1024.0]), min_size=4, max_size=4),
        min_size=members,
        max_size=members,
    )
)


@given(FACTORS, st.booleans())
def test_evidence_equals_the_definition(rows, independent):
    rules, factors = Rules(), np.array(rows)
    found = evidence(factors, rules, independent=independent)
    for member, column in np.ndindex(factors.shape):
        others = sorted(np.delete(factors[:, column], member))
        kept = others[: len(others) - rules.liars]
        merged = np.prod(kept) if independent else np.mean(kept)
        expected = merged if sum(f > 1 for f in others) >= 2 else 0.0
        assert found[member, column] == pytest.approx(expected)
        assert supporters(factors)[member, column] == sum(f > 1 for f in others)


@given(FACTORS, st.integers(0, 5), st.lists(st.booleans(), min_size=4, max_size=4))
def test_one_liar_tells_a_member_nothing_that_honest_members_do_not(rows, liar, published):
    """With a liar's row at the cap, the list is within what the honest alone would give."""
    rules, factors = Rules(), np.array(rows)
    liar %= len(rows)
    factors[liar] = rules.cap
    for member in set(range(len(rows))) - {liar}:
        honest = np.delete(factors, [member, liar], axis=0).mean(axis=0)
        told = discovered(evidence(factors, rules)[member], np.array(published), 16, rules)
        allowed = discovered(honest, np.array(published), 16, rules)
        assert not np.any(told & ~allowed)


def test_what_is_left_unpublished_still_counts_as_a_test():
    rules, evident = Rules(), np.array([400.0, 400.0])
    everything = np.array([True, True])
    assert discovered(evident, everything, 16, rules).all()
    assert not discovered(evident, ~everything, 16, rules).any()
    assert not discovered(evident, everything, 64, rules).any()


def test_lists_keep_their_rate_where_others_lie_hide_and_share_customers():
    """3,000 windows of nulls near the cap: one honest draw for all, half hidden, one liar.

    A factor is 1024 with probability 1/1024, else 0: the most dangerous e-value of its cap.
    """
    rng = np.random.default_rng(11)
    rules, lists = Rules(), 0
    for _ in range(3000):
        shared = np.where(rng.random(16) < 1 / rules.cap, rules.cap, 0.0)
        factors = np.vstack([np.tile(shared, (4, 1)), np.full(16, rules.cap)])
        told = discovered(evidence(factors, rules)[0], shared > 0, 16, rules)
        lists += told.any()
    # Any discovery is false. 16/1024 is the exact rate; three standard errors are 0.007.
    assert lists / 3000 == pytest.approx(1 - (1 - 1 / 1024) ** 16, abs=0.007)
    assert lists / 3000 <= rules.level


def finding(**changes):
    counts = {"carriers": 8, "accounts": 40, "reference_carriers": 50, "reference_accounts": 1000}
    return Finding(**{**counts, "first": DAY, "last": DAY, **changes})


def test_a_finding_becomes_a_contribution_that_the_hub_takes():
    forum = Forum(window(), {"ash": ["opening"]})
    name, rules = tag(forum.window, "opening"), forum.window.rules
    proof = forum.opened["ash"].proofs[name]
    said = contribution(finding(), name, proof, rules)
    assert (said.factor, said.accounts) == (64.0, 8)
    assert forum.send("ash", said) == []
    assert contribution(finding(carriers=11), name, proof, rules).accounts == 8
    assert contribution(finding(carriers=3), name, proof, rules) is None


def test_a_feature_that_everyone_carries_is_no_evidence():
    assert factor(finding(carriers=40, reference_carriers=1000), Rules()) == 1.0
    assert factor(finding(carriers=40, reference_carriers=0), Rules()) == STRONG


@pytest.mark.parametrize(
    "wrong",
    [
        {"carriers": 41},
        {"carriers": -1},
        {"accounts": 0, "carriers": 0},
        {"reference_accounts": 0, "reference_carriers": 0},
        {"last": date(2026, 11, 1)},
    ],
)
def test_counts_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError):
        finding(**wrong)
