"""No single trivial feature may give the attack away."""

import importlib.util
from copy import copy
from itertools import pairwise
from pathlib import Path

import pytest

from stillwatch.simulate import simulate

_SPEC = importlib.util.spec_from_file_location(
    "separation", Path(__file__).with_name("separation.py")
)
assert _SPEC is not None
assert _SPEC.loader is not None
separation = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(separation)

LIMIT = 0.9
SEEDS = (21, 22, 23)


@pytest.fixture(scope="module")
def seen():
    return [separation.Features(simulate("mixed", seed=seed)) for seed in SEEDS]


def test_no_single_feature_separates_attack_from_benign(seen):
    found: dict[str, list[float]] = {}
    for train, test in pairwise(seen):
        for name, area in separation.separation(train, test).items():
            found.setdefault(name, []).append(area)
    worst = {name: max(values) for name, values in found.items()}
    assert {name: area for name, area in worst.items() if area > LIMIT} == {}


def test_the_measure_finds_a_feature_that_does_separate(seen):
    train = copy(seen[0])
    train.numbers = {"oracle": train.attack.astype(float)}
    train.categories = {"oracle": train.attack.tolist()}
    assert separation.separation(train, train) == {"oracle": 1.0}
