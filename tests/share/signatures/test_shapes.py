import numpy as np
import pyarrow as pa
import pytest

from stillwatch.share.signatures.families import Family
from stillwatch.share.signatures.shapes import BINS, HOUR_US, Hours


def bins(hours: list[int], family: Family) -> str:
    kept = Hours()
    half = len(hours) // 2
    for part in (hours[:half], hours[half:]):  # the cut between batches must not matter
        times = pa.array(np.array(part, np.int64) * HOUR_US)
        kept.add(np.zeros(len(part), np.int64), times)
    return BINS[family][int(kept.bins(1)[family][0])]


@pytest.mark.parametrize(
    ("family", "hours", "expected"),
    [
        (Family.LIFE, [100, 110], "hours"),
        (Family.LIFE, [100, 150], "days"),
        (Family.LIFE, [100, 400], "weeks"),
        (Family.RAMP, [0] * 5 + [30] * 9, "at-once"),
        (Family.RAMP, [0] + [30] * 9, "slow"),
        (Family.PACE, [1, 2, 3], "single"),
        (Family.PACE, [1] * 5, "few"),
        (Family.PACE, [1] * 20, "many"),
        (Family.PACE, [1] * 90, "mass"),
        (Family.RHYTHM, list(range(72)), "round-the-clock"),
        (Family.RHYTHM, [d * 24 + h for d in range(5) for h in (22, 23, 0, 1)], "part-of-day"),
    ],
)
def test_shapes_are_what_they_say(family, hours, expected):
    assert bins(sorted(hours), family) == expected


def test_accounts_without_events_have_a_shape():
    assert {family: b.tolist() for family, b in Hours().bins(2).items()}[Family.LIFE] == [0, 0]
