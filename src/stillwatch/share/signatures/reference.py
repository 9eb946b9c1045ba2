"""The naive twin of `PlainIndex`: what it must find, one event and one feature after the other."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from stillwatch.share.signatures.families import ASPECTS, value_of
from stillwatch.share.signatures.model import Feature, Pattern


def find(patterns: Sequence[Pattern], batch: pa.RecordBatch) -> set[tuple[int, int]]:
    """Return the pairs of a row and the place of a pattern that it carries."""
    return {
        (row, place)
        for row, event in enumerate(batch.to_pylist())
        for place, pattern in enumerate(patterns)
        if all(carries(event, feature) for feature in pattern.marks)
    }


def carries(event: dict[str, Any], feature: Feature) -> bool:
    """Say whether an event, with its columns by name, carries a feature."""
    aspect = ASPECTS[feature.family]
    found = event[str(aspect.column)]
    values = found if isinstance(found, list) else [found]
    texts = {
        value if isinstance(value, str) else value_of(feature.family, value)
        for value in values
        if value is not None and not (aspect.many and value == 0)
    }
    return len(texts & set(feature.values)) >= feature.least
