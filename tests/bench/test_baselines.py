from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import sparse

from stillwatch.bench.baselines.catchsync import CatchSync, authority, least
from stillwatch.bench.baselines.components import Components
from stillwatch.bench.baselines.fraudar import Fraudar
from stillwatch.bench.baselines.isolation import IsolationForest
from stillwatch.bench.baselines.lsh import Lsh
from stillwatch.bench.baselines.synchrotrap import SynchroTrap
from stillwatch.bench.baselines.thresholds import Thresholds
from stillwatch.bench.extra import load, require_all
from stillwatch.bench.method import Traffic
from stillwatch.errors import ConfigError
from stillwatch.events.markers import Marker

START = datetime(2026, 3, 2, tzinfo=UTC)


def row(account: str, minute: int, **values: int | None) -> dict[str, object]:
    unique = hash((account, minute)) % 2**40
    return {
        "account_id": account,
        "time": START + timedelta(minutes=minute),
        "output_tokens": 100,
        "markers": 0,
        "opening": unique,
        "template": unique,
        "system": None,
        "client": 1,
        "parameters": 2,
        "network": None,
    } | values


@pytest.fixture
def write(tmp_path):
    def made(rows: list[dict[str, object]], benign: list[str], **payment: int) -> Traffic:
        schema = pa.schema(
            [("account_id", pa.string()), ("time", pa.timestamp("us", tz="UTC"))]
            + [(name, pa.uint64()) for name in rows[0] if name not in ("account_id", "time")]
        )
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), tmp_path / "fingerprints.parquet")
        accounts = sorted({str(r["account_id"]) for r in rows})
        pq.write_table(
            pa.table(
                {
                    "account_id": accounts,
                    "payment_hash": pa.array([payment.get(a) for a in accounts], pa.int64()),
                    "device_hash": pa.nulls(len(accounts), pa.string()),
                }
            ),
            tmp_path / "accounts.parquet",
        )
        return Traffic(
            events=tmp_path,
            accounts=tmp_path / "accounts.parquet",
            fingerprints=tmp_path / "fingerprints.parquet",
            benign=np.array(benign, dtype=object),
            scratch=tmp_path,
        )

    return made


def flagged(table: pa.Table) -> dict[str, str]:
    return {r["account_id"]: r["campaign_id"] for r in table.to_pylist() if r["kind"]}


def test_thresholds_flag_who_exceeds_every_benign_account(write) -> None:
    people = [f"p{i:02d}" for i in range(20)]
    rows = [row(person, minute) for person in people for minute in range(5)]
    rows += [row("loud", minute) for minute in range(300)]
    rows += [row("asks", minute, markers=int(Marker.THINKING)) for minute in range(5)]
    rows += [row("quiet", minute) for minute in range(4)]
    table = Thresholds().flag(write(rows, people))
    assert set(flagged(table)) == {"loud", "asks"}
    assert table["account_id"].to_pylist() == sorted([*people, "loud", "asks", "quiet"])


def test_components_join_accounts_that_share_two_rare_features(write) -> None:
    rows = [row(f"a{i}", 0, template=7, system=8) for i in range(4)]
    rows += [row("a4", 0, template=7), row("a4", 1, network=9), row("a3", 1, network=9)]
    rows += [row("b0", 0, template=7)]
    rows += [row(f"p{i}", i) for i in range(6)]
    table = Components(shared=2, smallest=4, most=6).flag(write(rows, []))
    found = flagged(table)
    assert set(found) == {"a0", "a1", "a2", "a3", "a4"}  # a4 shares template and network with a3
    assert len(set(found.values())) == 1


def test_components_leave_popular_features_out(write) -> None:
    rows = [row(f"a{i}", 0, template=7, system=8) for i in range(5)]
    assert flagged(Components(shared=2, smallest=3, most=5).flag(write(rows, [])))
    assert not flagged(Components(shared=2, smallest=3, most=4).flag(write(rows, [])))


def test_components_count_payments(write) -> None:
    rows = [row(f"a{i}", 0, template=7) for i in range(3)]
    traffic = write(rows, [], a0=5, a1=5, a2=5)
    assert len(flagged(Components(shared=2, smallest=3).flag(traffic))) == 3


def test_fraudar_flags_a_dense_block_in_spite_of_camouflage(write) -> None:
    """Farmed accounts share what is rare among themselves, and a popular template with all."""
    farmed = [
        row(f"f{i}", minute, template=100 + k, network=200 + k)
        for i in range(12)
        for minute, k in enumerate(range(6))
    ]
    camouflage = [row(f"f{i}", 30 + i, template=1) for i in range(12)]
    people = [row(f"p{i:02d}", i, template=1, network=1000 + i // 2) for i in range(60)]
    table = Fraudar(blocks=1).flag(write(farmed + camouflage + people, []))
    assert set(flagged(table)) == {f"f{i}" for i in range(12)}
    assert min(r["score"] for r in table.to_pylist() if r["kind"]) > 0


def test_synchrotrap_links_those_who_act_together_again_and_again(write) -> None:
    together = [row(f"t{i}", 60 * hour + i, template=hour) for i in range(5) for hour in range(8)]
    same_but_later = [
        row(f"l{i}", 60 * (50 * i + hour) + i, template=hour)
        for i in range(1, 6)
        for hour in range(8)
    ]
    busy = [row("busy", 60 * hour, template=hour % 2) for hour in range(200)]
    table = SynchroTrap(smallest=4).flag(write(together + same_but_later + busy, []))
    assert set(flagged(table)) == {f"t{i}" for i in range(5)}


def test_catchsync_flags_accounts_whose_features_are_alike(write) -> None:
    """Farmed accounts share what thirty carry, people a bit of everything."""
    rng = np.random.default_rng(1)
    farmed = [row(f"f{i:02d}", k, template=100 + k) for i in range(30) for k in range(12)]
    people = [
        row(f"p{i:03d}", k, template=int(1000 + 400 * rng.power(0.3)))
        for i in range(300)
        for k in range(12)
    ]
    found = flagged(CatchSync(cells=10).flag(write(farmed + people, [])))
    assert {f"f{i:02d}" for i in range(30)} <= set(found)
    assert len(found) <= 33


def test_authority_is_the_leading_singular_vector() -> None:
    edges = (np.random.default_rng(2).random((30, 8)) < 0.4).astype(float)
    leading = np.abs(np.linalg.svd(edges)[2][0])
    assert authority(sparse.csr_array(edges)) == pytest.approx(leading / leading.sum(), rel=1e-6)


def test_no_distribution_is_less_synchronous_than_the_bound() -> None:
    rng = np.random.default_rng(3)
    everywhere = rng.dirichlet(np.ones(12))
    own = rng.dirichlet(np.full(12, 0.3), size=500)
    assert ((own**2).sum(axis=1) >= least(own @ everywhere, everywhere) - 1e-9).all()
    assert (everywhere**2).sum() == pytest.approx(
        float(least(np.array([(everywhere**2).sum()]), everywhere)[0])
    )


def test_lsh_links_accounts_by_common_bands(write) -> None:
    traffic = write([row(f"a{i}", 0) for i in range(9)], [])
    table = pq.read_table(traffic.fingerprints)
    alike = [[10 * k + b for b in range(8)] for k in (1, 1, 1, 1, 2, 3)]
    half = [[*range(10, 14), *range(90, 94)], [*range(94, 102)], [*range(102, 110)]]
    bands = pa.array([*alike, *half], pa.list_(pa.uint64(), 8))
    pq.write_table(table.append_column("bands", bands), traffic.fingerprints)
    assert set(flagged(Lsh(shared=8, smallest=4).flag(traffic))) == {"a0", "a1", "a2", "a3"}
    assert len(flagged(Lsh(shared=4, smallest=5).flag(traffic))) == 5


def test_an_isolation_forest_flags_who_does_what_no_one_else_does(write) -> None:
    rng = np.random.default_rng(4)
    people = [f"p{i:03d}" for i in range(200)]
    columns = {"content": 0, "words": 0, "constraints": 0, "input_tokens": 0, "turn": 1}

    def sent(account: str, minute: int, words: int) -> dict[str, object]:
        own = {"content": hash((account, minute)) % 2**40, "words": words}
        return row(account, minute) | columns | own | {"temperature": 1}

    rows = [
        sent(p, int(rng.integers(10_000)), int(rng.integers(5, 40)))
        for p in people
        for _ in range(8)
    ]
    rows += [sent("odd", minute, 900) for minute in range(600)]
    traffic = write(rows, people)
    table = IsolationForest(trees=100).flag(traffic)
    assert set(flagged(table)) == {"odd"}
    assert table["score"].to_numpy()[table["account_id"].to_pylist().index("odd")] > 0.6


def test_a_method_whose_library_is_missing_is_refused_before_it_runs() -> None:
    class Wants:
        name = "wants"
        needs = ("no_such_library",)

        def flag(self, traffic: Traffic) -> pa.Table:
            raise AssertionError(traffic)

    with pytest.raises(
        ConfigError, match=r"wants needs no_such_library: pip install 'stillwatch\["
    ):
        require_all(Wants())
    with pytest.raises(ConfigError, match="no_such_library"):
        load("no_such_library.part")
    require_all(IsolationForest())
