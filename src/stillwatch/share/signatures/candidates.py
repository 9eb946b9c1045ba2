"""What a campaign carries that could go into a signature.

A value is taken only if at least k accounts of the campaign carry it and it is on no warning list;
a value that joins a set must also be rare among the benign accounts that scout.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from hashlib import blake2b
from itertools import combinations
from typing import Final

import numpy as np
import pyarrow as pa

from stillwatch.share.signatures.families import (
    ASPECTS,
    READABLE,
    Family,
    carried,
    is_text,
    value_of,
)
from stillwatch.share.signatures.matching import PlainIndex
from stillwatch.share.signatures.model import Feature, Pattern, Rule
from stillwatch.share.signatures.tally import tally

MOST_VALUES: Final[Mapping[Family, int]] = {
    Family.VOCABULARY: 768,
    Family.PASSAGES: 2048,
    Family.BANDS: 512,
    Family.OPENING: 256,
    Family.CLOSING: 256,
    Family.TEMPLATE: 256,
}
"""Values of a family that are looked at, those of most accounts first; 16 of any other family."""
LARGEST_SET: Final[Mapping[Family, int]] = {Family.VOCABULARY: 128, Family.PASSAGES: 512}
"""Values in one set; 64 in any other family."""
EXEMPLARS: Final = 6
"""Prompts whose bands are tried."""
WEAK_SHARE: Final = 0.3
"""Share of the campaign that must carry a feature which only narrows another down."""
POPULAR: Final = 0.05
"""Share of benign accounts above which content is in no signature."""
_SETS: Final = (Family.TEMPLATE, Family.OPENING, Family.CLOSING, Family.SYSTEM)
_LEASTS: Final[Mapping[Family, tuple[int, ...]]] = {
    Family.VOCABULARY: (2, 3, 4),
    Family.PASSAGES: (1, 2),
}
_RARE: Final = (0.0, 0.002, 0.01)
_PAIRED: Final = 16


@dataclass(frozen=True)
class Value:
    """One value that enough accounts of the campaign carry.

    Attributes:
        family: its family.
        value: as it would stand in a signature.
        members: accounts of the campaign that carry it.
        benign: benign accounts that carry it, among those that scout.
    """

    family: Family
    value: str
    members: int
    benign: int = 0


def values_of(rows: pa.Table, k: int) -> list[Value]:
    """List the values that at least k accounts carry, by family, the most carried first."""
    whole = rows.combine_chunks()
    found = []
    for family, aspect in ASPECTS.items():
        if aspect.column is None or not whole.num_rows:
            continue
        batch = whole.to_batches()[0]
        carriers = _carriers(batch, family)
        names = _names(batch, family)
        allowed = names if is_text(family) else carriers
        most = MOST_VALUES.get(family, 16)
        common = sorted(
            ((n, v) for v, n in carriers.items() if n >= k and v in allowed),
            key=lambda p: (-p[0], p[1]),
        )
        found += [
            Value(family, names.get(value) or value_of(family, value), count)
            for count, value in common[:most]
        ]
    return found


def _carriers(batch: pa.RecordBatch, family: Family) -> Counter[int]:
    """How many accounts carry each number of a family."""
    numbers, there = carried(batch, family)
    account = np.asarray(batch.column("account_id").dictionary_encode().indices)
    rows, columns = np.nonzero(there)
    pairs = np.empty(len(rows), [("value", np.uint64), ("account", np.int64)])
    pairs["value"], pairs["account"] = numbers[rows, columns], account[rows]
    values, counts = np.unique(np.unique(pairs)["value"], return_counts=True)
    return Counter(dict(zip(values.tolist(), counts.tolist(), strict=True)))


def _names(batch: pa.RecordBatch, family: Family) -> dict[int, str]:
    """Readable values by number, of a family that has them: those that may stand in a signature."""
    if not is_text(family):
        return {}
    may = re.compile(READABLE[family])
    texts = batch.column(ASPECTS[family].column).drop_null().unique().to_pylist()
    return {Feature(family, (text,)).numbers[0]: text for text in texts if may.fullmatch(text)}


def is_popular(value: Value, benign: int) -> bool:
    """Whether a value of content is too common to be part of any signature.

    Args:
        value: with its benign accounts.
        benign: the accounts that they were counted among.
    """
    return ASPECTS[value.family].alone and value.benign > POPULAR * benign


def prevalence(
    values: Sequence[Value], benign: Iterable[pa.RecordBatch]
) -> tuple[list[Value], int]:
    """Count the benign accounts that carry each value, and all, among those that scout.

    Args:
        values: what was found in the campaign.
        benign: fingerprints of benign accounts; those that scout count.
    """
    singles = [Pattern((Feature(v.family, (v.value,)),), Rule()) for v in values]
    counted = tally(singles, PlainIndex(singles), benign, shapes=False)
    names = np.array([part_of(name) is Part.SCOUT for name in counted.accounts], bool)
    accounts, places, _ = counted.pairs()
    known = np.bincount(places[names[accounts]], minlength=len(values))
    found = [replace(v, benign=int(n)) for v, n in zip(values, known, strict=True)]
    return found, int(names.sum())


def patterns_of(
    values: Sequence[Value], rows: pa.Table, *, members: int, benign: int
) -> list[Pattern]:
    """Combine values into the patterns that are tried: single, sets, exemplars, two families.

    Args:
        values: of the campaign, with their counts.
        rows: fingerprints of the campaign.
        members: its accounts.
        benign: benign accounts that `values` were counted among.
    """
    # What is popular is nobody's, whatever else is asked of an account.
    values = [v for v in values if not is_popular(v, benign)]
    alone = [v for v in values if ASPECTS[v.family].alone and not ASPECTS[v.family].many]
    strong = [Feature(v.family, (v.value,)) for v in alone]
    sets = [feature for family in Family for feature in _sets(family, values, benign)]
    bands = _exemplars([v for v in values if v.family is Family.BANDS], rows)
    weak = [
        Feature(v.family, (v.value,))
        for v in values
        if not ASPECTS[v.family].alone and v.members >= WEAK_SHARE * members
    ]
    best = [Feature(v.family, (v.value,)) for v in sorted(alone, key=lambda v: -v.members)]
    base = [*best[:_PAIRED], *sets, *bands]
    pairs = [(first, second) for first in base for second in weak]
    pairs += [(a, b) for a, b in combinations(best[:_PAIRED], 2) if a.family != b.family]
    single = [(feature,) for feature in dict.fromkeys([*strong, *sets, *bands])]
    return [Pattern(features, Rule()) for features in dict.fromkeys([*single, *pairs])]


def _sets(family: Family, values: Sequence[Value], benign: int) -> list[Feature]:
    """Sets of rare values, of the families where one value says little or there are many."""
    if family not in (*_SETS, Family.VOCABULARY, Family.PASSAGES):
        return []
    leasts = _LEASTS.get(family, (1,))
    made: list[Feature] = []
    for rate in _RARE:
        rare = [v for v in values if v.family is family and v.benign <= rate * benign]
        chosen = tuple(sorted(v.value for v in rare[: LARGEST_SET.get(family, 64)]))
        made += [Feature(family, chosen, least) for least in leasts if len(chosen) > least]
    return list(dict.fromkeys(made))


def _exemplars(values: Sequence[Value], rows: pa.Table) -> list[Feature]:
    """Bands of the commonest prompts, each unlike those before."""
    known = {int(v.value, 16) for v in values}
    matrix = np.asarray(rows.combine_chunks()["bands"].combine_chunks().flatten()).reshape(
        rows.num_rows, -1
    )
    shared = np.isin(matrix, np.array(sorted(known), np.uint64))
    left = shared.sum(axis=1) >= 2
    made: list[Feature] = []
    for _ in range(EXEMPLARS):
        if not left.any():
            break
        kept = np.where(shared, matrix, 0)[left]
        prompts, counts = np.unique(kept, axis=0, return_counts=True)
        chosen = prompts[np.argmax(counts)]
        chosen = chosen[chosen > 0]
        texts = tuple(sorted(value_of(Family.BANDS, int(value)) for value in chosen))
        made += [Feature(Family.BANDS, texts, least) for least in (1, 2, 4) if least <= len(texts)]
        left &= np.isin(matrix, chosen).sum(axis=1) == 0
    return made


class Part(IntEnum):
    """What a benign account is used for."""

    SCOUT = 0
    CHOOSE = 1
    MEASURE = 2


def part_of(account: str) -> Part:
    """Say what a benign account is used for, by a hash of its name: a quarter, a quarter, a half.

    >>> sum(part_of(f"account-{n}") is Part.MEASURE for n in range(1000)) in range(450, 550)
    True
    """
    quarter = blake2b(account.encode(), digest_size=1).digest()[0] % 4
    return Part(min(quarter, Part.MEASURE))
