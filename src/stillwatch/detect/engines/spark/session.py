"""A Spark session: started, or one line that says what is missing."""

import contextlib
import platform
import re
import socket
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any, Final

import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkRuntimeError
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from stillwatch.detect.engines.spark.faults import explained, translate
from stillwatch.errors import ConfigError
from stillwatch.version import __version__

LOCAL: Final = "local[2]"
"""The master where none is named: two threads of this machine."""
CONNECT_SECONDS: Final = 5.0
EXECUTOR_SECONDS: Final = 60.0
"""How long to wait for a master, and for the first executor."""

DEFAULTS: Final = {
    "spark.app.name": "stillwatch",
    "spark.driver.maxResultSize": "0",  # the population is meant to reach the driver
    "spark.log.level": "ERROR",
    "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
"""What a session has unless the user's options say otherwise."""
FIXED: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "16384",
    "spark.sql.execution.arrow.maxBytesPerBatch": "64MB",
}
"""What results or memory depend on; set in every session."""

_MASTER: Final = re.compile(r"local(\[.+\])?|yarn|k8s://.+|spark://.+")
_JAVA: Final = "Spark 4 needs Java 17 or later: install openjdk-17-jre-headless, or set JAVA_HOME"


@contextlib.contextmanager
def session(master: str | None, options: Mapping[str, str]) -> Iterator[SparkSession]:
    """Open a session whose views and settings are its own.

    Args:
        master: URL of the cluster; None takes the session that runs, as in a notebook, else two
            threads. A session that runs on this master is taken too, and left running.
        options: Spark properties.

    Raises:
        ConfigError: Java or the cluster cannot be used, or its workers lack this package.
    """
    active = SparkSession.getActiveSession()
    if active is not None and master in {None, active.sparkContext.master}:
        yield _prepared(active)
        return
    context = _start(master or LOCAL, options)
    try:
        context.pythonExec = options.get("spark.pyspark.python") or _python(context)
        _await_executors(context)
        yield _prepared(SparkSession(context))
    finally:
        with contextlib.suppress(Py4JError):  # a master that went away ends the context first
            context.stop()


def _prepared(found: SparkSession) -> SparkSession:
    own = found.newSession()
    for name, value in FIXED.items():
        own.conf.set(name, value)
    with explained():
        _check_workers(own)
    return own


def _start(master: str, options: Mapping[str, str]) -> SparkContext:
    if not _MASTER.fullmatch(master):
        raise ConfigError(
            f"master cannot be {master!r}: use local[2], spark://HOST:PORT, yarn or k8s://URL"
        )
    conf = SparkConf(loadDefaults=False).setMaster(master)
    settings = {**DEFAULTS, **_loopback(master), **options}
    for name, value in settings.items():
        conf.set(name, value)
    _reach(master)
    # Spark's own words go to a file: they matter only where it does not start.
    with tempfile.TemporaryFile() as said:
        try:
            # One Java process, also for the next session.
            gateway = SparkContext._gateway or launch_gateway(conf, {"stderr": said})  # type: ignore[no-untyped-call]  # noqa: SLF001
            return SparkContext(conf=conf, gateway=gateway)
        except (PySparkRuntimeError, Py4JError) as error:
            raise _no_start(master, str(error), said) from error
        except ValueError as error:  # a context runs already in this process
            raise ConfigError(
                "Spark runs already in this process: stop it, or leave out the master"
            ) from error


def _no_start(master: str, error: str, said: IO[bytes]) -> Exception:
    said.seek(0)
    log = said.read().decode(errors="replace")
    if re.search(r"JAVA_HOME|java: (command )?not found|UnsupportedClassVersionError", log):
        return ConfigError(_JAVA)
    if "JAVA_GATEWAY_EXITED" in error:
        lines = [line for line in log.splitlines() if line.strip()] or ["no reason given"]
        return ConfigError(f"Spark did not start: {lines[-1].strip()[:300]}")
    if "SparkContext was shut down" in error or "stopped SparkContext" in error:
        return ConfigError(_refused(master))
    return translate(error)


def _loopback(master: str) -> dict[str, str]:
    """On this machine alone, Spark needs no name that others can resolve."""
    if master.startswith("local") or re.match(r"spark://(127\.|localhost)", master):
        return {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    return {}


def _python(context: SparkContext) -> str:
    """The workers' Python: on this machine the one that runs here, else what the cluster says."""
    return sys.executable if _is_local(context) else str(context.pythonExec)


def _is_local(context: SparkContext) -> bool:
    return str(context.master).startswith("local")


def _reach(master: str) -> None:
    """Refuse a master that nobody answers for; Spark would try for a minute."""
    if not master.startswith("spark://"):
        return
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
        except (OSError, ValueError):
            continue
        return
    raise ConfigError(f"no Spark master answers at {master}: start one, or give its URL")


def _refused(master: str) -> str:
    return (
        f"{master} gave no executor within {EXECUTOR_SECONDS:.0f} seconds: check that it runs "
        f"the Spark version of pyspark, that it has workers, and that spark.executor.memory fits"
    )


def _await_executors(context: SparkContext) -> None:
    """Wait for the first executor; without one, Spark would wait for ever."""
    if _is_local(context):
        return
    until = time.monotonic() + EXECUTOR_SECONDS
    java: Any = context._jsc  # noqa: SLF001 - the Python side does not tell
    while time.monotonic() < until:
        try:
            if java.sc().isStopped():
                break
            if java.sc().getExecutorMemoryStatus().size() > 1:
                return
        except Py4JError:
            break
        time.sleep(0.2)
    raise ConfigError(_refused(str(context.master)))


def _check_workers(spark: SparkSession) -> None:
    """Ask one worker which Stillwatch it has; a missing one shows as an error that says so."""
    found = spark.range(1).mapInArrow(_versions, "python string, stillwatch string").toArrow()
    python, package = (found[name][0].as_py() for name in found.column_names)
    if package != __version__:
        raise ConfigError(
            f"Spark's workers have stillwatch {package} on Python {python}, this is {__version__} "
            f"on {platform.python_version()}: install the same on both (docs/guide/spark.md)"
        )


def _versions(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for _ in batches:
        row = {"python": [platform.python_version()], "stillwatch": [__version__]}
        yield pa.RecordBatch.from_pydict(row)
