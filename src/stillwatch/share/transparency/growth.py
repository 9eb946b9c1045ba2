"""How the log grows: what must be remembered of it, and which files each step writes.

The frontier is the right edge of the tree in tiles: at most 255 hashes a level. It is all that
appending and the root need, however long the log is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

from stillwatch.errors import IntegrityError
from stillwatch.share.transparency import merkle, tiles
from stillwatch.share.transparency.merkle import HASH_BYTES
from stillwatch.share.transparency.tiles import ENTRIES, TILE_HEIGHT, TILE_WIDTH, Read, Tile

_TILE_BYTES: Final = TILE_WIDTH * HASH_BYTES


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree.

    Attributes:
        size: Leaves so far.
        entries: Of the last bundle, while it is partial; at most 255.
        levels: The last tile of each level, from 0 up, while it is partial; else empty bytes.
    """

    size: int = 0
    entries: tuple[bytes, ...] = ()
    levels: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        """Root of the tree."""
        return merkle.root(self._node, self.size)

    def _node(self, height: int, index: int) -> bytes:
        """A node of the right edge; the root needs no other."""
        level, rest = divmod(height, TILE_HEIGHT)
        start = (index << rest) % TILE_WIDTH * HASH_BYTES
        return merkle.fold(
            tiles.split_hashes(self.levels[level][start : start + (HASH_BYTES << rest)])
        )


class Growth(NamedTuple):
    """A step of the log.

    Attributes:
        frontier: After it.
        files: What to write, by path. Write all of it before a checkpoint of that size is signed.
    """

    frontier: Frontier
    files: Mapping[str, bytes]


def grow(frontier: Frontier, entries: Sequence[bytes]) -> Growth:
    """Append entries.

    Args:
        frontier: Before them.
        entries: In the order of the log; a million at once need 225 MB for the time of the call.

    Raises:
        InputError: An entry has more than 65,535 bytes.
    """
    if not entries:
        return Growth(frontier, {})
    files: dict[str, bytes] = {}
    kept = (*frontier.entries, *entries)
    first = frontier.size // TILE_WIDTH
    for start in range(0, len(kept), TILE_WIDTH):
        piece = kept[start : start + TILE_WIDTH]
        tile = Tile(ENTRIES, first + start // TILE_WIDTH, len(piece))
        files[tile.path] = tiles.bundle(piece)
    levels: list[bytes] = []
    fresh = [merkle.leaf_hash(entry) for entry in entries]
    while fresh:
        level = len(levels)
        rest, fresh = _fill(frontier, level, fresh, files)
        levels.append(rest)
    size = frontier.size + len(entries)
    unfinished = kept[len(kept) - size % TILE_WIDTH :] if size % TILE_WIDTH else ()
    after = Frontier(size, unfinished, (*levels, *frontier.levels[len(levels) :]))
    return Growth(after, files)


def restore(read: Read, size: int) -> Frontier:
    """The frontier of a log that was written before.

    Args:
        read: Where its tiles are; they are the log's own, so they are trusted.
        size: Of its last checkpoint. Compare the frontier's root with the checkpoint's.

    Raises:
        IntegrityError: A tile or bundle is missing or damaged.
    """
    reader = tiles.TileReader(read, size)
    levels: list[bytes] = []
    count = size
    while count:
        full, rest = divmod(count, TILE_WIDTH)
        hashes = reader.hashes(Tile(len(levels), full, rest)) if rest else ()
        levels.append(b"".join(hashes))
        count = full
    last, rest = divmod(size, TILE_WIDTH)
    entries = tuple(reader.entries(last)) if rest else ()
    if levels and [merkle.leaf_hash(one) for one in entries] != tiles.split_hashes(levels[0]):
        raise IntegrityError("The last entry bundle does not fit its tile: restore both.")
    return Frontier(size, entries, tuple(levels))


def _fill(
    frontier: Frontier, level: int, fresh: Sequence[bytes], files: dict[str, bytes]
) -> tuple[bytes, list[bytes]]:
    """Write the tiles of one level: what is left of the last, and the nodes above the full ones."""
    before = frontier.levels[level] if level < len(frontier.levels) else b""
    data = b"".join(chain((before,), fresh))
    first = frontier.size >> TILE_HEIGHT * (level + 1)
    above = []
    piece = b""
    for start in range(0, len(data), _TILE_BYTES):
        piece = data[start : start + _TILE_BYTES]
        tile = Tile(level, first + start // _TILE_BYTES, len(piece) // HASH_BYTES)
        files[tile.path] = piece
        if tile.width == TILE_WIDTH:
            above.append(merkle.fold(tiles.split_hashes(piece)))
            piece = b""
    return piece, above
