"""`scan`: the whole job, from a log to campaigns, on one machine or on a cluster."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.detect import store
from stillwatch.detect.analysis import AnalysisSettings
from stillwatch.detect.arguments import path_of, sources_of
from stillwatch.detect.calibration import Reference
from stillwatch.detect.conclusion import Counts, Given, conclude
from stillwatch.detect.engines.gather import gather
from stillwatch.detect.engines.job import Job, Opened
from stillwatch.detect.engines.local import LocalEngine
from stillwatch.detect.engines.spool import write_spool
from stillwatch.detect.engines.sql import USED_COLUMNS
from stillwatch.detect.exemptions import load_exemptions
from stillwatch.detect.judgements import of_accounts
from stillwatch.detect.population import Population
from stillwatch.detect.prices import PriceTable
from stillwatch.detect.progress import Progress, Silent
from stillwatch.detect.results import ScanResult
from stillwatch.detect.wording import count
from stillwatch.detect.workers import Threads
from stillwatch.errors import ConfigError, InputError
from stillwatch.events.contracts import Exemption
from stillwatch.events.fingerprint import fingerprint_stream
from stillwatch.events.identity import Identity
from stillwatch.events.key import Key
from stillwatch.events.lists import DisposableDomains, NetworkLists, require_lists
from stillwatch.events.period import Period
from stillwatch.events.readers import LogReader, Rejects, open_arrow, open_log, read_accounts
from stillwatch.events.readers.log import nothing_in_period, nothing_readable
from stillwatch.settings import ENGINES, read_toml

MEMORY_LIMIT = "2GB"
"""What DuckDB may hold before it spills to disk."""
THREADS = 2


def scan(
    events: Any,
    accounts: Any = None,
    *,
    reference: str | Path | None = None,
    exempt: str | Path | Sequence[Exemption] | None = None,
    lists: str | Path | None = None,
    prices: str | Path | PriceTable | None = None,
    key: Key | None = None,
    format: str = "auto",  # noqa: A002 - the name of the command line option
    identity: Identity | None = None,
    engine: str = "local",
    master: str | None = None,
    spark: Mapping[str, str] | None = None,
    since: date | None = None,
    until: date | None = None,
    settings: AnalysisSettings | None = None,
    progress: Progress | None = None,
    rejects: Rejects | None = None,
) -> ScanResult:
    """Find coordinated extraction campaigns in a log.

    Args:
        events: a path, a list of paths, folders or globs, or anything with `__arrow_c_stream__`
            (Polars, pandas, DuckDB, pyarrow), in the events or the fingerprints contract.
        accounts: the accounts table, likewise, or None.
        reference: folder of an earlier scan whose ordinary accounts calibrate this one.
        exempt: register of exemptions: a file, or the entries.
        lists: folder of built lists of networks and mail domains.
        prices: price table: a TOML file, or the table.
        key: keys the fingerprints; the public key where None.
        format: log format, `auto` detects it.
        identity: derives accounts from API keys where the log has no accounts.
        engine: `local` or `spark`; `spark` reads paths of Parquet and JSON lines.
        master: URL of a Spark cluster; None takes a session that is there, else two local threads.
        spark: Spark properties, by name.
        since: the first day to look at, in UTC; None for all before `until`.
        until: the last day to look at, in UTC.
        settings: thresholds of the analysis.
        progress: told of each stage.
        rejects: takes rows that cannot be read.

    Returns:
        The result; the same input, settings and version give the same result.

    Raises:
        InputError: an input cannot be used; the message says which and the mend.
        ConfigError: a setting cannot be used.
        StorageError: the disk for temporary files failed.
    """
    if engine not in ENGINES:
        raise ConfigError(f"There is no engine {engine!r}; choose {' or '.join(ENGINES)}.")
    watch = progress or Silent()
    taken = rejects or Rejects()
    given = load_given(
        accounts, reference=reference, exempt=exempt, lists=lists, prices=prices, rejects=taken
    )
    job = Job(
        events,
        format,
        key or Key.public(),
        given.networks,
        identity,
        Period(since, until),
        taken,
        watch,
    )
    with _opened(engine, job, master, spark or {}) as opened:
        with opened.engine as running:
            population = gather(running, given.listed, given.contain, watch)
            readable, repeated = running.readable(), running.repeated()
        if given.listed is not None:
            _check_listed(population, given.listed, accounts)
        reasons = dict(sorted(taken.reasons.items()))
        return conclude(
            population,
            readable,
            given,
            settings or AnalysisSettings(),
            counts=Counts(list(opened.inputs), opened.events, repeated, taken.total, reasons),
            workers=opened.workers,
            progress=watch,
        )


def load_given(
    accounts: Any,
    *,
    reference: str | Path | None,
    exempt: str | Path | Sequence[Exemption] | None,
    lists: str | Path | None,
    prices: str | Path | PriceTable | None,
    rejects: Rejects,
) -> Given:
    """Read what `scan` is given beside the events; see there.

    Raises:
        InputError: an input cannot be used.
        ConfigError: a setting cannot be used.
    """
    earlier = None
    if reference is not None:
        earlier = load_reference(path_of("reference", reference, "the folder of an earlier result"))
    table = _price_table(prices)
    listed = None if accounts is None else read_accounts(accounts, rejects=rejects)
    register = (
        load_exemptions(Path(exempt)) if isinstance(exempt, str | Path) else tuple(exempt or ())
    )
    networks, disposable = _lists(lists)
    return Given(listed, earlier, register, networks, disposable, table)


def load_reference(folder: Path) -> Reference:
    """Read the ordinary accounts of an earlier scan, with a person's judgements if there are any.

    What was judged benign counts as ordinary, what was judged an attack does not.

    Raises:
        InputError: the folder is no result of a scan of this version.
    """
    profiles = store.read_result(folder).profiles
    if not {"background", "ordinary"} <= set(profiles.column_names):
        raise InputError(
            f"{folder} holds no reference; scan the earlier traffic again with this version."
        )
    judged = of_accounts(store.read_judgements(folder))
    verdicts = [judged.get(account) for account in profiles["account_id"].to_pylist()]

    def among(column: str) -> pa.Table:
        kept = zip(verdicts, profiles[column].to_pylist(), strict=True)
        return profiles.filter(pa.array([v == "benign" if v else was for v, was in kept]))

    measures = [name for name in profiles.column_names if name.startswith("s_")]
    names = ["cohort", *(name.removeprefix("s_") for name in measures)]
    background = among("background").select(["cohort", *measures]).rename_columns(names)
    return Reference.from_table(background, among("ordinary")["score"].to_numpy())


def _opened(
    engine: str, job: Job, master: str | None, options: Mapping[str, str]
) -> AbstractContextManager[Opened]:
    if engine == "local":
        return _open_local(job)
    try:
        from stillwatch.detect.engines.spark.reading import open_spark  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            f"the spark engine needs the extra spark ({error}): pip install 'stillwatch[spark]'"
        ) from error
    return open_spark(job, master, options)


@contextmanager
def _open_local(job: Job) -> Iterator[Opened]:
    reader = _open(job.events, job.format, job.identity, job.rejects)
    with tempfile.TemporaryDirectory(prefix="stillwatch-scan-") as scratch:
        files, rows = _spool(reader, job, Path(scratch))
        local = LocalEngine(files, Path(scratch), memory_limit=MEMORY_LIMIT, threads=THREADS)
        yield Opened(local, Threads(), reader.files, rows)


def _open(events: Any, log_format: str, identity: Identity | None, rejects: Rejects) -> LogReader:
    if hasattr(events, "__arrow_c_stream__"):
        return open_arrow(events, identity=identity, rejects=rejects)
    return open_log(sources_of(events), format=log_format, identity=identity, rejects=rejects)


def _spool(reader: LogReader, job: Job, scratch: Path) -> tuple[list[Path], int]:
    """Fingerprint what is read, batch by batch, so that no text reaches the disk."""
    job.progress.start("reading", reader.bytes_total or None)
    batches: Iterable[pa.RecordBatch] = map(job.period.keep, _counted(reader, job.progress))
    if reader.contract == "events":
        batches = fingerprint_stream(batches, job.key, job.networks, THREADS, USED_COLUMNS)
    files, rows = write_spool(batches, scratch)
    if not rows and not job.period.open:  # the reader itself refuses a log without a readable row
        raise InputError(nothing_in_period(reader.files, job.period))
    if not rows:
        raise InputError(nothing_readable(reader.files, job.rejects))
    job.progress.finish()
    return files, rows


def _counted(reader: LogReader, progress: Progress) -> Iterable[pa.RecordBatch]:
    done = 0
    for batch in reader:
        progress.advance(reader.bytes_done - done)
        done = reader.bytes_done
        yield batch


def _price_table(prices: str | Path | PriceTable | None) -> PriceTable | None:
    if prices is None or isinstance(prices, PriceTable):
        return prices
    return PriceTable.parse(read_toml(path_of("prices", prices, "a TOML file or a PriceTable")))


def _lists(folder: str | Path | None) -> tuple[NetworkLists | None, DisposableDomains | None]:
    if folder is None:
        return None, None
    path = path_of("lists", folder, "the folder that stillwatch lists build wrote")
    require_lists(path)
    networks, disposable = NetworkLists.load(path), DisposableDomains.load(path)
    return (networks if networks.on else None), (disposable if disposable.on else None)


def _check_listed(population: Population, listed: pa.Table, given: Any) -> None:
    """Refuse a table of other accounts, which would pass for one that knows nothing."""
    ids = listed["account_id"].combine_chunks()
    if not pc.any(pc.is_in(population.profiles["account_id"], value_set=ids)).as_py():
        name = given if isinstance(given, str | Path) else "the accounts table"
        raise InputError(
            f"none of the {count(population.size, 'account')} of the log is in {name}: give the "
            "table of this log's accounts, with account_id as the log has it"
        )
