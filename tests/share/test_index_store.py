import multiprocessing

import numpy as np
import pytest

from stillwatch.errors import ConfigError, InputError, IntegrityError, StorageError
from stillwatch.events.schema import BANDS
from stillwatch.share.signatures import index_layout as layout
from stillwatch.share.signatures import index_store
from stillwatch.share.signatures.index_entries import Entries
from stillwatch.share.signatures.index_store import build_index, merge_index, open_index

KEY = "00112233445566ff"


def batch(first, count):
    numbers = np.arange(first, first + count, dtype=np.uint32)
    values = numbers.astype(np.uint64) + np.uint64(1)
    bands = values[:, None] * np.uint64(10) + np.arange(BANDS, dtype=np.uint64)
    return Entries(
        numbers=numbers,
        families=np.zeros(count, np.uint8),
        values=values,
        set_numbers=numbers,
        needs=np.full(count, 4, np.uint8),
        bands=bands,
    )


def numbers_of(index, count):
    values = np.arange(1, count + 1, dtype=np.uint64)[:, None]
    _, hits = index.exact_batch(values)
    _, sets = index.similar_batch(values * np.uint64(10) + np.arange(BANDS, dtype=np.uint64))
    assert hits[:, 0].tolist() == sets[:, 0].tolist()
    return hits[:, 0].tolist()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "signatures.index"
    build_index(path, [batch(0, 300), batch(300, 200), batch(500, 0)], KEY, position=41)
    return path


def test_what_was_built_is_found(path):
    index = open_index(path, KEY)
    assert numbers_of(index, 600) == list(range(500))
    assert index.position == 41
    assert index.key == KEY
    assert index.nbytes >= path.stat().st_size
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_an_empty_index_finds_nothing(tmp_path):
    build_index(tmp_path / "empty", [], KEY)
    assert numbers_of(open_index(tmp_path / "empty", KEY), 10) == []


def test_a_merge_keeps_everything_and_leaves_one_file(path):
    index = open_index(path, KEY)
    index.remove(np.array([3, 4], np.uint32))
    index.add(batch(500, 100))
    expected = [n for n in range(600) if n not in {3, 4}]
    assert numbers_of(index, 600) == expected
    assert index.pending > 0
    merge_index(index, path, position=42)
    assert index.pending == 0
    assert numbers_of(index, 600) == expected
    again = open_index(path, KEY)
    assert numbers_of(again, 600) == expected
    assert again.position == 42
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_merge_that_fails_changes_nothing(path, monkeypatch):
    index = open_index(path, KEY)
    index.add(batch(500, 5))
    before = path.read_bytes()

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(index_store.os, "fsync", full)
        with pytest.raises(StorageError, match="No space left"):
            merge_index(index, path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert numbers_of(index, 600) == list(range(505))
    merge_index(index, path)
    assert numbers_of(open_index(path, KEY), 600) == list(range(505))


def test_a_build_that_fails_leaves_the_old_file(path):
    before = path.read_bytes()

    def batches():
        yield batch(0, 10)
        raise ValueError("the source broke")

    with pytest.raises(ValueError, match="source broke"):
        build_index(path, batches(), KEY)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        open_index(tmp_path / "none", KEY)


def test_another_key_is_refused(path):
    with pytest.raises(ConfigError, match="made under key 00112233445566ff"):
        open_index(path, "0" * 16)


def test_something_else_is_no_index(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"PAR1" * 200)
    with pytest.raises(InputError, match="not a signature index"):
        open_index(other, KEY)


@pytest.mark.parametrize("kept", [0, 100, 255, 256, 1_000, -1, -8])
def test_a_truncated_file_is_refused(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(IntegrityError, match=r"truncated|bytes instead of"):
        open_index(path, KEY)


def flip(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    path.write_bytes(content)


def test_another_version_is_refused(path):
    flip(path, layout.AT_VERSION * 8)
    with pytest.raises(IntegrityError, match="has version 17, this program reads 1"):
        open_index(path, KEY)


def test_a_damaged_header_is_refused(path):
    flip(path, layout.AT_SETS * 8)
    with pytest.raises(IntegrityError, match="damaged header"):
        open_index(path, KEY)


def test_a_damaged_body_is_refused_when_verified(path):
    flip(path, layout.HEADER * 8 + 5_000)
    with pytest.raises(IntegrityError, match="is damaged"):
        open_index(path, KEY)
    open_index(path, KEY, verify=False)


def look_up_elsewhere(path, answers):
    answers.put(numbers_of(open_index(path, KEY, verify=False), 600))


def test_another_process_maps_the_same_file(path):
    context = multiprocessing.get_context("spawn")
    answers = context.SimpleQueue()
    process = context.Process(target=look_up_elsewhere, args=(path, answers))
    process.start()
    assert answers.get() == list(range(500))
    process.join()
