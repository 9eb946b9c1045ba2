"""A scan's result as a folder (contract 3): written whole or not at all, read back typed."""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.detect import report
from stillwatch.detect.compare import Comparison
from stillwatch.detect.judgements import Judgement
from stillwatch.detect.results import (
    ACCOUNT_RESULTS,
    RESULT_FORMAT,
    Campaign,
    Evidence,
    RunSummary,
    ScanResult,
)
from stillwatch.errors import InputError, StorageError

ACCOUNTS: Final = "accounts.parquet"
PROFILES: Final = "profiles.parquet"
CAMPAIGNS: Final = "campaigns.json"
EVIDENCE: Final = "evidence.json"
RUN: Final = "run.json"
REPORT: Final = "report.html"
REJECTED: Final = "rejected.jsonl"
JUDGEMENTS: Final = "judgements.jsonl"
"""What people decided; kept when a result is written again."""
COMPARISON: Final = "comparison.json"
"""Only where the scan was compared with an earlier one."""

FILES: Final = frozenset(
    {ACCOUNTS, PROFILES, CAMPAIGNS, EVIDENCE, RUN, REPORT, REJECTED, COMPARISON, JUDGEMENTS}
)
REQUIRED: Final = (ACCOUNTS, PROFILES, CAMPAIGNS, EVIDENCE)

T = TypeVar("T")


def write_result(
    result: ScanResult,
    out: Path,
    rejected: Path | None = None,
    comparison: Comparison | None = None,
    judgements: Path | None = None,
) -> None:
    """Write the folder `out`, replacing an earlier result there but for a person's judgements.

    The folder is built beside `out` and renamed into place, so that an interrupted scan leaves
    nothing half-written. The same result gives the same bytes.

    Args:
        result: What the scan found.
        out: The folder; its parents are made.
        rejected: The rows that could not be read, as JSON lines; copied. None: there were none.
        comparison: Shown in the report and written as `comparison.json`.
        judgements: The file of people's judgements; that of the earlier result where None.

    Raises:
        InputError: `out` holds something that is not a result.
        StorageError: The disk refused.
    """
    check_output(out)
    keeps = judgements is None and out.exists()
    with judging(out) if keeps else nullcontext(), _replacing(out) as building:
        pq.write_table(result.accounts, building / ACCOUNTS, compression="zstd")
        pq.write_table(result.profiles, building / PROFILES, compression="zstd")
        _write_json(building / CAMPAIGNS, list(result.campaigns))
        _write_json(building / EVIDENCE, dict(result.evidence))
        _write_json(building / RUN, result.summary)
        if comparison is not None:
            _write_json(building / COMPARISON, comparison)
        (building / REPORT).write_text(report.render(result, comparison), encoding="utf-8")
        if rejected is None:
            (building / REJECTED).touch()
        else:
            shutil.copyfile(rejected, building / REJECTED)
        kept = out / JUDGEMENTS if judgements is None else judgements
        if kept.exists():
            shutil.copyfile(kept, building / JUDGEMENTS)


def check_output(out: Path) -> None:
    """Refuse an output folder that would lose someone else's files; call it before a long scan.

    Raises:
        InputError: `out` is a file, a mount point, or a folder with anything but an earlier
            result in it; or the folder around it cannot be written.
    """
    target = out.resolve()
    around = next((parent for parent in target.parents if parent.is_dir()), target)
    if not os.access(around, os.W_OK | os.X_OK):
        raise InputError(f"{around} cannot be written; give --out another folder.")
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError(f"{out} is a file; give --out a folder.")
    if out.is_mount():
        raise InputError(f"{out} is a mount point; give --out a folder inside it.")
    names = {entry.name for entry in out.iterdir()}
    if names and RUN not in names:
        raise InputError(f"{out} is not empty and holds no scan result; give --out a new folder.")
    if foreign := sorted(names - FILES):
        raise InputError(
            f"{out} holds an earlier result and also {foreign[0]!r}, which a new scan would delete;"
            " move it away or give --out a new folder."
        )


def read_result(folder: Path) -> ScanResult:
    """Read what `write_result` wrote.

    Raises:
        InputError: The folder is missing, is no result, is damaged, or another version wrote it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the --out folder of an earlier scan.")
    if not (folder / RUN).is_file():
        raise InputError(
            f"{folder} holds no scan result ({RUN} is missing); give the --out folder."
        )
    summary = _read_summary(folder / RUN)
    for name in REQUIRED:
        if not (folder / name).is_file():
            raise InputError(f"{folder / name} is missing from the result; scan again.")
    accounts = _read_table(folder / ACCOUNTS)
    if not accounts.schema.equals(ACCOUNT_RESULTS):
        raise InputError(f"{folder / ACCOUNTS} does not have the columns of a result; scan again.")
    return ScanResult(
        accounts=accounts,
        profiles=_read_table(folder / PROFILES),
        campaigns=tuple(_read_json(folder / CAMPAIGNS, list[Campaign])),
        evidence=_read_json(folder / EVIDENCE, dict[str, Evidence]),
        summary=summary,
    )


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """A new folder beside `out` that takes its place if the block succeeds, else is removed."""
    target = out.resolve()
    building = _beside(target)
    try:
        building.mkdir(parents=True)
        yield building
        _swap(building, target)
    except OSError as error:
        raise StorageError(
            f"Cannot write {out} ({error.strerror}); mend that or give --out another folder."
        ) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _swap(building: Path, target: Path) -> None:
    """Put `building` in the place of `target`, which survives until the new folder stands."""
    if not target.exists():
        building.rename(target)
        return
    earlier = _beside(target)
    target.rename(earlier)
    try:
        building.rename(target)
    except BaseException:
        earlier.rename(target)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def _beside(target: Path) -> Path:
    """A name in the same folder, and so on the same disk, that nothing has."""
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}")


def _write_json(path: Path, value: Any) -> None:
    encoded = msgspec.json.encode(value, order="deterministic")
    path.write_bytes(msgspec.json.format(encoded, indent=1) + b"\n")


def _read_json(path: Path, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=type_)
    except msgspec.DecodeError as error:
        raise InputError(
            f"{path} is damaged or of another version ({error}); scan again."
        ) from error


def _read_summary(path: Path) -> RunSummary:
    found = _read_json(path, dict[str, Any]).get("format")
    if found != RESULT_FORMAT:
        raise InputError(
            f"{path} says format {found!r}, this version reads {RESULT_FORMAT!r}; scan again."
        )
    return _read_json(path, RunSummary)


def _read_table(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet; scan again.") from error


def read_judgements(folder: Path) -> list[Judgement]:
    """Read people's judgements, the earliest first; empty without `judgements.jsonl`.

    Raises:
        InputError: a line is no judgement.
    """
    path = folder / JUDGEMENTS
    if not path.exists():
        return []
    try:
        return list(msgspec.json.Decoder(Judgement).decode_lines(path.read_bytes()))
    except msgspec.DecodeError as error:
        raise InputError(
            f"{path} holds a line that is no judgement ({error}): remove it, and judge with "
            "`stillwatch judge`"
        ) from error


@contextmanager
def judging(folder: Path) -> Iterator[None]:
    """Wait until nobody else changes the judgements of a folder, and keep them away meanwhile."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def append_judgement(folder: Path, judgement: Judgement) -> None:
    """Add a judgement to those of a folder.

    Raises:
        InputError: One of those that are there is damaged, and the new one would be glued to it.
        StorageError: The disk refused.
    """
    path = folder / JUDGEMENTS
    try:
        with judging(folder), path.open("ab+") as stream:
            read_judgements(folder)
            stream.seek(max(0, stream.tell() - 1))
            glue = b"" if stream.read() in (b"", b"\n") else b"\n"
            stream.write(glue + msgspec.json.encode(judgement) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}") from error
