"""A scan on a cluster: the same result, no text on a disk, only what is needed read."""

import datetime as dt
import json
import re
import sys
import urllib.request

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import stillwatch
from stillwatch.cli.main import main
from stillwatch.detect.store import read_result
from stillwatch.detect.workers import Threads
from stillwatch.errors import ConfigError, InputError, PeerError
from stillwatch.events.period import Period
from stillwatch.events.readers import Rejects, open_log
from stillwatch.events.schema import FINGERPRINTS
from tests.detect.test_engines import job
from tests.detect.test_privacy import holds_text, planted
from tests.signals.build import event

FIRST, LAST = dt.date(2026, 3, 3), dt.date(2026, 3, 4)


@pytest.fixture(scope="module")
def days(part, tmp_path_factory):
    """A log in folders by day, with canaries in all texts and two rows that cannot be read."""
    folder = tmp_path_factory.mktemp("days")
    table = planted(part)
    times = table["time"].to_pylist()
    for row in (17, 4000):
        times[row] = times[row].replace(year=1999)
    place = table.schema.get_field_index("time")
    date = pc.strftime(table["time"], format="%Y-%m-%d")
    table = table.set_column(place, "time", pa.array(times, table.schema.field("time").type))
    table = table.append_column("unknown", pc.binary_length(table["prompt"]))
    for day in pc.unique(date).to_pylist():
        home = folder / f"date={day}"
        home.mkdir()
        pq.write_table(table.filter(pc.equal(date, day)), home / "part-0.parquet")
    return folder


@pytest.fixture(scope="module")
def results(request, days, log, cluster, tmp_path_factory):
    """The result of each engine over the same log."""
    request.getfixturevalue("spark")
    home = tmp_path_factory.mktemp("results")
    common = [str(days), "--accounts", str(log.accounts), "--quiet", "--out"]
    assert main(["scan", *common, str(home / "local")]) == 0
    given = ["--engine", "spark", "--master", cluster.master]
    assert main(["scan", *common, str(home / "spark"), *given]) == 0
    return home / "local", home / "spark"


def test_a_scan_on_a_cluster_gives_the_same_result(results):
    local, spark = map(read_result, results)
    assert local.campaigns
    assert spark.campaigns == local.campaigns
    assert spark.accounts == local.accounts
    assert spark.profiles == local.profiles
    assert spark.summary == local.summary


def test_rows_that_cannot_be_read_are_listed_alike(results):
    rows = [sorted((folder / "rejected.jsonl").read_text().splitlines()) for folder in results]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 2


@pytest.mark.usefixtures("results")
def test_no_text_on_a_disk_of_the_cluster(cluster):
    """Shuffles, spills and broadcasts lie uncompressed while the session is open."""
    files = [path for path in cluster.scratch.rglob("*") if path.is_file()]
    assert any(path.suffix == ".data" for path in files), "there are shuffles to look into"
    assert [path for path in files if holds_text(path.read_bytes())] == []


def plan_of(spark, folder, period):
    from stillwatch.detect.engines.spark.reading import frames_of

    _, (frame,) = frames_of(spark, job(folder, period=period))
    return frame, frame._jdf.queryExecution().explainString(
        spark._jvm.org.apache.spark.sql.execution.ExplainMode.fromString("formatted")
    )


def test_only_the_folders_and_columns_needed_are_read(spark, days):
    frame, plan = plan_of(spark, days, Period(FIRST, LAST))
    # A day more on either side; which events count is told by their time.
    assert re.search(r"PartitionFilters: .*date\S* >= 2026-03-02.*date\S* <= 2026-03-05", plan)
    assert "unknown" not in plan
    assert re.search(r"ReadSchema: struct<event_id:string,time:timestamp.*prompt:string", plan)
    assert "Exchange" not in plan, "no event is shuffled"
    kept = frame.where("rejected IS NULL").select("time").toArrow()["time"].to_pylist()
    assert {time.date() for time in kept} == {FIRST, LAST}


@pytest.mark.usefixtures("spark")
def test_both_engines_look_at_the_same_days(days):
    from stillwatch.detect.engines.spark.reading import open_spark

    reader = open_log([days], rejects=Rejects())
    period = Period(FIRST, LAST)
    expected = sum(period.keep(batch).num_rows for batch in reader)
    with open_spark(job(days, period=period), None, {}) as opened:
        assert opened.events == expected > 0


def test_json_lines_are_numbered_over_splits(spark, tmp_path):
    from stillwatch.detect.engines.spark.reading import open_spark

    rows = [
        {
            "time": f"2026-03-02T10:{n % 60:02d}:00Z",
            "account_id": f"a{n % 9}",
            "model": "m",
            "input": "x" * 200,
        }
        for n in range(400)
    ]
    lines = [json.dumps(row) for row in rows]
    lines[11], lines[250], lines[333] = "{broken", "", lines[333].replace("2026-", "1926-")
    odd = "a+b [1] 50%.jsonl"
    (tmp_path / odd).write_text("\ufeff" + "\n".join(lines))
    (tmp_path / "b.jsonl").write_text("\n".join(lines[:50]) + "\n")
    expected, found = Rejects(), Rejects()
    events = pa.Table.from_batches(open_log([tmp_path], rejects=expected))
    spark.conf.set("spark.sql.files.maxPartitionBytes", "20000")
    spark.conf.set("spark.sql.files.openCostInBytes", "0")
    try:
        with open_spark(job(tmp_path, rejects=found), None, {}) as opened, opened.engine as engine:
            assert opened.events == events.num_rows
            assert opened.inputs == (odd, "b.jsonl")
            assert engine.repeated() == 0
            assert sum(engine.profiles()["events"].to_pylist()) == events.num_rows
    finally:
        spark.conf.unset("spark.sql.files.maxPartitionBytes")
        spark.conf.unset("spark.sql.files.openCostInBytes")
    assert sorted(map(str, found.first)) == sorted(map(str, expected.first))
    assert [reject.row for reject in expected.first] == [12, 334, 12]


def shares(spark, before):
    """The largest share of a stage's shuffled records that one task read, by stage."""
    context = spark.sparkContext
    url = f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}/stages?details=true"
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own driver
        stages = json.load(answer)
    found = {}
    for stage in stages:
        read = [
            task["taskMetrics"]["shuffleReadMetrics"]["recordsRead"]
            for task in stage["tasks"].values()
            if task.get("taskMetrics")
        ]
        if stage["stageId"] > before:
            found[stage["stageId"]] = (sum(read), max(read, default=0) / max(sum(read), 1))
    return found


def test_an_account_with_a_tenth_of_all_events_holds_up_no_task(spark, tmp_path):
    from stillwatch.detect.engines.spark.reading import open_spark

    rng = np.random.default_rng(7)
    minutes = rng.uniform(0, 10 * 24 * 60, 8000)
    names = [f"account-{n % 900}" if n % 10 else "giant" for n in range(minutes.size)]
    rows = [event(name, float(minute)) for name, minute in zip(names, minutes, strict=True)]
    pq.write_table(
        pa.Table.from_pylist(rows, schema=FINGERPRINTS), tmp_path / "x.parquet", row_group_size=1000
    )
    with open_spark(job(tmp_path), spark.sparkContext.master, {}) as opened:
        engine = opened.engine
        own = engine._spark
        own.conf.set("spark.sql.shuffle.partitions", "16")
        own.conf.set("spark.sql.adaptive.coalescePartitions.enabled", "false")
        before = max(shares(spark, -1))
        pace = engine.pace()
    found = shares(spark, before)
    large = {stage: share for stage, (read, share) in found.items() if read > len(rows) / 2}
    assert large, "the events went through a shuffle"
    assert max(large.values()) < 0.1, "a task with the whole account would read a tenth at least"
    assert pace["gaps"].to_pylist()[-1] == names.count("giant") - 1


def test_workers_return_the_numbers_of_threads(spark):
    from scipy import sparse

    from stillwatch.detect import clusters, vectors
    from stillwatch.detect.engines.spark.workers import SparkWorkers
    from stillwatch.detect.links import Links

    rng = np.random.default_rng(3)
    rows = vectors.unit(sparse.random(150, 60, 0.1, "csr", np.float32, rng))
    found = [
        vectors.Vectors(rows).nearest(np.arange(150), 6, workers)
        for workers in (Threads(), SparkWorkers(spark))
    ]
    np.testing.assert_array_equal(found[0][0], found[1][0])
    left, right = rng.integers(0, 40, (2, 200)) + 40 * rng.integers(0, 4, 200)
    ends = np.unique(np.sort(np.stack([left, right], 1)[left != right], 1), axis=0).astype(np.int32)
    links = Links(ends[:, 0], ends[:, 1], rng.uniform(0, 1, len(ends)))
    labels = [
        clusters.communities(links, 170, seed=1, resolution=1.0, smallest=3, workers=workers)
        for workers in (Threads(), SparkWorkers(spark))
    ]
    assert labels[0].max() > 3
    np.testing.assert_array_equal(*labels)


@pytest.mark.usefixtures("spark")
def test_what_the_engine_does_not_read_is_refused_with_the_mend(tmp_path):
    (tmp_path / "a.csv").write_text("time,account_id,model,prompt\n2026-03-02T10:00:00Z,a,m,x\n")
    with pytest.raises(InputError, match=r"a\.csv is csv: make fingerprints .* stillwatch ingest"):
        stillwatch.scan(tmp_path / "a.csv", engine="spark")
    with pytest.raises(InputError, match="the spark engine reads files"):
        stillwatch.scan(pa.table({"time": [1]}), engine="spark")
    with pytest.raises(InputError, match="does not exist"):
        stillwatch.scan(f"file://{tmp_path}/absent.parquet", engine="spark")


@pytest.mark.usefixtures("spark")
def test_what_a_worker_finds_wrong_is_said_as_on_one_machine(tmp_path):
    pq.write_table(pa.table({"account_id": ["a"], "model": ["m"], "prompt": ["x"]}), tmp_path / "a")
    with pytest.raises(InputError) as local:
        stillwatch.scan(tmp_path / "a")
    with pytest.raises(InputError) as spark:
        stillwatch.scan(tmp_path / "a", engine="spark")
    assert str(spark.value) == str(local.value)
    assert "a has no time" in str(local.value)


@pytest.mark.usefixtures("spark")
def test_a_log_without_a_readable_row_is_an_error(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"time": 1, "account_id": "a", "model": "m", "prompt": "x"}')
    with pytest.raises(InputError, match=r"no row of a\.jsonl can be read: 1 times time before"):
        stillwatch.scan(tmp_path / "a.jsonl", engine="spark")


def test_a_master_that_is_not_there_is_said_at_once():
    pytest.importorskip("pyspark")
    with pytest.raises(ConfigError, match=r"no Spark master answers at spark://127\.0\.0\.1:9"):
        stillwatch.scan("x.parquet", engine="spark", master="spark://127.0.0.1:9")
    with pytest.raises(ConfigError, match="master cannot be 'host:7077'"):
        stillwatch.scan("x.parquet", engine="spark", master="host:7077")


def test_without_the_extra_it_is_named(monkeypatch):
    for name in [n for n in sys.modules if n.startswith("stillwatch.detect.engines.spark.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(ConfigError, match=r"pip install 'stillwatch\[spark\]'"):
        stillwatch.scan("x.parquet", engine="spark")


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        ("ModuleNotFoundError: No module named 'stillwatch'", ConfigError, "spark.archives"),
        ("[PYTHON_VERSION_MISMATCH] Python in worker", ConfigError, "spark.pyspark.python"),
        ('java.io.IOException: Cannot run program "python9": error=2', ConfigError, "python9"),
        ("stillwatch.errors.InputError: a.parquet has no time: add\n at x", InputError, "no time"),
        ("java.lang.OutOfMemoryError: Java heap space", ConfigError, "spark.driver.memory"),
        ("Job aborted\njava.lang.IllegalStateException: odd\n  at y", PeerError, "odd"),
        (
            "An error\n: x.SparkException: 0 threads\n\tat y",
            PeerError,
            "x.SparkException: 0 threads",
        ),
        ("", PeerError, "no reason given"),
    ],
)
def test_what_spark_says_becomes_one_line(said, kind, message):
    pytest.importorskip("pyspark")
    from stillwatch.detect.engines.spark.faults import translate

    error = translate(said)
    assert type(error) is kind
    assert message in str(error)
    assert "\n" not in str(error)
