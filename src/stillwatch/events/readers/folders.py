"""Folders of logs: which files in them are meant."""

from pathlib import Path
from typing import Final

from stillwatch.errors import InputError
from stillwatch.events.written import RUN, SCENARIO, is_result, is_simulated

_SUFFIXES: Final = (".parquet", ".pq", ".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".log")
_COMPRESSED: Final = (".gz", ".zst", ".zstd")


def logs_in(folder: Path) -> list[Path]:
    """The files below a folder that have a log's suffix, sorted.

    Hidden files, markers such as `_SUCCESS` and results of earlier scans are left out.

    Raises:
        InputError: there is no log, or simulated traffic, whose tables lie beside its log.
    """
    files = sorted(p for p in folder.rglob("*") if is_log(p, folder))
    if not files:
        raise InputError(
            f"{folder} holds no logs: it needs files that end in .parquet, .csv or .jsonl, "
            "plain or as .gz or .zst"
        )
    results = {p.parent for p in files if p.name == RUN and is_result(p.parent)}
    logs = [p for p in files if p.parent not in results]
    if not logs:
        raise InputError(f"{folder} holds the result of a scan and no logs: give the logs")
    for place in (p.parent for p in logs if p.name == SCENARIO):
        if is_simulated(place):
            raise InputError(
                f"{place} is simulated traffic with more than a log in it: give "
                f"{place / 'events.parquet'}, and --accounts {place / 'accounts.parquet'}"
            )
    return logs


def is_log(path: Path, root: Path) -> bool:
    """Whether a file below a folder has a log's suffix, and neither it nor its folder is hidden."""
    if any(part.startswith((".", "_")) for part in path.relative_to(root).parts):
        return False
    name = path.name.lower()
    for suffix in _COMPRESSED:
        name = name.removesuffix(suffix)
    return name.endswith(_SUFFIXES) and path.is_file()
