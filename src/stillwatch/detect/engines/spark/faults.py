"""What Spark says when it fails, as one line that says the mend."""

import contextlib
import re
from collections.abc import Iterator
from typing import Final

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from stillwatch.errors import ConfigError, InputError, PeerError, StillwatchError

_OURS: Final = re.compile(
    r"^(?:stillwatch\.errors\.)?(InputError|ConfigError): (.+)$", re.MULTILINE
)
_CAUSE: Final = re.compile(r"^(?:Caused by: |: )?([\w.$]*(?:Error|Exception)\b.*)$", re.MULTILINE)
_KNOWN: Final[tuple[tuple[str, type[StillwatchError], str], ...]] = (
    (
        r"No module named '([\w.]+)'",
        ConfigError,
        (
            "Spark's workers have no Python module {}: install stillwatch there or ship it with "
            "spark.archives (docs/guide/spark.md)"
        ),
    ),
    (
        r"PYTHON_VERSION_MISMATCH|different (?:minor )?version",
        ConfigError,
        (
            "Spark's workers run another Python than this one: set spark.pyspark.python to the "
            "same version (docs/guide/spark.md)"
        ),
    ),
    (
        r"Cannot run program \"([^\"]+)\"",
        ConfigError,
        "Spark's workers have no program {}: set spark.pyspark.python to their Python",
    ),
    (
        r"PATH_NOT_FOUND.*?: (\S+?)\. ",
        InputError,
        "{} does not exist for Spark: give a path that every worker can read",
    ),
    (
        r"Illegal Parquet type: INT64 \(TIMESTAMP\(NANOS",
        InputError,
        "the log has times in nanoseconds, which Spark cannot read: write them in microseconds",
    ),
    (
        r"is not a Parquet file|Could not read footer|CANNOT_READ_FILE_FOOTER",
        InputError,
        "a file of the log is damaged or no Parquet: copy or export it again",
    ),
    (
        r"CANNOT_MERGE_SCHEMAS?|Failed merging schema",
        InputError,
        (
            "the files of the log give a column different types: scan them apart, or make "
            "fingerprints with stillwatch ingest"
        ),
    ),
    (
        r"OutOfMemoryError|Java heap space",
        ConfigError,
        "Spark ran out of memory: raise spark.driver.memory or spark.executor.memory",
    ),
    (
        r"No space left on device",
        ConfigError,
        "Spark's disk is full: set spark.local.dir to a disk with room",
    ),
)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn an exception of Spark into one of ours.

    Raises:
        StillwatchError: what a worker raised, or what is wrong with the cluster.
    """
    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise translate(str(error)) from error


def translate(said: str) -> StillwatchError:
    """Make one clear line of Spark's message, which may hold traces of two languages."""
    ours = _OURS.findall(said)
    if ours:
        kind, message = ours[-1]
        return {"InputError": InputError, "ConfigError": ConfigError}[kind](message)
    for pattern, kind_of_error, message in _KNOWN:
        match = re.search(pattern, said, re.DOTALL)
        if match:
            return kind_of_error(message.format(*match.groups()))
    lines = _CAUSE.findall(said)[-1:] or said.strip().splitlines() or ["no reason given"]
    return PeerError(
        f"Spark stopped: {lines[0].strip()[:300]}; STILLWATCH_DEBUG=1 shows all that it said"
    )
