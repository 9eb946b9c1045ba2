"""Events per CPU-second of `fingerprint_batch`, on prompts of about 640 characters.

Run it with `python benchmarks/speed/kernels.py`; the prompts come from a small grammar and a seed.
"""

import time
from typing import Final

import numpy as np
import pyarrow as pa

from stillwatch.events import schema
from stillwatch.events.fingerprint import fingerprint_batch, warm_up
from stillwatch.events.key import Key

ROWS: Final = 50_000
VOCABULARY: Final = 5_000
WORDS: Final = 92


def prompts(generator: np.random.Generator) -> list[str]:
    """Return prompts of words of Zipfian frequency with some structure and numbers."""
    letters = np.array(list("etaoinshrdlucmfwyp"))
    lengths = generator.integers(2, 9, VOCABULARY)
    vocabulary = ["".join(generator.choice(letters, length)) for length in lengths]
    ranks = np.minimum(generator.zipf(1.3, (ROWS, WORDS)), VOCABULARY) - 1
    texts = []
    for row in ranks:
        words = [vocabulary[rank] for rank in row]
        words[20:21] = ["42,", "must", "do\n\n1."]
        words[60:61] = ["(see", '"the', 'end").\n-']
        texts.append("### Instruction:\n" + " ".join(words) + "\nLet's think step by step.")
    return texts


def main() -> None:
    """Print the mean length and the rate with and without completions."""
    generator = np.random.default_rng(0)
    texts = pa.array(prompts(generator))
    columns = {name: pa.nulls(ROWS, schema.EVENTS.field(name).type) for name in schema.EVENTS.names}
    ids = pa.array([f"{i:08x}" for i in range(ROWS)])
    times = pa.array(np.arange(ROWS), pa.int64()).cast(schema.TIMESTAMP)
    columns |= {"event_id": ids, "time": times, "account_id": ids, "model": ids, "prompt": texts}
    columns |= {"system": texts.slice(0, 1).take(pa.array([0] * ROWS))}
    columns |= {"api_key_id": ids, "user_agent": pa.array(["openai-python/1.2"] * ROWS)}
    columns |= {"client_address": pa.array([f"10.{i % 250}.{i % 99}.7" for i in range(ROWS)])}
    key = Key.public()
    warm_up(key)
    print(f"mean characters: {np.mean([len(text) for text in texts.to_pylist()]):.0f}")
    for name, batch in (
        ("prompt and system prompt", columns),
        ("and completion", columns | {"completion": texts}),
    ):
        events = pa.RecordBatch.from_pydict(batch, schema=schema.EVENTS)
        start = time.process_time()
        fingerprint_batch(events, key)
        spent = time.process_time() - start
        print(f"{name}: {ROWS / spent:,.0f} events per CPU-second")


if __name__ == "__main__":
    main()
