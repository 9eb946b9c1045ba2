"""The analysis on a world that the simulator did not make: who is called what."""

from collections import Counter
from datetime import timedelta

import numpy as np
import pytest

from stillwatch.detect import kinds
from stillwatch.detect.analysis import AnalysisSettings, analyse
from stillwatch.detect.predictions import Prediction
from stillwatch.detect.progress import Silent
from stillwatch.detect.signals import installed
from stillwatch.detect.workers import Threads
from stillwatch.events.contracts import Kind
from stillwatch.events.markers import Marker
from tests.detect.world import DAYS, START, World, sketch_words

POOL, APP, FIRM = 60, 60, 40
ASKS = int(Marker.REASONING | Marker.THINKING)


def build_world(seed):
    """Strangers, the users of an app, a verified firm, and a pool that harvests reasoning."""
    rng = np.random.default_rng(seed)
    world = World(rng)
    world.strangers(1100, events=14)
    _app(world)
    _firm(world)
    _pool(world)
    return world


def _app(world):
    """Strangers whose prompts share the frame of an app; all else is their own."""
    who, _ = world.people(
        "app",
        APP,
        events=14,
        spread=1.0,
        template=lambda who: np.full(who.size, 91, np.uint64),
        opening=lambda who: np.full(who.size, 92, np.uint64),
        system=lambda who: np.full(who.size, 93, np.uint64),
        client=lambda who: np.full(who.size, 94, np.uint64),
    )
    frame = sketch_words(world.rng, (who.size, 16), vocabulary=12, topic=7 * 10**8)
    columns = world.last["sketch"]
    columns[:, :6] = frame[:, :6]


def _firm(world):
    """Colleagues behind one network, with subjects in common and of their own."""
    who, _ = world.people(
        "firm",
        FIRM,
        events=25,
        spread=0.8,
        network=lambda who: np.full(who.size, 81, np.uint64),
        client=lambda who: np.full(who.size, 82, np.uint64),
        account=lambda _: {"org_id": "org-1", "verified": True, "payment_hash": "firm-card"},
    )
    trade = sketch_words(world.rng, (who.size, 16), vocabulary=30, topic=8 * 10**8)
    world.last["sketch"][:, :7] = trade[:, :7]


def _pool(world):
    """Accounts made in one night, filled evenly from one queue of prompts around the clock."""
    rng = world.rng
    who, _ = world.people(
        "pool",
        POOL,
        events=40,
        spread=0.05,
        hours=(0, 24),
        template=lambda who: rng.integers(70, 74, who.size).astype(np.uint64),
        opening=lambda who: rng.integers(75, 79, who.size).astype(np.uint64),
        network=lambda who: (who % 6 + 60).astype(np.uint64),
        client=lambda who: np.full(who.size, 65, np.uint64),
        parameters=lambda who: np.full(who.size, 66, np.uint64),
        markers=lambda who: np.where(rng.random(who.size) < 0.9, ASKS, 0).astype(np.uint32),
        account=lambda k: {
            "payment_hash": f"pool-card-{k % 8}",
            "device_hash": f"pool-device-{k % 12}",
            "created_at": START - timedelta(days=1, minutes=k),
        },
    )
    queue = sketch_words(rng, (who.size, 16), vocabulary=400, topic=9 * 10**8)
    frame = sketch_words(rng, (who.size, 16), vocabulary=10, topic=9 * 10**8 + 1000)
    world.last["sketch"][:] = np.concatenate([frame[:, :5], queue[:, 5:]], axis=1)


def run(population):
    return analyse(population, installed(), AnalysisSettings(), None, Silent(), workers=Threads())


def groups_of(population, analysis, name):
    """Kinds of the groups that are mostly of one origin, and how many of its accounts they hold."""
    of = np.array([account.split("-")[0] for account in population.account_ids])
    mine = [a for a in analysis.assessed if (of[a.group.members] == name).mean() > 0.8]
    held = sum(int((of[a.group.members] == name).sum()) for a in mine)
    return mine, held


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    population = build_world(5).population(tmp_path_factory.mktemp("listed"))
    return population, run(population)


@pytest.fixture(scope="module")
def unlisted(tmp_path_factory):
    population = build_world(5).population(tmp_path_factory.mktemp("unlisted"), listed=False)
    return population, run(population)


def rejected(assessed):
    return {a.what: a.rejected for a in assessed.alternatives}


def test_a_pool_that_harvests_reasoning_is_extraction(listed):
    mine, held = groups_of(*listed, "pool")
    assert [a.kind for a in mine] == [Kind.EXTRACTION]
    assert held >= 0.95 * POOL
    assert mine[0].q_kind <= 0.05
    assert mine[0].q_coordination <= 1e-6
    assert all(rejected(mine[0]).values())


def test_people_who_share_an_app_stay_a_shared_app(listed):
    mine, held = groups_of(*listed, "app")
    assert {a.kind for a in mine} == {Kind.SHARED_APP}
    assert held >= 0.8 * APP
    assert all(a.q_kind > 0.05 for a in mine)


def test_a_verified_organisation_is_an_organisation(listed):
    mine, held = groups_of(*listed, "firm")
    assert {a.kind for a in mine} == {Kind.ORGANISATION}
    assert held >= 0.9 * FIRM
    assert all(a.q_kind == 1.0 for a in mine)


def test_strangers_are_in_no_group(listed):
    population, analysis = listed
    strangers = [name.startswith("stranger") for name in population.account_ids]
    inside = np.zeros(population.size, bool)
    for assessed in analysis.assessed:
        inside[assessed.group.members] = True
    assert inside[strangers].mean() <= 0.01
    assert not (analysis.background & inside).any()


def test_groups_do_not_overlap(listed, unlisted):
    for _, analysis in (listed, unlisted):
        members = Counter(m for a in analysis.assessed for m in a.group.members.tolist())
        assert max(members.values()) == 1


def test_without_an_accounts_table_the_pool_is_found_and_the_app_is_not(unlisted):
    mine, held = groups_of(*unlisted, "pool")
    assert [a.kind for a in mine] == [Kind.EXTRACTION]
    assert held >= 0.95 * POOL
    measured = mine[0].measured
    assert measured["identity"] is None
    assert measured["one_organisation"] is None
    others, _ = groups_of(*unlisted, "app")
    assert Kind.EXTRACTION not in {a.kind for a in others}
    firm, _ = groups_of(*unlisted, "firm")
    assert Kind.EXTRACTION not in {a.kind for a in firm}


def test_a_log_without_token_counts_still_shows_the_pool(tmp_path):
    world = build_world(5)
    world.drop("output_tokens")
    mine, held = groups_of(population := world.population(tmp_path), run(population), "pool")
    assert [a.kind for a in mine] == [Kind.EXTRACTION]
    assert held >= 0.95 * POOL


def test_a_world_of_strangers_has_no_extraction(tmp_path):
    world = World(np.random.default_rng(6))
    world.strangers(500, events=14)
    population = world.population(tmp_path)
    analysis = run(population)
    assert [a.kind for a in analysis.assessed if a.kind is Kind.EXTRACTION] == []
    assert analysis.background.mean() > 0.98


def test_calibrated_signals_of_strangers_are_no_smaller_than_uniform(listed):
    population, analysis = listed
    p = analysis.findings.p_value[analysis.background]
    for alpha in (0.01, 0.05, 0.2):
        assert (p <= alpha).mean() <= alpha + 1 / p.size
    assert population.size > p.size


def test_the_world_lasts_two_weeks(listed):
    population, _ = listed
    assert population.last_seen - population.first_seen < timedelta(days=DAYS)


def prediction(p):
    return Prediction(p, f"p {p}")


def measured(**p_values):
    return {name: None if p is None else prediction(p) for name, p in p_values.items()}


def test_an_explanation_that_cannot_be_tested_is_not_rejected():
    tested = kinds.test({}, 0.05)
    needed = [explanation for explanation in kinds.EXPLANATIONS if not explanation.optional]
    assert [a.p_value for a in tested] == [1.0] * len(needed)
    assert kinds.p_kind(tested) == 1.0


def names_of(explanations):
    return {name for e in explanations for way in e.ways for name in way.predictions}


def test_the_p_value_of_extraction_is_the_largest_of_its_explanations():
    small = measured(**dict.fromkeys(names_of(kinds.EXPLANATIONS), 1e-9))
    tested = kinds.test(small, 0.05)
    assert all(a.rejected for a in tested)
    assert kinds.p_kind(tested) == max(a.p_value for a in tested) < 1e-7
    stands = kinds.test(small | measured(repetition=0.4), 0.05)
    assert kinds.p_kind(stands) == 0.4
    relay = measured(breadth=0.4, ordinary_requests=0.3)
    assert kinds.p_kind(kinds.test(small | relay, 0.05)) == 0.6


def test_an_optional_explanation_stands_only_where_it_can_be_tested():
    (optional,) = (e for e in kinds.EXPLANATIONS if e.optional)
    for p_value, expected in ((None, []), (0.7, [False]), (1e-9, [True])):
        tested = kinds.test(measured(**dict.fromkeys(names_of([optional]), p_value)), 0.05)
        assert [a.rejected for a in tested if a.what == optional.what] == expected


@pytest.mark.parametrize(
    "explanation", kinds.EXPLANATIONS, ids=[e.what for e in kinds.EXPLANATIONS]
)
def test_a_way_rejects_where_enough_of_its_predictions_are_contradicted(explanation):
    """Predictions are contradicted one after the other, the others stand."""
    for way in explanation.ways:
        p_values = dict.fromkeys(names_of([explanation]), 0.8)
        if way.unless:
            p_values[way.unless] = None
        needed = way.agree or len(way.predictions)
        for k, name in enumerate(way.predictions, start=1):
            p_values[name] = 1e-9
            tested = kinds.test(measured(**p_values), 0.05)
            found = next(a for a in tested if a.what == explanation.what)
            assert found.rejected or k < needed


def test_one_broken_prediction_does_not_reject_what_needs_two():
    for explanation in kinds.EXPLANATIONS:
        alone = {way.predictions[0] for way in explanation.ways if len(way.predictions) == 1}
        for name in names_of([explanation]) - alone:
            p_values = dict.fromkeys(names_of([explanation]), 0.8) | {name: 1e-9}
            (found,) = (
                a for a in kinds.test(measured(**p_values), 0.05) if a.what == explanation.what
            )
            assert not found.rejected, name


def test_some_ways_are_open_only_where_a_prediction_is_unknown():
    """What accounts do says something of their owner only where no accounts table names one."""
    guarded = [(e, way) for e in kinds.EXPLANATIONS for way in e.ways if way.unless]
    assert len(guarded) == 2
    for explanation, way in guarded:
        p_values = dict.fromkeys(names_of([explanation]), 0.8)
        p_values |= dict.fromkeys(way.predictions[: way.agree], 1e-9)
        for known, rejected in ((None, True), (0.8, False)):
            tested = kinds.test(measured(**p_values | {way.unless: known}), 0.05)
            assert next(a for a in tested if a.what == explanation.what).rejected == rejected


def test_of_a_verified_organisation_extraction_is_no_question():
    assert not kinds.asked(measured(one_organisation=0.9))
    assert kinds.asked(measured(one_organisation=1e-9))
    assert kinds.asked(measured(one_organisation=None))
