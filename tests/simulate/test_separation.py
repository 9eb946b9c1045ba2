"""No single trivial feature may give the attack away."""

import importlib.util
from pathlib import Path

import numpy as np
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
SEEDS = (21, 22, 23, 24)


@pytest.fixture(scope="module")
def areas() -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    train = separation.Features(simulate("mixed", seed=SEEDS[0]))
    for seed in SEEDS[1:]:
        test = separation.Features(simulate("mixed", seed=seed))
        for name, area in separation.separation(train, test).items():
            found.setdefault(name, []).append(area)
        train = test
    return found


def test_no_single_feature_separates_attack_from_benign(areas):
    mean = {name: float(np.mean(values)) for name, values in areas.items()}
    assert {name: area for name, area in mean.items() if area > LIMIT} == {}


def test_the_measure_finds_a_feature_that_does_separate():
    train = separation.Features(simulate("mixed", seed=SEEDS[0]))
    train.numbers = {"oracle": train.attack.astype(float)}
    train.categories = {"oracle": train.attack.tolist()}
    assert separation.separation(train, train) == {"oracle": 1.0}
