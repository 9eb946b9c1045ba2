"""Blind matching: evaluations with batched proofs a second and core, and what the asker pays.

CPU-seconds count, so that other work on the machine disturbs little. The ceiling is what the
multiplications and additions alone would cost: two and one for each element of a holder's answer.

    python benchmarks/speed/blind.py [--batch 1024] [--repeats 5] [--processes 2]
"""

import argparse
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from statistics import median

from stillwatch.events.contracts import Kind
from stillwatch.share.blind import dleq, group, matching, threshold, voprf
from stillwatch.share.blind.committee import Committee, Holder, Roster
from stillwatch.share.blind.eligible import CampaignAccount, Identifier, eligible
from stillwatch.share.blind.group import Element
from stillwatch.share.blind.messages import Question, decode, encode
from stillwatch.share.blind.quota import Ledger, Quota
from stillwatch.share.blind.threshold import KeyShare

NEEDED = 3
HOLDERS = 5
SECONDS = 5.0


def rate(work: Callable[[], object], items: int, repeats: int) -> float:
    """Items per CPU-second, the median of the repeats."""
    rates = []
    for _ in range(repeats):
        begun = time.process_time()
        work()
        rates.append(items / (time.process_time() - begun))
    return median(rates)


def ceremony() -> tuple[Committee, dict[int, KeyShare]]:
    """A key among the holders."""
    holders = tuple(Holder(index, f"party-{index}") for index in range(1, HOLDERS + 1))
    roster = Roster(epoch=1, threshold=NEEDED, holders=holders)
    dealings = [threshold.deal(roster, index, secrets.token_bytes) for index in range(1, 6)]
    deals = [dealing.deal for dealing in dealings]
    shares = {}
    for index in range(1, HOLDERS + 1):
        sent = {dealing.deal.dealer: dealing.shares[index] for dealing in dealings}
        committee, shares[index] = threshold.receive(roster, deals, index, sent)
    return committee, shares


def primitives(repeats: int) -> list[tuple[str, float]]:
    """What the rest is made of, and the ceiling that follows from it."""
    factor = group.random_scalar(secrets.token_bytes)
    point = group.multiply_base(factor)
    count = 2000
    product = rate(lambda: [group.multiply(factor, point) for _ in range(count)], count, repeats)
    total = rate(lambda: [group.add(point, point) for _ in range(count)], count, repeats)
    return [
        ("scalar multiplication", product),
        ("addition", total),
        ("ceiling of an evaluation with proof", 1 / (2 / product + 1 / total)),
    ]


def elements(count: int) -> list[Element]:
    """Blinded inputs."""
    inputs = [b"input %d" % number for number in range(count)]
    return [hidden.element for hidden in voprf.blind(inputs, secrets.token_bytes)]


def holder(share: KeyShare, batch: int, repeats: int) -> list[tuple[str, float]]:
    """What a holder answers, by size of the batch."""
    rows = []
    for size in (1, 16, 64, 256, batch):
        asked = elements(size)
        work = max(1, 512 // size)
        done = rate(
            lambda asked=asked, work=work: [  # type: ignore[misc]
                threshold.evaluate(share, asked, secrets.token_bytes) for _ in range(work)
            ],
            size * work,
            repeats,
        )
        rows.append((f"evaluation with proof, batch of {size:,}", done))
    return rows


def protocol(
    committee: Committee, share: KeyShare, batch: int, repeats: int
) -> list[tuple[str, float]]:
    """A whole question: what the asker does to make it, and the holder from bytes to bytes."""
    accounts = [CampaignAccount(str(number), "campaign", Kind.RELAY) for number in range(batch)]
    rows = [Identifier(str(n), "email", f"user{n}@example.org") for n in range(batch)]

    def make() -> bytes:
        chosen = eligible(accounts, rows)
        (session,) = matching.ask(chosen, committee, "member", secrets.token_bytes)
        return encode(session.question)

    data = make()

    def serve() -> bytes:
        reply, _ = matching.answer(
            decode(data, Question),
            sender="member",
            share=share,
            committee=committee,
            quota=Quota(),
            ledger=Ledger(committee.key_id),
            now=datetime(2026, 1, 1, tzinfo=UTC),
            randomness=secrets.token_bytes,
        )
        return encode(reply)

    return [
        (f"answering a question of {batch:,}, every check included", rate(serve, batch, repeats)),
        ("making a question from e-mail addresses", rate(make, batch, repeats)),
    ]


def asker(
    committee: Committee, shares: dict[int, KeyShare], batch: int, repeats: int
) -> list[tuple[str, float]]:
    """What an asker pays for each of its identifiers, step by step and in all."""
    inputs = [b"input %d" % number for number in range(batch)]
    hidden = voprf.blind(inputs, secrets.token_bytes)
    asked = [one.element for one in hidden]
    parts = {
        index: threshold.evaluate(shares[index], asked, secrets.token_bytes)
        for index in range(1, NEEDED + 1)
    }
    products = {index: part.elements for index, part in parts.items()}
    combined = threshold.combine(committee, products)
    public = committee.public_share(1)
    rows = [
        ("blinding", lambda: voprf.blind(inputs, secrets.token_bytes)),
        ("checking one answer", lambda: dleq.verify(public, asked, *parts[1])),
        (f"combining {NEEDED} answers", lambda: threshold.combine(committee, products)),
        ("removing the blinds", lambda: voprf.unblind(inputs, hidden, combined)),
    ]
    rates = [(name, rate(work, batch, repeats)) for name, work in rows]
    seconds = sum(1 / done for _, done in rates) + (NEEDED - 1) / rates[1][1]
    return [*rates, ("the asker's part in all", 1 / seconds)]


def answer_for_a_while(batch: int) -> tuple[int, float, float]:
    """Elements answered in some seconds, the seconds, and the CPU-seconds of this process."""
    _, shares = ceremony()
    asked = elements(batch)
    done, begun, used = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - begun < SECONDS:
        threshold.evaluate(shares[1], asked, secrets.token_bytes)
        done += batch
    return done, time.perf_counter() - begun, time.process_time() - used


def scaling(batch: int, most: int) -> list[str]:
    """How processes add up, by wall time and by CPU time."""
    rows = []
    for count in range(1, most + 1):
        with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
            runs = list(pool.map(answer_for_a_while, [batch] * count))
        wall = sum(done / seconds for done, seconds, _ in runs)
        each = sum(done for done, _, _ in runs) / sum(used for _, _, used in runs)
        rows.append(f"| {count} | {wall:,.0f} | {each:,.0f} |")
    return rows


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    committee, shares = ceremony()
    rows = [
        *primitives(options.repeats),
        *holder(shares[1], options.batch, options.repeats),
        *protocol(committee, shares[1], options.batch, options.repeats),
        *asker(committee, shares, options.batch, options.repeats),
        (f"making a key among {HOLDERS}", rate(ceremony, 1, options.repeats)),
    ]
    print("| step | per CPU-second |\n|---|---|")
    for name, done in rows:
        print(f"| {name} | {done:,.0f} |")
    print("\n| processes | evaluations a second, wall | per CPU-second |\n|---|---|---|")
    print("\n".join(scaling(options.batch, options.processes)))


if __name__ == "__main__":
    main()
