"""A log as Spark reads it: only the contract's columns, only the folders of the days asked for."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as sql
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import DateType, StringType

from stillwatch.detect.arguments import sources_of
from stillwatch.detect.engines.job import Job, Opened
from stillwatch.detect.engines.spark.engine import SparkEngine
from stillwatch.detect.engines.spark.faults import explained
from stillwatch.detect.engines.spark.rows import (
    BLOCK,
    FILE,
    KEPT_SQL,
    LINE,
    ROW,
    ParquetRows,
    Reading,
    TextRows,
)
from stillwatch.detect.engines.spark.session import session
from stillwatch.detect.engines.spark.workers import SparkWorkers
from stillwatch.detect.engines.sql import USED_COLUMNS
from stillwatch.errors import InputError
from stillwatch.events.period import Period
from stillwatch.events.readers.aliases import resolve
from stillwatch.events.readers.columnar import Columns, contract_of
from stillwatch.events.readers.head import Head
from stillwatch.events.readers.log import nothing_in_period, nothing_readable, recognise
from stillwatch.events.readers.source import LogFile

DATE: Final = "date"
"""Folders `date=YYYY-MM-DD` hold the events of a day."""
_READS: Final = ("parquet", "jsonl")
_TEXT_SUFFIXES: Final = (".jsonl", ".ndjson", ".json")
_HEAD_LINES: Final = 20
_GLOB: Final = re.compile(r"[\[\]{}*?\\]")
"""What Spark would take for a pattern in the name of a file."""


@contextlib.contextmanager
def open_spark(job: Job, master: str | None, options: Mapping[str, str]) -> Iterator[Opened]:
    """Read a log on a cluster; its executors hold the fingerprints until the context ends.

    Args:
        job: how to read it.
        master: URL of the cluster, None for the session that is there, else this machine.
        options: Spark properties.

    Raises:
        InputError: the log cannot be read, or not by this engine.
        ConfigError: the cluster cannot be used.
        PeerError: Spark failed.
    """
    with session(master, options) as spark:
        job.progress.start("reading", None)
        with explained():
            names, frames = frames_of(spark, job)
            kept = reduce(DataFrame.unionAll, frames).selectExpr(
                "*", "xxhash64(account_id) AS code", "xxhash64(event_id) AS event"
            )
            kept = kept.drop("event_id").persist(StorageLevel.MEMORY_AND_DISK)
        try:
            with explained():
                events = _count(kept, names, job)
            source = kept.where("rejected IS NULL").drop("rejected")
            job.progress.finish()
            engine = SparkEngine(spark, source, kept.unpersist)
            yield Opened(engine, SparkWorkers(spark), names, events)
        finally:
            with contextlib.suppress(Exception):  # the cluster may have gone
                kept.unpersist()


def frames_of(spark: SparkSession, job: Job) -> tuple[tuple[str, ...], list[DataFrame]]:
    """Return what the inputs are called, and frames of `rows.KEPT`, nothing of them read yet.

    Raises:
        InputError: a file is not there, or of a format that this engine does not read.
    """
    if hasattr(job.events, "__arrow_c_stream__"):
        raise InputError(
            "the spark engine reads files: give paths, or scan the table with the local engine"
        )
    sources = [str(source) for source in sources_of(job.events)]
    near = [source for source in sources if "://" not in source]
    names: list[str] = []
    frames: list[DataFrame] = []
    reading = Reading("events", job.key, job.networks, job.identity, job.period, {})
    if near:
        log = recognise(near, format=job.format)
        for entry, file in log.files:
            if entry.name not in _READS:
                raise InputError(
                    f"the spark engine reads Parquet and JSON lines, and {file.name} is "
                    f"{entry.name}: make fingerprints of it with stillwatch ingest and scan those"
                )
        names += log.names
        for kind in _READS:
            files = [file for entry, file in log.files if entry.name == kind]
            if files:
                frames.append(_local_frame(spark, kind, near, files, reading))
    for source in sources:
        if "://" in source:
            names.append(source)
            frames.append(_remote_frame(spark, source, reading))
    return tuple(names), frames


def _local_frame(
    spark: SparkSession, kind: str, sources: list[str], files: list[LogFile], reading: Reading
) -> DataFrame:
    paths = {f"file://{file.path.resolve()}": file for file in files}
    named = replace(reading, names={path: file.name for path, file in paths.items()})
    # Folders date=... are columns only below a base.
    base = next((s for s in sources if len(sources) == 1 and Path(s).is_dir()), None)
    literal = [_GLOB.sub(r"\\\g<0>", path) for path in paths]
    if kind == "parquet":
        return parquet_frame(spark, literal, named, base)
    found = {path: resolve(Head(file.name, file.head).keys) for path, file in paths.items()}
    for file in files:
        if file.path.suffix in {".zst", ".zstd"}:
            raise InputError(
                f"{file.name}: Spark reads JSON lines plain or as .gz: compress it again, or make "
                "fingerprints of it with stillwatch ingest"
            )
    return text_frame(spark, literal, named, found)


def _remote_frame(spark: SparkSession, source: str, reading: Reading) -> DataFrame:
    if source.removesuffix(".gz").endswith(_TEXT_SUFFIXES):
        head = spark.read.text(source, lineSep="\n").limit(_HEAD_LINES).toArrow()["value"]
        found = resolve(Head(source, "\n".join(head.to_pylist()).encode()).keys)
        return text_frame(spark, [source], reading, {"": found})
    return parquet_frame(spark, [source], reading, None)


def parquet_frame(
    spark: SparkSession, paths: Sequence[str], reading: Reading, base: str | None
) -> DataFrame:
    """Return the frame of Parquet files: their needed columns only, fingerprinted in executors."""
    reader = spark.read.option("mergeSchema", "true")
    if base is not None:
        reader = reader.option("basePath", f"file://{Path(base).resolve()}")
    table = reader.parquet(*paths)
    shape = to_arrow_schema(table.schema)
    contract = contract_of(shape, paths[0])
    if contract == "fingerprints" and "prompt" in shape.names:
        raise InputError("the log holds events and fingerprints: scan them apart")
    columns = Columns(shape, paths[0], USED_COLUMNS)
    rows = ParquetRows(replace(reading, contract=contract), columns)
    picked = _of_days(table, reading.period).select(
        *(sql.col(f"`{name}`") for name in columns.needed),
        _path().alias(FILE),
        sql.col("_metadata.row_index").alias(ROW),
    )
    return picked.mapInArrow(rows, KEPT_SQL)


def _of_days(table: DataFrame, period: Period) -> DataFrame:
    """Leave out the folders of other days, where there are folders of days."""
    if DATE not in table.columns or not isinstance(
        table.schema[DATE].dataType, DateType | StringType
    ):
        return table
    first, last = period.near()
    if first is not None:
        table = table.where(sql.col(DATE) >= sql.lit(first.isoformat()))
    if last is not None:
        table = table.where(sql.col(DATE) <= sql.lit(last.isoformat()))
    return table


def text_frame(
    spark: SparkSession,
    paths: Sequence[str],
    reading: Reading,
    found: Mapping[str, Mapping[str, str]],
) -> DataFrame:
    """Return the frame of files of JSON lines.

    Spark does not number lines, so the lines of each block of a file are counted first.
    """
    lines = spark.read.text(list(paths), lineSep="\n").select(
        _path().alias(FILE),
        sql.col("_metadata.file_block_start").alias(BLOCK),
        sql.col("value").cast("binary").alias(LINE),
    )
    counts = (
        lines.groupBy(FILE, BLOCK)
        .count()
        .toArrow()
        .sort_by([(FILE, "ascending"), (BLOCK, "ascending")])
    )
    rows = TextRows(reading, found, _before(counts))
    return lines.mapInArrow(rows, KEPT_SQL)


def _before(counts: pa.Table) -> dict[tuple[str, int], int]:
    """Return how many lines of a file stand before each of its blocks."""
    columns = (counts[name].to_pylist() for name in counts.column_names)
    before: dict[tuple[str, int], int] = {}
    last, lines = "", 0
    for path, block, number in sorted(zip(*columns, strict=True)):
        lines = lines if path == last else 0
        before[path, block] = lines
        last, lines = path, lines + number
    return before


def _path() -> Column:
    """The path of a row's file as `file:///...`, unescaped, or as another URL."""
    raw = sql.url_decode(sql.replace(sql.col("_metadata.file_path"), sql.lit("+"), sql.lit("%2B")))
    return sql.regexp_replace(raw, "^file:/+", "file:///")


def _count(kept: DataFrame, names: tuple[str, ...], job: Job) -> int:
    """Read the log; pass on the rows that cannot be read."""
    totals = kept.selectExpr("count(account_id) AS events", "count(rejected) AS bad").toArrow()
    events, bad = (int(totals[name][0].as_py()) for name in ("events", "bad"))
    if bad:
        rows = kept.where("rejected IS NOT NULL").select("rejected.*").orderBy("file", "row")
        for row in rows.toArrow().to_pylist():
            job.rejects.add(row["file"], row["row"], row["column"], row["reason"])
    if not events and not bad and not job.period.open:
        raise InputError(nothing_in_period(names, job.period))
    if not events:
        raise InputError(nothing_readable(names, job.rejects))
    return events
