"""Every kernel equals its naive twin on arbitrary text."""

import functools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.events import schema
from stillwatch.events.kernels import measures, sketches, templates, words
from stillwatch.events.kernels import reference as ref
from stillwatch.events.kernels import reference_structure as structure
from stillwatch.events.kernels.characters import (
    CLASS_SHIFT,
    SCRIPT_SHIFT,
    character_table,
    describe,
)
from stillwatch.events.kernels.hashing import siphash_bytes, siphash_word
from stillwatch.events.kernels.phrasebook import compile_lexicon, encode
from stillwatch.events.kernels.phrases import Hits, find_phrases
from stillwatch.events.kernels.structures import find_structures
from stillwatch.events.kernels.tokens import KIND_MASK, tokenise
from stillwatch.events.kernels.types import Measures, Tokens

SEED = np.uint64(0x0123456789ABCDEF)
SUBKEY = np.array([3, 5], np.uint64)
PAIR = (3, 5)

# pieces that the rules look at, so that random texts reach them
PIECES = st.sampled_from(
    [
        *"\n \r\t\"'`#-*+.:;,()[]{}<>?!_=/|\\\0\u200b\u0301\u3099é中のไทย한עשक्षि१0aAzЙ",
        *"。：「」“”’•ß🙂👨‍👩‍👧",
        *("\r\n", "\n\n", "###", "```", "<think>", "[[A]]", "<<<code>>>", '"input":', "'output':"),
        *("Q: ", "A: ", "1. ", "2) ", "  - ", "### Input:\n", "Example 2: ", "问题：", "1,000.5"),
        *("https://a.example/b?c=1", "www.example.org", "WWW.x", "s3://b", "don't", "snake_case"),
        *("step by step. ", "come up with ", "diverse ", "must ", "一步一步", "chosen", "rejected"),
        *("Let's think step by step", "score ", "the response ", "x" * 300, "b64" * 50, "é" * 9),
    ]
)
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(PIECES, max_size=40).map("".join),
    st.text("ab \n.:", max_size=99),
)


@functools.cache
def lexicon() -> structure.Lexicon:
    table = compile_lexicon(SEED)
    return structure.Lexicon(dict(zip(table.keys.tolist(), table.bits.tolist(), strict=True)))


def scan(text: str) -> tuple[Tokens, Measures]:
    return tokenise(encode([text]), character_table(), SEED)


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_tokens_and_measures(text: str) -> None:
    tokens, measured = scan(text)
    expected, expected_measures = ref.tokenise(text, int(SEED))
    end = tokens.starts[1]
    found = [
        ref.Token(int(value), int(kind & KIND_MASK), int(kind & ~KIND_MASK))
        for value, kind in zip(tokens.values[:end], tokens.kinds[:end].astype(int), strict=True)
    ]
    assert found == expected
    assert tuple(int(column[0]) for column in measured) == expected_measures


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_words_and_their_hashes(text: str) -> None:
    tokens, _ = scan(text)
    expected_tokens, _ = ref.tokenise(text, int(SEED))
    out = np.empty(1, np.uint64)
    for masked in (False, True):
        found = words.words_of(tokens, masked=masked)
        end = found.starts[1]
        expected = ref.words_of(expected_tokens, masked=masked)
        assert list(
            zip(found.values[:end].tolist(), found.weights[:end].tolist(), strict=True)
        ) == (expected)
        closings = np.empty(1, np.uint64)
        words.sign_ends(found, SUBKEY, SUBKEY, out, closings)
        assert out[0] == ref.sign(ref.opening(expected), PAIR)
        assert closings[0] == ref.sign(ref.closing(expected), PAIR)
    words.sign_contents(tokens, SUBKEY, out)
    assert out[0] == ref.sign(ref.content(expected_tokens), PAIR)


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_samples(text: str) -> None:
    tokens, _ = scan(text)
    found = words.words_of(tokens, masked=True)
    expected = ref.words_of(ref.tokenise(text, int(SEED))[0], masked=True)
    seeds = np.array([SEED, 1], np.uint64)
    signature = sketches.min_hash(found, seeds, 32)
    assert signature[0].tolist() == ref.min_hash(expected, int(SEED), 32)
    bands = sketches.bands_of(found, seeds, SUBKEY, schema.BANDS)
    assert bands[0].tolist() == [
        ref.sign(inner, PAIR) for inner in ref.bands(expected, int(SEED), schema.BANDS)
    ]
    for kernel, twin, slots in (
        (sketches.sketch, ref.sketch, schema.SKETCH),
        (sketches.passages, ref.passages, schema.PASSAGES),
    ):
        out = np.empty((1, slots), np.uint32)
        kernel(found, SUBKEY, out)
        assert out[0].tolist() == twin(expected, PAIR, slots)


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_counts_and_entropy(text: str) -> None:
    tokens, _ = scan(text)
    found = words.words_of(tokens, masked=False)
    expected = ref.words_of(ref.tokenise(text, int(SEED))[0], masked=False)
    counts, entropy = np.empty(1, np.uint32), np.empty(1, np.float32)
    measures.count_words(found, counts)
    measures.entropy(found, entropy)
    assert counts[0] == ref.word_count(expected)
    assert abs(entropy[0] - ref.entropy(expected)) < 1e-5


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_markers_and_templates(text: str) -> None:
    tokens, _ = scan(text)
    plain = words.words_of(tokens, masked=False)
    table = compile_lexicon(SEED)
    markers, constraints = np.zeros(1, np.uint32), np.zeros(1, np.uint16)
    flags = np.empty(int(plain.starts[1]), np.uint8)
    find_phrases(plain, table, flags, markers, constraints)
    expected_tokens, _ = ref.tokenise(text, int(SEED))
    marked, bound, requests = structure.find_phrases(
        ref.words_of(expected_tokens, masked=False), lexicon()
    )
    assert (markers[0], constraints[0]) == (marked, bound)
    assert flags.astype(bool).tolist() == requests
    find_structures(tokens, table, markers, constraints)
    more, items = structure.find_structures(expected_tokens, lexicon())
    assert (markers[0], constraints[0]) == (marked | more, bound + items)
    out = np.empty(1, np.uint64)
    templates.sign_templates(tokens, Hits(flags, plain.starts), table, SUBKEY, out)
    inner = structure.template(expected_tokens, requests, lexicon())
    assert out[0] == ref.sign(inner, PAIR)


@given(st.binary(max_size=99), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
@settings(deadline=None)
def test_siphash(message: bytes, first: int, second: int) -> None:
    data = np.frombuffer(message, np.uint8)
    subkey = np.array([first, second], np.uint64)
    expected = ref.siphash(message, (first, second))
    assert siphash_bytes(data, 0, len(data), subkey) == expected
    word = np.uint64(first)
    assert siphash_word(word, subkey) == ref.sign(first, (first, second))


def test_siphash_vectors() -> None:
    # Appendix A of the paper, and the first vectors of its reference implementation
    secret = np.frombuffer(bytes(range(16)), "<u8").astype(np.uint64)
    message = np.frombuffer(bytes(range(15)), np.uint8)
    assert siphash_bytes(message, 0, 15, secret) == 0xA129CA6149BE45E5
    for length, digest in enumerate(
        ("310e0edd47db6f72", "fd67dc93c539f874", "5a4fa9d909806c0d", "2d7efbd796666785")
    ):
        expected = int.from_bytes(bytes.fromhex(digest), "little")
        assert siphash_bytes(message, 0, length, secret) == expected


def test_the_table_agrees_with_its_description() -> None:
    table = character_table()
    for code in (*range(0x3000), *range(0x3000, 0xD800, 97), *range(0xE000, 0x20000, 101)):
        fold, kind, script = describe(chr(code))
        assert table[code] == ord(fold) | kind << CLASS_SHIFT | script << SCRIPT_SHIFT
