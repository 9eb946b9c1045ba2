"""Predictions of independence: true of groups drawn at random, contradicted by what breaks them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from stillwatch.detect import calibration, campaigns, enrichment, predictions, profiles
from stillwatch.detect.features import Family
from stillwatch.detect.formation import word_counts
from stillwatch.detect.predictions import habits, likeness, ownership, questions
from stillwatch.detect.predictions.ground import ground
from stillwatch.detect.signals import installed
from tests.detect import build
from tests.detect.world import World, sketch_words

GROUPS, SIZE = 80, 25
INDEPENDENCE = ("volumes", "moments", "identity", "network", "conversations", "pace", "interests")


def mixed_subjects(rng):
    """Everybody has four subjects of sixty, so that words are shared and nobody's mix is."""
    subjects = rng.integers(0, 60, (700, 4))

    def words(who):
        chosen = subjects[who[:, None], rng.integers(0, 4, (who.size, 16))]
        return sketch_words(rng, chosen.shape, vocabulary=80, topic=chosen * 1000)

    return words


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    """The ground of people who are independent by construction."""
    world = World(np.random.default_rng(12))
    world.people("stranger", 700, events=40, spread=1.0, sketch=mixed_subjects(world.rng))
    population = world.population(tmp_path_factory.mktemp("strangers"))
    background = np.ones(population.size, bool)
    features = dict(population.features)
    features[Family.WORDS] = word_counts(population.sketches, population.size)
    coded = enrichment.code(features, population.size)
    findings = calibration.calibrate(
        installed(), population, background, calibration.cohorts(population)
    )
    return ground(population, coded, background, findings, np.random.default_rng(1))


@pytest.fixture(scope="module")
def drawn(strangers):
    """Every prediction on random groups."""
    rng = np.random.default_rng(2)
    groups = [np.sort(rng.choice(strangers.background, SIZE, replace=False)) for _ in range(GROUPS)]
    return [predictions.measure(strangers, members) for members in groups]


@pytest.mark.parametrize("name", INDEPENDENCE)
def test_random_groups_do_not_contradict_independence(drawn, name):
    p = np.array([found[name].p_value for found in drawn if found[name] is not None])
    assert p.size == (0 if name == "conversations" else GROUPS)  # the log has no conversations
    for alpha in (0.01, 0.05, 0.2):
        assert (p <= alpha).sum() <= stats.binom.ppf(0.999, GROUPS, alpha)


def test_every_prediction_says_what_was_seen(drawn):
    for found in drawn:
        assert found.keys() == predictions.MEASURES.keys()
        for prediction in found.values():
            assert prediction is None or (0 < prediction.p_value <= 1 and prediction.text)


def test_random_groups_are_no_organisation_and_no_evaluation(drawn):
    assert all(found["one_customer"].p_value < 1e-6 for found in drawn)
    assert all(found["repeats"].p_value < 1e-6 for found in drawn)
    assert all(found["repetition"].p_value < 1e-6 for found in drawn)


def test_evenly_used_accounts_contradict_differing_use(strangers):
    events = profiles.values(strangers.population.profiles, "events")
    even = np.sort(np.argsort(np.abs(events - np.median(events)), kind="stable")[:SIZE])
    assert habits.volumes(strangers, even).p_value < 1e-3


def test_one_subject_for_all_contradicts_own_interests(strangers):
    """Accounts whose halves are exchanged have nothing of their own that returns."""
    first, second = strangers.words
    members = np.arange(60)
    own = likeness.advantage((first, second), members)
    mixed = type(second)(second.rows[np.random.default_rng(3).permutation(second.size)])
    lost = likeness.advantage((first, mixed), members)
    assert np.median(own) > 0.2
    assert abs(np.median(lost)) < 0.05


def with_shared(ground, family, values):
    """The same people, where accounts 0, 1, ... carry these lists of values of a family."""
    pairs = ((account, value) for account, carried in enumerate(values) for value in carried)
    coded = enrichment.code({family: build.family(pairs)}, ground.population.size)
    return replace(ground, coded={**ground.coded, **coded})


@pytest.mark.parametrize(
    ("cards", "one_customer", "identity", "many_means"),
    [
        (1, "stands", "stands", "stands"),
        (3, "contradicted", "contradicted", "stands"),
        (8, "contradicted", "contradicted", "contradicted"),
        (SIZE, "contradicted", "stands", "stands"),
    ],
)
def test_how_many_cards_speak_against_whom(strangers, cards, one_customer, identity, many_means):
    """A customer has one card, a class a few in common, a pool many; strangers one each."""
    world = with_shared(strangers, Family.PAYMENT, [[10 + k % cards] for k in range(SIZE)])
    found = {
        "one_customer": ownership.one_customer,
        "identity": ownership.identity,
        "many_means": ownership.many_means,
    }
    said = {
        name: "contradicted" if measure(world, np.arange(SIZE)).p_value < 1e-3 else "stands"
        for name, measure in found.items()
    }
    assert said == {"one_customer": one_customer, "identity": identity, "many_means": many_means}


@pytest.mark.parametrize(
    ("device", "contradicted"),
    [
        (lambda k: k // 5, False),  # five firms of five, each with its card and its device
        (lambda k: k % 5, True),  # five cards and five devices in every combination
        (lambda _: 0, False),  # one device for all is one customer's affair
    ],
)
def test_cards_and_devices_of_several_firms_are_no_web(strangers, device, contradicted):
    cards = with_shared(strangers, Family.PAYMENT, [[10 + k // 5] for k in range(SIZE)])
    world = with_shared(cards, Family.DEVICE, [[100 + device(k)] for k in range(SIZE)])
    found = ownership.one_web(world, np.arange(SIZE))
    assert (found.p_value < 1e-3) == contradicted


def test_a_pool_of_exits_is_neither_a_place_nor_strangers_homes(strangers):
    members = np.arange(SIZE)
    office = with_shared(strangers, Family.NETWORK, [[1]] * SIZE)
    homes = with_shared(strangers, Family.NETWORK, [[k] for k in range(SIZE)])
    exits = with_shared(
        strangers, Family.NETWORK, [[k % 9, (k + 1) % 9, (k + 4) % 9] for k in range(SIZE)]
    )
    assert ownership.place(office, members).p_value > 0.5
    assert ownership.one_place(office, members).p_value > 0.5
    assert ownership.place(homes, members).p_value < 1e-3
    assert ownership.one_place(homes, members).p_value > 0.5
    assert ownership.one_place(exits, members).p_value < 1e-3


def test_exits_that_others_use_too_are_not_the_groups_own(strangers):
    everybody = [[k % 9, (k + 1) % 9, (k + 4) % 9] for k in range(6 * SIZE)]
    shared = with_shared(strangers, Family.NETWORK, everybody)
    assert ownership.one_place(shared, np.arange(SIZE)).p_value > 0.5


def test_classmates_share_subjects_and_strangers_do_not(strangers):
    counts = strangers.counts.tolil()
    counts[:SIZE, :] = 0
    counts[:SIZE, :30] = 1
    rare = strangers.rarity.copy()
    rare[:30] = 6.0
    classmates = replace(strangers, counts=counts.tocsr(), rarity=rare)
    assert questions.same_questions(classmates, np.arange(SIZE)).p_value > 0.5
    assert questions.same_questions(strangers, np.arange(SIZE)).p_value < 1e-3


def test_an_organisation_that_nobody_verified_is_no_known_customer(strangers):
    members = np.arange(SIZE)
    invented = with_shared(strangers, Family.ORGANISATION, [[7]] * SIZE)
    named = replace(invented, organised=np.zeros(strangers.population.size, bool))
    assert ownership.one_customer(named, members).p_value > 0.5
    assert ownership.known_customer(named, members).p_value < 1e-6
    known = replace(invented, organised=np.ones(strangers.population.size, bool))
    assert ownership.known_customer(known, members).p_value > 0.5


def test_what_cannot_be_measured_has_words():
    assert campaigns.NOT_TOLD.keys() == predictions.MEASURES.keys()
