"""The tree as immutable files, in the form of C2SP tlog-tiles.

| path | holds |
|---|---|
| `tile/L/N` | 256 neighbouring nodes of height 8 L, from the 256 N-th on |
| `tile/L/N.p/W` | the same while only W of them exist |
| `tile/entries/N`, `tile/entries/N.p/W` | the entries of a tile at level 0, each after its length |

Nothing that is read here is trusted: it counts when a proof that is made of it leads to the root of
a signed checkpoint.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from stillwatch.errors import InputError, IntegrityError
from stillwatch.share.transparency import merkle
from stillwatch.share.transparency.merkle import HASH_BYTES

Read = Callable[[str], bytes | None]
"""Gives the content at a path, or None where there is nothing, as `get` of a dictionary does."""

TILE_HEIGHT: Final = 8
"""Levels of the tree between one level of tiles and the next."""
TILE_WIDTH: Final = 1 << TILE_HEIGHT
"""Nodes in a full tile, and entries in a full bundle."""
ENTRIES: Final = -1
"""Stands for the level of an entry bundle."""
MAX_LEVEL: Final = 63
"""Highest level that a path can name."""
MAX_ENTRY: Final = 2**16 - 1
"""Bytes that an entry can have: its length is written in two."""

_PATH: Final = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/"
    r"(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class Tile(NamedTuple):
    """Where a tile or bundle stands.

    Attributes:
        level: 0 to 63, or `ENTRIES`.
        number: Within its level, from 0.
        width: Hashes or entries that it has, 1 to 256; fewer than 256 make it partial.
    """

    level: int
    number: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Path below the log's prefix."""
        digits = f"{self.number:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[n : n + 3] for n in range(0, len(digits), 3)]
        index = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        level = "entries" if self.level == ENTRIES else self.level
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{index}{partial}"


def parse_path(path: str) -> Tile:
    """The tile or bundle that a path names; there is one path for each.

    Raises:
        InputError: The path names none.
    """
    found = _PATH.fullmatch(path)
    if found:
        level = ENTRIES if found["level"] == "entries" else int(found["level"])
        width = int(found["width"] or TILE_WIDTH)
        tile = Tile(level, int(re.sub(r"[x/]", "", found["index"])), width)
        # Writing it anew refuses zeros in front, a width of 256 and more that means the same.
        if level <= MAX_LEVEL and width <= TILE_WIDTH and tile.path == path:
            return tile
    raise InputError(f"{path!r} is no path of a tile: write it as tile/0/x001/x234/067.")


def tile_at(level: int, number: int, size: int) -> Tile:
    """A tile or bundle of a tree of that size, as wide as it is there.

    Raises:
        InputError: The tree has no such tile.
    """
    full, rest = divmod(size >> TILE_HEIGHT * max(level, 0), TILE_WIDTH)
    if number > full or (number == full and not rest):
        raise InputError(f"A tree of {size} leaves has no tile {number} at level {level}.")
    return Tile(level, number, TILE_WIDTH if number < full else rest)


def written(old: int, new: int) -> Iterator[Tile]:
    """The tiles and bundles that growth from `old` to `new` leaves writes, bundles first."""
    for level in (ENTRIES, *range(MAX_LEVEL + 1)):
        shift = TILE_HEIGHT * max(level, 0)
        before, after = old >> shift, new >> shift
        if before == after:
            return
        for number in range(before // TILE_WIDTH, -(-after // TILE_WIDTH)):
            yield tile_at(level, number, new)


def bundle(entries: Sequence[bytes]) -> bytes:
    """Entries as a bundle holds them.

    Raises:
        InputError: An entry is longer than `MAX_ENTRY`.
    """
    if any(len(entry) > MAX_ENTRY for entry in entries):
        raise InputError(f"An entry of the log has more than {MAX_ENTRY} bytes: log its digest.")
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def unbundle(data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle.

    Raises:
        IntegrityError: It does not hold exactly `width` entries.
    """
    entries = []
    start = 0
    while start < len(data):
        end = start + 2 + int.from_bytes(data[start : start + 2])
        entries.append(data[start + 2 : end])
        start = end
    if start != len(data) or len(entries) != width:
        raise IntegrityError(f"An entry bundle does not hold {width} entries: fetch it again.")
    return entries


def split_hashes(data: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [data[n : n + HASH_BYTES] for n in range(0, len(data), HASH_BYTES)]


class TileReader:
    """Nodes and entries of one tree, from its tiles.

    It keeps the nodes of every tile that it read, 511 a tile: make one for a few proofs.

    Args:
        read: Where the tiles are.
        size: Leaves of the tree, from a checkpoint.
    """

    def __init__(self, read: Read, size: int) -> None:
        self.size = size
        self._read = read
        self._rows: dict[Tile, list[list[bytes]]] = {}

    def node(self, height: int, index: int) -> bytes:
        """The node at (height, index); a `merkle.Node`.

        Raises:
            IntegrityError: Its tile is not there or has another length.
        """
        level, row = divmod(height, TILE_HEIGHT)
        number, place = divmod(index, TILE_WIDTH >> row)
        tile = tile_at(level, number, self.size)
        if tile not in self._rows:
            self._rows[tile] = merkle.rows(self.hashes(tile))
        return self._rows[tile][row][place]

    def hashes(self, tile: Tile) -> list[bytes]:
        """The hashes of a tile.

        Raises:
            IntegrityError: It is not there or has another length.
        """
        whole, data = self._fetch(tile)
        if len(data) != whole.width * HASH_BYTES:
            raise IntegrityError(
                f"{whole.path} must have {whole.width * HASH_BYTES} bytes, not {len(data)}."
            )
        return split_hashes(data)[: tile.width]

    def entries(self, number: int) -> list[bytes]:
        """The entries of a bundle.

        Args:
            number: Of the bundle: the index of a leaf, divided by 256.

        Raises:
            IntegrityError: It is not there, or does not hold as many entries as it must.
        """
        tile = tile_at(ENTRIES, number, self.size)
        whole, data = self._fetch(tile)
        return unbundle(data, whole.width)[: tile.width]

    def _fetch(self, tile: Tile) -> tuple[Tile, bytes]:
        """A tile, or the full one that took a partial one's place."""
        for one in (tile, tile._replace(width=TILE_WIDTH)):
            data = self._read(one.path)
            if data is not None:
                return one, data
        raise IntegrityError(f"The log has no {tile.path}, which its checkpoint asks for.")
