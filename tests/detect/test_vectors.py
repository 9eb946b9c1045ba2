import numpy as np
import pytest

from stillwatch.detect import vectors
from stillwatch.detect.features import FamilyCounts
from stillwatch.detect.workers import Threads


def random_sketches(rng, accounts, tokens=60):
    cells = [
        (account, token)
        for account in range(accounts)
        for token in sorted(set((tokens * rng.random(12) ** 2).astype(int).tolist()))
    ]
    count = rng.integers(1, 6, len(cells))
    return FamilyCounts.of(
        np.array([a for a, _ in cells], np.int32),
        np.array([1000 + t for _, t in cells], np.uint32),
        count.astype(np.int32),
        rng.integers(0, count + 1).astype(np.int32),
    )


def random_frame(rng, accounts):
    """Each account with one of five frames, seen in one half or in both."""
    count = rng.integers(1, 6, accounts).astype(np.int32)
    return FamilyCounts.of(
        np.arange(accounts, dtype=np.int32),
        rng.integers(0, 5, accounts).astype(np.uint64),
        count,
        rng.integers(0, count + 1).astype(np.int32),
    )


def naive_vectors(sketches, script, count):
    """Dictionaries of ln(1 + n) times rarity within the account's script, at unit length."""
    carriers: dict[tuple[int, int], int] = {}
    everywhere: dict[int, int] = {}
    rows = list(zip(sketches.account.tolist(), sketches.value.tolist(), count, strict=True))
    for account, token, n in rows:
        if n:
            cell = (int(script[account]), token)
            carriers[cell] = carriers.get(cell, 0) + 1
            everywhere[token] = everywhere.get(token, 0) + 1
    found: list[dict[int, float]] = [{} for _ in script]
    for account, token, n in rows:
        if n and everywhere[token] > 1:
            speakers = (script == script[account]).sum()
            rarity = np.log(speakers / carriers[int(script[account]), token])
            if rarity > 0:
                found[account][token] = np.log1p(n) * rarity
    for row in found:
        length = np.sqrt(sum(w * w for w in row.values()))
        for token in row:
            row[token] /= length
    return found


@pytest.fixture(scope="module")
def made():
    rng = np.random.default_rng(3)
    script = rng.integers(0, 3, 40)
    return random_sketches(rng, 40), script


def test_similarity_is_the_naive_cosine(made):
    sketches, script = made
    left, right = (x.ravel().astype(np.int32) for x in np.indices((40, 40)))
    forming, held_out = vectors.halves(sketches, script)
    for half, count in (
        (forming, sketches.count - sketches.held_out),
        (held_out, sketches.held_out),
    ):
        rows = naive_vectors(sketches, script, count)
        naive = [
            sum(w * rows[b].get(token, 0.0) for token, w in rows[a].items())
            for a, b in zip(left, right, strict=True)
        ]
        np.testing.assert_allclose(half.similarity(left, right), naive, atol=1e-5)


def test_forming_vectors_do_not_see_the_held_out_half(made):
    sketches, script = made
    forming_only = FamilyCounts.of(
        sketches.account,
        sketches.value,
        sketches.count - sketches.held_out,
        np.zeros_like(sketches.held_out),
    )
    rng = np.random.default_rng(5)
    frame = random_frame(rng, 40)
    first = vectors.forming(sketches, [frame], script).rows
    second = vectors.forming(forming_only, [frame.half(held_out=False)], script).rows
    assert (first != second).nnz == 0


def test_words_and_frames_count_alike():
    """Two accounts of one frame and no common word are half alike, whatever they ask."""
    account = np.repeat(np.arange(4), 2).astype(np.int32)
    token = np.array([1, 2, 3, 4, 1, 3, 2, 4], np.uint32)
    sketches = FamilyCounts.of(account, token, np.ones(8, np.int32), np.zeros(8, np.int32))
    framed = np.array([7, 7, 8, 8], np.uint64)
    count = np.full(4, 9, np.int32)
    frame = FamilyCounts.of(np.arange(4, dtype=np.int32), framed, count, count * 0)
    script = np.zeros(4, np.int64)
    words = vectors.forming(sketches, [], script)
    both = vectors.forming(sketches, [frame], script)
    left, right = np.array([0, 0, 0], np.int32), np.array([1, 2, 3], np.int32)
    expected = (words.similarity(left, right) + np.array([1, 0, 0])) / 2
    np.testing.assert_allclose(both.similarity(left, right), expected, atol=1e-6)


def test_nearest_are_the_most_similar_whatever_the_order(made):
    sketches, script = made
    words = vectors.forming(sketches, [random_frame(np.random.default_rng(6), 40)], script)
    left, right = (x.ravel().astype(np.int32) for x in np.indices((40, 40)))
    cosine = words.similarity(left, right).reshape(40, 40)
    np.fill_diagonal(cosine, 0.0)
    best = -np.sort(-cosine, axis=1)[:, :5]
    for seed in (0, 1):
        order = np.random.default_rng(seed).permutation(40)
        found, value = words.nearest(order, 5, Threads())
        np.testing.assert_allclose(value, best, atol=1e-5)
        named = found >= 0
        rows = np.repeat(np.arange(40)[:, None], 5, axis=1)
        np.testing.assert_allclose(cosine[rows[named], found[named]], value[named], atol=1e-6)


def test_only_the_accounts_asked_for_are_searched(made):
    sketches, script = made
    words = vectors.forming(sketches, [], script)
    order, of = np.random.default_rng(2).permutation(40), np.arange(40) % 3 == 0
    found, value = words.nearest(order, 5, Threads())
    some, cosine = words.nearest(order, 5, Threads(), of)
    np.testing.assert_array_equal(some, np.where(of[:, None], found, -1))
    np.testing.assert_array_equal(cosine, np.where(of[:, None], value, 0))


def test_counts_add_both_halves(made):
    sketches, script = made
    table = vectors.counts(sketches, script.size)
    assert table.sum() == sketches.count.sum()
    tokens = np.unique(sketches.value)
    assert (
        table[sketches.account[7], np.searchsorted(tokens, sketches.value[7])]
        == (sketches.count[7])
    )
