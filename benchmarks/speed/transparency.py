"""How fast the transparency log appends, proves and checks, in one process.

    python benchmarks/speed/transparency.py
    python benchmarks/speed/transparency.py --leaves 100000 --repeats 1

Rates are per processor second, times processor time: wall time says nothing on a machine that does
other work.
"""

import argparse
import time
import tracemalloc
from collections.abc import Callable
from statistics import median

from stillwatch.share.transparency import checkpoint, merkle, verify
from stillwatch.share.transparency.checkpoint import Accepted, Checkpoint, Policy
from stillwatch.share.transparency.commitment import LeafType, Opening
from stillwatch.share.transparency.growth import Frontier, grow
from stillwatch.share.transparency.notes import KeyType, Signer
from stillwatch.share.transparency.tiles import TileReader

NOW = 1_795_000_000
LOG = Signer("forum.example/log", KeyType.LOG, bytes(32))
WITNESSES = [Signer(f"member{n}.example", KeyType.WITNESS, n.to_bytes(32)) for n in range(1, 6)]


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Processor seconds of one run, the median of the repeats."""
    times = []
    for _ in range(repeats):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return median(times)


def append(entries: list[bytes], step: int) -> Frontier:
    """Append all entries, so many at once; the files are made and dropped."""
    frontier = Frontier()
    for start in range(0, len(entries), step):
        frontier = grow(frontier, entries[start : start + step]).frontier
    return frontier


def signed(frontier: Frontier) -> Accepted:
    """A checkpoint with all cosignatures, as a member takes it up."""
    tree = Checkpoint(LOG.name, frontier.size, frontier.root())
    accepted = Policy(LOG.verifier).accept(str(checkpoint.sign(tree, LOG)).encode(), now=NOW)
    lines = [checkpoint.cosign(accepted, witness, time=NOW) for witness in WITNESSES]
    return accepted._replace(note=checkpoint.attach(accepted.note, lines))


def appending(leaves: int, repeats: int) -> list[tuple[str, float, str]]:
    """Commitments, and growth by steps of several sizes."""
    openings = [Opening(LeafType.OBJECT, n.to_bytes(32), bytes(400)) for n in range(20_000)]
    spent = seconds(lambda: [opening.commitment() for opening in openings], repeats)
    rows = [("commitments to 400 bytes", len(openings) / spent, "a second")]
    entries = [n.to_bytes(32) for n in range(leaves)]
    for step in (1, 10, 100, 1000, leaves):
        part = entries[: min(leaves, step * 20_000)]
        spent = seconds(lambda part=part, step=step: append(part, step), repeats)  # type: ignore[misc]
        rows.append((f"appending, {step:,} at once", len(part) / spent, "leaves a second"))
    return rows


def memory(leaves: int) -> list[tuple[str, float, str]]:
    """Peak of what Python holds while leaves are appended by the thousand, and one by one."""
    rows = []
    for step, count in ((1000, leaves), (1, 10_000)):
        tracemalloc.start()
        frontier = Frontier()
        for start in range(0, count, step):
            fresh = [n.to_bytes(32) for n in range(start, min(start + step, count))]
            frontier = grow(frontier, fresh).frontier
        peak = tracemalloc.get_traced_memory()[1] / 1024
        tracemalloc.stop()
        rows.append((f"peak memory, {count:,} leaves, {step:,} at once", peak, "KiB"))
    return rows


def checking(leaves: int, repeats: int) -> list[tuple[str, float, str]]:
    """Proofs from tiles that were read and from tiles that are not yet, and what a member does."""
    entries = [n.to_bytes(32) for n in range(leaves)]
    frontier, files = grow(Frontier(), entries)
    older, older_files = grow(Frontier(), entries[: leaves * 2 // 3])
    tiles = {**older_files, **files}
    indices = [n * leaves // 200 for n in range(200)]
    warm = TileReader(tiles.get, leaves)
    paths = {index: merkle.inclusion_proof(warm.node, index, leaves) for index in indices}
    sizes = [index + 1 for index in indices]
    proofs = {size: merkle.consistency_proof(warm.node, size, leaves) for size in sizes}
    roots = {size: merkle.root(warm.node, size) for size in sizes}
    top = frontier.root()
    last, fresh = signed(older), signed(frontier)
    policy = Policy(LOG.verifier, tuple(one.verifier for one in WITNESSES), quorum=3)
    data = str(fresh.note).encode()

    def cold() -> None:
        for index in indices:
            merkle.inclusion_proof(TileReader(tiles.get, leaves).node, index, leaves)

    def cold_consistency() -> None:
        for size in sizes:
            merkle.consistency_proof(TileReader(tiles.get, leaves).node, size, leaves)

    def check_inclusion() -> None:
        for index in indices:
            leaf = merkle.leaf_hash(entries[index])
            merkle.verify_inclusion(leaf, index, leaves, paths[index], top)

    def check_consistency() -> None:
        for size in sizes:
            merkle.verify_consistency(size, leaves, roots[size], top, proofs[size])

    work: list[tuple[str, Callable[[], object], int]] = [
        ("root from the frontier", lambda: [frontier.root() for _ in range(200)], 200),
        ("inclusion proof, every tile read anew", cold, 200),
        (
            "inclusion proof, tiles kept",
            lambda: [merkle.inclusion_proof(warm.node, index, leaves) for index in indices],
            200,
        ),
        ("consistency proof, every tile read anew", cold_consistency, 200),
        (
            "consistency proof, tiles kept",
            lambda: [merkle.consistency_proof(warm.node, size, leaves) for size in sizes],
            200,
        ),
        (
            "checking an inclusion proof",
            check_inclusion,
            200,
        ),
        (
            "checking a consistency proof",
            check_consistency,
            200,
        ),
        ("cosigning", lambda: checkpoint.cosign(fresh, WITNESSES[0], time=NOW), 1),
        (
            "taking up a checkpoint with five cosignatures",
            lambda: verify.follow(policy, last, data, tiles.get, now=NOW),
            1,
        ),
    ]
    return [(name, seconds(one, repeats) / count * 1e6, "µs") for name, one, count in work]


def main() -> None:
    """Measure everything and print one row each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--leaves", type=int, default=1_000_000, help="Size of the log.")
    parser.add_argument("--repeats", type=int, default=5, help="Runs of which the median counts.")
    arguments = parser.parse_args()
    rows = appending(arguments.leaves, arguments.repeats)
    rows += memory(arguments.leaves)
    rows += checking(arguments.leaves, arguments.repeats)
    for name, value, unit in rows:
        print(f"{name:<55} {value:>12,.0f} {unit}")


if __name__ == "__main__":
    main()
