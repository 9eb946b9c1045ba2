"""Fingerprint kernels beside rensa's MinHash, on the same prompts, one thread, in one run.

rensa is a MinHash library in Rust. The first comparison is like for like: raw prompts in, a MinHash
of word shingles of 64 permutations out; rensa leaves the shingling to its users, who do it in
Python. Beside it stand whole fingerprints (skeleton, system prompt, markers, passages, measures),
which do much more, and rensa on shingles made beforehand, which does less.

    python benchmarks/speed/rensa_minhash.py [--rows 20000] [--repeats 3] [--prompts DIR]
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
from rensa import RMinHash

from stillwatch.events.fingerprint import fingerprint_batch, warm_up
from stillwatch.events.kernels import sketches, tokens, words
from stillwatch.events.kernels.characters import character_table
from stillwatch.events.key import Key
from stillwatch.events.texts import text_view
from stillwatch.simulate import simulate

PERMUTATIONS = 64
SHINGLE = 3


def shingles(prompt: str) -> list[str]:
    """Word shingles of one prompt."""
    words = prompt.lower().split()
    return [" ".join(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1))]


def sketch(parts: list[list[str]]) -> None:
    """Sketch shingled prompts as rensa's documentation does."""
    for part in parts:
        minhash = RMinHash(num_perm=PERMUTATIONS, seed=42)
        minhash.update(part)
        minhash.digest()


def kernels(prompts: pa.Array, key: Key) -> None:
    """Sketch prompts with the package's kernels, from raw text to MinHash."""
    seeds = key.subkey("inner")
    read, _ = tokens.tokenise(text_view(prompts), character_table(), seeds[0])
    sketches.min_hash(words.words_of(read, masked=False), seeds, PERMUTATIONS)


def rate(rows: int, repeats: int, call: Callable[[], object]) -> float:
    """Rows per CPU-second of the fastest of several calls."""
    best = float("inf")
    for _ in range(repeats):
        begun = time.process_time()
        call()
        best = min(best, time.process_time() - begun)
    return rows / best


def main() -> None:
    """Time both on the first rows of a simulated run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--prompts", type=Path)
    options = parser.parse_args()
    traffic = simulate("mixed", scale="small", seed=options.seed, prompts=options.prompts)
    events = pa.Table.from_batches(traffic.batches()).slice(0, options.rows).combine_chunks()
    batch = events.to_batches()[0]
    prompts = batch.column("prompt").to_pylist()
    shingled = [shingles(prompt) for prompt in prompts]
    key = Key.public()
    warm_up(key)
    rows, repeats = batch.num_rows, options.repeats
    column = batch.column("prompt")
    kernels(column.slice(0, 10), key)
    fingerprints = rate(rows, repeats, lambda: fingerprint_batch(batch, key))
    ours = rate(rows, repeats, lambda: kernels(column, key))
    theirs = rate(rows, repeats, lambda: sketch([shingles(prompt) for prompt in prompts]))
    prepared = rate(rows, repeats, lambda: sketch(shingled))
    print(f"prompts                         {rows:,}")
    print(f"mean characters                 {sum(map(len, prompts)) / len(prompts):,.0f}")
    print(f"stillwatch, MinHash             {ours:,.0f} rows per CPU-second")
    print(f"rensa, shingles and MinHash     {theirs:,.0f} rows per CPU-second")
    print(f"ratio, like for like            {ours / theirs:.1f}")
    print(f"stillwatch, whole fingerprints  {fingerprints:,.0f} rows per CPU-second")
    print(f"rensa, on shingles made before  {prepared:,.0f} rows per CPU-second")


if __name__ == "__main__":
    main()
