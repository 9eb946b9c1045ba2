"""The conformance suite: every store keeps the promises at the top of `store`."""

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from stillwatch.errors import ConfigError, StorageError
from stillwatch.share.hub import database
from stillwatch.share.hub.memory import MemoryStore
from stillwatch.share.hub.model import (
    Collection,
    Contribution,
    Member,
    Query,
    Role,
    Version,
    micros,
)
from stillwatch.share.hub.schema import METADATA
from stillwatch.share.hub.sql import SqlStore
from stillwatch.share.hub.store import DIFFERS, TAKEN
from tests.share.hub.build import COLLECTION, NOW, OTHER, admit, furnish, item, sqlite

ALL = frozenset({Version.ALL})
counter = iter(range(10**9))


def give(store, *items, member="labs", collection=COLLECTION, now=1_000):
    status = f"status-{next(counter)}"
    body = store.add([Contribution(collection, member, status, micros(NOW), items)], now)[0]
    assert store.status(status, member) == body
    assert store.status(status, "stranger") is None
    return body


def rows(store, limit=1_000, **query):
    return store.page(Query(**{"collection": COLLECTION, **query}), limit).rows


def test_what_was_added_comes_back_in_order_with_rising_times(store):
    give(store, *(item(f"note--{n}", body=b"%d" % n) for n in range(5)))
    give(store, item("note--5", body=b"5"), now=1)
    found = rows(store)
    assert [row.body for row in found] == [b"0", b"1", b"2", b"3", b"4", b"5"]
    assert [row.added for row in found] == [1_000, 1_001, 1_002, 1_003, 1_004, 1_005]


def test_a_page_says_whether_there_is_more(store):
    give(store, *(item(f"note--{n}") for n in range(5)))
    first = store.page(Query(COLLECTION), 3)
    assert (len(first.rows), first.more) == (3, True)
    second = store.page(Query(COLLECTION, after=first.rows[-1].added), 2)
    assert ([row.id for row in second.rows], second.more) == (["note--3", "note--4"], False)
    assert store.page(Query("unknown"), 2).rows == []


def test_collections_do_not_mix(store):
    give(store, item("note--1"))
    give(store, item("note--2"), collection=OTHER)
    assert [row.id for row in rows(store)] == ["note--1"]
    assert [row.id for row in rows(store, collection=OTHER)] == ["note--2"]
    assert store.has(COLLECTION, "note--1")
    assert not store.has(COLLECTION, "note--2")


def test_versions_are_chosen(store):
    give(store, item("note--1", 5, b"b"))
    give(store, item("note--1", 9, b"c"), item("note--1", 2, b"a"), item("note--2", 1, b"z"))
    assert [row.body for row in rows(store)] == [b"c", b"z"]
    assert [row.body for row in rows(store, words=frozenset({Version.FIRST}))] == [b"a", b"z"]
    assert [row.body for row in rows(store, words=ALL)] == [b"b", b"c", b"a", b"z"]
    assert [row.body for row in rows(store, words=frozenset(), versions=(5,))] == [b"b"]
    both = rows(store, words=frozenset({Version.LAST}), versions=(2,), ids=("note--1",))
    assert [row.body for row in both] == [b"c", b"a"]


def test_filters_by_id_type_and_specification(store):
    give(store, item("a--1", kind="a"), item("b--1", kind="b"), item("c--1", kind="c"))
    assert [row.id for row in rows(store, types=("c", "a"))] == ["a--1", "c--1"]
    assert [row.id for row in rows(store, limit=1, types=("c", "b"))] == ["b--1"]
    assert [row.id for row in rows(store, ids=("b--1", "x"))] == ["b--1"]
    assert rows(store, spec_versions=("2.0",)) == []
    assert len(rows(store, spec_versions=("2.1", "2.0"))) == 3


def test_the_same_again_adds_nothing_and_other_content_fails(store):
    give(store, item("note--1", 1, b"a"))
    assert b'"success_count":1' in give(store, item("note--1", 1, b"a"))
    assert b'"success_count":1' in give(store, item("note--1", 1, b"a"), member="rival")
    assert DIFFERS.encode() in give(store, item("note--1", 1, b"b"))
    assert DIFFERS.encode() in give(store, item("note--3", 1, b"a"), item("note--3", 1, b"b"))
    assert [row.body for row in rows(store, words=ALL)] == [b"a", b"a"]


def test_an_object_belongs_to_who_added_it_first(store):
    give(store, item("note--1", 1, b"a"))
    assert TAKEN.encode() in give(store, item("note--1", 2, b"b"), member="rival")
    assert b'"success_count":1' in give(store, item("note--1", 2, b"b"))


def test_only_the_contributor_or_an_operator_deletes(store):
    give(store, *(item("note--1", n, b"%d" % n) for n in (1, 2, 3)))
    last = Query(COLLECTION, ids=("note--1",))
    assert store.remove(last, "rival") == 0
    assert store.remove(last, "labs") == 1
    assert [row.version for row in rows(store)] == [2]
    assert store.remove(replace(last, words=frozenset({Version.FIRST})), None) == 1
    assert [row.version for row in rows(store, words=frozenset({Version.FIRST}))] == [2]
    assert store.remove(replace(last, words=ALL), None) == 1
    assert not store.has(COLLECTION, "note--1")
    give(store, item("note--9"))
    assert rows(store)[0].added > 1_002, "a sequence number is never given twice"


def test_old_status_resources_go(store):
    give(store, item("note--1"))
    assert store.forget(NOW) == 0
    assert store.forget(NOW + timedelta(seconds=1)) == 1


def test_trust_is_kept_and_its_version_rises(store):
    before = store.trust_version()
    issued = admit(store, "labs", Role.READER, Role.AUDITOR, life=timedelta(days=3))
    store.put_member(Member("labs", "Renamed", revoked=True))
    store.put_collection(Collection(COLLECTION, "forum", "New title", writable=False))
    trust = store.trust()
    assert store.trust_version() == trust.version == before + 4
    assert trust.credentials[issued.credential.id] == issued.credential
    assert trust.members["labs"] == Member("labs", "Renamed", revoked=True)
    assert trust.collection("forum", COLLECTION).title == "New title"
    assert trust.collection("forum", "campaigns") is None


@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 3), st.integers(1, 4), st.sampled_from([b"a", b"b"]),
                      st.sampled_from(["labs", "rival"])),
            max_size=6,
        ),
        max_size=4,
    ),
    st.integers(0, 3),
)  # fmt: skip
@tries(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow,
       HealthCheck.function_scoped_fixture])  # fmt: skip
def test_sql_does_as_the_reference_does(tmp_path, rounds, removed):
    path = tmp_path / f"{next(counter)}.db"
    stores = [furnish(MemoryStore()), furnish(sqlite(path))]
    for some in rounds:
        given_ = [
            Contribution(COLLECTION, who, f"{n}-{next(counter)}", 1, [item(f"n--{i}", v, body)])
            for n, (i, v, body, who) in enumerate(some)
        ]
        assert stores[0].add(given_, 7) == stores[1].add(given_, 7)
        gone = Query(COLLECTION, ids=(f"n--{removed}",))
        assert stores[0].remove(gone, "labs") == stores[1].remove(gone, "labs")
        for words in (ALL, frozenset({Version.LAST}), frozenset({Version.FIRST})):
            query = Query(COLLECTION, words=words)
            assert stores[0].page(query, 99).rows == stores[1].page(query, 99).rows
    stores[1].close()


def test_a_reader_misses_and_repeats_nothing_while_many_write(store):
    """Writers race, with clocks that differ; a reader follows by `after` all the while."""
    writers, each = 4, 40
    done = threading.Event()

    def write(number):
        for n in range(each):
            give(store, item(f"note--{number}-{n}-a"), item(f"note--{number}-{n}-b"),
                 now=int(time.time() * 1e6) + number * 5_000 - 10_000)  # fmt: skip

    threads = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
    seen, after = [], 0

    def read():
        nonlocal after
        while True:
            last = done.is_set()
            page = store.page(Query(COLLECTION, after=after), 7)
            seen.extend(row.id for row in page.rows)
            after = page.rows[-1].added if page.rows else after
            if last and not page.rows:
                return

    reader = threading.Thread(target=read)
    reader.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()
    assert len(seen) == len(set(seen)) == writers * each * 2


def test_the_migrations_make_the_tables(tmp_path, postgres_store):
    for store in (sqlite(tmp_path / "hub.db"), postgres_store):
        engine = store._engine
        database.check_schema(engine)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection)
            assert compare_metadata(context, METADATA) == []
        store.close()


def test_a_database_without_hub_or_of_another_schema_is_refused(tmp_path):
    engine = database.open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    with pytest.raises(ConfigError, match="holds no hub"):
        database.check_schema(engine)
    database.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'other'"))
    with pytest.raises(ConfigError, match="has schema other"):
        database.check_schema(engine)
    engine.dispose()


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "file.db"])
def test_other_databases_are_refused(url):
    with pytest.raises(ConfigError, match="database"):
        database.open_engine(url)


def test_a_failing_database_is_one_line_without_content(tmp_path):
    store = SqlStore(database.open_engine(f"sqlite:///{tmp_path / 'hub.db'}"))
    with pytest.raises(StorageError, match=r"^the hub's database failed \(OperationalError\)"):
        store.add([Contribution(COLLECTION, "labs", "1", 1, [item("secret--1")])], 1)
    store.close()
