"""Microseconds per event of the pack of Sigma rules, in the path of a request and over a log.

Run it with `python benchmarks/speed/signatures.py`; the events are drawn from a
seed: fields as fingerprints have them, with a prompt of 100 words beside.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa

from stillwatch.events.key import Key
from stillwatch.events.schema import FINGERPRINTS
from stillwatch.share.sigma.engine import run_on_log
from stillwatch.share.sigma.fields import Service
from stillwatch.share.sigma.incremental import Pack
from stillwatch.share.sigma.match import Planned, plan
from stillwatch.share.sigma.pack import pack

EVENTS: Final = 20_000
REPEATS: Final = 3
START: Final = datetime(2026, 3, 2, tzinfo=UTC)
WORDS: Final = (
    "the a of model answer think about which value table why first then because letter note "
    "reason result case other plan list what every some check write read long short"
)


def events(generator: np.random.Generator) -> list[dict[str, Any]]:
    """Draw events as mappings of fields, markers on one in five."""
    rows = []
    for n in range(EVENTS):
        marked = generator.random() < 0.2
        rows.append(
            {
                "event_id": str(n),
                "time": START + timedelta(seconds=n),
                "account_id": f"account-{generator.integers(2_000)}",
                "model": f"model-{generator.integers(4)}",
                "client_name": ("openai-python", "litellm", "curl")[generator.integers(3)],
                "status": 200,
                "output_tokens": int(generator.integers(1, 2_000)),
                "temperature": 0.7,
                "top_p": None,
                "max_tokens": 1024,
                "choices": 1,
                "logprobs": False,
                "markers": int(1 << generator.integers(13)) if marked else 0,
                "completion_markers": 0,
                "completion_words": 100,
                "words": 100,
                "prompt": " ".join(generator.choice(WORDS.split(), 100)),
            }
            | {
                name: int(generator.zipf(1.5)) % 5_000
                for name in ("template", "content", "conversation", "network", "parameters")
            }
        )
    return rows


def in_the_path(rules: list[Planned], rows: list[dict[str, Any]]) -> float:
    """Return the fewest microseconds of CPU per event over the repeats."""
    spent = []
    for _ in range(REPEATS):
        compiled = Pack.compile([planned.rule for planned in rules])
        start = time.process_time()
        for row in rows:
            compiled.match(row)
        spent.append(time.process_time() - start)
    return min(spent) / len(rows) * 1e6


def over_a_log(rules: list[Planned], rows: list[dict[str, Any]], at_once: int) -> float:
    """The same in DuckDB over fingerprints, `at_once` events a batch."""
    lists = {name: [[0] * FINGERPRINTS.field(name).type.list_size] * len(rows) for name in LISTS}
    names = [name for name in FINGERPRINTS.names if name not in LISTS]
    columns = {name: [row.get(name) for row in rows] for name in names} | lists
    batch = pa.RecordBatch.from_pydict(columns, schema=_nullable())
    batches = [batch.slice(at, at_once) for at in range(0, len(rows), at_once)]
    start = time.process_time()
    run_on_log(rules, batches, "fingerprints", Key.public())
    return (time.process_time() - start) / len(rows) * 1e6


LISTS: Final = ("bands", "sketch", "passages", "completion_passages")


def _nullable() -> pa.Schema:
    return pa.schema([(field.name, field.type) for field in FINGERPRINTS])


def main() -> None:
    """Print the costs."""
    rows = events(np.random.default_rng(0))
    rules = [planned for planned in plan(pack()) if planned.service is Service.EVENTS]
    light = [planned for planned in rules if not planned.raw]
    for name, chosen in (("all rules over events", rules), ("without text", light)):
        skipped = len(Pack.compile([planned.rule for planned in chosen]).skipped)
        cost = in_the_path(chosen, rows)
        print(f"{name}, {len(chosen) - skipped} rules in the path: {cost:.1f} us per event")
    for at_once in (16_384, 100):
        few = rows if at_once > 1_000 else rows[:1_000]
        cost = over_a_log(light, few, at_once)
        print(f"DuckDB, {len(light)} rules, batches of {at_once}: {cost:.1f} us per event")


if __name__ == "__main__":
    main()
