"""Fingerprint kernels beside datasketch, on the same prompts, one thread, in one run.

Both make a MinHash of word shingles. Stillwatch's time also covers everything else that stands in a
fingerprint (skeleton, system prompt, markers, passages, measures), so the ratio is a lower bound.

    python benchmarks/speed/minhash.py [--rows 20000] [--seed 101] [--prompts DIR]
"""

import argparse
import time
from pathlib import Path

import pyarrow as pa
from datasketch import MinHash

from stillwatch.events.fingerprint import fingerprint_batch, warm_up
from stillwatch.events.key import Key
from stillwatch.simulate import simulate

PERMUTATIONS = 64
SHINGLE = 3


def peer(prompts: list[str]) -> None:
    """Sketch prompts as datasketch's documentation does."""
    for prompt in prompts:
        words = prompt.lower().split()
        sketch = MinHash(num_perm=PERMUTATIONS)
        sketch.update_batch(
            [
                " ".join(words[i : i + SHINGLE]).encode()
                for i in range(max(1, len(words) - SHINGLE + 1))
            ]
        )


def main() -> None:
    """Time both on the first rows of a simulated run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--prompts", type=Path)
    options = parser.parse_args()
    traffic = simulate("mixed", scale="small", seed=options.seed, prompts=options.prompts)
    events = pa.Table.from_batches(traffic.batches()).slice(0, options.rows).combine_chunks()
    batch = events.to_batches()[0]
    prompts = batch.column("prompt").to_pylist()
    key = Key.public()
    warm_up(key)
    begun = time.process_time()
    fingerprint_batch(batch, key)
    ours = batch.num_rows / (time.process_time() - begun)
    begun = time.process_time()
    peer(prompts)
    theirs = batch.num_rows / (time.process_time() - begun)
    print(f"prompts                    {batch.num_rows:,}")
    print(f"mean characters            {sum(map(len, prompts)) / len(prompts):,.0f}")
    print(f"stillwatch, whole prints   {ours:,.0f} rows per CPU-second")
    print(f"datasketch, MinHash only   {theirs:,.0f} rows per CPU-second")
    print(f"ratio                      {ours / theirs:.1f}")


if __name__ == "__main__":
    main()
