"""The register of exemptions: organisations under contract and registered evaluators.

Exempt accounts are analysed and shown like any other; no verdict beyond `watch` is proposed for
them. The register is a TOML file

    [[exemption]]
    org_id = "org-7"                  # or account_id; exactly one of them
    reason = "registered evaluator"
    expires = 2027-01-01              # a date holds to its end, UTC; a time needs a zone

or a CSV file with the columns `account_id`, `org_id`, `reason`, `expires`, or a JSON array of
objects with these keys.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.errors import InputError
from stillwatch.events.contracts import Exemption
from stillwatch.settings import read_toml

COLUMNS: Final = ("account_id", "org_id", "reason", "expires")


def load_exemptions(path: Path) -> tuple[Exemption, ...]:
    """Read a register strictly: an exemption that is misread is worse than none.

    Raises:
        InputError: The file cannot be read, or an entry is incomplete, ambiguous or repeated.
    """
    if not path.is_file():
        raise InputError(f"register of exemptions {path} does not exist; name it with --exempt")
    exemptions = tuple(_exemption(entry, where) for where, entry in _entries(path))
    subjects: set[tuple[str | None, str | None]] = set()
    for exemption in exemptions:
        subject = (exemption.account_id, exemption.org_id)
        if subject in subjects:
            name = exemption.account_id or exemption.org_id
            raise InputError(f"{path}: {name} is listed twice; keep one entry")
        subjects.add(subject)
    return exemptions


def active_exemptions(
    exemptions: Iterable[Exemption], accounts: pa.Table | None, at: datetime
) -> dict[str, str]:
    """Say which accounts are exempt at a moment, and why.

    Args:
        exemptions: The register.
        accounts: Contract 2, for organisations; None where only account entries can apply.
        at: The moment that counts: a scan passes the time of the last event in its log, so that
            scanning the same log later gives the same result.

    Returns:
        `account_id` to reason; an entry for the account itself goes before its organisation's.
    """
    active = [exemption for exemption in exemptions if exemption.expires > at]
    of_org = {e.org_id: e.reason for e in active if e.org_id is not None}
    of_account = {e.account_id: e.reason for e in active if e.account_id is not None}
    reasons: dict[str, str] = {}
    if accounts is not None and of_org:
        members = accounts.filter(
            pc.is_in(accounts["org_id"], value_set=pa.array(list(of_org), pa.string()))
        )
        pairs = zip(members["account_id"].to_pylist(), members["org_id"].to_pylist(), strict=True)
        reasons = {account: of_org[org] for account, org in pairs}
    return reasons | of_account


def _entries(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each entry with where it stands."""
    if path.suffix == ".toml":
        document = read_toml(path)
        entries = document.pop("exemption", [])
        if document or not (
            isinstance(entries, list) and all(isinstance(e, dict) for e in entries)
        ):
            raise InputError(f"{path} must hold [[exemption]] tables and nothing else")
        yield from _numbered(path, entries)
        return
    if path.suffix == ".json":
        yield from _numbered(path, _json(path))
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _rows(path, csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path} is neither TOML (.toml), JSON (.json) nor CSV in UTF-8"
        ) from error


def _json(path: Path) -> list[dict[str, Any]]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[dict[str, Any]])
    except msgspec.DecodeError as error:
        raise InputError(f"{path} is no JSON array of exemptions ({error}); mend it") from error


def _numbered(
    path: Path, entries: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, entry in enumerate(entries, 1):
        yield f"{path}, entry {number}", entry


def _rows(path: Path, rows: "csv.DictReader[str]") -> Iterator[tuple[str, Mapping[str, Any]]]:
    columns: Sequence[str] = rows.fieldnames or ()
    if unknown := sorted(set(columns) - set(COLUMNS)):
        raise InputError(f"{path}: unknown column {unknown[0]!r}; use {', '.join(COLUMNS)}")
    for row in rows:
        where = f"{path}, line {rows.line_num}"
        if None in row or None in row.values():
            raise InputError(f"{where} has not {len(columns)} fields; mend it")
        yield where, {name: value.strip() for name, value in row.items() if value.strip()}


def _exemption(found: Mapping[str, Any], where: str) -> Exemption:
    # JSON may write what is absent as null.
    entry = {name: value for name, value in found.items() if value is not None}
    if unknown := sorted(set(entry) - set(COLUMNS)):
        raise InputError(f"{where}: unknown key {unknown[0]!r}; use {', '.join(COLUMNS)}")
    if ("account_id" in entry) == ("org_id" in entry):
        raise InputError(f"{where} must name exactly one of account_id and org_id")
    for name in ("account_id" if "account_id" in entry else "org_id", "reason"):
        value = entry.get(name)
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"{where}: {name} must be a text that is not empty")
    return Exemption(
        account_id=entry.get("account_id"),
        org_id=entry.get("org_id"),
        reason=entry["reason"],
        expires=_expiry(entry.get("expires"), where),
    )


def _expiry(value: object, where: str) -> datetime:
    mend = f"{where}: expires must be a date (2027-01-31) or a time with a zone"
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
        except ValueError as error:
            raise InputError(mend) from error
    match value:
        case datetime(tzinfo=None):
            raise InputError(mend)
        case datetime():
            return value.astimezone(UTC)
        case date():
            return datetime(value.year, value.month, value.day, tzinfo=UTC) + timedelta(days=1)
        case _:
            raise InputError(mend)
