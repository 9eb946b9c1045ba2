import pytest

from stillwatch.detect import labels
from stillwatch.detect.features import Family
from stillwatch.detect.lifecycle import SLOT_SECONDS

MOMENT = 1_772_409_600 // SLOT_SECONDS  # 2 March 2026, midnight


def test_every_family_has_a_name():
    assert set(labels.NAMES) == set(Family)


@pytest.mark.parametrize("family", sorted(labels.MOMENTS))
def test_moments_are_said_whole(family):
    value = MOMENT * 1024 + 3 if family is Family.MODEL_MOVE else MOMENT
    assert labels.label(family, value, {}) == f"{labels.NAMES[family]} 2026-03-02 00:00"


def test_hashes_are_shortened_and_readable_values_are_not():
    value = 0xDEADBEEF12345678
    assert labels.label(Family.TEMPLATE, value, {}) == "prompt template deadbeef"
    assert labels.value_text(Family.TEMPLATE, value, {}) == "deadbeef12345678"
    readable = {(Family.CLIENT, value): "sixteen letters!"}
    assert labels.label(Family.CLIENT, value, readable) == "client sixteen letters!"
    assert labels.label(Family.TLS, value, readable) == "TLS fingerprint deadbeef"
