"""Baselines that read prompts: PRADA, MMD and coordination-network-toolkit."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.spatial.distance import cdist

from stillwatch.bench.baselines.embedding import TfidfSvd
from stillwatch.bench.baselines.limits import exceeds
from stillwatch.bench.baselines.mmd import Mmd, MmdPooled, Null
from stillwatch.bench.baselines.prada import Prada, distances, smallest_w
from stillwatch.bench.baselines.prompts import read_prompts, sample_prompts
from stillwatch.bench.baselines.toolkit import Toolkit
from stillwatch.bench.baselines.units import Units
from stillwatch.bench.method import Traffic
from stillwatch.events.schema import TIMESTAMP

START = datetime(2026, 3, 2, tzinfo=UTC)
SUBJECTS = ("garden roses soil", "train ticket delay", "soup salt pepper", "bicycle chain brake")


def traffic(tmp_path, sent: list[tuple[str, float, str]], groups: dict[str, int]) -> Traffic:
    """Events of (account, second, prompt); accounts of one group have forty bands in common."""
    place: Counter[str] = Counter()
    rows = []
    for k, (account, second, prompt) in enumerate(sent):
        group = groups.get(account, 1000 + k)
        rows.append(
            {
                "event_id": f"e{k:06d}",
                "account_id": account,
                "time": START + timedelta(seconds=second),
                "prompt": prompt,
                "template": sum(map(ord, prompt)) % 10_007,
                "bands": [1000 * group + 10 * (place[account] % 5) + b for b in range(8)],
            }
        )
        place[account] += 1
    schema = pa.schema(
        [
            ("event_id", pa.string()),
            ("account_id", pa.string()),
            ("time", TIMESTAMP),
            ("prompt", pa.string()),
            ("template", pa.uint64()),
            ("bands", pa.list_(pa.uint64(), 8)),
        ]
    )
    path = tmp_path / "events.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    people = sorted({account for account, _, _ in sent if account.startswith("p")})
    return Traffic(path, path, path, np.array(people, dtype=object), tmp_path)


def chat(account: str, count: int, rng: np.random.Generator) -> list[tuple[str, float, str]]:
    """Prompts on all sorts of subjects, one a minute."""
    return [
        (
            account,
            60.0 * k + float(rng.uniform(0, 50)),
            f"{rng.choice(SUBJECTS)} {rng.integers(99)}",
        )
        for k in range(count)
    ]


def flagged(table: pa.Table) -> dict[str, str]:
    return {r["account_id"]: r["campaign_id"] for r in table.to_pylist() if r["kind"]}


def test_a_limit_lets_no_more_benign_units_through_than_it_may() -> None:
    score = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    benign = np.array([True, True, True, False, False])
    assert exceeds(score, benign, 0.0).tolist() == [False, False, False, True, True]
    assert exceeds(score, benign, 0.34).tolist() == [False, False, True, True, True]
    assert not exceeds(score, np.zeros(5, bool), 0.1).any()


def test_prompts_come_by_unit_and_in_order_of_time(tmp_path) -> None:
    sent = [("b", 3.0, "late"), ("a", 2.0, "middle"), ("b", 1.0, "first"), ("c", 0.0, "alone")]
    given = traffic(tmp_path, sent, {})
    (part,) = read_prompts(given, {"a": 0, "b": 0, "c": 1}, fewest=2, most=2)
    assert (part.text, part.place.tolist()) == (["first", "middle"], [0, 1])
    assert sorted(sample_prompts(given, ["b", "c"], 2, seed=0)) != []
    assert set(sample_prompts(given, ["b"], 9, seed=0)) == {"late", "first"}


def test_an_embedding_puts_alike_texts_close() -> None:
    embedding = TfidfSvd(dimensions=3)
    texts = [f"{subject} {k}" for subject in SUBJECTS for k in range(10)]
    embedding.fit(texts)
    vectors = embedding.embed(texts)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0)
    assert vectors[0] @ vectors[9] > vectors[0] @ vectors[10] + 0.3


def test_distances_are_those_to_the_growing_set() -> None:
    """The same by the letter of the paper's algorithm."""
    vectors = np.random.default_rng(0).normal(size=(200, 5))
    grown, kept, threshold, naive = [vectors[0]], [0.0], 0.0, []
    for vector in vectors[1:]:
        naive.append(cdist([vector], grown).min())
        if naive[-1] > threshold:
            grown.append(vector)
            kept.append(naive[-1])
            threshold = max(threshold, np.mean(kept) - np.std(kept))
    assert distances(vectors) == pytest.approx(np.array(naive))


def test_w_falls_where_distances_are_not_normal() -> None:
    rng = np.random.default_rng(1)
    normal, two_sorts = rng.normal(5, 1, 400), np.r_[rng.normal(1, 0.1, 200), rng.normal(5, 1, 200)]
    assert smallest_w(normal) > 0.95
    assert smallest_w(rng.permutation(two_sorts)) < 0.9
    assert smallest_w(np.zeros(300)) == 1.0


def test_prada_flags_a_stream_of_two_sorts_of_queries(tmp_path) -> None:
    rng = np.random.default_rng(2)
    sent = [row for k in range(6) for row in chat(f"p{k}", 150, rng)]
    probes = [("x", 60.0 * k, "garden roses soil 1" if k % 2 else f"w{k} v{k}") for k in range(150)]
    table = Prada().flag(traffic(tmp_path, sent + probes, {}))
    assert set(flagged(table)) <= {"x"}
    score = {r["account_id"]: r["score"] for r in table.to_pylist()}
    assert all(score[f"p{k}"] > 0 for k in range(6))  # they were tested


def test_the_discrepancy_is_that_of_the_kernel() -> None:
    """Against the unbiased estimate with exact kernels, up to the random features."""
    rng = np.random.default_rng(3)
    benign, window = rng.normal(size=(1500, 4)), rng.normal(0.5, 1.0, size=(60, 4))
    null = Null(benign, 16_384, np.random.default_rng(0))
    width = np.sqrt(np.median(cdist(benign[:1000], benign[:1000])[np.triu_indices(1000, 1)] ** 2))

    def kernel(a, b):
        squares = cdist(a, b) ** 2
        return np.mean([np.exp(-squares / (2 * (w * width) ** 2)) for w in (0.5, 1, 2, 4)], axis=0)

    own, other = kernel(window, window), kernel(benign, benign)
    exact = (own.sum() - 60) / (60 * 59) + other.mean() - 2 * kernel(window, benign).mean()
    found = null.squared_mmd(60, null.map(window).sum(axis=0))
    assert found == pytest.approx(exact, rel=0.1)


def test_random_benign_windows_are_not_unusual() -> None:
    """The statistic over its spread has mean 0 and standard deviation 1 under the null."""
    rng = np.random.default_rng(4)
    benign = rng.normal(size=(4000, 6))
    null = Null(benign, 512, np.random.default_rng(0))
    unit = null.spread * np.sqrt(2 / (50 * 49))
    drawn = [
        null.squared_mmd(50, null.map(benign[rng.choice(4000, 50, replace=False)]).sum(axis=0))
        for _ in range(400)
    ]
    assert np.mean(drawn) / unit == pytest.approx(0.0, abs=0.2)
    assert np.std(drawn) / unit == pytest.approx(1.0, abs=0.25)


def test_mmd_flags_who_asks_unlike_the_rest(tmp_path) -> None:
    rng = np.random.default_rng(5)
    sent = [row for k in range(12) for row in chat(f"p{k:02d}", 40, rng)]
    sent += [("x", 60.0 * k, f"write a proof of lemma {k}") for k in range(40)]
    sent += [("few", 60.0 * k, f"write a proof of lemma {k}") for k in range(5)]
    given = traffic(tmp_path, sent, {})
    assert set(flagged(Mmd().flag(given))) == {"x"}
    assert set(flagged(Mmd(window=20).flag(given))) == {"x"}


def test_pooled_methods_test_the_groups_that_lsh_finds(tmp_path) -> None:
    """Too few queries each, enough together; who is in no group is not tested."""
    rng = np.random.default_rng(6)
    sent = [row for k in range(12) for row in chat(f"p{k:02d}", 30, rng)]
    sent += [(f"x{k:02d}", 60.0 * n, f"prove lemma {k * n}") for k in range(12) for n in range(5)]
    sent += [("lone", 60.0 * k, f"prove lemma {k}") for k in range(30)]
    groups = {f"p{k:02d}": 1 for k in range(12)} | {f"x{k:02d}": 2 for k in range(12)}
    given = traffic(tmp_path, sent, groups)
    units = Units.of(given, pooled=True)
    assert (units.count, len(units.account), len(units.unit_of)) == (2, 25, 24)
    assert set(flagged(Mmd().flag(given))) == {"lone"}
    pooled = flagged(MmdPooled().flag(given))
    assert set(pooled) == {f"x{k:02d}" for k in range(12)}
    assert len(set(pooled.values())) == 1


def test_the_toolkit_joins_who_sends_one_text_in_the_same_second(tmp_path) -> None:
    together = [
        (f"x{k:02d}", 1000.0 * n + 0.05 * k, f"lemma {n}") for n in range(3) for k in range(12)
    ]
    later = [
        (f"p{k:02d}", 1000.0 * n + 60 * (k + 1), f"lemma {n}") for n in range(3) for k in range(12)
    ]
    table = Toolkit().flag(traffic(tmp_path, together + later, {}))
    assert set(flagged(table)) == {f"x{k:02d}" for k in range(12)}
    assert len(set(flagged(table).values())) == 1
    assert table.num_rows == 24
