"""Paths, what a growth writes, and nodes read back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.errors import InputError, IntegrityError
from stillwatch.share.transparency import growth, merkle, tiles
from stillwatch.share.transparency.growth import Frontier, grow, restore
from stillwatch.share.transparency.tiles import ENTRIES, Tile, TileReader
from tests.share.transparency import naive

ENTRY = [number.to_bytes(3) for number in range(70_000)]


@pytest.fixture(scope="module")
def large():
    """The tree of 70,000 leaves of the specification's example."""
    return grow(Frontier(), ENTRY)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(1, 999), "tile/1/999"),
        (Tile(2, 1000, 1), "tile/2/x001/000.p/1"),
        (Tile(ENTRIES, 273, 112), "tile/entries/273.p/112"),
        (Tile(63, 5, 255), "tile/63/005.p/255"),
    ],
)
def test_paths(tile, path):
    assert tile.path == path
    assert tiles.parse_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000\n",
        "tile/-1/000",
        "/tile/0/000",
        "tile/0/../0/000",
        "tile/entries",
        "tile/0/٠٠٠",
    ],
)
def test_other_paths_name_nothing(path):
    with pytest.raises(InputError, match="no path of a tile"):
        tiles.parse_path(path)


@given(st.integers(-1, 63), st.integers(0, 2**55), st.integers(1, 256))
def test_every_tile_has_one_path(level, number, width):
    tile = Tile(level, number, width)
    assert tiles.parse_path(tile.path) == tile


def test_the_example_of_the_specification(large):
    """70,000 leaves: 273 full tiles and one of 112, then 1 and 17, then 1."""
    widths = {}
    for path in large.files:
        tile = tiles.parse_path(path)
        widths.setdefault(tile.level, []).append(tile.width)
    assert widths == {
        ENTRIES: [256] * 273 + [112],
        0: [256] * 273 + [112],
        1: [256, 17],
        2: [1],
    }


def test_a_full_tile_begins_the_level_above():
    assert [tile.path for tile in tiles.written(0, 256)] == [
        "tile/entries/000",
        "tile/0/000",
        "tile/1/000.p/1",
    ]


@given(st.lists(st.integers(0, 700), max_size=6))
@settings(deadline=None)
def test_growth_writes_what_is_foretold_and_the_same_in_any_steps(steps):
    frontier, files = Frontier(), {}
    for step in steps:
        after = grow(frontier, ENTRY[frontier.size : frontier.size + step])
        foretold = {tile.path for tile in tiles.written(frontier.size, after.frontier.size)}
        assert set(after.files) == foretold
        frontier, files = after.frontier, files | after.files
    size = frontier.size
    assert frontier == grow(Frontier(), ENTRY[:size]).frontier
    assert frontier.root() == naive.root(ENTRY[:size])
    assert restore(files.get, size) == frontier
    assert all(len(level) < 8192 for level in frontier.levels)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_535, 65_536, 65_537])
def test_at_the_edges_of_tiles(size):
    after = grow(Frontier(), ENTRY[:size])
    assert after.frontier.root() == naive.root(ENTRY[:size])
    assert restore(after.files.get, size) == after.frontier


@given(st.integers(1, 70_000), st.data())
@settings(deadline=None, max_examples=40)
def test_proofs_from_tiles_of_a_larger_tree(large, size, data):
    smaller = grow(Frontier(), ENTRY[:size])
    reader = TileReader(lambda path: large.files.get(path, smaller.files.get(path)), size)
    top = smaller.frontier.root()
    assert merkle.root(reader.node, size) == top
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion_proof(reader.node, index, size)
    merkle.verify_inclusion(merkle.leaf_hash(ENTRY[index]), index, size, path, top)
    assert reader.entries(index // 256)[index % 256] == ENTRY[index]


def test_a_full_tile_stands_in_for_a_partial_one(large):
    reader = TileReader(large.files.get, 1000)
    assert "tile/0/003.p/232" not in large.files
    assert merkle.root(reader.node, 1000) == naive.root(ENTRY[:1000])
    assert reader.entries(3) == ENTRY[768:1000]


@pytest.mark.parametrize("damage", [lambda _: None, lambda held: held[:-1], lambda _: b""])
def test_a_missing_or_short_tile_is_an_error(large, damage):
    def read(path):
        held = large.files.get(path)
        return held if held is None or path != "tile/0/000" else damage(held)

    with pytest.raises(IntegrityError, match="tile/0/000"):
        TileReader(read, 70_000).node(0, 5)


def test_nothing_is_read_beyond_the_tree(large):
    with pytest.raises(InputError, match="no tile 1 at level 0"):
        TileReader(large.files.get, 256).node(0, 256)


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x05abc", b"\x00\x01a", b"\x00\x01a" * 3])
def test_a_bundle_holds_what_it_must(data):
    with pytest.raises(IntegrityError, match="does not hold 2 entries"):
        tiles.unbundle(data, 2)


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_bundles_come_back(entries):
    assert tiles.unbundle(tiles.bundle(entries), len(entries)) == entries


def test_an_entry_has_a_length_in_two_bytes():
    assert len(tiles.bundle([bytes(65_535)])) == 65_537
    with pytest.raises(InputError, match="65535 bytes"):
        growth.grow(Frontier(), [bytes(65_536)])


def test_a_damaged_log_is_not_taken_up_again(large):
    files = dict(large.files)
    path = "tile/entries/273.p/112"
    files[path] = files[path].replace(ENTRY[69_999], b"xyz")
    with pytest.raises(IntegrityError, match="does not fit its tile"):
        restore(files.get, 70_000)
