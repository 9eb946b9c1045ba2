"""Partials of days, merged, are to the bit what one aggregation of all events is."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from stillwatch.detect.engines.gather import gather
from stillwatch.detect.engines.local import LocalEngine
from stillwatch.detect.engines.partial import PartialEngine
from stillwatch.detect.partials import Merged, merge
from stillwatch.detect.progress import Silent
from stillwatch.events.fingerprint import fingerprint_stream
from stillwatch.events.key import Key
from stillwatch.events.readers import Rejects, open_arrow
from stillwatch.events.schema import PASSAGES
from tests.detect.world import World

DAY = 24 * 3600 * 1_000_000


@pytest.fixture(scope="module")
def drawn() -> pa.Table:
    """Events with ties, gaps over days, answers that come back, and several models."""
    world = World(np.random.default_rng(5))
    world.strangers(60, events=30)
    world.people("few", 20, events=4)
    table = world.table()
    rng = np.random.default_rng(6)
    rows = table.num_rows
    passages = rng.integers(0, 4000, (rows, PASSAGES)).astype(np.uint32)
    answers = rng.integers(0, 4000, (rows, PASSAGES)).astype(np.uint32)
    changed = {
        "model": pa.array(np.array(["m", "n", "o"])[rng.integers(0, 3, rows)]),
        "entropy": pa.array(rng.random(rows).astype(np.float32) * 9),
        "passages": _lists(passages),
        "completion_passages": _lists(answers),
        "tls_fingerprint": pa.array(np.array(["t1", "t2"])[rng.integers(0, 2, rows)]),
        "client_name": pa.array(np.array(["a", "b"])[rng.integers(0, 2, rows)]),
        "time": pc.add(
            table["time"], pa.array(rng.choice([0, 0, 500_000], rows), pa.duration("us"))
        ),
    }
    for name, column in changed.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(name), column)
    return table


def _lists(values):
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])


def written(table, path):
    pq.write_table(table, path)
    return path


def same(first, second):
    """Whether two populations are the same to the bit."""
    assert first.profiles.equals(second.profiles)
    assert first.pace.equals(second.pace)
    assert list(first.features) == list(second.features)
    assert first.models.names == second.models.names
    pairs = [(first.features[f], second.features[f]) for f in first.features]
    tables = ("sketches", "hourly", "models")
    pairs += [(getattr(first, name), getattr(second, name)) for name in tables]
    for one, other in pairs:
        for name, values in vars(other).items():
            if isinstance(values, np.ndarray):
                assert getattr(one, name).dtype == values.dtype, (type(one), name)
                assert np.array_equal(getattr(one, name), values), (type(one), name)
    assert (first.first_seen, first.last_seen) == (second.first_seen, second.last_seen)


@pytest.mark.parametrize("cuts", [[3], [1, 2, 9], list(range(1, 14))])
def test_days_merge_to_the_whole(drawn, cuts, tmp_path):
    day = pc.divide(drawn["time"].cast(pa.int64()), DAY).to_numpy()
    whole = written(drawn, tmp_path / "all.parquet")
    with LocalEngine([whole], tmp_path, memory_limit="500MB", threads=2) as engine:
        expected = gather(engine, None, None, Silent())
        readable = engine.readable()
    part = np.searchsorted(day.min() + np.array(cuts), day, side="right")
    merged = None
    for number in range(len(cuts) + 1):
        rows = drawn.filter(pa.array(part == number))
        path = written(rows, tmp_path / f"{number}.parquet")
        with PartialEngine([path], tmp_path, memory_limit="500MB", threads=2) as engine:
            partial = engine.partial()
        merged = partial if merged is None else merge(merged, partial)
    with PartialEngine([whole], tmp_path, memory_limit="500MB", threads=2) as engine:
        echoes = engine.echoes()
    assert echoes.any()
    same(gather(Merged(merged, echoes), None, None, Silent()), expected)
    assert merged.readable == readable
    assert merged.events == drawn.num_rows


def test_merging_is_associative(drawn, tmp_path):
    day = pc.divide(drawn["time"].cast(pa.int64()), DAY).to_numpy()
    part = np.searchsorted(day.min() + np.array([4, 9]), day, side="right")
    partials = []
    for number in range(3):
        path = written(drawn.filter(pa.array(part == number)), tmp_path / f"{number}.parquet")
        with PartialEngine([path], tmp_path, memory_limit="500MB", threads=1) as engine:
            partials.append(engine.partial())
    a, b, c = partials
    none = np.zeros(merge(merge(a, b), c).accounts, np.int64)
    populations = [
        gather(Merged(found, none), None, None, Silent())
        for found in (merge(merge(a, b), c), merge(a, merge(b, c)))
    ]
    same(*populations)


def test_simulated_traffic_merges_to_the_whole(log_part, tmp_path):
    batches = fingerprint_stream(open_arrow(log_part, rejects=Rejects()), Key.public())
    table = pa.Table.from_batches(batches)
    day = pc.divide(table["time"].cast(pa.int64()), DAY).to_numpy()
    paths = [written(table, tmp_path / "all.parquet")]
    for number in (0, 1):
        rows = table.filter(pa.array((day > day.min() + 6) == number))
        paths.append(written(rows, tmp_path / f"{number}.parquet"))
    options = {"memory_limit": "500MB", "threads": 2}
    with LocalEngine(paths[:1], tmp_path, **options) as engine:
        expected = gather(engine, None, None, Silent())
    partials = []
    for path in paths[1:]:
        with PartialEngine([path], tmp_path, **options) as engine:
            partials.append(engine.partial())
    with PartialEngine(paths[1:], tmp_path, **options) as engine:
        echoes = engine.echoes()
    same(gather(Merged(merge(*partials), echoes), None, None, Silent()), expected)
