"""Build a signature index from batches of entries, in bounded memory.

Entries go to scratch space by the top bits of their place; then each part is sorted by itself and
appended. The band sets are read twice: once to count bands, once to choose the rarest of each.
"""

import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import BinaryIO, Final, NamedTuple

import numpy as np

from stillwatch.errors import InputError
from stillwatch.events.kernels.types import U32s, U64s
from stillwatch.events.schema import BANDS
from stillwatch.share.signatures import index_layout as layout
from stillwatch.share.signatures.index_build_kernels import (
    choose_makers,
    count_bands,
    fold_all,
    group,
    place_words,
)
from stillwatch.share.signatures.index_entries import Entries
from stillwatch.share.signatures.index_kernels import MOST_CANDIDATES, MOST_HITS

Scratch = Callable[[], BinaryIO]
"""Opens empty temporary space that can be written and read."""

NO_NUMBERS: Final = np.empty(0, np.uint32)
_ENTRY: Final = np.dtype([("word", "<u8"), ("posting", "<u4")])
_SET_BYTES: Final = layout.SET_WORDS * 8
_CHUNK: Final = 1 << 17
"""Band sets that are read at once."""
_COPY: Final = 1 << 24
_HALF: Final = np.uint64(0xFFFFFFFF)
_NO_MAKERS: Final = np.uint64((1 << layout.MAKERS_SHIFT) - 1)
_MOST_ENTRIES: Final = (1 << 32) - 1


class _Spill:
    """Entries in scratch space, by the top `part_bits` bits of their place."""

    def __init__(self, scratch: Scratch, salt: U64s, part_bits: int) -> None:
        self._space = scratch()
        self._salt = salt
        self.part_bits = part_bits
        self._runs: list[tuple[int, list[int]]] = []
        self.entries = 0

    def put(self, words: U64s, postings: U32s) -> None:
        """Add entries, sorted into one run per part."""
        entries = np.empty(len(words), _ENTRY)
        entries["word"] = words
        entries["posting"] = postings
        bounds = [0, len(words)]
        if self.part_bits:
            places = np.empty(len(words), np.uint64)
            place_words(words, self._salt, places)
            parts = (places >> np.uint64(64 - self.part_bits)).astype(np.uint8)
            entries = entries[np.argsort(parts, kind="stable")]
            counts = np.bincount(parts, minlength=1 << self.part_bits)
            bounds = [0, *np.cumsum(counts).tolist()]
        self._runs.append((self._space.tell(), bounds))
        self._space.write(entries.tobytes())
        self.entries += len(words)

    def parts(self) -> Iterator[tuple[U64s, U32s]]:
        """Return the words of each part, ascending, and their postings."""
        for part in range(1 << self.part_bits):
            pieces = []
            for begin, bounds in self._runs:
                self._space.seek(begin + bounds[part] * _ENTRY.itemsize)
                size = (bounds[part + 1] - bounds[part]) * _ENTRY.itemsize
                pieces.append(self._space.read(size))
            entries = np.frombuffer(b"".join(pieces), _ENTRY)
            order = np.argsort(entries["word"], kind="stable")
            yield entries["word"][order], entries["posting"][order]

    def close(self) -> None:
        """Give the scratch space back."""
        self._space.close()


class _Table(NamedTuple):
    """The three sections of a table in scratch space, and what describes them."""

    spaces: list[BinaryIO]
    bits: int
    distinct: int
    entries: int
    shared: int
    longest: int
    crowded: int


def _group_table(spill: _Spill, bits: int, salt: U64s, scratch: Scratch, most: int) -> _Table:
    """Sort each part of a spill into its buckets."""
    spaces = [scratch() for _ in range(3)]
    directory, records, postings = spaces
    distinct = entries = shared = longest = crowded = 0
    buckets = 1 << (bits - spill.part_bits)
    for part, (words, pointed) in enumerate(spill.parts()):
        sizes, found, several = group(words, pointed, salt, bits, part * buckets, buckets, shared)
        filters = sizes & ~_HALF
        sizes &= _HALF
        before = np.cumsum(sizes) - sizes + np.uint64(distinct)
        directory.write((before | filters).tobytes())
        records.write(found.tobytes())
        postings.write(several.tobytes())
        counts = found[1::2] >> np.uint64(32)
        distinct += len(counts)
        entries += int(counts.sum())
        shared += len(several)
        longest = max(longest, int(sizes.max()))
        crowded += int(np.count_nonzero(counts > most))
    directory.write(np.array([distinct], "<u8").tobytes())
    return _Table(spaces, bits, distinct, entries, shared, longest, crowded)


def _table(spill: _Spill, salt: U64s, scratch: Scratch, most: int) -> _Table:
    """Make a table whose fullest bucket is short; in practice the first one is."""
    bits = max(spill.part_bits + 1, (spill.entries // layout.BUCKET_LOAD).bit_length())
    while True:
        table = _group_table(spill, bits, salt, scratch, most)
        if table.longest <= layout.LONGEST_BUCKET:
            return table
        for space in table.spaces:
            space.close()
        bits += 1


class Builder:
    """Takes entries and writes an index.

    Args:
        key: id of the key under which the values were made, `Key.id`.
        salt: two secret words that decide where values are placed; draw them anew for each base.
        scratch: opens temporary space.
        part_bits: logarithm of the number of parts that are sorted one at a time.
        counters: counters of bands, a power of two; too few only choose the rarest bands worse.
    """

    def __init__(
        self,
        key: str,
        salt: U64s,
        scratch: Scratch,
        *,
        part_bits: int = 6,
        counters: int = 1 << 26,
    ) -> None:
        self._key = key_number(key)
        self._salt = salt
        self._scratch = scratch
        self._part_bits = part_bits
        self._seen = np.zeros(counters, np.uint8)
        self._exact = _Spill(scratch, salt, part_bits)
        self._sets = scratch()
        self._sets_count = 0

    def add(self, entries: Entries) -> None:
        """Add entries; all of one signature come in one batch."""
        words = np.empty(len(entries.values), np.uint64)
        fold_all(entries.values, entries.families, words)
        self._exact.put(words, entries.numbers)
        sets = np.empty((len(entries.bands), layout.SET_WORDS), np.uint64)
        sets[:, :BANDS] = entries.bands
        needs = entries.needs.astype(np.uint64) << np.uint64(layout.NEED_SHIFT)
        sets[:, BANDS] = entries.set_numbers | needs
        self._add_sets(sets)

    def add_image(self, image: U64s, dead: U32s) -> None:
        """Add what an image holds of all signatures but the dead ones."""
        for words, numbers in exact_entries(image):
            alive = ~np.isin(numbers, dead)
            self._exact.put(words[alive], numbers[alive])
        sets = band_sets(image)
        for first in range(0, len(sets), _CHUNK):
            chunk = sets[first : first + _CHUNK].copy()
            chunk[:, BANDS] &= _NO_MAKERS
            numbers = (chunk[:, BANDS] & _HALF).astype(np.uint32)
            self._add_sets(chunk[~np.isin(numbers, dead)])

    def _add_sets(self, sets: U64s) -> None:
        count_bands(sets, self._seen)
        self._sets.write(sets.tobytes())
        self._sets_count += len(sets)

    def write(self, target: BinaryIO, position: int = 0, dead: U32s = NO_NUMBERS) -> None:
        """Write the whole index to a target that can be sought and read, and give scratch back.

        Args:
            target: an empty file.
            position: how far the caller's own sequence of updates has come.
            dead: for a delta, the numbers that its base no longer counts, ascending.

        Raises:
            InputError: There are more than 2^32 entries.
        """
        header = np.zeros(layout.HEADER, np.uint64)
        target.write(bytes(header.nbytes))
        header[layout.AT_SETS] = layout.HEADER
        header[layout.AT_SETS_COUNT] = self._sets_count
        banded = self._write_sets(target)
        if max(self._exact.entries, banded.entries) > _MOST_ENTRIES:
            raise InputError("One index holds at most 4 billion entries; split the signatures.")
        for at, spill, most in (
            (layout.EXACT, self._exact, MOST_HITS),
            (layout.BANDED, banded, MOST_CANDIDATES),
        ):
            table = _table(spill, self._salt, self._scratch, most)
            spill.close()
            _append(target, header, at, table)
        header[layout.AT_CROWDED] = table.crowded  # of the bands, the last table
        header[layout.AT_DEAD] = target.tell() // 8
        header[layout.AT_DEAD_COUNT] = len(dead)
        target.write(dead.tobytes() + bytes(-dead.nbytes % 8))
        header[layout.AT_MAGIC] = layout.MAGIC
        header[layout.AT_VERSION] = layout.VERSION
        header[layout.AT_LENGTH] = target.tell() // 8
        header[layout.AT_KEY] = self._key
        header[layout.AT_SALT : layout.AT_SALT + 2] = self._salt
        header[layout.AT_POSITION] = position
        header[layout.AT_BODY_CHECK] = _check(target)
        header[layout.AT_HEADER_CHECK] = header_check(header)
        target.seek(0)
        target.write(header.tobytes())

    def _write_sets(self, target: BinaryIO) -> _Spill:
        """Write the band sets with the choice of the bands that find them."""
        banded = _Spill(self._scratch, self._salt, self._part_bits)
        words = np.empty(_CHUNK * BANDS, np.uint64)
        rows = np.empty(_CHUNK * BANDS, np.uint32)
        self._sets.seek(0)
        first = 0
        while chunk := self._sets.read(_CHUNK * _SET_BYTES):
            sets = np.frombuffer(bytearray(chunk), np.uint64).reshape(-1, layout.SET_WORDS)
            found = choose_makers(sets, self._seen, first, words, rows)
            banded.put(words[:found], rows[:found])
            target.write(sets.tobytes())
            first += len(sets)
        self._sets.close()
        return banded


def exact_entries(image: U64s) -> Iterator[tuple[U64s, U32s]]:
    """Return the words and numbers of the exact entries of an image, some at a time."""
    first = int(image[layout.EXACT + layout.RECORDS])
    last = first + 2 * int(image[layout.EXACT + layout.DISTINCT])
    postings = 2 * int(image[layout.EXACT + layout.POSTINGS])
    for begin in range(first, last, 2 * _CHUNK):
        records = image[begin : min(begin + 2 * _CHUNK, last)]
        counts = (records[1::2] >> np.uint64(32)).astype(np.int64)
        shared = np.repeat(counts > 1, counts)
        numbers = np.empty(len(shared), np.uint32)
        numbers[~shared] = (records[1::2][counts == 1] & _HALF).astype(np.uint32)
        several = int(np.count_nonzero(shared))
        numbers[shared] = image.view(np.uint32)[postings : postings + several]
        postings += several
        yield np.repeat(records[::2], counts), numbers


def band_sets(image: U64s) -> U64s:
    """Return the band sets of an image, shape (sets, `SET_WORDS`)."""
    first = int(image[layout.AT_SETS])
    words = int(image[layout.AT_SETS_COUNT]) * layout.SET_WORDS
    return image[first : first + words].reshape(-1, layout.SET_WORDS)


def _append(target: BinaryIO, header: U64s, at: int, table: _Table) -> None:
    """Append the sections of a table, each from a whole word on, and describe it."""
    header[at + layout.BITS] = table.bits
    header[at + layout.DISTINCT] = table.distinct
    header[at + layout.ENTRIES] = table.entries
    header[at + layout.SHARED] = table.shared
    header[at + layout.LONGEST] = table.longest
    for place, space in enumerate(table.spaces, at + layout.BUCKETS):
        header[place] = target.tell() // 8
        space.seek(0)
        while piece := space.read(_COPY):
            target.write(piece)
        target.write(bytes(-target.tell() % 8))
        space.close()


def _check(target: BinaryIO) -> int:
    """Return the CRC-32 of all that follows the header, and stay at the end."""
    target.seek(layout.HEADER * 8)
    check = 0
    while piece := target.read(_COPY):
        check = zlib.crc32(piece, check)
    return check


def header_check(header: U64s) -> int:
    """Return the CRC-32 that a header must name."""
    return zlib.crc32(header[: layout.AT_HEADER_CHECK].tobytes())


def key_number(key: str) -> int:
    """Return a key id, 16 hexadecimal digits, as a number.

    Raises:
        InputError: It is not one.
    """
    if len(key) != 16 or not set(key) <= set("0123456789abcdef"):
        raise InputError(f"{key!r} is not a key id of 16 hexadecimal digits.")
    return int(key, 16)


def in_memory(entries: Entries, key: str, salt: U64s, dead: U32s = NO_NUMBERS) -> U64s:
    """Return an image of a few entries, and of the numbers that its base no longer counts."""
    counters = 1 << max(10, (len(entries.bands) * BANDS * 4).bit_length())
    builder = Builder(key, salt, BytesIO, part_bits=0, counters=counters)
    builder.add(entries)
    target = BytesIO()
    builder.write(target, dead=dead)
    return np.frombuffer(target.getvalue(), np.uint64)
