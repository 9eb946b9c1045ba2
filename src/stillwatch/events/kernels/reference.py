"""A naive twin of each kernel, in plain Python, for tests to hold the kernels to.

Written for reading: one text at a time, lists and dictionaries, no rolling, no tables but the
character classes. Markers and templates are in `reference_structure`.
"""

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from stillwatch.events.kernels import characters as ch
from stillwatch.events.kernels import sketches as sk
from stillwatch.events.kernels import tokens as tk
from stillwatch.events.kernels import words as wd
from stillwatch.events.kernels.hashing import MULTIPLIER
from stillwatch.events.scripts import Script

_MASK: Final = 2**64 - 1


class Token(NamedTuple):
    """One token: value, kind and the span bits."""

    value: int
    kind: int
    span: int = 0


class Measures(NamedTuple):
    """Measures taken while reading characters."""

    characters: int
    script: int
    nesting: int


class Word(NamedTuple):
    """One word of a stream."""

    value: int
    weight: int


# hashing


def mix(state: int, value: int) -> int:
    """Twin of `hashing.mix`."""
    state = (state ^ value) * int(MULTIPLIER) & _MASK
    return state ^ state >> 32


def finish(state: int) -> int:
    """Twin of `hashing.finish`."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        state = (state ^ state >> 33) * factor & _MASK
    return state ^ state >> 33


def hash_sequence(values: Sequence[int]) -> int:
    """Inner hash of a sequence of values."""
    state = 0
    for value in values:
        state = mix(state, value)
    return finish(state)


def polynomial(values: Sequence[int], salt: int) -> int:
    """Inner hash of a window of words."""
    state = 0
    for value in values:
        state = (state * int(MULTIPLIER) + value) & _MASK
    return finish(state ^ salt)


def siphash(message: bytes, key: tuple[int, int]) -> int:
    """SipHash-2-4 as its paper states it."""
    v0 = key[0] ^ 0x736F6D6570736575
    v1 = key[1] ^ 0x646F72616E646F6D
    v2 = key[0] ^ 0x6C7967656E657261
    v3 = key[1] ^ 0x7465646279746573

    def rounds(count: int) -> None:
        nonlocal v0, v1, v2, v3
        for _ in range(count):
            v0 = (v0 + v1) & _MASK
            v1 = _rotate(v1, 13) ^ v0
            v0 = _rotate(v0, 32)
            v2 = (v2 + v3) & _MASK
            v3 = _rotate(v3, 16) ^ v2
            v0 = (v0 + v3) & _MASK
            v3 = _rotate(v3, 21) ^ v0
            v2 = (v2 + v1) & _MASK
            v1 = _rotate(v1, 17) ^ v2
            v2 = _rotate(v2, 32)

    padded = message + bytes(-(len(message) + 1) % 8) + bytes([len(message) % 256])
    for start in range(0, len(padded), 8):
        word = int.from_bytes(padded[start : start + 8], "little")
        v3 ^= word
        rounds(2)
        v0 ^= word
    v2 ^= 0xFF
    rounds(4)
    return v0 ^ v1 ^ v2 ^ v3


def sign(inner: int, key: tuple[int, int]) -> int:
    """Outer hash of a 64-bit inner hash."""
    return siphash(inner.to_bytes(8, "little"), key)


def _rotate(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) & _MASK


# tokens


def tokenise(text: str, seed: int) -> tuple[list[Token], Measures]:
    """Twin of `tokens.tokenise` for one text."""
    described = [ch.describe(character) for character in text]
    classes = [kind for _, kind, _ in described] + [ch.SPACE]
    tokens: list[Token] = []
    scripts: Counter[int] = Counter()
    depth = deepest = indent = at = 0
    line_start = True
    while at < len(text):
        fold, kind, script = described[at]
        if line_start and kind not in {ch.IGNORED, ch.SPACE, ch.NEWLINE}:
            line_start = False
            if kind == ch.DIGIT or fold in {"-", "*", "+"}:
                deepest = max(deepest, 1 + indent // 2)
        if kind in {ch.LETTER, ch.DIGIT, ch.MARK}:
            token, at = _read_word(text, at, seed, scripts)
            tokens.append(token)
            continue
        end = at + 1
        if kind == ch.SINGLE:
            scripts[script] += 1
            while classes[end] == ch.MARK:
                end += 1
            state = seed
            for each in described[at:end]:
                state = mix(state, ord(each[0]))
            tokens.append(Token(finish(state), tk.SINGLE))
        elif kind == ch.PUNCTUATION:
            while end < len(text) and described[end][0] == fold:
                end += 1
            if fold in "([{":
                depth += end - at
                deepest = max(deepest, depth)
            elif fold in ")]}":
                depth = max(0, depth - (end - at))
            run = min(end - at, tk.LONGEST_RUN)
            tokens.append(Token(ord(fold) | run << tk.RUN_SHIFT, tk.PUNCTUATION))
        elif kind == ch.NEWLINE:
            while end < len(text) and classes[end] in {ch.NEWLINE, ch.SPACE, ch.IGNORED}:
                end += 1
            blank = text[at:end].replace("\r\n", "\n")
            breaks = [i for i, each in enumerate(blank) if ch.describe(each)[1] == ch.NEWLINE]
            tokens.append(Token(min(len(breaks), 2), tk.NEWLINE))
            indent = sum(ch.describe(each)[1] == ch.SPACE for each in blank[breaks[-1] :])
            line_start = True
        elif kind == ch.SPACE and line_start:
            indent += 1
        at = end
    measures = Measures(len(text), _dominant(scripts), min(deepest, 255))
    return _mark_spans(tokens), measures


def _read_word(text: str, start: int, seed: int, scripts: Counter[int]) -> tuple[Token, int]:
    """One word, number or address and the position after it."""
    state = seed
    has_digit = after_digit = False
    letters, word_script = 0, 0
    at = start
    while at < len(text):
        fold, kind, script = ch.describe(text[at])
        follower = ch.describe(text[at + 1])[1] if at + 1 < len(text) else ch.SPACE
        if kind in {ch.LETTER, ch.DIGIT, ch.MARK}:
            after_digit = kind == ch.DIGIT
            has_digit |= after_digit
            if kind == ch.LETTER:
                letters += 1
                word_script = script
        elif fold == "'":
            if after_digit or follower != ch.LETTER:
                break
        elif fold == "_":
            if follower not in {ch.LETTER, ch.DIGIT}:
                break
        elif fold in {",", ".", ":"}:
            if not after_digit or follower != ch.DIGIT:
                break
        elif kind != ch.IGNORED:
            break
        if kind != ch.IGNORED and fold != "'":
            state = (state ^ ord(fold)) * int(MULTIPLIER) & _MASK
        at += 1
    scripts[word_script] += letters
    value = finish(state)
    if has_digit or not _is_url(text, start, at):
        return Token(value, tk.NUMBER if has_digit else tk.WORD), at
    while at < len(text) and 0x20 < ord(text[at]) < 0x7F and text[at] not in "\"'()<>`":
        value = mix(value, ord(text[at]))
        at += 1
    return Token(value, tk.URL), at


def _is_url(text: str, start: int, at: int) -> bool:
    if text[at : at + 3] == "://":
        return True
    three_bytes_left = len(text[at : at + 3].encode()) >= 3
    return text[start:at] in {"".join(w) for w in itertools.product("wW", repeat=3)} and (
        text[at : at + 1] == "." and three_bytes_left
    )


def _dominant(scripts: Counter[int]) -> int:
    most = max(scripts.values(), default=0)
    best = [script for script, count in scripts.items() if count == most > 0 and script]
    return min(best, default=int(Script.OTHER))


def _mark_spans(tokens: list[Token]) -> list[Token]:
    """Twin of `tokens._mark_spans`."""
    fence = Token(ord("`") | 3 << tk.RUN_SHIFT, tk.PUNCTUATION)
    quote = Token(ord('"') | 1 << tk.RUN_SHIFT, tk.PUNCTUATION)
    marked = list(tokens)
    at = 0
    while at < len(tokens):
        rest = tokens[at + 1 :]
        end = None
        if tokens[at] == fence:
            end = at + 1 + rest.index(fence) if fence in rest else len(tokens) - 1
        elif tokens[at] == quote:
            line = list(itertools.takewhile(lambda token: token.kind != tk.NEWLINE, rest))
            end = at + 1 + line.index(quote) if quote in line else None
        if end is None:
            at += 1
            continue
        span = tk.CODE if tokens[at] == fence else tk.QUOTED
        for i in range(at, end + 1):
            marked[i] = tokens[i]._replace(span=span)
        at = end + 1
    return marked


# words


def words_of(tokens: Sequence[Token], *, masked: bool) -> list[Word]:
    """Twin of `words.words_of` for one text."""
    if not masked:
        return [
            Word(
                int(wd.MASK_NUMBER) if token.kind == tk.NUMBER else token.value,
                1 if token.kind == tk.SINGLE else 2,
            )
            for token in tokens
            if token.kind <= tk.URL
        ]
    words: list[Word] = []
    for span, run in itertools.groupby(tokens, key=lambda token: token.span):
        if span:
            words.append(Word(int(wd.MASK_CODE if span & tk.CODE else wd.MASK_QUOTE), 2))
        else:
            words += [
                Word(masked_value(token), 1 if token.kind == tk.SINGLE else 2)
                for token in run
                if token.kind <= tk.URL
            ]
    return words


def masked_value(token: Token) -> int:
    """Value of a token in the masked stream and the skeleton."""
    if token.span & tk.CODE:
        return int(wd.MASK_CODE)
    if token.span & tk.QUOTED:
        return int(wd.MASK_QUOTE)
    masks = {tk.NUMBER: int(wd.MASK_NUMBER), tk.URL: int(wd.MASK_URL)}
    return masks.get(token.kind, token.value)


def prefix(words: Sequence[Word], weight: int) -> list[int]:
    """Values from the front until they weigh enough, or all."""
    totals = itertools.accumulate((word.weight for word in words), initial=0)
    return [word.value for word, before in zip(words, totals, strict=False) if before < weight]


def opening(words: Sequence[Word]) -> int:
    """Inner hash of the opening."""
    return hash_sequence(prefix(words, wd.OPENING_WEIGHT))


def closing(words: Sequence[Word]) -> int:
    """Inner hash of the closing, read backwards."""
    return hash_sequence(prefix(words[::-1], wd.CLOSING_WEIGHT))


def content(tokens: Sequence[Token]) -> int:
    """Inner hash of the whole text."""
    return hash_sequence([token.value for token in tokens if token.kind != tk.NEWLINE])


# samples


def windows(words: Sequence[Word], width: int) -> list[int]:
    """Twin of `sketches.windows`."""
    spans = [prefix(words[start:], width) for start in range(len(words))]
    full = [
        span
        for start, span in enumerate(spans)
        if sum(word.weight for word in words[start : start + len(span)]) >= width
    ]
    return [polynomial(span, width) for span in full]


def whole(words: Sequence[Word], width: int) -> int:
    """Hash of a text shorter than one window."""
    return polynomial([word.value for word in words], width)


def min_hash(words: Sequence[Word], seed: int, permutations: int) -> list[int]:
    """Twin of `sketches.min_hash` for one text."""
    shingles = windows(words, sk.SHINGLE_WEIGHT) or [whole(words, sk.SHINGLE_WEIGHT)]
    drawn = [finish(mix(seed, i)) & 0xFFFFFFFF for i in range(2 * permutations)]
    return [
        min(((multiplier | 1) * shingle + addition) & 0xFFFFFFFF for shingle in shingles)
        for multiplier, addition in zip(drawn[:permutations], drawn[permutations:], strict=True)
    ]


def bands(words: Sequence[Word], seed: int, count: int) -> list[int]:
    """Inner hashes of the bands."""
    rows = sk.BAND_ROWS
    signature = min_hash(words, seed, count * rows)
    inner = []
    for band in range(count):
        state = band
        for value in signature[band * rows : (band + 1) * rows]:
            state = mix(state, value)
        inner.append(finish(state))
    return inner


def sketch(words: Sequence[Word], key: tuple[int, int], slots: int) -> list[int]:
    """Twin of `sketches.sketch` for one text."""
    grams = windows(words, sk.UNIGRAM_WEIGHT) if words else []
    if words:
        grams += windows(words, sk.BIGRAM_WEIGHT) or [whole(words, sk.BIGRAM_WEIGHT)]
    return _smallest(grams, key, slots)


def passages(words: Sequence[Word], key: tuple[int, int], slots: int) -> list[int]:
    """Twin of `sketches.passages` for one text."""
    sampled = [gram for gram in windows(words, sk.PASSAGE_WEIGHT) if gram <= int(sk.PASSAGE_LIMIT)]
    return _smallest(sampled, key, slots)


def _smallest(grams: Sequence[int], key: tuple[int, int], slots: int) -> list[int]:
    signed = sorted({sign(gram, key) >> 32 for gram in grams} - {0, 0xFFFFFFFF})[:slots]
    return signed + [0] * (slots - len(signed))


# measures


def word_count(words: Sequence[Word]) -> int:
    """Twin of `measures.count_words` for one text."""
    return (sum(word.weight for word in words) + 1) // 2


def entropy(words: Sequence[Word]) -> float:
    """Twin of `measures.entropy` for one text."""
    counts = Counter(word.value for word in words)
    return -sum(n / len(words) * math.log2(n / len(words)) for n in counts.values())
