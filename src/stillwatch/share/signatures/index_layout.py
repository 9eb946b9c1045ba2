"""The layout of a signature index: one array of little-endian 64-bit words, in a file or in memory.

    header | band sets | table of exact values | table of bands | dead numbers

A table finds the postings of a word (a value folded with its family) by a salted hash:

    buckets   uint64, 2^bits + 1    where each bucket begins; in the upper half a filter of 32 bits
    records   uint64, 2 distinct    each word, bucket after bucket, and what it points to
    postings  uint32, shared        signature numbers, or rows of the band sets

What a word points to is a number of postings in the upper half of a record; the lower half is the
one posting itself, so that most hits read one place in memory, or where several begin.

A band set is nine words: eight bands, then signature number, bands needed and a bit set of the
bands that stand in the table. Only a delta has dead numbers: signatures whose entries in the base
no longer count.
"""

from typing import Final

MAGIC: Final = int.from_bytes(b"SWSIGIDX", "little")
VERSION: Final = 1

HEADER: Final = 32
"""Words of the header."""

# Places in the header.
AT_MAGIC: Final = 0
AT_VERSION: Final = 1
AT_LENGTH: Final = 2
"""Words of the whole index."""
AT_KEY: Final = 3
"""The id of the key under which all values were made, `Key.id` as a number."""
AT_SALT: Final = 4
"""Two words that place values in buckets; drawn anew for each base, never shared."""
AT_POSITION: Final = 6
"""How far in the caller's own sequence of updates the index has come."""
AT_BODY_CHECK: Final = 7
"""CRC-32 of all that follows the header."""
EXACT: Final = 8
"""Where the description of the table of exact values begins."""
BANDED: Final = 16
"""Where the description of the table of bands begins."""
AT_SETS: Final = 24
"""Where the band sets begin."""
AT_SETS_COUNT: Final = 25
AT_CROWDED: Final = 26
"""Bands shared by more sets than a look-up examines."""
AT_DEAD: Final = 27
"""Where the dead numbers begin: uint32, ascending."""
AT_DEAD_COUNT: Final = 28
AT_HEADER_CHECK: Final = 31
"""CRC-32 of the header up to here."""

# Places in the description of a table; sections are given by their first word.
BITS: Final = 0
BUCKETS: Final = 1
RECORDS: Final = 2
POSTINGS: Final = 3
DISTINCT: Final = 4
ENTRIES: Final = 5
SHARED: Final = 6
"""Postings of words that have several."""
LONGEST: Final = 7
"""Words in the fullest bucket: the most comparisons of one probe."""

SET_WORDS: Final = 9
"""Words of a band set."""
NEED_SHIFT: Final = 32
MAKERS_SHIFT: Final = 40

FAMILIES: Final = 56
"""Families of exact values; bands take the numbers above."""
LONGEST_BUCKET: Final = 32
"""A table whose fullest bucket holds more words is built again with twice the buckets."""
BUCKET_LOAD: Final = 4
"""Entries per bucket at most, on average."""
