"""Small helpers that build events and call kernels on single texts."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pytest

from stillwatch.events import schema
from stillwatch.events.fingerprint import fingerprint_batch
from stillwatch.events.key import Key

Events = Callable[..., pa.RecordBatch]
Fingerprints = Callable[..., dict[str, list]]


@pytest.fixture(scope="session")
def key() -> Key:
    return Key.from_secret(b"sixteen bytes or more")


@pytest.fixture(scope="session")
def events() -> Events:
    def build(prompts: Sequence[str], **columns: Sequence) -> pa.RecordBatch:
        rows = len(prompts)
        table = {name: [None] * rows for name in schema.EVENTS.names}
        table |= {
            "event_id": [str(i) for i in range(rows)],
            "time": list(range(rows)),
            "account_id": ["account"] * rows,
            "model": ["model"] * rows,
            "prompt": list(prompts),
        }
        return pa.RecordBatch.from_pydict(table | columns, schema=schema.EVENTS)

    return build


@pytest.fixture(scope="session")
def fingerprints(events: Events, key: Key) -> Fingerprints:
    def make(prompts: Sequence[str], **columns: Sequence) -> dict[str, list]:
        return fingerprint_batch(events(prompts, **columns), key).to_pydict()

    return make


@pytest.fixture(scope="session")
def generator() -> np.random.Generator:
    return np.random.default_rng(7)
